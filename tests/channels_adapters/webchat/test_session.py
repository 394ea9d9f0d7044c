"""What a visitor may do, on real rows: the inbox, the lanes and the outbox are the ones every channel has."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection as db

from channels_adapters.gateway import Cursor
from channels_adapters.webchat import parse, session
from channels_adapters.webchat.session import Session
from conversations.models import Channel, InboundEvent, Message, Transmission
from conversations.services import lifecycle, messages, ownership
from tests.factories import conversations as rows
from tests.factories import webchat as make
from tests.factories.webchat import NOW
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


def texts(visitor: Session, after: Cursor = session.START) -> list[str]:
    return [message.text for message in visitor.after(after)]


def welcome(visitor: Session, **hello: object) -> tuple[dict[str, object], Cursor]:
    return session.welcome(visitor, "", parse.Hello(site="shop", **hello))  # type: ignore[arg-type]


# -- in ---------------------------------------------------------------------------------------------------------------


def test_a_message_is_in_the_inbox_before_it_is_acked(visitor: Session) -> None:
    ack = make.say(visitor, "Hello", cid="a")

    event = InboundEvent.objects.get()
    assert ack == {
        "t": "ack",
        "cid": "a",
        "id": None,
        "seq": None,
        "conversation": None,
        "at": "2026-03-02T09:00:00.000Z",
        "dup": False,
    }
    assert event.key == f"{visitor.visitor.address}:a"
    assert event.body["text"] == "Hello"


def test_the_message_comes_back_with_its_number_and_its_cid(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor, "Hello", cid="a")
    drain()

    [message] = visitor.after(session.START)
    frame = visitor.show(message)
    assert (frame["cid"], frame["seq"], frame["text"], frame["from"]) == (
        "a",
        1,
        "Hello",
        {"type": "visitor", "name": "", "avatar": None},
    )


def test_the_first_of_two_sends_with_one_cid_wins(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor, "one", cid="same")
    make.say(visitor, "two", cid="same")
    drain()
    third = make.say(visitor, "three", cid="same")
    drain()

    assert texts(visitor) == ["one"]
    assert third["dup"] is True
    assert third["seq"] == 1


def test_one_cid_of_two_visitors_is_two_messages(visitor: Session, drain: JobQueue) -> None:
    other, _token = make.enter()

    make.say(visitor, "mine", cid="same")
    make.say(other, "theirs", cid="same")
    drain()

    assert texts(visitor) == ["mine"]
    assert texts(other) == ["theirs"]


def test_hundred_messages_keep_their_order(visitor: Session, drain: JobQueue) -> None:
    for number in range(100):
        make.say(visitor, str(number))
    drain()

    shown = texts(visitor)
    assert shown == [str(number) for number in range(50)]  # a page
    assert texts(visitor, visitor.after(session.START)[-1].cursor) == [str(number) for number in range(50, 100)]


def test_what_this_version_does_not_know_is_shown_as_unsupported(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor, "", cid="loc", kind="location", raw={"lat": 1})
    drain()

    [message] = visitor.after(session.START)
    assert visitor.show(message)["kind"] == "unsupported"
    assert visitor.show(message)["cid"] == "loc"


def test_new_conversations_are_counted_by_network(shop: Channel, drain: JobQueue) -> None:
    shop.config["conversations_per_hour"] = 2
    shop.save()
    first, second, third = (make.enter()[0] for _ in range(3))

    assert make.say(first)["t"] == make.say(first)["t"] == make.say(second)["t"] == "ack"
    refused = make.say(third, cid="late")
    drain()

    assert (refused["t"], refused["code"], refused["cid"]) == ("error", "blocked", "late")
    assert make.say(first)["t"] == "ack"  # who is talking may go on


def test_a_line_that_was_switched_off_takes_nothing_and_says_so(shop: Channel, visitor: Session) -> None:
    Channel.objects.update(is_active=False)

    frame = make.say(visitor, cid="a")

    assert (frame["t"], frame["code"], frame["cid"]) == ("error", "closed", "a")
    assert not InboundEvent.objects.exists()


def test_typing_is_passed_on_and_never_stored(visitor: Session, drain: JobQueue) -> None:
    from conversations import events

    make.say(visitor)
    drain()
    seen: list[bool] = []

    def note(sender: object, active: bool, **_: object) -> None:
        seen.append(active)

    events.typing.connect(note)
    try:
        visitor.typing(True, now=NOW)
    finally:
        events.typing.disconnect(note)

    assert seen == [True]
    assert InboundEvent.objects.count() == 1


# -- out --------------------------------------------------------------------------------------------------------------


def test_an_answer_is_shown_once_it_is_sent(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor)
    drain()
    make.answer(visitor, "Hello back", quick_replies=["Yes", "No"])

    before = texts(visitor)
    drain()

    assert before == ["Hello"]
    assert texts(visitor) == ["Hello", "Hello back"]
    frame = visitor.show(visitor.after(session.START)[-1])
    assert frame["from"]["type"] == "bot"
    assert frame["quick_replies"] == ["Yes", "No"]


def test_nothing_overtakes_an_answer_on_its_way(visitor: Session, drain: JobQueue) -> None:
    """Whoever reads by number would never see it again."""
    make.say(visitor, "one")
    drain()
    make.answer(visitor, "two")
    make.say(visitor, "three")
    drain(queue="inbound")

    assert texts(visitor) == ["one"]
    page, cursor = welcome(visitor)
    assert [frame["text"] for frame in page["history"]] == ["one", "three"]  # type: ignore[attr-defined]
    assert cursor.seq == 1
    drain()
    assert texts(visitor, cursor) == ["two", "three"]


def test_notes_never_leave_the_house(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor)
    drain()
    conversation = make.conversation(visitor)
    agent = rows.user()
    ownership.change(conversation, owner="worker", owner_sid="WK" + "0" * 32, user=agent, now=NOW)
    messages.note(conversation, text="A difficult one", key="n", user=agent, now=NOW)
    make.answer(visitor)
    drain()

    assert texts(visitor) == ["Hello", "Hello back"]
    assert [message.seq for message in visitor.after(session.START)] == [1, 3]


def test_a_stale_answer_is_never_shown(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor)
    drain()
    conversation = make.conversation(visitor)
    make.answer(visitor, "I am a bot", owner_version=conversation.owner_version)
    ownership.change(conversation, owner="worker", owner_sid="WK" + "0" * 32, user=rows.user(), now=NOW)
    drain()

    assert texts(visitor) == ["Hello"]


def test_a_message_sent_again_after_it_failed_is_found_out_of_turn(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor, "one")
    drain()
    failed = make.answer(visitor, "two")
    Transmission.objects.update(status=Transmission.Status.FAILED)
    Message.objects.filter(pk=failed.pk).update(status=Message.Status.FAILED)
    make.say(visitor, "three")
    drain()
    assert texts(visitor) == ["one", "three"]

    agent = rows.user()
    ownership.change(make.conversation(visitor), owner="worker", owner_sid="WK" + "0" * 32, user=agent, now=NOW)
    failed.refresh_from_db()
    messages.retry(failed, user=agent, now=NOW)
    drain()

    assert [message.text for message in visitor.one(make.conversation(visitor).sid, 2)] == ["two"]


def test_a_browser_that_was_away_gets_exactly_what_it_missed(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor, "one")
    drain()
    make.answer(visitor, "two")
    drain()
    page, _cursor = welcome(visitor)
    conversation, last_seq = str(page["conversation"]), 2
    make.answer(visitor, "three")
    make.say(visitor, "four")
    drain()

    again, cursor = welcome(visitor, conversation=conversation, last_seq=last_seq)

    assert again["resumed"] is True
    assert again["history"] == []
    assert texts(visitor, cursor) == ["three", "four"]


def test_the_history_goes_on_over_conversations(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor, "first time")
    drain()
    place = visitor.after(session.START)[-1].cursor
    lifecycle.close(make.conversation(visitor), now=NOW)
    make.say(visitor, "second time", now=NOW + dt.timedelta(days=1))
    drain()

    assert texts(visitor) == ["first time", "second time"]
    assert texts(visitor, place) == ["second time"]
    assert [m.text for m in visitor.page(before=visitor.after(session.START)[-1].cursor)] == ["first time"]


def test_nobody_sees_what_another_visitor_said(visitor: Session, drain: JobQueue) -> None:
    other, _token = make.enter()
    make.say(visitor, "mine")
    make.say(other, "theirs")
    drain()
    foreign = make.conversation(other).sid

    assert texts(visitor) == ["mine"]
    assert texts(visitor, Cursor(foreign, 0)) in ([], ["mine"])
    assert [m.text for m in visitor.page(before=Cursor(foreign, 2**31 - 1))] in ([], ["mine"])
    assert not visitor.owns(foreign)
    assert visitor.one(foreign, 1) == []
    page, _cursor = welcome(visitor, conversation=foreign, last_seq=0)
    assert page["resumed"] is False


def test_a_foreign_number_confirms_nothing(visitor: Session, drain: JobQueue) -> None:
    other, _token = make.enter()
    make.say(other)
    make.say(visitor)
    drain()
    make.answer(other)
    drain()

    visitor.confirm(parse.Confirm("read", make.conversation(other).sid, 2), now=NOW)
    visitor.confirm(parse.Confirm("read", "CH" + "f" * 32, 2), now=NOW)
    visitor.confirm(parse.Confirm("read", "", 2**31 - 1), now=NOW)
    drain()

    assert list(Message.objects.filter(direction="out").values_list("status", flat=True)) == ["sent"]


def test_seen_and_read_become_receipts_and_only_grow(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor)
    drain()
    make.answer(visitor, "two")
    make.answer(visitor, "three")
    drain()

    def statuses() -> list[str]:
        drain()
        return list(Message.objects.filter(direction="out").order_by("seq").values_list("status", flat=True))

    visitor.confirm(parse.Confirm("delivered", "", 3), now=NOW)
    assert statuses() == ["delivered", "delivered"]
    visitor.confirm(parse.Confirm("read", "", 2), now=NOW)
    assert statuses() == ["read", "delivered"]
    visitor.confirm(parse.Confirm("delivered", "", 3), now=NOW)
    visitor.confirm(parse.Confirm("read", "", 1), now=NOW)
    assert statuses() == ["read", "delivered"]
    visitor.confirm(parse.Confirm("read", "", 3), now=NOW)
    assert statuses() == ["read", "read"]
    assert visitor.state()["customer_read_seq"] == 3


def test_a_receipt_told_by_two_tabs_is_one_event(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor)
    drain()
    make.answer(visitor)
    drain()

    for _tab in range(2):
        visitor.confirm(parse.Confirm("read", "", 2), now=NOW)

    assert InboundEvent.objects.filter(kind="receipt").count() == 1


def test_the_state_tells_who_answers_and_never_an_id_of_an_agent(visitor: Session, drain: JobQueue) -> None:
    assert visitor.state()["conversation"] == ""
    make.say(visitor)
    drain()
    conversation = make.conversation(visitor)
    agent = rows.user(first_name="Sara", last_name="Haddad")
    ownership.change(conversation, owner="worker", owner_sid="WK" + "0" * 32, user=agent, now=NOW)

    state = visitor.state()

    assert state["open"] is True
    assert state["agent"] is not None
    assert set(state["agent"]) == {"name"}
    assert agent.sid not in str(state)
    assert "WK" not in str(state)


def test_the_place_in_the_queue_is_shown_until_the_queue_is_left(visitor: Session, drain: JobQueue) -> None:
    make.say(visitor)
    drain()
    conversation = make.conversation(visitor)
    ownership.change(conversation, owner="queue", owner_sid="WQ" + "0" * 32, now=NOW)
    session.remember_queue(visitor.group, {"ahead": 2, "wait_seconds": 90})

    waiting = visitor.state()["queue"]
    ownership.change(conversation, owner="worker", owner_sid="WK" + "0" * 32, user=rows.user(), now=NOW)

    assert waiting == {"ahead": 2, "wait_seconds": 90}
    assert visitor.state()["queue"] is None


# -- cost -------------------------------------------------------------------------------------------------------------


def test_a_look_costs_the_same_with_one_message_and_with_thirty(visitor: Session, drain: JobQueue) -> None:
    from django.test.utils import CaptureQueriesContext

    def cost() -> int:
        visitor.state()  # whether anybody is there is remembered, but only for seconds
        with CaptureQueriesContext(db) as queries:
            visitor.after(session.START)
            visitor.state()
        return len(queries)

    make.say(visitor)
    drain()
    with_one = cost()
    for _ in range(29):
        make.say(visitor)
    drain()

    assert cost() == with_one
    assert with_one <= 6
