"""The official client library for Python, unmodified, against a running server."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from tests.routing.api.conftest import Site, site_of
from tests.support import live
from tests.support.receiver import Got, Reply, WebhookReceiver
from tests.support.waiting import until


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
        site.client(secret=WRONG).taskrouter.v1.workspaces.create(friendly_name="No")
    assert (error.value.status, error.value.code) == (401, 20003)
    with pytest.raises(TwilioException):
        site.client(secret=WRONG).taskrouter.v1.workspaces.list()


def test_the_account_with_a_keys_secret_works_too(site: Site) -> None:
    assert site.client(user=site.account).taskrouter.v1.workspaces.list(friendly_name="Nobody") == []


WRONG = "wrong"


class Bulk:
    """What the client wants for a body that is JSON."""

    def __init__(self, *sids: str) -> None:
        self.sids = list(sids)

    def to_dict(self) -> dict[str, Any]:
        return {"QueueSids": self.sids}


class Desk:
    """A workspace with a queue, a workflow and an agent, all made through the client."""

    def __init__(self, client: Client, name: str) -> None:
        self.workspace = client.taskrouter.v1.workspaces.create(friendly_name=name)
        activities = {row.friendly_name: row for row in self.workspace.activities.list()}
        self.available, self.offline = activities["Available"], activities["Offline"]
        self.queue = self.workspace.task_queues.create(
            friendly_name="Billing", target_workers="skills HAS 'billing'", max_reserved_workers=1
        )
        rule = {"expression": "kind == 'bill'", "targets": [{"queue": self.queue.sid, "priority": 5}]}
        self.workflow = self.workspace.workflows.create(
            friendly_name="Main",
            configuration=json.dumps({"task_routing": {"filters": [rule]}}),
            task_reservation_timeout=300,
        )
        self.ann = self.workspace.workers.create(
            friendly_name="Ann", attributes=json.dumps({"skills": ["billing"], "level": 3})
        )

    def task(self, **attributes: Any) -> Any:
        given = json.dumps({"kind": "bill", **attributes})
        return self.workspace.tasks.create(attributes=given, workflow_sid=self.workflow.sid, task_channel="chat")


def test_a_task_is_offered_accepted_wrapped_up_and_completed(client: Client) -> None:
    desk = Desk(client, "Story")
    task = desk.task(order=7)
    assert (task.assignment_status, task.priority, task.task_queue_friendly_name) == ("pending", 5, "Billing")
    assert json.loads(task.attributes) == {"kind": "bill", "order": 7}

    assert desk.ann.update(activity_sid=desk.available.sid).available is True
    offer = until(lambda: task.reservations.list())[0]
    assert (offer.reservation_status, offer.worker_name) == ("pending", "Ann")
    assert task.fetch().assignment_status == "reserved"
    assert offer.update(reservation_status="accepted").reservation_status == "accepted"
    assert task.fetch().assignment_status == "assigned"
    channel = desk.ann.worker_channels("chat").fetch()
    assert (channel.assigned_tasks, channel.available_capacity_percentage) == (1, 0)
    mine = desk.ann.reservations.list(reservation_status="accepted")
    assert [row.sid for row in mine] == [offer.sid]
    assert mine[0].update(reservation_status="wrapping").reservation_status == "wrapping"
    assert task.fetch().assignment_status == "wrapping"
    done = task.update(assignment_status="completed", reason="paid")
    assert (done.assignment_status, done.reason) == ("completed", "paid")
    assert desk.ann.worker_channels("chat").fetch().available_capacity_percentage == 100

    types = [row.event_type for row in desk.workspace.events.list(task_sid=task.sid)]
    assert types[-1] == "task.created"
    assert {"reservation.created", "reservation.accepted", "task.wrapup", "task.completed"} <= set(types)
    event = desk.workspace.events.list(event_type="reservation.accepted")[0]
    assert event.resource_sid == offer.sid
    assert event.event_data["worker_name"] == "Ann"
    assert desk.workspace.events(event.sid).fetch().event_date_ms == event.event_date_ms


def test_a_rejected_task_waits_for_somebody_else(client: Client) -> None:
    desk = Desk(client, "Rejecting")
    desk.ann.update(activity_sid=desk.available.sid)
    task = desk.task()
    offer = until(lambda: desk.ann.reservations.list())[0]

    offer.update(reservation_status="rejected", worker_activity_sid=desk.offline.sid)

    assert task.fetch().assignment_status == "pending"
    assert desk.ann.fetch().activity_name == "Offline"
    with pytest.raises(TwilioRestException) as error:
        offer.update(reservation_status="accepted")
    assert error.value.status == 400
    assert task.update(assignment_status="canceled", reason="gave up").reason == "gave up"
    assert task.delete()


def test_versions_guard_against_lost_updates(client: Client) -> None:
    desk = Desk(client, "Versions")
    task = desk.task()
    address = f"https://taskrouter.twilio.com/v1/Workspaces/{desk.workspace.sid}/Tasks/{task.sid}"
    version = client.request("GET", address).headers["ETag"]

    task.update(priority=9, if_match=version)

    with pytest.raises(TwilioRestException) as error:
        task.update(priority=1, if_match=version)
    assert (error.value.status, error.value.code) == (412, 20412)
    assert task.fetch().priority == 9
    with pytest.raises(TwilioRestException) as error:
        desk.ann.update(friendly_name="Bea", if_match="999")
    assert error.value.status == 412
    # The client's own delete(if_match=...) forgets the header.
    assert client.request("DELETE", address, headers={"If-Match": version}).status_code == 412
    assert client.request("DELETE", address, headers={"If-Match": "*"}).status_code == 204


def test_a_bad_expression_is_refused_with_its_position(client: Client) -> None:
    desk = Desk(client, "Expressions")

    with pytest.raises(TwilioRestException) as error:
        desk.workspace.task_queues.create(friendly_name="Bad", target_workers="skills HAS")
    assert (error.value.status, error.value.code) == (400, 20001)
    assert "position 10" in error.value.msg
    broken = {"task_routing": {"filters": [{"expression": "a ==", "targets": [{"queue": desk.queue.sid}]}]}}
    with pytest.raises(TwilioRestException) as error:
        desk.workflow.update(configuration=json.dumps(broken))
    assert (error.value.status, error.value.code) == (400, 20001)
    assert "filters[0].expression" in error.value.msg
    with pytest.raises(TwilioRestException) as error:
        desk.workspace.tasks.create(attributes='{"kind": "other"}', workflow_sid=desk.workflow.sid)
    assert error.value.status == 400


def test_lists_filter_and_order(client: Client) -> None:
    desk = Desk(client, "Lists")
    bob = desk.workspace.workers.create(friendly_name="Bob", attributes='{"level": 1}')
    first, second = desk.task(n=1), desk.task(n=2)
    second.update(priority=50)

    workers = desk.workspace.workers
    assert [row.friendly_name for row in workers.list(target_workers_expression="level > 2")] == ["Ann"]
    assert [row.friendly_name for row in workers.list(task_queue_name="Billing")] == ["Ann"]
    assert workers.list(available="true") == []
    assert [row.sid for row in workers.list(friendly_name="bob")] == [bob.sid]
    queues = desk.workspace.task_queues
    assert [row.friendly_name for row in queues.list(worker_sid=desk.ann.sid)] == ["Billing"]
    assert queues.list(evaluate_worker_attributes='{"skills": []}') == []
    tasks = desk.workspace.tasks
    assert [row.sid for row in tasks.list(ordering="Priority:desc", page_size=1)] == [second.sid, first.sid]
    assert [row.sid for row in tasks.list(evaluate_task_attributes="n == 1")] == [first.sid]
    assert [row.sid for row in tasks.list(priority=50)] == [second.sid]
    first.update(assignment_status="canceled")
    assert [row.sid for row in tasks.list(assignment_status=["canceled", "completed"])] == [first.sid]
    assert len(tasks.list()) == 2
    with pytest.raises(TwilioException):
        tasks.list(ordering="Nonsense:asc")


def test_channels_can_be_parked_and_widened(client: Client) -> None:
    desk = Desk(client, "Channels")
    email = desk.workspace.task_channels.create(friendly_name="E-mail", unique_name="email")
    assert email.update(friendly_name="Mail").friendly_name == "Mail"

    channel = desk.ann.worker_channels("email").update(capacity=5)

    assert (channel.configured_capacity, channel.available) == (5, True)
    assert channel.update(available=False).available is False
    assert desk.ann.worker_channels(channel.sid).fetch().configured_capacity == 5
    names = {row.task_channel_unique_name for row in desk.ann.worker_channels.list()}
    assert names == {"default", "voice", "chat", "sms", "video", "email"}


def test_statistics_of_every_scope(client: Client) -> None:
    desk = Desk(client, "Figures")
    desk.ann.update(activity_sid=desk.available.sid)
    task = desk.task()
    waiting = desk.task()
    until(lambda: task.reservations.list())[0].update(reservation_status="accepted")
    task.update(assignment_status="completed", reason="done")
    until(lambda: waiting.fetch().assignment_status == "reserved")

    queue = desk.queue.real_time_statistics().fetch()
    assert (queue.total_eligible_workers, queue.total_tasks) == (1, 1)
    assert queue.tasks_by_status["reserved"] == 1
    assert queue.longest_task_waiting_sid == waiting.sid
    past = until(
        lambda: (found := desk.queue.cumulative_statistics().fetch(split_by_wait_time="5,30")).tasks_completed and found
    )
    assert past.reservations_accepted == 1
    assert past.split_by_wait_time["30"]["below"]["reservations_accepted"] == 1
    assert desk.queue.statistics().fetch().realtime["total_tasks"] == 1
    assert desk.workflow.real_time_statistics().fetch().total_tasks == 1
    assert desk.workflow.cumulative_statistics().fetch().tasks_entered == 2
    assert desk.workflow.statistics().fetch().cumulative["tasks_entered"] == 2
    assert desk.workspace.real_time_statistics().fetch().total_workers == 1
    assert desk.workspace.cumulative_statistics().fetch().tasks_created == 2
    assert desk.workspace.statistics().fetch().realtime["total_tasks"] == 1
    workers = desk.workspace.workers.statistics()
    assert workers.fetch().realtime["total_workers"] == 1
    assert desk.ann.statistics().fetch().cumulative["reservations_accepted"] == 1
    assert [row.task_queue_sid for row in desk.workspace.task_queues.statistics.list()] == [desk.queue.sid]
    bulk = desk.workspace.task_queues.bulk_real_time_statistics.create(Bulk(desk.queue.sid, "WQ" + "0" * 32))
    assert bulk.task_queue_response_count == 1
    assert [row["total_tasks"] for row in bulk.task_queue_data] == [1]
    with pytest.raises(TwilioRestException) as error:
        desk.queue.cumulative_statistics().fetch(start_date=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert error.value.code == 14241


def test_a_task_can_be_sent_straight_to_a_worker_or_a_queue(client: Client) -> None:
    desk = Desk(client, "Direct")
    bob = desk.workspace.workers.create(friendly_name="Bob", attributes="{}")
    other = desk.workspace.task_queues.create(friendly_name="Other", target_workers="1==0")

    queued = desk.workspace.tasks.create(attributes="{}", routing_target=other.sid)
    assert (queued.task_queue_sid, queued.routing_target, queued.assignment_status) == (other.sid, other.sid, "pending")
    # Bob is offline and in neither queue: that the task is his goes before both.
    direct = desk.workspace.tasks.create(
        attributes='{"outbound_to": "x"}',
        routing_target=bob.sid,
        task_queue_sid=other.sid,
        workflow_sid=desk.workflow.sid,
    )
    offer = until(lambda: direct.reservations.list())[0]
    assert (offer.worker_name, direct.task_queue_sid, direct.ignore_capacity) == ("Bob", other.sid, True)
    assert desk.workspace.tasks.list(routing_target=bob.sid)[0].sid == direct.sid


def test_an_offer_is_answered_by_instruction(client: Client) -> None:
    desk = Desk(client, "Instructions")
    desk.ann.update(activity_sid=desk.available.sid)
    first = desk.task()
    offer = until(lambda: first.reservations.list())[0]

    with pytest.raises(TwilioRestException) as error:
        offer.update(instruction="dequeue", dequeue_to="+15550100")
    assert (error.value.status, error.value.code) == (400, 40140)
    assert offer.update(instruction="accept").reservation_status == "accepted"
    assert first.fetch().assignment_status == "assigned"
    first.update(assignment_status="completed", reason="paid")

    second = desk.task()
    again = until(lambda: second.reservations.list())[0]
    answered = again.update(instruction="reject", worker_activity_sid=desk.offline.sid)
    assert answered.reservation_status == "rejected"
    assert desk.ann.fetch().activity_name == "Offline"


def test_a_workflows_server_takes_offers_within_seconds() -> None:
    with WebhookReceiver().running() as server, live.running("serve", env={"EGRESS_ALLOW_PRIVATE": server.host}) as it:
        offered: list[float] = []

        def answer(got: Got) -> Reply:
            offered.append(time.time())
            return Reply(b'{"instruction": "accept"}')

        server.answer = answer
        client = site_of(it).client()
        desk = Desk(client, "Callbacks")
        changed = desk.workflow.update(assignment_callback_url=server.url)
        assert changed.assignment_callback_url == server.url
        desk.ann.update(activity_sid=desk.available.sid)
        task = desk.task()

        until(lambda: task.fetch().assignment_status == "assigned")

        event = desk.workspace.events.list(event_type="reservation.created")[0]
        assert offered[0] - event.event_date_ms / 1000 < 5
        assert server.got[0].form["ReservationSid"] == event.resource_sid
