"""What is sent, where to and signed with which key, as the workspace and its keys say."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from contactcenter.lib.errors import Refused
from conversations.services import api_keys
from routing.models import Delivery, Event, Receiver, Workspace
from routing.services import configuration, fold, signing, tasks, webhooks, workspaces
from tests.factories import routing as make
from tests.routing.services.webhook_life import NOW, after, fold_all, forget_the_past, one_task_s_life, send_all
from tests.support.receiver import WebhookReceiver

pytestmark = pytest.mark.django_db


def test_the_filter_leaves_out_what_nobody_wants(workspace: Workspace, receiver: WebhookReceiver) -> None:
    forget_the_past()
    workspace.events_filter = "task.created, task.canceled"
    configuration.save(workspace, now=NOW)
    tasks.cancel(make.task(now=NOW), reason="", now=after(1))
    fold_all()

    webhooks.send(workspace.pk, now=after(2))

    assert receiver.types() == ["task.created", "task.canceled"]


def test_events_can_be_sent_again_in_their_order(workspace: Workspace, receiver: WebhookReceiver) -> None:
    types = one_task_s_life()
    send_all(workspace, after(4))
    task = Event.objects.exclude(task=None).first()
    assert task is not None
    receiver.got.clear()

    assert webhooks.replay(Event.objects.filter(task=task.task_id), now=after(100)) == len(types)
    send_all(workspace, after(100))

    assert receiver.types() == types
    workspace.events_filter = "reservation.accepted"
    workspace.save()
    assert webhooks.replay(Event.objects.filter(created_at__gte=after(1)), now=after(200), only_wanted=True) == 1


def test_without_a_key_to_sign_with_nothing_is_sent_and_the_reason_is_shown(receiver: WebhookReceiver) -> None:
    workspace = make.workspace(event_callback_url=receiver.url)
    make.task(now=NOW)
    fold_all()

    webhooks.send(workspace.pk, now=NOW)

    assert receiver.got == []
    assert Receiver.objects.get().error == "There is no API key for routing to sign with. Make one."
    key, _secret = api_keys.create(name="One", scopes=["routing"], now=NOW)
    send_all(workspace, after(600))
    assert receiver.got[0].headers["X-ContactCenter-Key"] == key.sid


def test_the_oldest_key_signs_until_it_is_revoked(workspace: Workspace, receiver: WebhookReceiver, secret: str) -> None:
    forget_the_past()
    later = api_keys.create(name="Later", scopes=["routing"], now=after(10))[1]
    make.task(now=NOW)
    fold_all()
    webhooks.send(workspace.pk, now=NOW)
    first = receiver.got[0]
    assert RequestValidator(secret).validate(first.url, dict(first.form), first.headers["X-Twilio-Signature"])

    signed_by = signing.key()
    assert signed_by is not None
    api_keys.revoke(signed_by, now=after(20))
    receiver.got.clear()
    webhooks.replay(Event.objects.filter(type="task.created"), now=after(21))
    webhooks.send(workspace.pk, now=after(21))

    second = receiver.got[0]
    assert RequestValidator(later).validate(second.url, dict(second.form), second.headers["X-Twilio-Signature"])


def test_an_address_inside_the_house_is_not_called(settings: Any, secret: str) -> None:
    with WebhookReceiver().running() as inside:
        settings.EGRESS_ALLOW_PRIVATE = []
        workspace = make.workspace(event_callback_url=inside.url)
        make.task(now=NOW)
        fold_all()

        webhooks.send(workspace.pk, now=NOW)

        assert inside.got == []
    assert Receiver.objects.get().error.startswith("AddressRefused")


def test_what_has_nowhere_to_go_or_waited_for_days_is_given_up(workspace: Workspace) -> None:
    forget_the_past()
    make.task(now=NOW)
    fold_all()
    assert webhooks.give_up_old(after(60)) == 0
    assert webhooks.give_up_old(NOW + dt.timedelta(days=3, seconds=1)) == 4
    assert set(Delivery.objects.values_list("status", flat=True)) == {"dead"}
    workspace.event_callback_url = ""
    workspace.save()
    with pytest.raises(Refused):
        webhooks.replay(Event.objects.all(), now=NOW)


def a_shop(receiver: WebhookReceiver, **values: Any) -> Workspace:
    """A workspace that may be deleted."""
    return workspaces.create(friendly_name="Shop", template="FIFO", event_callback_url=receiver.url, now=NOW, **values)


def test_a_deleted_workspaces_receiver_hears_what_it_had_not_heard_yet(receiver: WebhookReceiver, secret: str) -> None:
    shop = a_shop(receiver)
    task = tasks.create(workflow=shop.workflows.get(), attributes={"a": 1}, now=NOW)
    fold_all()
    claim = webhooks._claim(shop.pk, None, now=NOW)
    assert claim is not None
    assert webhooks._post(claim, now=NOW) is None
    tasks.cancel(task, reason="closing", now=after(1))
    shop_sid, shop_id = shop.sid, shop.pk

    workspaces.delete(shop, now=after(2))
    assert webhooks.record(claim, None, now=after(2)) is True
    fold_all(after(3))
    assert webhooks.ring(after(3)) > 0
    webhooks.send(shop_id, now=after(3))

    of_task = ["task.created", "workflow.entered", "workflow.target-matched", "task-queue.entered", "task.canceled"]
    assert [got.form["EventType"] for got in receiver.got if got.form.get("TaskSid") == task.sid] == of_task
    deleted = receiver.got[[*receiver.types()].index("workspace.deleted")]
    assert (deleted.form["ResourceSid"], deleted.form["WorkspaceSid"]) == (shop_sid, shop_sid)
    assert deleted.form["WorkspaceName"] == "Shop"
    assert not Delivery.objects.exists()
    assert webhooks.ring(after(4)) == 0


def test_a_deleted_workspaces_filter_still_counts_and_its_address_is_kept_as_long_as_events(
    receiver: WebhookReceiver, secret: str
) -> None:
    shop = a_shop(receiver, events_filter="workspace.deleted")
    other = workspaces.create(friendly_name="Quiet", now=NOW)
    shop_id = shop.pk
    for row in (shop, other):
        workspaces.delete(row, now=after(1))
    fold_all(after(2))
    assert webhooks.give_up_old(after(60)) == 0
    receiver.answer = lambda got: 503
    webhooks.send(shop_id, now=after(3))
    receiver.answer = lambda got: 204
    webhooks.send(shop_id, now=after(60))

    assert receiver.types() == ["workspace.deleted", "workspace.deleted"]
    assert list(Receiver.objects.values_list("pk", flat=True)) == [shop_id]
    fold.forget(after(29 * 86400))
    assert Receiver.objects.exists()
    fold.forget(after(31 * 86400))
    assert not Receiver.objects.exists()
