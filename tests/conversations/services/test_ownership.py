from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from contactcenter.lib.errors import Refused
from conversations.models import Conversation, Participant
from conversations.services import lifecycle, ownership, participants
from tests.factories import conversations as make

pytestmark = pytest.mark.django_db


def _seats(conversation: Conversation) -> list[tuple[str, str, bool]]:
    rows = conversation.participants.order_by("id").values_list("user__username", "role", "left_at")
    return [(name, role, left is None) for name, role, left in rows]


def test_every_change_moves_the_version_and_seats_the_owner(now: dt.datetime) -> None:
    conversation = make.conversation()
    amira, bob = make.user(username="amira", first_name="Amira"), make.user(username="bob")
    team = make.team()

    versions = [
        ownership.change(conversation, owner="queue", owner_sid="WQ1", owner_name="Sales", queue_team=team, now=now),
        ownership.change(conversation, owner="worker", owner_sid="WK1", user=amira, now=now),
        ownership.change(conversation, owner="worker", owner_sid="WK2", user=bob, now=now),
        ownership.change(conversation, owner="queue", owner_sid="WQ1", owner_name="Sales", now=now),
    ]

    fresh = Conversation.objects.get()
    assert versions == [1, 2, 3, 4]
    assert (fresh.owner, fresh.owner_sid, fresh.owner_name, fresh.owner_user) == ("queue", "WQ1", "Sales", None)
    assert (fresh.taken_over_version, fresh.queue_team) == (3, team)
    assert _seats(conversation) == [("amira", "owner", False), ("bob", "owner", False)]


def test_an_agents_name_is_shown_as_the_owner(now: dt.datetime) -> None:
    conversation = make.conversation()

    ownership.change(conversation, owner="worker", owner_sid="WK1", user=make.user(first_name="Amira"), now=now)

    assert Conversation.objects.get().owner_name == "Amira"


def test_a_watcher_who_takes_over_keeps_one_seat(now: dt.datetime) -> None:
    conversation = make.conversation()
    supervisor = make.user(username="sara")
    participants.join(conversation, supervisor, now=now)

    ownership.change(conversation, owner="worker", user=supervisor, now=now)

    assert _seats(conversation) == [("sara", "owner", True)]


def test_who_owned_it_before_may_own_it_again(now: dt.datetime) -> None:
    conversation = make.conversation()
    amira = make.user(username="amira")
    for owner, user in (("worker", amira), ("queue", None), ("worker", amira), ("worker", amira)):
        ownership.change(conversation, owner=owner, user=user, now=now)

    assert _seats(conversation) == [("amira", "owner", False), ("amira", "owner", True)]


def test_a_closed_conversation_changes_hands_no_more(now: dt.datetime) -> None:
    conversation = make.conversation()
    lifecycle.close(conversation, now=now)

    with pytest.raises(Refused):
        ownership.change(conversation, owner="worker", user=make.user(), now=now)


def test_the_database_forbids_two_owners(now: dt.datetime) -> None:
    conversation = make.conversation(owner=make.user())

    with pytest.raises(IntegrityError), transaction.atomic():
        Participant.objects.create(conversation=conversation, user=make.user(), role="owner")


def test_the_database_forbids_two_open_conversations_of_one_thread(now: dt.datetime) -> None:
    conversation = make.conversation()

    with pytest.raises(IntegrityError), transaction.atomic():
        Conversation.objects.create(channel=conversation.channel, identity=conversation.identity)


# -- participants ----------------------------------------------------------------------------------


def test_joining_twice_is_joining_once_and_watching_can_become_joining(now: dt.datetime) -> None:
    conversation = make.conversation()
    sara = make.user(username="sara")

    for role in ("watching", "watching", "joining"):
        participants.join(conversation, sara, role=role, now=now)

    assert _seats(conversation) == [("sara", "joining", True)]


def test_an_owner_stays_owner_when_joining(now: dt.datetime) -> None:
    amira = make.user(username="amira")
    conversation = make.conversation(owner=amira)

    participants.join(conversation, amira, now=now)
    participants.leave(conversation, amira, now=now)

    assert _seats(conversation) == [("amira", "owner", True)]


def test_nobody_joins_as_owner_or_into_a_closed_conversation(now: dt.datetime) -> None:
    conversation = make.conversation()

    with pytest.raises(Refused):
        participants.join(conversation, make.user(), role="owner", now=now)
    lifecycle.close(conversation, now=now)
    with pytest.raises(Refused):
        participants.join(conversation, make.user(), now=now)


def test_what_was_read_only_grows_and_never_beyond_what_is_there(now: dt.datetime) -> None:
    amira = make.user()
    conversation = make.conversation(owner=amira)
    for _ in range(3):
        make.received(conversation.channel, sender=make.sender(conversation.identity.address))

    stands = [participants.mark_read(conversation, amira, seq, now=now) for seq in (2, 1, 99, 3)]

    assert stands == [2, 2, 3, 3]
    assert Conversation.objects.get().events.filter(type="participant.changed").count() == 2
    assert participants.mark_read(conversation, make.user(), 1, now=now) == 0


# -- the end ---------------------------------------------------------------------------------------


def test_closing_empties_the_seats_keeps_the_owner_on_record_and_happens_once(now: dt.datetime) -> None:
    amira = make.user(username="amira")
    conversation = make.conversation(owner=amira)
    participants.join(conversation, make.user(username="sara"), now=now)

    lifecycle.close(conversation, disposition="resolved", now=now)
    lifecycle.close(conversation, disposition="spam", now=now + dt.timedelta(hours=1))

    fresh = Conversation.objects.get()
    assert (fresh.status, fresh.closed_at, fresh.disposition, fresh.owner_user) == ("closed", now, "resolved", amira)
    assert _seats(conversation) == [("amira", "owner", False), ("sara", "watching", False)]
    assert fresh.events.filter(type="conversation.closed").count() == 1


def test_attributes_are_merged_and_none_removes(now: dt.datetime) -> None:
    conversation = make.conversation(attributes={"language": "ar", "vip": True})

    lifecycle.set_attributes(conversation, {"department": "sales", "vip": None, "bad\x00": "x\x00"}, now=now)
    lifecycle.set_attributes(conversation, {"department": "sales"}, now=now)

    fresh = Conversation.objects.get()
    assert fresh.attributes == {"language": "ar", "department": "sales", "bad": "x"}
    assert fresh.events.filter(type="conversation.updated").count() == 1
