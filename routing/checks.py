"""May this be saved: expressions, and workflow documents. Every door (admin, API, importer) asks here.

A mistake is named with its place: the character in an expression, the JSON path in a document, and what was expected;
in the reader's language, which the engine that finds it does not know.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from contactcenter.lib import remark
from contactcenter.lib.errors import Refused
from contactcenter.lib.remark import Remark
from routing.engine import expression as expressions
from routing.engine import workflow as documents
from routing.errors import worded
from routing.models import TaskQueue

MAX_BYTES = documents.MAX_BYTES


def expression(text: str) -> None:
    """Can the expression be read? Empty text is one that means nobody. Raises ``Refused``."""
    if text.strip():
        with _in_words():
            expressions.compile(text)


def workflow(document: Any, *, workspace_id: uuid.UUID) -> None:
    """Can the document be used in this workspace, every queue being there? Raises ``Refused``."""
    weigh(document)
    with _in_words():
        documents.parse(document, queues_of(workspace_id).get)


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (expressions.ExpressionError, documents.WorkflowError) as error:
        raise Refused(worded(error.message), code=error.code) from error


def read(text: str | bytes) -> Any:
    """The JSON of a document as it comes from a file or a form. Raises ``Refused`` for what is none, or too much."""
    size = len(text) if isinstance(text, bytes) else len(text.encode(errors="surrogatepass"))
    if size > documents.MAX_BYTES:
        raise _too_big()
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        return json.loads(decoded, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _no_json(error) from error


def weigh(document: Any) -> None:
    """Is the document small enough, and JSON at all? Raises ``Refused``."""
    try:
        size = len(
            json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
                errors="surrogatepass"
            )
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise _no_json(error) from error
    if size > documents.MAX_BYTES:
        raise _too_big()


def queues_of(workspace_id: uuid.UUID) -> Mapping[str, uuid.UUID]:
    """What documents may call the workspace's queues, sids and names, -> their ids."""
    rows = list(TaskQueue.objects.filter(workspace_id=workspace_id).only("id", "friendly_name"))
    known = {row.friendly_name: row.pk for row in rows}
    known.update({row.sid: row.pk for row in rows})
    return known


def _no_json(error: Exception) -> Refused:
    message = _("This is not JSON: %(problem)s.") % {"problem": worded(remark.of_json(error))}
    return Refused(message, code="routing.bad_workflow")


def _too_big() -> Refused:
    message = _("A workflow document has at most %(bytes)s bytes.") % {"bytes": documents.MAX_BYTES}
    return Refused(message, code="routing.bad_workflow")


def _no_constant(name: str) -> Any:
    raise ValueError(Remark("%(name)s is no number JSON knows", name=name))
