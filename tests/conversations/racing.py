"""Many at once: what the race tests share. Everything here wants a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections

from conversations.models import Conversation, Event


def at_once(functions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run functions in threads of their own, started together; their results, or the first exception."""
    results: list[Any] = [None] * len(functions)
    failures: list[BaseException] = []
    barrier = threading.Barrier(len(functions))

    def run(number: int, function: Callable[[], Any]) -> None:
        try:
            barrier.wait(20)
            results[number] = function()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]
    return results


def numbers_are_gapless(conversation: Conversation) -> bool:
    fresh = Conversation.objects.get(pk=conversation.pk)
    seqs = list(fresh.messages.order_by("seq").values_list("seq", flat=True))
    events = list(Event.objects.filter(conversation=fresh).order_by("seq").values_list("seq", flat=True))
    return seqs == list(range(1, fresh.message_seq + 1)) and events == list(range(1, fresh.event_seq + 1))
