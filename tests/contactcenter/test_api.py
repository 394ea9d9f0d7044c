from __future__ import annotations

import pytest

from contactcenter import api
from contactcenter.lib import errors


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.NotVisible("No such conversation."), 404, "not_found"),
        (errors.Refused("Too late.", code="routing.too_late"), 409, "routing.too_late"),
        (errors.InvalidSignature("Wrong."), 403, "invalid_signature"),
        (errors.UnparsablePayload("Cannot be read."), 400, "unparsable_payload"),
    ],
)
def test_our_errors_have_a_status_and_a_code(error: errors.ContactCenterError, status: int, code: str) -> None:
    response = api.handle_exception(error, {})

    assert response is not None
    assert response.status_code == status
    assert response.data == {"code": code, "message": error.message}


def test_an_unnamed_error_is_a_bug_and_goes_on() -> None:
    assert api.handle_exception(RuntimeError("bug"), {}) is None
