from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from contactcenter.lib.remark import Remark
from contactcenter.lib.text import scrub_json
from flows import liquid
from flows.document import State
from flows.values import CreateTask, Event, Outcome
from flows.widgets.base import NUMBER, TEXT, Flaw, Go, Hold, Types, Visit, Widget

_NOTICES = ("now", "later", "off")
_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")


class SendToFlex(Widget):
    """Hands the conversation to people: creates the task and goes on at once.

    ``workflow`` and ``channel`` take sids or names, empty = the default workflow and the channel's own task channel.
    Beyond Studio: ``queue_notice`` ("now", "later", "off"), see ``values.CreateTask``; with "later"
    the output has ``ahead``, the number of customers ahead.
    """

    type: ClassVar[str] = "send-to-flex"
    events: ClassVar[tuple[str, ...]] = ("callComplete", "failedToEnqueue", "callFailure", "composerStarted")
    properties: ClassVar[Mapping[str, Types]] = {
        "workflow": TEXT,
        "channel": TEXT,
        "attributes": TEXT,
        "priority": NUMBER,
        "timeout": NUMBER,
        "queue_notice": TEXT,
    }

    def run(self, visit: Visit) -> Go | Hold:
        try:
            attributes = _attributes(visit.text("attributes"))
        except ValueError as error:
            return self._failed(visit, str(error))
        notice = visit.text("queue_notice").strip().lower()
        return Hold(
            until="outcome",
            command=CreateTask(
                visit=visit.number,
                attributes=attributes,
                workflow=visit.text("workflow").strip(),
                task_channel=visit.text("channel").strip(),
                priority=visit.integer("priority", None),
                timeout=visit.integer("timeout", None, least=1, most=1_209_600),
                queue_notice=notice if notice in _NOTICES else "now",
            ),
            memory={"attributes": attributes},
        )

    def receive(self, visit: Visit, event: Event) -> Go | Hold | None:
        if not isinstance(event, Outcome):
            return None
        if not event.ok:
            return self._failed(visit, event.error)
        return Go("callComplete", {**visit.memory, **event.data})

    @staticmethod
    def _failed(visit: Visit, message: str) -> Go:
        visit.warn("81015", message)
        return Go("failedToEnqueue", {"error": message[:500]}, error=("81015", message[:500]))

    def flaws(self, state: State) -> Iterator[Flaw]:
        for name, prefix in (("workflow", "WW"), ("channel", "TC")):
            value = state.properties.get(name)
            if isinstance(value, str) and _SID.fullmatch(value.strip()) and not value.strip().startswith(prefix):
                yield Flaw(
                    "sid_malformed",
                    Remark(
                        "The %(name)s is not the id of one (those begin with %(prefix)s).", name=name, prefix=prefix
                    ),
                )
        attributes = state.properties.get("attributes")
        if isinstance(attributes, str) and not liquid.is_template(attributes):
            try:
                _attributes(attributes)
            except ValueError as error:
                yield Flaw("attributes_invalid", error.args[0])
        if state.properties.get("queue_notice") not in (None, "", *_NOTICES):
            yield Flaw("queue_notice_unknown", Remark("The queue notice is 'now', 'later' or 'off'."))


def _attributes(text: str) -> dict[str, Any]:
    """The task's attributes. Raises ``ValueError`` with a message for the author."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(
            Remark('The attributes are not JSON. Write customer\'s words as {"name": {{ contact.name | to_json }}}.')
        ) from None
    if not isinstance(value, dict):
        raise ValueError(Remark("The attributes must be a JSON object."))
    return scrub_json(value)  # type: ignore[no-any-return]
