"""The official client library for Python, unmodified, against a running server."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from tests.routing.api.conftest import Site


def test_workspaces_and_activities_live_and_die(client: Client) -> None:
    made = client.taskrouter.v1.workspaces.create(friendly_name="Shop", template="FIFO")

    assert made.date_created is not None
    assert made.multi_task_enabled is True
    activities = made.activities.list()
    assert [(row.friendly_name, row.available) for row in activities] == [
        ("Offline", False),
        ("Available", True),
        ("Unavailable", False),
    ]
    lunch = made.activities.create(friendly_name="Lunch", available=False)
    assert lunch.update(friendly_name="Long lunch").friendly_name == "Long lunch"
    assert lunch.delete()
    assert made.update(default_activity_sid=activities[1].sid).default_activity_name == "Available"
    assert made.delete()
    with pytest.raises(TwilioRestException) as error:
        made.fetch()
    assert (error.value.status, error.value.code) == (404, 20404)


def test_pages_of_two_give_the_whole_list(client: Client) -> None:
    workspace = client.taskrouter.v1.workspaces.create(friendly_name="Pages")
    for name in ("a", "b", "c"):
        workspace.activities.create(friendly_name=name)

    names = [row.friendly_name for row in workspace.activities.list(page_size=2)]

    assert names == ["Offline", "Available", "Unavailable", "a", "b", "c"]
    first = workspace.activities.page(page_size=2)
    second = first.next_page()
    assert second is not None
    assert [row.friendly_name for row in second] == ["Unavailable", "a"]
    back = second.previous_page()
    assert back is not None
    assert [row.friendly_name for row in back] == ["Offline", "Available"]


def test_wrong_secrets_are_refused(site: Site) -> None:
    with pytest.raises(TwilioRestException) as error:
        site.client(secret="wrong").taskrouter.v1.workspaces.create(friendly_name="No")
    assert (error.value.status, error.value.code) == (401, 20003)
    with pytest.raises(TwilioException):
        site.client(secret="wrong").taskrouter.v1.workspaces.list()


def test_the_account_with_a_keys_secret_works_too(site: Site) -> None:
    assert site.client(user=site.account).taskrouter.v1.workspaces.list(friendly_name="Nobody") == []
