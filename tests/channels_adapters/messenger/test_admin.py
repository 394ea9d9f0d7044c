"""The admin's button that has Facebook deliver a page's messages to us again."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils.html import escape

from conversations.models import Channel
from conversations.services import channels
from tests.channels_adapters.messenger.conftest import Desk
from tests.factories import agents
from tests.factories import conversations as conversations_factory

pytestmark = pytest.mark.django_db

LIST = "/admin/conversations/channel/"


def admin() -> Client:
    client = Client()
    client.force_login(agents.user(is_staff=True, is_superuser=True))
    return client


def button(channel: Channel) -> str:
    return f"{LIST}{channel.pk}/connect/"


@pytest.fixture
def page(desk: Desk) -> Channel:
    """A page whose subscription Facebook has taken away, as the check has found."""
    desk.graph.is_subscribed = False
    channels.probe(desk.channel, now=desk.channel.created_at)
    desk.channel.refresh_from_db()
    assert not desk.channel.is_healthy
    return desk.channel


def test_the_button_subscribes_the_page_again_and_says_so(desk: Desk, page: Channel) -> None:
    client = admin()
    shown = client.get(f"{LIST}{page.pk}/change/").content.decode()

    told = client.get(button(page), follow=True).content.decode()

    assert f'href="{button(page)}"' in shown
    assert "Connect again." in shown  # what the check has found says what to press
    assert "Kettles is connected: what is written there arrives here." in told
    page.refresh_from_db()
    assert (desk.graph.is_subscribed, page.is_healthy, page.health_detail) == (True, True, "")


def test_what_facebook_refuses_is_shown_and_written_down(desk: Desk, page: Channel) -> None:
    page.set_secrets(page_access_token="dead")
    page.save()

    told = admin().get(button(page), follow=True).content.decode()

    page.refresh_from_db()
    assert "Kettles could not be connected:" in told
    assert "is connected:" not in told
    assert (desk.graph.is_subscribed, page.is_healthy) == (False, False)
    assert page.health_detail
    assert escape(page.health_detail) in told


def test_a_crash_on_the_way_is_no_connection(desk: Desk, page: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels_adapters.messenger.client.GraphClient.subscribe", lambda _client: 1 / 0)

    told = admin().get(button(page), follow=True).content.decode()

    assert "Kettles could not be connected: The check itself failed. Try again." in told


@pytest.mark.parametrize("who", ["nobody", "staff without permissions", "looking only", "of another team"])
def test_who_may_not_change_the_channel_does_not_connect_it(desk: Desk, page: Channel, who: str) -> None:
    person = agents.user(is_staff=True, teams=[] if who == "of another team" else [page.team])
    if who in ("looking only", "of another team"):
        names = ["view_channel"] if who == "looking only" else ["view_channel", "change_channel"]
        person.user_permissions.add(*Permission.objects.filter(codename__in=names))
    client = Client()
    if who != "nobody":
        client.force_login(person)

    answer = client.get(button(page))

    assert answer.status_code == (302 if who == "nobody" else 403)
    assert desk.graph.is_subscribed is False


def test_who_may_change_their_teams_channel_connects_it(desk: Desk, page: Channel) -> None:
    person = agents.user(is_staff=True, teams=[page.team])
    person.user_permissions.add(*Permission.objects.filter(codename__in=["view_channel", "change_channel"]))
    client = Client()
    client.force_login(person)

    assert client.get(button(page)).status_code == 302
    assert desk.graph.is_subscribed is True


def test_a_line_whose_provider_cannot_be_asked_has_no_such_button(desk: Desk, page: Channel) -> None:
    client = admin()
    web_chat = conversations_factory.channel(type="webchat", name="Shop")

    shown = client.get(f"{LIST}{web_chat.pk}/change/").content.decode()

    assert "/test_connection" in shown
    assert "/connect/" not in shown
    assert client.get(button(web_chat)).status_code == 403


def test_several_are_connected_from_the_list(desk: Desk, page: Channel) -> None:
    web_chat = conversations_factory.channel(type="webchat", name="Shop")
    form = {"action": "connect_again", "_selected_action": [str(page.pk), str(web_chat.pk)]}

    told = admin().post(LIST, form, follow=True).content.decode()

    assert "Kettles is connected: what is written there arrives here." in told
    assert "Shop needs no connecting: its messages come here by themselves." in told
    assert desk.graph.is_subscribed is True


def test_a_line_of_an_app_that_is_gone_has_no_such_button(desk: Desk, page: Channel) -> None:
    Channel.objects.filter(pk=page.pk).update(type="pigeon")

    assert admin().get(button(page)).status_code == 403
