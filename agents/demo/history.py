"""What customers said before today: so that timelines, lists and reports have something to show.

Made through the services, at times in the past; what "was sent" is marked as delivered in the same transaction, so
nothing of it is sent to anybody now.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.db import transaction

from agents.models import User
from channels_adapters.contract import InboundMessage, Sender
from channels_adapters.messenger import simulator as messenger
from channels_adapters.simulator.base import Persona
from conversations.models import Channel, Contact, Conversation, Identity, Message, Transmission
from conversations.services import contacts, lifecycle, messages, ownership, statuses, stream
from routing.models import Worker


@dataclasses.dataclass(frozen=True)
class Talk:
    """One conversation of the past. ``lines``: (who, text); who is "customer", "bot" or an agent's user name."""

    channel: str
    customer: str
    ago: dt.timedelta
    agent: str
    disposition: str
    lines: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Customer:
    """Somebody the shop knows. ``messenger``: the simulated person's address; ``web``: a visitor's."""

    key: str
    name: str
    language: str
    is_vip: bool = False
    notes: str = ""
    messenger: str = ""
    web: str = ""


def _persona(*, vip: bool, language: str) -> Persona:
    return next(one for one in messenger.DEMO_PERSONAS if one.language == language and (one.note == "VIP") == vip)


_LAYLA, _EMMA = _persona(vip=True, language="ar"), _persona(vip=False, language="en")

CUSTOMERS = (
    Customer(
        "layla", _LAYLA.name, "ar", True, "Orders for her hotel every month. Prefers to be called, never by e-mail.",
        messenger=_LAYLA.address, web="0192f0c000007000800000006c61796c",
    ),
    Customer("emma", _EMMA.name, "en", messenger=_EMMA.address),
    Customer("tom", "Tom Becker", "en", web="0192f0c0000070008000000000746f6d"),
)  # fmt: skip

_DAY = dt.timedelta(days=1)
TALKS = (
    Talk("webchat", "layla", 24 * _DAY, "dalia", "sold", (
        ("customer", "مرحبا، أحتاج 40 منشفة للفندق. هل يوجد خصم على الكميات؟"),
        ("dalia", "أهلًا ليلى! نعم، خصم 12٪ على الطلبات فوق 30 قطعة."),
        ("customer", "ممتاز. أرجو إرسال عرض السعر."),
        ("dalia", "أرسلته الآن. الطلب رقم DS-20418 محجوز لك حتى نهاية الأسبوع."),
        ("customer", "شكرًا، أكدت الطلب."),
    )),
    Talk("messenger", "layla", 9 * _DAY, "amira", "resolved", (
        ("customer", "وصلت المناشف لكن اللون مختلف عن الصورة."),
        ("bot", "شكرًا لك. سأحوّلك الآن إلى أحد موظفينا."),
        ("amira", "آسفة لذلك يا ليلى. هل يمكنك إرسال صورة للملصق؟"),
        ("customer", "الملصق يقول «رملي» وأنا طلبت «أبيض»."),
        ("amira", "معك حق، الخطأ من المستودع. سنستبدلها غدًا دون أي تكلفة، ويأخذ المندوب القديمة معه."),
        ("customer", "شكرًا أميرة، خدمتكم رائعة."),
    )),
    Talk("webchat", "layla", 2 * _DAY, "amira", "follow-up", (
        ("customer", "هل يمكن جدولة الطلب الشهري تلقائيًا؟"),
        ("amira", "سأسأل قسم المبيعات وأعود إليك هذا الأسبوع."),
    )),
    Talk("messenger", "emma", 5 * _DAY, "elena", "refunded", (
        ("customer", "Hi, my parcel came with a broken mug"),
        ("elena", "Oh no, I am sorry! Shall I send a new one or refund it?"),
        ("customer", "A refund would be great"),
        ("elena", "Done. You will see it within five working days."),
    )),
    Talk("webchat", "tom", 1 * _DAY, "bob", "sold", (
        ("customer", "Do you have the oak shelf in 120 cm?"),
        ("bob", "We do, three left in stock. Shall I put one aside for you?"),
        ("customer", "Yes please, I will order tonight."),
    )),
)  # fmt: skip


def ensure(people: dict[str, User], channels: dict[str, Channel], *, now: dt.datetime) -> None:
    """Tell the stories, unless their customers have been here before."""
    customers = {customer.key: customer for customer in CUSTOMERS}
    for customer in CUSTOMERS:
        if Identity.objects.filter(address__in=filter(None, [customer.messenger, customer.web])).exists():
            continue
        with transaction.atomic():
            contact = _introduce(customer, channels, now=now - 30 * _DAY)
            for talk in TALKS:
                if talk.customer == customer.key:
                    _tell(talk, _sender(customers[talk.customer], talk.channel, channels), people, channels, now=now)
            contacts.update(contact, is_vip=customer.is_vip, notes=customer.notes, now=now)


def _sender(customer: Customer, channel: str, channels: dict[str, Channel]) -> Sender:
    kind, address = ("web", customer.web) if channel == "webchat" else ("messenger", customer.messenger)
    scope = channels[channel].address
    return Sender(kind=kind, scope=scope, address=address, name=customer.name, language=customer.language)


def _introduce(customer: Customer, channels: dict[str, Channel], *, now: dt.datetime) -> Contact:
    """The contact with all their addresses: an agent has merged the channels' separate contacts."""
    known = [
        contacts.resolve(channels[channel], _sender(customer, channel, channels), now=now).contact
        for channel, address in (("messenger", customer.messenger), ("webchat", customer.web))
        if address
    ]
    for other in known[1:]:
        contacts.merge(known[0], other, now=now)
    return known[0]


def _tell(
    talk: Talk, sender: Sender, people: dict[str, User], channels: dict[str, Channel], *, now: dt.datetime
) -> None:
    channel, at = channels[talk.channel], now - talk.ago
    conversation: Conversation | None = None
    for number, (who, text) in enumerate(talk.lines):
        at += dt.timedelta(seconds=40 + 25 * number)
        key = f"demo-{talk.customer}-{talk.channel}-{talk.ago.days}-{number}"
        if who == "customer":
            event = InboundMessage(
                key=key, channel_address=channel.address, at=at, sender=sender, external_id=key, text=text
            )
            message = messages.receive(channel, event, now=at)
            assert message is not None
            conversation = message.conversation
            continue
        assert conversation is not None
        if who != "bot":
            _take(conversation, people[who], at)
        author = "bot" if who == "bot" else "user"
        sent = messages.send(conversation, text=text, key=key, author=author, user=people.get(who), now=at)
        assert sent is not None
        _mark_read(sent, conversation, key, at)
    assert conversation is not None
    lifecycle.close(conversation, disposition=talk.disposition, now=at + dt.timedelta(minutes=3))


def _take(conversation: Conversation, agent: User, at: dt.datetime) -> None:
    conversation.refresh_from_db()
    if conversation.owner_user_id != agent.pk:
        worker = Worker.objects.get(user=agent)
        ownership.change(
            conversation, owner="worker", owner_sid=worker.sid, user=agent, queue_team=agent.teams.first(), now=at
        )


def _mark_read(message: Message, conversation: Conversation, key: str, at: dt.datetime) -> None:
    locked = stream.lock(conversation)
    parts = list(message.transmissions.order_by("part"))
    for part in parts:
        part.status, part.sent_at, part.external_id = Transmission.Status.READ, at, f"{key}-{part.part}"
        part.save(update_fields=["status", "sent_at", "external_id"])
    statuses.settle(locked, message, parts)
