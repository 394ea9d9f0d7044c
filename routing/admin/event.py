"""What happened, what of it could not be delivered, and sending it again."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from routing import event_wire
from routing.models import Delivery, Event, Reservation, Task, TaskQueue, Worker, Workflow
from routing.services import webhooks

_GROUPS = {
    "task": _("Tasks"),
    "reservation": _("Offers"),
    "worker": _("Agents"),
    "task-queue": _("Queues"),
    "workflow": _("Workflows"),
    "activity": _("Activities"),
    "task-channel": _("Task channels"),
    "workspace": _("Workspaces"),
}


class OperatorAdmin(ModelAdmin):
    """Read-only, and for superusers: events show every team's tasks."""

    paginator = InfinitePaginator
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _told(self, request: HttpRequest, number: int) -> None:
        text = ngettext("%(number)s event is sent again.", "%(number)s events are sent again.", number)
        messages.success(request, text % {"number": number})


class GroupFilter(admin.SimpleListFilter):
    """By what the event is about; events have no index by type, the newest are looked through."""

    title = _("about")
    parameter_name = "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(_GROUPS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        value = self.value()
        return queryset.filter(type__startswith=f"{value}.") if value in _GROUPS else queryset


class ReplayForm(forms.Form):
    since = forms.SplitDateTimeField(
        label=_("from"), widget=UnfoldAdminSplitDateTimeWidget(), help_text=_("Everything that happened since then.")
    )
    until = forms.SplitDateTimeField(
        label=_("to"), widget=UnfoldAdminSplitDateTimeWidget(), required=False, help_text=_("Empty: until now.")
    )


@admin.register(Event)
class EventAdmin(OperatorAdmin):
    list_display = ["created_at", "type", "subject", "waits"]
    list_filter = [GroupFilter, ("created_at", admin.DateFieldListFilter)]
    search_fields = ["=type"]
    search_help_text = _("The id of a task, offer, agent, queue or workflow, or an event's type.")
    ordering = ["-created_at", "-id"]
    actions = ["send_again"]
    actions_list = ["send_again_since"]
    actions_detail = ["send_one_again"]
    fields = ["sid", "type", "created_at", "described", "shown"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).prefetch_related("deliveries")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        columns: dict[str, Any] = {
            "task": Task,
            "worker": Worker,
            "reservation": Reservation,
            "queue": TaskQueue,
            "workflow": Workflow,
            "id": Event,
        }
        for column, model in columns.items():
            row_id: uuid.UUID | None = model.id_from_sid(search_term.strip())
            if row_id is not None:
                return queryset.filter(**{column: row_id}), False
        return super().get_search_results(request, queryset, search_term)

    @display(description=_("about"))
    def subject(self, event: Event) -> str:
        return event_wire.resource(event)[1]

    @display(description=_("webhook"), label={"due": "warning", "dead": "danger"})
    def waits(self, event: Event) -> tuple[str, str] | None:
        rows = list(event.deliveries.all())
        row = next((one for one in rows if one.status == "dead"), rows[0] if rows else None)
        return None if row is None else (row.status, row.get_status_display())

    @display(description=_("description"))
    def described(self, event: Event) -> str:
        return str(event_wire.wire(event)["description"])

    @display(description=_("data"))
    def shown(self, event: Event) -> str:
        text = json.dumps(event_wire.wire(event), ensure_ascii=False, indent=2)
        return format_html('<pre dir="ltr">{}</pre>', text)

    @admin.action(description=_("Send again"), permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Event]) -> None:
        try:
            chosen = Event.objects.filter(pk__in=queryset.values("pk"))
            self._told(request, webhooks.replay(chosen, now=clock.now()))
        except ContactCenterError as error:
            messages.error(request, error.message)

    @action(description=_("Send again"), url_path="send-again", permissions=["view"], icon="send")
    def send_one_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One event's webhook once more."""
        self.send_again(request, Event.objects.filter(pk=object_id))
        return HttpResponseRedirect(reverse("admin:routing_event_change", args=[object_id]))

    @action(description=_("Send again from a date"), url_path="send-again", permissions=["view"], icon="replay")
    def send_again_since(self, request: HttpRequest) -> HttpResponse:
        """Everything since a moment: the receiver had lost it, or was not there yet."""
        form = ReplayForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            now = clock.now()
            events = Event.objects.filter(
                created_at__gte=form.cleaned_data["since"], created_at__lte=form.cleaned_data["until"] or now
            )
            try:
                self._told(request, webhooks.replay(events, now=now, only_wanted=True))
                return HttpResponseRedirect(reverse("admin:routing_delivery_changelist"))
            except ContactCenterError as error:
                form.add_error(None, error.message)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Send again from a date"),
            "opts": self.opts,
            "form": form,
        }
        return render(request, "admin/routing/replay.html", context)


@admin.register(Delivery)
class DeliveryAdmin(OperatorAdmin):
    list_display = ["created_at", "event_type", "state", "attempts", "error", "due_at", "is_replay"]
    list_filter = ["status", "is_replay", ("created_at", admin.DateFieldListFilter)]
    list_select_related = ["event"]
    search_fields = ["error"]
    ordering = ["-id"]
    actions = ["send_again", "discard"]
    fields = ["event_type", "status", "attempts", "error", "created_at", "due_at", "is_replay"]
    readonly_fields = fields

    @display(description=_("event"))
    def event_type(self, delivery: Delivery) -> str:
        return delivery.event.type

    @display(description=_("status"), ordering="status", label={"due": "warning", "dead": "danger"})
    def state(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.status, delivery.get_status_display()

    @admin.action(description=_("Send given-up ones after all"), permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self._told(request, webhooks.retry(queryset, now=clock.now()))

    @admin.action(description=_("Discard given-up ones"), permissions=["view"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        Delivery.objects.filter(pk__in=queryset.values("pk"), status=Delivery.Status.DEAD).delete()
