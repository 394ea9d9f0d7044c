from __future__ import annotations

import pytest

from tests.factories.flows import document, state
from tests.flows.walk import Walk


@pytest.mark.parametrize(
    ("kind", "wired", "event"),
    [
        ("message", ["incomingMessage", "incomingConversationMessage"], "incomingMessage"),
        ("message", ["incomingConversationMessage"], "incomingConversationMessage"),
        ("message", ["incomingCall"], "incomingMessage"),
        ("call", ["incomingMessage", "incomingCall"], "incomingCall"),
        ("request", ["incomingRequest"], "incomingRequest"),
        ("parent", ["incomingParent"], "incomingParent"),
        ("something", ["incomingMessage"], "incomingMessage"),
    ],
)
def test_what_began_the_execution_decides_the_event(kind: str, wired: list[str], event: str) -> None:
    hello = state("hello", "set-variables", {"variables": []}, next="")
    definition = document(state("Trigger", "trigger", None, **dict.fromkeys(wired, "hello")), hello)

    walk = Walk(definition).begin(kind=kind)

    assert walk.path[0] == ("Trigger", event)
    assert (("hello", "next") in walk.path) is (event in wired)
