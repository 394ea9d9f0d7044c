"""Queues, activities, task channels and the workspace's limits of patience."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, Model, Q, QuerySet, URLField
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from routing import actor, checks
from routing.models import Activity, Receiver, Task, TaskChannel, TaskQueue, Workspace
from routing.models.delivery import Receiving
from routing.services import configuration, setup


class WorkspaceFilter(admin.RelatedFieldListFilter):
    """By workspace, in the reader's language (the column has no name of its own)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("workspace")


class NewsAdmin(ModelAdmin):
    """Saves and deletes through the service that tells the router and the event log, who did it included."""

    def get_list_display(self, request: HttpRequest) -> Any:
        """With the workspace where there are several."""
        shown = super().get_list_display(request)
        several = self._is_of_a_workspace() and Workspace.objects.count() > 1
        return [*shown, "of_workspace"] if several else shown

    def get_list_select_related(self, request: HttpRequest) -> Any:
        found = super().get_list_select_related(request)
        return [*(found or []), "workspace"] if self._is_of_a_workspace() else found

    def get_list_filter(self, request: HttpRequest) -> Any:
        # Django leaves out a filter with a single choice.
        shown = super().get_list_filter(request)
        return [*shown, ("workspace", WorkspaceFilter)] if self._is_of_a_workspace() else shown

    @display(description=_("workspace"), ordering="workspace__friendly_name")
    def of_workspace(self, row: Any) -> str:
        return str(row.workspace)

    def _is_of_a_workspace(self) -> bool:
        return any(field.name == "workspace" for field in self.opts.fields)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if self._is_of_a_workspace() and obj.workspace_id is None:
            obj.workspace = setup.default_workspace()
        with actor.acting(str(getattr(request.user, "sid", ""))):
            configuration.save(obj, now=clock.now())

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        with actor.acting(str(getattr(request.user, "sid", ""))):
            configuration.delete(obj, now=clock.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            for row in queryset:
                self.delete_model(request, row)


def answered(receiver: Receiving | None) -> str:
    """How an address outside has answered lately, in words."""
    if receiver is None:
        return "-"
    if receiver.failures:
        said = gettext("Failures in a row: %(number)s. Last: %(error)s")
        return said % {"number": receiver.failures, "error": receiver.error}
    return receiver.error or (gettext("It answers.") if receiver.answered_at else "-")


class TaskQueueForm(forms.ModelForm):
    def clean_target_workers(self) -> str:
        text: str = self.cleaned_data["target_workers"]
        try:
            checks.expression(text)
        except ContactCenterError as error:
            raise forms.ValidationError(error.message) from error
        return text


@admin.register(TaskQueue)
class TaskQueueAdmin(NewsAdmin):
    form = TaskQueueForm
    list_display = ["friendly_name", "target_workers", "waiting", "team", "task_order"]
    list_filter = ["team", "task_order"]
    list_select_related = ["team"]
    search_fields = ["friendly_name", "target_workers"]
    autocomplete_fields = ["team"]
    fields = [
        "friendly_name",
        "target_workers",
        "team",
        "task_order",
        "max_reserved_workers",
        "auto_accept",
        "wrap_up_limit",
        "sla_target",
        "short_abandon",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskQueue]:
        live = Q(tasks__status__in=Task.WAITING, tasks__ended_at__isnull=True)
        return super().get_queryset(request).annotate(waiting_count=Count("tasks", filter=live))

    @display(description=_("waiting"), ordering="waiting_count")
    def waiting(self, queue: TaskQueue) -> int:
        return queue.waiting_count  # type: ignore[attr-defined]  # annotated above


@admin.register(Activity)
class ActivityAdmin(NewsAdmin):
    list_display = ["friendly_name", "available", "position"]
    list_filter = ["available"]
    search_fields = ["friendly_name"]
    fields = ["friendly_name", "available", "position"]

    def get_readonly_fields(self, request: HttpRequest, obj: Activity | None = None) -> list[str]:
        # TaskRouter's rule: agents who are in it would silently become (un)available.
        return ["available"] if obj else []


@admin.register(TaskChannel)
class TaskChannelAdmin(NewsAdmin):
    list_display = ["friendly_name", "unique_name", "weight", "is_interruptible", "default_capacity"]
    search_fields = ["friendly_name", "unique_name"]
    fields = [
        *("unique_name", "friendly_name", "weight", "is_interruptible", "default_capacity"),
        "channel_optimized_routing",
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: TaskChannel | None = None) -> list[str]:
        return ["unique_name"] if obj else []


@admin.register(Workspace)
class WorkspaceAdmin(NewsAdmin):
    list_display = ["friendly_name", "reoffer_after", "vanish_after", "requeue_after", "wrap_up_limit"]
    fields = [
        "friendly_name",
        "default_activity",
        "timeout_activity",
        "reject_activity",
        "offline_activity",
        "prioritize_queue_order",
        "reoffer_after",
        "vanish_after",
        "requeue_after",
        "wrap_up_limit",
        "assignment_limit",
        "event_callback_url",
        "events_filter",
        "receiver_state",
    ]
    readonly_fields = ["receiver_state"]

    @display(description=_("the callback URL now"))
    def receiver_state(self, workspace: Workspace) -> str:
        return answered(Receiver.objects.filter(pk=workspace.pk).first())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:
        return False
