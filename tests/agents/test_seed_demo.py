from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command

from agents.management.commands.seed_demo import DEMO_LOGINS
from agents.models import CannedReply, Disposition, User
from conversations import queries
from conversations.models import Channel, Contact, Conversation, Message, Transmission
from conversations.services import visibility
from flows.models import ChannelFlow, Flow
from routing.models import TaskQueue, Worker, Workflow
from routing.services import tasks
from tests.factories import routing

pytestmark = pytest.mark.django_db


def seed(base_url: str = "http://127.0.0.1:8123") -> str:
    return str(call_command("seed_demo", "--base-url", base_url, stdout=io.StringIO()))


def counts() -> dict[str, int]:
    models: list[Any] = [
        User, Worker, TaskQueue, Workflow, Channel, Contact, Conversation, Message, CannedReply, Disposition, Flow
    ]  # fmt: skip
    return {model.__name__: model.objects.count() for model in models}


def test_everybody_can_sign_in_with_what_is_printed(client: Any) -> None:
    printed = seed()

    for username, password, about in DEMO_LOGINS:
        assert username in printed
        assert password in printed
        assert about in printed
        assert client.login(username=username, password=password)


def test_seeding_twice_changes_nothing() -> None:
    seed()
    before = counts()
    Worker.objects.filter(user__username="bob").update(friendly_name="Robert")

    seed()

    assert counts() == before
    assert Worker.objects.filter(friendly_name="Robert").exists()


def test_the_lines_follow_the_address_of_the_server() -> None:
    seed("http://127.0.0.1:1111")

    seed("http://127.0.0.1:2222/")

    page, shop = Channel.objects.get(type="messenger"), Channel.objects.get(type="webchat")
    assert page.connection.opened()["graph_base"].startswith("http://127.0.0.1:2222/")
    assert page.connection.opened()["app_secret"]
    assert "app_secret" not in page.connection.config
    assert shop.address == "demo-shop"
    assert shop.opened()["allowed_origins"] == ["self", "http://127.0.0.1:2222"]


def test_every_line_starts_a_flow() -> None:
    seed()

    assert ChannelFlow.objects.count() == Channel.objects.count() == 2


@pytest.mark.parametrize(
    ("attributes", "queue", "priority"),
    [
        ({"language": "ar", "department": "support", "vip": False}, "Arabic support", 0),
        ({"language": "en", "department": "sales", "vip": False}, "English sales", 0),
        ({"language": "ar", "department": "billing", "vip": True}, "VIP", 10),
        ({"language": "de", "department": "sales", "vip": False}, "Everyone", 0),
    ],
)
def test_tasks_go_to_the_queue_of_their_language_and_department(
    attributes: dict[str, Any], queue: str, priority: int
) -> None:
    seed()

    task = tasks.create(attributes=attributes, task_channel="chat", now=routing.NOW)

    assert (task.queue and task.queue.friendly_name, task.priority) == (queue, priority)


def test_two_agents_speak_arabic_in_every_department_or_the_next_step_finds_one() -> None:
    seed()

    speakers = [worker for worker in Worker.objects.all() if "ar" in worker.attributes["languages"]]

    assert {worker.user.username for worker in speakers if worker.user} == {"amira", "dalia", "omar"}
    support = [worker for worker in speakers if "support" in worker.attributes["departments"]]
    assert len(support) == 2


def test_the_timeline_of_a_vip_spans_two_channels() -> None:
    seed()
    amira = User.objects.get(username="amira")
    layla = Contact.objects.get(is_vip=True)

    timeline = queries.timeline(layla, user=amira, limit=100)

    assert {entry["channel"]["type"] for entry in timeline} == {"messenger", "webchat"}
    assert layla.identities.count() == 2
    assert Conversation.objects.exclude(status="closed").count() == 0


def test_nothing_of_the_history_is_sent_to_anybody() -> None:
    seed()

    assert set(Transmission.objects.values_list("status", flat=True)) == {"read"}
    assert set(Message.objects.filter(direction="out").values_list("status", flat=True)) == {"read"}


def test_agents_see_their_teams_conversations_only() -> None:
    seed()
    bob, supervisor = User.objects.get(username="bob"), User.objects.get(username="supervisor")

    assert {one.owner_name for one in visibility.visible_to(bob)} == {"Bob Miller", "Elena Rossi"}
    assert visibility.visible_to(supervisor).count() == Conversation.objects.count() == 5
