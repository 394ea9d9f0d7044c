from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from contactcenter.lib.remark import Remark
from flows import answers
from flows.document import State
from flows.values import Event, Outcome, SendMessage
from flows.widgets import send_message
from flows.widgets.base import LIST, NUMBER, TEXT, Flaw, Go, Hold, Types, Visit, Widget


class AnswerFromList(Widget):
    """Our bot step: answers from a list of questions, in the customer's language.

    ``input`` (default ``{{trigger.message.Body}}``) is compared with the ``phrases`` of each of ``answers``
    (``{"id", "phrases": {"en": [...], "ar": [...]}, "answer": {"en": ..., "ar": ...}, "quick_replies": {...}}``); a
    phrase that begins with ``=`` must be the whole message. ``handoff`` (phrases) is looked at first. Ends with
    ``answered`` once the answer is sent (or at once, for an entry that only wants recognising and has no ``answer``),
    ``noMatch``, ``handoff``, or ``failed`` when sending failed. Output: ``answer_id``, ``score``, ``outbound``.
    """

    type: ClassVar[str] = "answer-from-list"
    events: ClassVar[tuple[str, ...]] = ("answered", "noMatch", "handoff", "failed")
    required: ClassVar[tuple[str, ...]] = ("answers",)
    properties: ClassVar[Mapping[str, Types]] = {
        "input": TEXT,
        "from": TEXT,
        "answers": LIST,
        "handoff": (dict, list),
        "threshold": (int, float, str),
        "timeout": NUMBER,
    }

    def run(self, visit: Visit) -> Go | Hold:
        properties = visit.state.properties
        question = visit.render(properties.get("input") or "{{trigger.message.Body}}")
        threshold = _threshold(properties.get("threshold"))
        handoff = answers.phrases_of(properties.get("handoff"))
        if handoff and answers.matcher([handoff]).find(question, threshold=threshold):
            return Go("handoff")
        entries = [entry for entry in _list(properties.get("answers")) if isinstance(entry, Mapping)]
        match = answers.matcher([answers.phrases_of(e.get("phrases")) for e in entries]).find(
            question, threshold=threshold
        )
        if match is None:
            return Go("noMatch")
        entry = entries[match.index]
        text = visit.render(answers.in_language(entry.get("answer"), visit.language)).strip()
        found = {"answer_id": str(entry.get("id", match.index)), "score": match.score}
        if not text:
            return Go("answered", found)
        channel = visit.context.get("flow", {}).get("channel")
        author = visit.text("from").strip()
        message = SendMessage(
            visit=visit.number,
            text=text,
            author_name="" if isinstance(channel, Mapping) and author == channel.get("address") else author[:64],
            quick_replies=visit.texts(answers.in_language(entry.get("quick_replies"), visit.language)),
        )
        return Hold(until="outcome", command=message, memory=found)

    def receive(self, visit: Visit, event: Event) -> Go | Hold | None:
        if not isinstance(event, Outcome):
            return None
        if not event.ok:
            return send_message.failed(visit, event.error)
        return Go("answered", {**visit.memory, **send_message.output(event)})

    def flaws(self, state: State) -> Iterator[Flaw]:
        for number, entry in enumerate(_list(state.properties.get("answers")), 1):
            if not isinstance(entry, Mapping):
                yield Flaw("answer_malformed", Remark("Answer %(number)s is not an object.", number=number))
            elif not any(answers.phrases_of(entry.get("phrases"))):
                yield Flaw(
                    "answer_without_phrases",
                    Remark("Answer %(number)s has no phrases to recognise it by.", number=number),
                )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _threshold(value: object) -> float:
    try:
        return min(1.0, max(0.1, float(value)))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return answers.THRESHOLD
