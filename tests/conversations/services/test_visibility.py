"""Role by object: who sees which conversation, and everything that hangs on it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from channels_adapters.contract import InboundAttachment
from contactcenter.lib.errors import NotVisible
from conversations import queries
from conversations.models import Conversation
from conversations.services import lifecycle, media, messages, ownership, participants, visibility
from tests.factories import conversations as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(now: dt.datetime) -> dict[str, Any]:
    """Two teams; conversations owned, waiting, watched, left, closed, and somebody else's."""
    sales, support, night = make.team(name="Sales"), make.team(name="Support"), make.team(name="Night")
    line = make.channel(team=sales)
    users: dict[str, Any] = {
        "member": make.user(teams=[sales]),
        "queue member": make.user(teams=[night]),
        "stranger": make.user(teams=[support]),
        "owner": make.user(),
        "watcher": make.user(),
        "left": make.user(),
        "supervisor": make.user(teams=[sales], is_staff=True),
        "foreign supervisor": make.user(teams=[support], is_staff=True),
        "superuser": make.user(is_superuser=True),
        "inactive member": make.user(teams=[sales], is_active=False),
        "inactive superuser": make.user(is_superuser=True, is_active=False),
        "anonymous": AnonymousUser(),
        "teamless": make.user(),
    }
    conversation = make.conversation(channel=line)
    ownership.change(conversation, owner="worker", user=users["left"], now=now)
    ownership.change(conversation, owner="queue", queue_team=night, now=now)
    ownership.change(conversation, owner="worker", user=users["owner"], now=now)
    participants.join(conversation, users["watcher"], now=now)
    return {"conversation": conversation, "users": users, "line": line}


SEES = {"member", "queue member", "owner", "watcher", "left", "supervisor", "superuser"}
ROLES = sorted(
    SEES | {"stranger", "foreign supervisor", "inactive member", "inactive superuser", "anonymous", "teamless"}
)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_the_same_people_see_it_everywhere(role: str, is_open: bool, house: dict[str, Any], now: dt.datetime) -> None:
    conversation, user = house["conversation"], house["users"][role]
    message = make.received(
        house["line"],
        sender=make.sender(conversation.identity.address),
        text="findme",
        attachments=[
            InboundAttachment("image", stored_key=make.upload(identity=conversation.identity).key),
        ],
    )
    if not is_open:
        lifecycle.close(conversation, now=now)
    expected = role in SEES

    seen = {
        "queryset": visibility.visible_to(user).filter(pk=conversation.pk).exists(),
        "get": _can(visibility.get, user, conversation.sid),
        "list": [row.pk for row in queries.conversations(user)] == [conversation.pk],
        "search": [row.pk for row in queries.conversations(user, q="findme")] == [conversation.pk],
        "timeline": len(queries.timeline(conversation.identity.contact, user=user)) == 1,
        "attachment": _can(media.open_for, user, message.attachments.get().key),
    }
    assert seen == dict.fromkeys(seen, expected)


def _can(function: Any, *args: Any) -> bool:
    try:
        function(*args)
    except NotVisible:
        return False
    return True


@pytest.mark.parametrize("sid", ["", "CH", "CH" + "0" * 32, "CH" + "z" * 32, None, 7, "IM" + "0" * 32, "CH\x00"])
def test_what_does_not_exist_and_what_is_not_yours_look_the_same(sid: object, house: dict[str, Any]) -> None:
    stranger = house["users"]["stranger"]
    with pytest.raises(NotVisible) as missing:
        visibility.get(stranger, sid)
    with pytest.raises(NotVisible) as foreign:
        visibility.get(stranger, house["conversation"].sid)

    assert (missing.value.message, missing.value.code) == (foreign.value.message, foreign.value.code)


def test_a_conversation_is_listed_once_however_many_ways_lead_to_it(house: dict[str, Any], now: dt.datetime) -> None:
    user = house["users"]["owner"]
    user.teams.set([house["line"].team, make.team()])
    participants.join(house["conversation"], user, now=now)

    assert visibility.visible_to(user).count() == 1


def test_deactivation_takes_effect_at_once(house: dict[str, Any]) -> None:
    user = house["users"]["member"]
    assert visibility.visible_to(user).exists()

    user.is_active = False
    user.save()

    assert not visibility.visible_to(user).exists()


def test_seeing_is_one_query(house: dict[str, Any], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        visibility.get(house["users"]["member"], house["conversation"].sid)


def test_a_note_is_written_by_who_sees(house: dict[str, Any], now: dt.datetime) -> None:
    messages.note(house["conversation"], text="x", key="k", user=house["users"]["member"], now=now)

    assert Conversation.objects.get().message_seq == 1
