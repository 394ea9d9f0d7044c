from __future__ import annotations

import base64
import datetime as dt
import io
import json
from typing import Any

import pytest
from django.test import Client

from agents.models import Draft, User
from conversations.models import Attachment, Conversation, Event, Identity
from tests.agents import samples, scenes
from tests.factories import agents as factory
from tests.factories import routing

pytestmark = pytest.mark.django_db

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def amira() -> User:
    return factory.agent(name="Amira Nasser")


def png() -> io.BytesIO:
    file = io.BytesIO(base64.b64decode(PIXEL))
    file.name = "pixel.png"
    return file


# -- conversations -------------------------------------------------------------------------------------


def test_the_list_shows_visible_conversations_newest_words_first(amira: User) -> None:
    first, second = scenes.conversation(owner=amira), scenes.conversation(owner=amira)
    scenes.conversation()
    scenes.says(second, "earlier", now=routing.NOW)
    scenes.says(first, "later", now=routing.NOW + dt.timedelta(seconds=1))

    answer = signed_in(amira).get("/api/conversations/").json()

    assert [row["sid"] for row in answer["results"]] == [first.sid, second.sid]
    assert [row["unread"] for row in answer["results"]] == [1, 1]
    assert answer["next"] is None
    row = {name: value for name, value in answer["results"][0].items() if name != "unread"}
    samples.assert_same_shape(row, samples.server_frame("snapshot of a conversation")["state"]["conversation"])


def test_the_list_is_filtered_by_status_owner_and_words(amira: User) -> None:
    team = factory.team(members=[amira])
    mine, ours = scenes.conversation(owner=amira), scenes.conversation(team=team)
    scenes.says(mine, "my parcel is broken")
    scenes.says(ours, "hello")
    Conversation.objects.filter(pk=ours.pk).update(status="closed", closed_at=routing.NOW)
    client = signed_in(amira)

    def listed(query: str) -> set[str]:
        return {row["sid"] for row in client.get(f"/api/conversations/?{query}").json()["results"]}

    assert listed("status=open") == {mine.sid}
    assert listed("status=closed") == {ours.sid}
    assert listed("mine=1") == {mine.sid}
    assert listed("q=PARCEL") == {mine.sid}
    assert listed("status=whatever&q=") == {mine.sid, ours.sid}


def test_pages_follow_one_another_without_gap_or_repetition(amira: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.api.base.PAGE", 2)
    made = [scenes.conversation(owner=amira) for _ in range(5)]
    for number, one in enumerate(made):
        # Two of the same moment: the id decides.
        scenes.says(one, "x", now=routing.NOW + dt.timedelta(seconds=number // 2))
    client = signed_in(amira)

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get("/api/conversations/", {"cursor": cursor}).json()
        seen += [row["sid"] for row in answer["results"]]
        cursor = answer["next"]

    assert len(seen) == 5
    assert set(seen) == {one.sid for one in made}


@pytest.mark.parametrize("cursor", ["x", "W10:1a:b", "' OR 1=1 --", "\x00"])
def test_a_cursor_nobody_gave_out_is_refused(amira: User, cursor: str) -> None:
    answer = signed_in(amira).get("/api/conversations/", {"cursor": cursor})

    assert answer.status_code == 400
    assert "cursor" in answer.json()


@pytest.mark.parametrize("path", ["/api/conversations/", "/api/canned-replies/", "/api/drafts/"])
def test_lists_cost_the_same_for_one_row_and_three(amira: User, path: str, django_assert_num_queries: Any) -> None:
    team = factory.team(members=[amira])

    def one_more() -> None:
        conversation = scenes.conversation(owner=amira)
        scenes.says(conversation, "x")
        Draft.objects.create(user=amira, conversation=conversation, text="x")
        factory.canned_reply(team=team)

    assert queries_of(amira, path, one_more, 1) == queries_of(amira, path, one_more, 3)


@pytest.mark.parametrize(
    "path", ["/api/conversations/{}/", "/api/conversations/{}/messages/", "/api/contacts/{}/timeline/"]
)
def test_history_costs_the_same_for_one_message_and_three(amira: User, path: str) -> None:
    conversation = scenes.conversation(owner=amira)
    sid = conversation.sid if "conversations" in path else conversation.identity.contact.sid

    def one_more() -> None:
        message = scenes.says(conversation, "x")
        Attachment.objects.create(message=message, name="a", state="stored")

    assert queries_of(amira, path.format(sid), one_more, 1) == queries_of(amira, path.format(sid), one_more, 3)


def queries_of(user: User, path: str, one_more: Any, times: int) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for _ in range(times):
        one_more()
    client = signed_in(user)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_older_messages_come_page_by_page(amira: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.api.base.PAGE", 2)
    conversation = scenes.conversation(owner=amira)
    for text in "abcde":
        scenes.says(conversation, text)
    client = signed_in(amira)

    def page(query: str) -> tuple[list[str], bool]:
        answer = client.get(f"/api/conversations/{conversation.sid}/messages/{query}").json()
        return [message["text"] for message in answer["results"]], answer["more"]

    assert page("") == (["d", "e"], True)
    assert page("?before=4") == (["b", "c"], True)
    assert page("?before=2") == (["a"], False)


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "9" * 40, "٣"])
def test_a_number_that_is_none_is_refused(amira: User, before: str) -> None:
    conversation = scenes.conversation(owner=amira)

    answer = signed_in(amira).get(f"/api/conversations/{conversation.sid}/messages/", {"before": before})

    assert answer.status_code == 400


# -- contacts ------------------------------------------------------------------------------------------


def test_a_contact_is_shown_with_notes_and_addresses(amira: User) -> None:
    contact = scenes.conversation(owner=amira).identity.contact
    Identity.objects.create(contact=contact, kind="sms", address="+15550100")

    answer = signed_in(amira).get(f"/api/contacts/{contact.sid}/").json()

    assert set(answer) == {"sid", "name", "language", "is_vip", "attributes", "notes", "identities"}
    assert [one["kind"] for one in answer["identities"]] == ["webchat", "sms"]


def test_changing_a_contact_tells_its_conversations(amira: User) -> None:
    conversation = scenes.conversation(owner=amira)
    contact = conversation.identity.contact

    answer = signed_in(amira).patch(
        f"/api/contacts/{contact.sid}/",
        json.dumps({"name": "Layla\u202e Haddad", "is_vip": True, "language": "ar", "notes": "Likes tea\n"}),
        content_type="application/json",
    )

    assert answer.status_code == 200
    contact.refresh_from_db()
    assert (contact.name, contact.is_vip, contact.language, contact.notes) == (
        "Layla Haddad",
        True,
        "ar",
        "Likes tea\n",
    )
    event = Event.objects.filter(conversation=conversation).latest("seq")
    assert event.type == "conversation.updated"
    assert event.data["conversation"]["contact"]["name"] == "Layla Haddad"


@pytest.mark.parametrize(
    "body",
    [
        {"language": "x" * 17},
        {"language": "<b>"},
        {"is_vip": "maybe"},
        {"name": "x" * 300},
        {"notes": ["x"]},
        ["x"],
        "x",
    ],
)
def test_changes_that_make_no_sense_are_refused(amira: User, body: Any) -> None:
    contact = scenes.conversation(owner=amira).identity.contact

    answer = signed_in(amira).patch(f"/api/contacts/{contact.sid}/", json.dumps(body), content_type="application/json")

    assert answer.status_code == 400


def test_nothing_else_of_a_contact_can_be_written(amira: User) -> None:
    contact = scenes.conversation(owner=amira).identity.contact
    body = {
        "id": "x",
        "sid": "x",
        "attributes": {"a": 1},
        "claims": {"a": 1},
        "created_at": "2000-01-01",
        "identities": [],
    }

    signed_in(amira).patch(f"/api/contacts/{contact.sid}/", json.dumps(body), content_type="application/json")

    before = (contact.attributes, contact.claims, contact.created_at)
    contact.refresh_from_db()
    assert (contact.attributes, contact.claims, contact.created_at) == before


def test_the_timeline_spans_channels_and_hides_what_is_not_mine_to_see(amira: User) -> None:
    here, there, hidden = scenes.conversation(owner=amira), scenes.conversation(owner=amira), scenes.conversation()
    contact = here.identity.contact
    Identity.objects.filter(pk__in=[there.identity_id, hidden.identity_id]).update(contact=contact)
    scenes.says(here, "first", now=routing.NOW)
    scenes.says(hidden, "secret", now=routing.NOW)
    scenes.says(there, "second", now=routing.NOW + dt.timedelta(minutes=1))

    answer = signed_in(amira).get(f"/api/contacts/{contact.sid}/timeline/").json()

    assert [(entry["message"]["text"], entry["conversation_sid"]) for entry in answer["results"]] == [
        ("second", there.sid),
        ("first", here.sid),
    ]
    assert set(answer["results"][0]["channel"]) == {"sid", "type", "name"}
    assert answer["next"] is None


def test_the_timeline_goes_on_where_it_ended(amira: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.api.base.PAGE", 2)
    conversation = scenes.conversation(owner=amira)
    for text in "abc":
        scenes.says(conversation, text)
    client, path = signed_in(amira), f"/api/contacts/{conversation.identity.contact.sid}/timeline/"

    first = client.get(path).json()
    second = client.get(path, {"before": first["next"]}).json()

    assert [entry["message"]["text"] for entry in first["results"] + second["results"]] == ["c", "b", "a"]
    assert second["next"] is None
    assert client.get(path, {"before": "x"}).status_code == 400


# -- the desk ------------------------------------------------------------------------------------------


def test_canned_replies_are_everybodys_and_those_of_own_teams(amira: User) -> None:
    ours, theirs = factory.team(members=[amira]), factory.team()
    factory.canned_reply(shortcut="all")
    factory.canned_reply(shortcut="ours", text="Our refund", team=ours)
    factory.canned_reply(shortcut="theirs", team=theirs)
    client = signed_in(amira)

    def shortcuts(q: str = "") -> list[str]:
        return [row["shortcut"] for row in client.get("/api/canned-replies/", {"q": q}).json()["results"]]

    assert shortcuts() == ["all", "ours"]
    assert shortcuts("refund") == ["ours"]
    assert shortcuts("%") == []
    assert set(client.get("/api/canned-replies/").json()["results"][0]) == {
        "sid", "shortcut", "title", "text", "language", "team"
    }  # fmt: skip


def test_drafts_of_conversations_lost_from_sight_stay_hidden(amira: User) -> None:
    seen, lost = scenes.conversation(owner=amira), scenes.conversation()
    for conversation in (seen, lost):
        Draft.objects.create(user=amira, conversation=conversation, text="x")
    Draft.objects.create(user=factory.user(), conversation=seen, text="somebody else's")

    answer = signed_in(amira).get("/api/drafts/").json()

    assert [(draft["conversation"], draft["text"]) for draft in answer["results"]] == [(seen.sid, "x")]


def test_an_upload_becomes_a_file_of_its_uploader(amira: User) -> None:
    answer = signed_in(amira).post("/api/uploads/", {"file": png()})

    assert answer.status_code == 201
    stored = Attachment.objects.get(key=answer.json()["key"])
    assert stored.user_id == amira.pk
    assert answer.json() == {
        "key": stored.key,
        "name": "pixel.png",
        "content_type": "image/png",
        "size": stored.size,
        "kind": "image",
    }


def test_uploads_that_are_no_file_are_refused(amira: User) -> None:
    client = signed_in(amira)

    assert client.post("/api/uploads/", {}).status_code == 400
    assert client.post("/api/uploads/", {"file": "text"}).status_code == 400
    assert client.post("/api/uploads/", {"file": [png(), png()]}).status_code == 400
    assert client.post("/api/uploads/", json.dumps({}), content_type="application/json").status_code == 415


def test_somebody_elses_upload_cannot_be_sent(amira: User) -> None:
    from agents import actions
    from agents.protocol import commands
    from contactcenter.lib import clock
    from contactcenter.lib.errors import Refused

    conversation = scenes.conversation(owner=amira)
    key = signed_in(factory.agent()).post("/api/uploads/", {"file": png()}).json()["key"]
    command = commands.MessageSend(id="1", conversation=conversation.sid, key="k", text="x", attachments=(key,))

    with pytest.raises(Refused) as refusal:
        actions.carry_out(amira.pk, command, socket_name="s", now=clock.now())

    assert refusal.value.code == "attachment.not_found"


def test_my_language_and_theme_are_mine_to_change(amira: User) -> None:
    client = signed_in(amira)

    answer = client.post("/api/me/", json.dumps({"language": "ar", "theme": "dark"}), content_type="application/json")

    assert answer.json() == client.get("/api/me/").json()
    assert (answer.json()["language"], answer.json()["theme"]) == ("ar", "dark")
    assert answer.cookies["django_language"].value == "ar"


def test_nothing_else_of_me_can_be_written(amira: User) -> None:
    body = {"is_superuser": True, "is_staff": True, "username": "x", "password": "x", "sid": "x", "theme": "dark"}

    signed_in(amira).post("/api/me/", json.dumps(body), content_type="application/json")

    before = (amira.username, amira.password)
    amira.refresh_from_db()
    assert (amira.is_superuser, amira.is_staff, amira.username, amira.password) == (False, False, *before)


@pytest.mark.parametrize("body", [{"language": "xx"}, {"theme": "pink"}, {"theme": None}, []])
def test_settings_that_do_not_exist_are_refused(amira: User, body: Any) -> None:
    answer = signed_in(amira).post("/api/me/", json.dumps(body), content_type="application/json")

    assert answer.status_code == 400


def test_writes_without_the_csrf_token_are_refused(amira: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(amira, backend="django.contrib.auth.backends.ModelBackend")

    assert client.post("/api/me/", "{}", content_type="application/json").status_code == 403
    assert client.post("/api/uploads/", {"file": png()}).status_code == 403
