"""The inbox: what comes in is committed before it is answered, and done in order per lane.

``accept`` is the webhook's way in, ``submit`` that of adapters with links of their own. Both end in rows; a Celery
hint per lane leads to ``drain`` (see ``drain.py``), and a sweep finds what no hint announced.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import uuid
from collections.abc import Sequence

import structlog
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from channels_adapters import registry
from channels_adapters.contract import (
    ChannelAdapter,
    Malformed,
    ParseResult,
    Typing,
    Unsupported,
    WebhookRequest,
    WebhookResponse,
)
from channels_adapters.contract import InboundEvent as Event
from contactcenter.lib import crash
from contactcenter.lib.errors import ContactCenterError, InvalidSignature, Refused, UnparsablePayload
from contactcenter.lib.text import scrub, scrub_json
from conversations import events, wire
from conversations.models import Channel, Connection, Conversation, InboundEvent, Payload
from conversations.services import lanes, once, plain
from conversations.services.drain import drain_lane, sweep
from conversations.services.thread import fit

__all__ = ["accept", "drain_lane", "replay", "submit", "sweep"]

log = structlog.get_logger(__name__)

#: Headers that are kept with a payload; the rest may carry credentials of proxies and is of no use.
KEPT_HEADERS = ("content-type", "user-agent", "date")
_Status = InboundEvent.Status


def accept(connection: Connection, request: WebhookRequest, *, now: dt.datetime) -> WebhookResponse:
    """One request of a provider: verified, parsed, committed, acknowledged.

    Raises ``InvalidSignature`` with nothing stored. What cannot be parsed is kept and acknowledged all the same (a
    provider that keeps getting errors unsubscribes us). Database errors go through: the door answers 503.
    """
    adapter = registry.get(connection.type)
    settings = connection.opened()
    _verify(adapter, request, settings)
    payload = Payload(
        connection=connection,
        digest=hashlib.sha256(request.body).hexdigest(),
        body=request.body,
        headers={name: scrub(request.headers[name])[:500] for name in KEPT_HEADERS if name in request.headers},
        query=scrub_json(dict(request.query)),
        created_at=now,
    )
    try:
        parsed = adapter.parse(request, settings)
    except Exception as error:
        parsed = []
        _mark_unreadable(payload, error)
    _store(connection, parsed, payload, now=now)
    return adapter.acknowledge(request)


def _verify(adapter: ChannelAdapter, request: WebhookRequest, settings: dict[str, object]) -> None:
    """Fails closed: an adapter that stumbles over a hostile header has not verified anything."""
    try:
        adapter.verify(request, settings)
    except InvalidSignature:
        raise
    except Exception as error:
        log.exception("inbound.verify_crashed", channel_type=adapter.slug)
        raise InvalidSignature(_("The sender could not be verified.")) from error


def _mark_unreadable(payload: Payload, error: Exception) -> None:
    payload.status = Payload.Status.FAILED
    if isinstance(error, UnparsablePayload):
        payload.error = scrub(error.message)
        log.warning("inbound.unparsable", connection=payload.connection.sid, payload=payload.sid)
    else:
        payload.error = f"{type(error).__name__} in the adapter"
        log.exception("inbound.parse_crashed", connection=payload.connection.sid, payload=payload.sid)


def submit(channel: Channel, events_: Sequence[Event], *, now: dt.datetime) -> None:
    """As ``accept``, for an adapter that holds its own link and has verified the sender itself. Returns after the
    commit; ``Typing`` is passed on and never stored."""
    _store(channel.connection, list(events_), None, now=now)


def replay(row: InboundEvent | Payload, *, now: dt.datetime) -> None:
    """Do it again, for an operator: a payload is parsed anew (events it has already are left alone), an event that
    failed or was ignored starts over. Raises ``Refused`` for an event that is done or has nothing to start from."""
    if isinstance(row, Payload):
        _replay_payload(row, now=now)
        return
    if row.status not in (_Status.FAILED, _Status.IGNORED):
        raise Refused(_("Only events that failed or were ignored can be replayed."), code="inbound.not_failed")
    if row.kind == "malformed":
        raise Refused(_("This element could not be read. Replay its payload instead."), code="inbound.malformed")
    address = row.body["channel_address"]
    channel = Channel.objects.filter(connection_id=row.connection_id, address=address).first()
    if channel is None:
        raise Refused(_("There is still no channel with the address %s.") % address, code="inbound.no_channel")
    with transaction.atomic():
        InboundEvent.objects.filter(pk=row.pk).update(
            status=_Status.PENDING,
            channel=channel,
            lane=_lane_of(channel.pk, wire.from_json(row.kind, row.body)),
            attempts=0,
            due_at=None,
            error="",
            created_at=now,
        )
        fresh = InboundEvent.objects.get(pk=row.pk)
        _ring_on_commit([fresh.lane])


def _replay_payload(payload: Payload, *, now: dt.datetime) -> None:
    connection = payload.connection
    adapter = registry.get(connection.type)
    request = WebhookRequest("POST", "", payload.query, payload.headers, bytes(payload.body), payload.created_at)
    try:
        parsed = adapter.parse(request, connection.opened())
    except ContactCenterError as error:
        raise Refused(error.message, code=error.code) from error
    with transaction.atomic():
        # Elements that could not be read then may be readable now: their quarantined rows make room.
        payload.events.filter(status=_Status.FAILED, kind="malformed").delete()
        rows, _typing = _rows(connection, parsed, payload, now=now)
        once.insert_all(rows)
        Payload.objects.filter(pk=payload.pk).update(status=Payload.Status.PARSED, error="")
        _ring_on_commit([row.lane for row in rows if row.status == _Status.PENDING])


# -- rows ------------------------------------------------------------------------------------------


def _store(connection: Connection, parsed: ParseResult, payload: Payload | None, *, now: dt.datetime) -> None:
    """ONE commit of the payload and its events. Redeliveries fall on the unique keys."""
    rows, typing = _rows(connection, parsed, payload, now=now)
    with transaction.atomic():
        if payload is None or once.insert(payload) or _repaired(connection, payload, rows):
            once.insert_all(rows)
        crash.point("inbound.before_commit")
        # Rung for redeliveries too: the first delivery's hint may be what was lost.
        _ring_on_commit([row.lane for row in rows if row.status == _Status.PENDING])
    for event in typing:
        _pass_on(event)


def _repaired(connection: Connection, payload: Payload, rows: Sequence[InboundEvent]) -> bool:
    """The same bytes came before. True when they could not be read then and can be now."""
    known = Payload.objects.filter(connection=connection, digest=payload.digest)
    known.update(deliveries=F("deliveries") + 1)
    if payload.status != Payload.Status.PARSED:
        return False
    failed = known.filter(status=Payload.Status.FAILED).first()
    if failed is None:
        return False
    failed.status, failed.error = Payload.Status.PARSED, ""
    failed.save(update_fields=["status", "error"])
    for row in rows:
        row.payload = failed
    return True


def _rows(
    connection: Connection, parsed: ParseResult, payload: Payload | None, *, now: dt.datetime
) -> tuple[list[InboundEvent], list[tuple[Channel, Typing]]]:
    """Inbox rows of what was parsed, and the typing that is only passed on."""
    lines = _lines(connection, {scrub(event.channel_address) for event in parsed})
    rows: list[InboundEvent] = []
    typing: list[tuple[Channel, Typing]] = []
    for event in parsed:
        channel = lines.get(scrub(event.channel_address))
        if isinstance(event, Typing):
            if channel is not None and channel.is_active:
                typing.append((channel, event))
            continue
        try:
            row = _row(connection, channel, event, payload, now=now)
        except Exception as error:  # a date out of range ...: this element is quarantined, its neighbours are not
            log.exception("inbound.element_unusable", connection=connection.sid)
            row = _row(connection, None, _quarantined(event, error), payload, now=now)
        rows.append(row)
    return rows, typing


def _lines(connection: Connection, addresses: set[str]) -> dict[str, Channel]:
    """The connection's channels with these addresses."""
    if not addresses:
        return {}
    places = ", ".join(["%s"] * len(addresses))
    rows = plain.select(
        Channel,
        f"WHERE connection_id = %s AND address IN ({places})",
        (Connection._meta.pk, connection.pk),
        *((None, address) for address in addresses),
    )
    return {row.address: row for row in rows}


def _quarantined(event: Event | Malformed, error: Exception) -> Malformed:
    return Malformed(event.key, event.channel_address, f"{type(error).__name__} in the element", None)


def _row(
    connection: Connection,
    channel: Channel | None,
    event: Event | Malformed,
    payload: Payload | None,
    *,
    now: dt.datetime,
) -> InboundEvent:
    row = InboundEvent(
        payload=payload,
        connection=connection,
        channel=channel,
        key=fit(scrub(event.key)),
        kind=wire.kind_of(event),
        body=scrub_json(wire.to_json(event)),
        at=now if isinstance(event, Malformed) else event.at,
        created_at=now,
    )
    if isinstance(event, Malformed):
        row.status, row.error, row.done_at = _Status.FAILED, scrub(event.error), now
    elif channel is None:
        row.status, row.done_at = _Status.IGNORED, now
        row.error = _("No channel of this connection has the address %s.") % scrub(event.channel_address)[:200]
    elif not channel.is_active:
        row.status, row.error, row.done_at = _Status.IGNORED, _("The channel is switched off."), now
    elif (problem := _unusable(event)) is not None:
        row.status, row.error, row.done_at = _Status.FAILED, problem, now
    else:
        row.lane = _lane_of(channel.pk, event)
    return row


def _unusable(event: Event) -> str | None:
    """Why nobody could be found by this event's address; None when all is well."""
    address = _address_of(event)
    if address is None:
        return None if isinstance(event, Unsupported) else _("The element names no sender.")
    if not address or len(address) > 255:
        return _("The sender's address is empty or longer than 255 characters.")
    return None


def _address_of(event: Event | Malformed) -> str | None:
    person = getattr(event, "sender", None) or getattr(event, "recipient", None)
    return None if person is None else scrub(person.address)


def _lane_of(channel_id: uuid.UUID, event: Event | Malformed) -> str:
    return lanes.name(channel_id, _address_of(event) or "")


def _ring_on_commit(lanes: Sequence[str]) -> None:
    unique = list(dict.fromkeys(lanes))
    transaction.on_commit(functools.partial(_ring, unique), robust=True)


def _ring(names: Sequence[str]) -> None:
    crash.point("inbound.committed")
    lanes.ring(names)


def _pass_on(event: tuple[Channel, Typing]) -> None:
    channel, typing = event
    found = (
        Conversation.objects.filter(
            channel=channel,
            status=Conversation.Status.OPEN,
            identity__kind=typing.sender.kind,
            identity__scope=scrub(typing.sender.scope),
            identity__address=scrub(typing.sender.address),
        )
        .values_list("pk", flat=True)
        .first()
    )
    if found is not None:
        events.typing.send_robust(sender=None, conversation_id=found, active=typing.active)
