"""Flow documents several tests run."""

from __future__ import annotations

from tests.factories.flows import after_trigger, state

HELLO = after_trigger("hello", state("hello", "send-message", {"body": "Hi {{contact.name}}"}, sent="", failed=""))


ASK = after_trigger(
    "ask",
    state("ask", "send-and-wait-for-reply", {"body": "Name?", "timeout": "60"}, incomingMessage="greet", timeout="bye"),
    state("greet", "send-message", {"body": "Hello {{widgets.ask.inbound.Body}}"}, sent=""),
    state("bye", "send-message", {"body": "Too late"}, sent=""),
)


FLEX = after_trigger("flex", state("flex", "send-to-flex", {"attributes": "{}"}, callComplete="", failedToEnqueue=""))
