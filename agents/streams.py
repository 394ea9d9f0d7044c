"""Reading streams from rows: what a console missed, and what is new. Hints only say when to look here."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import operator
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from agents import access
from agents.access import Desk
from agents.protocol import MAX_REPLAY, WORKER, frames
from contactcenter.lib import ids
from conversations import queries as conversation_queries
from conversations.models import Conversation
from conversations.models import Event as ConversationEvent
from conversations.services import visibility
from routing import queries as routing_queries
from routing.models import Event as RoutingEvent
from routing.models import Worker

#: stream -> number of the last event the console holds (None: nothing)
Positions = Mapping[str, int | None]


@dataclasses.dataclass(slots=True)
class Reading:
    """Frames to send, in order; where each stream then stands; whether more rows wait."""

    frames: list[frames.Frame] = dataclasses.field(default_factory=list)
    positions: dict[str, int] = dataclasses.field(default_factory=dict)
    more: bool = False


def start(desk: Desk, wanted: Positions) -> Reading:
    """Bring a console up to date that holds ``wanted``: replay what it missed, or send a snapshot when it holds
    nothing, too little, or more than there is. What this person may not see is gone."""
    reading = Reading()
    numbers = {row_id: wanted[stream] for stream in wanted if (row_id := ids.parse_sid("CH", stream)) is not None}
    with _one_moment():
        if WORKER in wanted:
            _start_worker(desk, wanted[WORKER], reading)
        seen = {one.pk: one for one in visibility.visible_to(desk.user).filter(pk__in=list(numbers))}
        replayed = {
            pk: n for pk, n in numbers.items() if pk in seen and n is not None and _is_replayable(n, seen[pk].event_seq)
        }
        rows = _conversation_events(desk, replayed, reading)
        for pk in numbers:
            stream = Conversation.sid_prefix + pk.hex
            if pk not in seen:
                reading.frames.append(frames.Gone(stream=stream))
            elif pk not in replayed or not _replay(stream, replayed[pk], rows.get(pk, []), reading):
                _snapshot(stream, conversation_queries.snapshot(seen[pk]), reading)
    return reading


def start_for(user_id: uuid.UUID, wanted: Positions) -> Reading:
    """As ``start``, for whoever has this id. Raises ``access.NotAllowed``."""
    return start(access.get_desk(user_id), wanted)


def proceed(
    user_id: uuid.UUID, worker_id: uuid.UUID | None, held: Mapping[str, int], looked_at: Iterable[str]
) -> Reading:
    """What is new in the streams ``looked_at`` for a console that holds ``held``. One query for the worker, one for all
    conversations; those this person may no longer see yield nothing. Raises ``access.NotAllowed``."""
    reading = Reading()
    wanted = {stream: held[stream] for stream in looked_at if stream in held}
    if WORKER in wanted and worker_id is not None and not _replay_worker(worker_id, wanted[WORKER], reading):
        _start_worker(access.get_desk(user_id), None, reading)
    numbers = {row_id: n for stream, n in wanted.items() if (row_id := ids.parse_sid("CH", stream)) is not None}
    if numbers:
        rows = _conversation_events(access.get_desk(user_id), numbers, reading)
        for pk, events in rows.items():
            stream = Conversation.sid_prefix + pk.hex
            if not _replay(stream, numbers[pk], events, reading):
                _snapshot(stream, conversation_queries.snapshot(Conversation.objects.get(pk=pk)), reading)
    return reading


def heads(conversations: Iterable[uuid.UUID], workers: Iterable[uuid.UUID]) -> tuple[dict[uuid.UUID, int], ...]:
    """The last event numbers of these conversations, and of these workers: two queries."""
    return (
        dict(Conversation.objects.filter(pk__in=list(conversations)).values_list("pk", "event_seq")),
        dict(Worker.objects.filter(pk__in=list(workers)).values_list("pk", "event_seq")),
    )


def _is_replayable(held: int, last: int) -> bool:
    return held <= last <= held + MAX_REPLAY


def _start_worker(desk: Desk, held: int | None, reading: Reading) -> None:
    if desk.worker is None:
        reading.frames.append(frames.Gone(stream=WORKER))
        return
    worker = Worker.objects.select_related("activity", "workspace", "user").get(pk=desk.worker.pk)
    if held is None or not _is_replayable(held, worker.event_seq) or not _replay_worker(worker.pk, held, reading):
        _snapshot(WORKER, routing_queries.worker_snapshot(worker), reading)


def _replay_worker(worker_id: uuid.UUID, held: int, reading: Reading) -> bool:
    events = _worker_events(worker_id, held)
    if not events and Worker.objects.filter(pk=worker_id, event_seq__gt=held).exists():
        events = _worker_events(worker_id, held)  # perhaps committed between the two
        if not events:
            return False  # they are not kept for ever
    reading.more |= len(events) == MAX_REPLAY
    return _replay(WORKER, held, [(event.worker_seq or 0, event) for event in events], reading)


def _worker_events(worker_id: uuid.UUID, held: int) -> list[RoutingEvent]:
    newer = RoutingEvent.objects.filter(worker=worker_id, worker_seq__gt=held)
    return list(newer.order_by("worker_seq")[:MAX_REPLAY])


def _conversation_events(
    desk: Desk, numbers: Mapping[uuid.UUID, int], reading: Reading
) -> dict[uuid.UUID, list[tuple[int, ConversationEvent]]]:
    if not numbers:
        return {}
    newer = functools.reduce(operator.or_, (Q(conversation_id=pk, seq__gt=n) for pk, n in numbers.items()))
    visible = visibility.visible_to(desk.user).filter(pk__in=list(numbers)).values("pk")
    rows: dict[uuid.UUID, list[tuple[int, ConversationEvent]]] = {}
    found = ConversationEvent.objects.filter(newer, conversation__in=visible).order_by("seq")[:MAX_REPLAY]
    for event in found:
        rows.setdefault(event.conversation_id, []).append((event.seq, event))
    # Ordered by seq, so what was cut off is the end of each stream.
    reading.more |= len(found) == MAX_REPLAY
    return rows


def _replay(stream: str, held: int, events: list[tuple[int, Any]], reading: Reading) -> bool:
    """Add the frames of ``events``. False, and nothing is added, when a number is missing."""
    if [seq for seq, _ in events] != list(range(held + 1, held + 1 + len(events))):
        return False
    for seq, event in events:
        at = event.created_at.isoformat()
        reading.frames.append(frames.Event(stream=stream, seq=seq, event=event.type, data=event.data, at=at))
    reading.positions[stream] = held + len(events)
    return True


def _snapshot(stream: str, state: dict[str, Any], reading: Reading) -> None:
    reading.frames.append(frames.Snapshot(stream=stream, seq=state["seq"], state=state))
    reading.positions[stream] = state["seq"]


@contextlib.contextmanager
def _one_moment() -> Iterator[None]:
    """Several reads of one moment. (SQLite's transactions take the write lock here, so it goes without: a part of a
    snapshot may then be newer than its number, and the events between, which hold whole parts, put that right.)"""
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield
