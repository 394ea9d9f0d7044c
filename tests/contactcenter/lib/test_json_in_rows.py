"""JSON comes back from a row as it went in, on either database."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Contact
from routing.models import Event
from tests.factories import routing as make

pytestmark = pytest.mark.django_db

VALUES = [
    {},
    {"text": 'tab\t \u0645\u0631\u062d\u0628\u0627 \U0001f600 \\ "quoted"'},
    {"numbers": [0, -1.5, 10**30, 2**63, 2**64]},
    {"nested": [{"a": [None, True, {"b": []}]}]},
]


@pytest.mark.parametrize("value", VALUES)
def test_json_comes_back_as_it_went_in(value: dict[str, Any]) -> None:
    contact = Contact.objects.create(attributes=value)

    contact.refresh_from_db()

    assert contact.attributes == value
    assert Contact.objects.filter(attributes=value).exists()


@pytest.mark.parametrize("value", VALUES)
def test_an_events_data_comes_back_as_it_went_in(value: dict[str, Any]) -> None:
    event = Event.objects.create(workspace=make.workspace(), type="task.created", data=value)
    Event.objects.bulk_create([Event(workspace=make.workspace(), type="task.updated", data=value)])

    assert list(Event.objects.order_by("id").values_list("data", flat=True))[-2:] == [value, value]
    event.data = {"other": value}
    event.save()
    event.refresh_from_db()
    assert event.data == {"other": value}


def test_keys_that_are_numbers_become_texts() -> None:
    contact = Contact.objects.create(attributes={1: "one"})

    contact.refresh_from_db()

    assert contact.attributes == {"1": "one"}
