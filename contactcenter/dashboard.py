"""The admin's first page: what is going on now, in a fixed number of queries."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Min, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from contactcenter.lib import clock
from conversations.models import Channel, InboundEvent, Payload, Transmission
from conversations.services import visibility
from routing.models import Delivery, Task, TaskQueue, Worker


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds ``cards``, ``queues``, ``workers`` and ``ill_channels`` for templates/admin/index.html."""
    now = clock.now()
    user = request.user
    assert user.is_authenticated  # the admin site lets nobody else in
    teams = None if user.is_superuser else list(user.teams.values_list("pk", flat=True))
    conversations = visibility.visible_to(user)

    queues = TaskQueue.objects.order_by("friendly_name")
    workers = Worker.objects.select_related("activity", "user")
    channels = Channel.objects.filter(is_active=True)
    events = InboundEvent.objects.filter(status=InboundEvent.Status.FAILED)
    payloads = Payload.objects.filter(status=Payload.Status.FAILED)
    if teams is not None:
        queues = queues.filter(Q(team__isnull=True) | Q(team__in=teams))
        workers = workers.filter(user__teams__in=teams).distinct()
        channels = channels.filter(team__in=teams)
        events = events.filter(channel__team__in=teams)
        payloads = payloads.filter(connection__channels__team__in=teams).distinct()
    waiting = Q(tasks__status__in=Task.WAITING, tasks__ended_at__isnull=True)
    queues = queues.annotate(
        waiting=Count("tasks", filter=waiting),
        assigned=Count("tasks", filter=Q(tasks__status=Task.Status.ASSIGNED)),
        wrapping=Count("tasks", filter=Q(tasks__status=Task.Status.WRAPPING)),
        oldest=Min("tasks__virtual_start_time", filter=waiting),
    )
    queue_rows = list(queues)
    worker_rows = list(workers.order_by("-activity__available", "activity_since")[:100])
    oldest = min((queue.oldest for queue in queue_rows if queue.oldest), default=None)
    failed_sends = Transmission.objects.filter(
        status__in=[Transmission.Status.FAILED, Transmission.Status.UNKNOWN],
        conversation__in=conversations.values("pk"),
    ).count()
    failed_in = events.count() + payloads.count()
    available = sum(1 for worker in worker_rows if worker.activity.available)

    def card(label: str, value: Any, link: str, *, bad: bool = False) -> dict[str, Any]:
        return {"label": label, "value": value, "link": link, "bad": bad}

    context["cards"] = [
        card(
            _("Waiting"),
            sum(queue.waiting for queue in queue_rows),
            reverse("admin:routing_task_changelist") + "?status__exact=pending",
        ),
        card(
            _("Longest wait"),
            timesince(oldest, now, depth=1) if oldest else "–",
            reverse("admin:routing_task_changelist"),
        ),
        card(
            _("Agents available"),
            f"{available} / {len(worker_rows)}",
            reverse("admin:routing_worker_changelist"),
            bad=available == 0 and oldest is not None,
        ),
        card(
            _("Open conversations"),
            conversations.filter(status="open").count(),
            reverse("admin:conversations_conversation_changelist") + "?status__exact=open",
        ),
        card(
            _("Not understood"),
            failed_in,
            reverse("admin:conversations_inboundevent_changelist") + "?status__exact=failed",
            bad=failed_in > 0,
        ),
        card(
            _("Not sent"),
            failed_sends,
            reverse("admin:conversations_transmission_changelist") + "?status__exact=failed",
            bad=failed_sends > 0,
        ),
    ]
    given_up = Delivery.objects.filter(status=Delivery.Status.DEAD).count() if user.is_superuser else 0
    if given_up:
        link = reverse("admin:routing_delivery_changelist") + "?status__exact=dead"
        context["cards"].append(card(_("Webhooks"), given_up, link, bad=True))
    context["queues"] = {
        "headers": [_("Queue"), _("Waiting"), _("Longest wait"), _("With agents"), _("Wrapping up")],
        "rows": [
            [
                queue.friendly_name,
                queue.waiting,
                timesince(queue.oldest, now, depth=1) if queue.oldest else "–",
                queue.assigned,
                queue.wrapping,
            ]
            for queue in queue_rows
        ],
    }
    context["workers"] = {
        "headers": [_("Agent"), _("Activity"), _("Since"), _("Load")],
        "rows": [
            [
                worker.user.display_name if worker.user else worker.friendly_name,
                worker.activity.friendly_name,
                timesince(worker.activity_since, now, depth=1),
                f"{worker.load} / {worker.capacity}",
            ]
            for worker in worker_rows
        ],
    }
    context["ill_channels"] = list(channels.filter(is_healthy=False))
    return context
