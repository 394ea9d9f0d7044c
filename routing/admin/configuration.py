"""Queues, workflows, activities, task channels and the workspace's limits of patience."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from routing.engine import expression, workflow
from routing.models import Activity, Task, TaskChannel, TaskQueue, Workflow, Workspace
from routing.services import setup
from routing.services.ledger import Ledger


class NewsAdmin(ModelAdmin):
    """Saves the row and, in the same transaction, leaves the router the news of it."""

    news = ""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with transaction.atomic():
            if "workspace" in {field.name for field in obj._meta.fields} and obj.workspace_id is None:
                obj.workspace = setup.default_workspace()
            super().save_model(request, obj, form, change)
            self._tell_router(obj)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        with transaction.atomic():
            self._tell_router(obj)
            super().delete_model(request, obj)

    def _tell_router(self, obj: Model) -> None:
        ledger = Ledger(clock.now())
        ledger.changed(self.news, obj.pk)
        ledger.write()


class TaskQueueForm(forms.ModelForm):
    def clean_target_workers(self) -> str:
        text: str = self.cleaned_data["target_workers"]
        if text.strip():
            try:
                expression.compile(text)
            except ContactCenterError as error:
                raise forms.ValidationError(error.message) from error
        return text


@admin.register(TaskQueue)
class TaskQueueAdmin(NewsAdmin):
    news = "queue"
    form = TaskQueueForm
    list_display = ["friendly_name", "target_workers", "waiting", "team", "task_order"]
    list_filter = ["team", "task_order"]
    list_select_related = ["team"]
    search_fields = ["friendly_name", "target_workers"]
    autocomplete_fields = ["team"]
    fields = ["friendly_name", "target_workers", "team", "task_order", "max_reserved_workers", "auto_accept"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskQueue]:
        live = Q(tasks__status__in=[Task.Status.PENDING, Task.Status.RESERVED])
        return super().get_queryset(request).annotate(waiting_count=Count("tasks", filter=live))

    @display(description=_("waiting"), ordering="waiting_count")
    def waiting(self, queue: TaskQueue) -> int:
        return queue.waiting_count  # type: ignore[attr-defined]  # annotated above


class WorkflowForm(forms.ModelForm):
    configuration = forms.CharField(
        label=_("configuration (JSON)"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 28, "dir": "ltr", "spellcheck": "false"}),
        help_text=_("A TaskRouter workflow document. Queues by their id (WQ...) or their name."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["configuration"] = json.dumps(self.instance.configuration, ensure_ascii=False, indent=2)

    def clean_configuration(self) -> Any:
        names = dict(TaskQueue.objects.values_list("friendly_name", "pk"))
        ids = set(names.values())

        def queue_of(reference: str) -> Any:
            row_id = TaskQueue.id_from_sid(reference)
            return row_id if row_id in ids else names.get(reference)

        try:
            document = json.loads(self.cleaned_data["configuration"])
            workflow.parse(document, queue_of)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_("This is not JSON: %(error)s"), params={"error": error}) from error
        except ContactCenterError as error:
            raise forms.ValidationError(error.message) from error
        return document


@admin.register(Workflow)
class WorkflowAdmin(NewsAdmin):
    news = "workflow"
    form = WorkflowForm
    list_display = ["friendly_name", "filter_count", "task_reservation_timeout"]
    search_fields = ["friendly_name"]
    fields = ["friendly_name", "task_reservation_timeout", "configuration"]

    @display(description=_("filters"))
    def filter_count(self, row: Workflow) -> int:
        return len(row.configuration.get("task_routing", {}).get("filters", []))


@admin.register(Activity)
class ActivityAdmin(NewsAdmin):
    news = "workspace"
    list_display = ["friendly_name", "available", "position"]
    list_filter = ["available"]
    search_fields = ["friendly_name"]
    fields = ["friendly_name", "available", "position"]

    def get_readonly_fields(self, request: HttpRequest, obj: Activity | None = None) -> list[str]:
        # TaskRouter's rule: agents who are in it would silently become (un)available.
        return ["available"] if obj else []


@admin.register(TaskChannel)
class TaskChannelAdmin(NewsAdmin):
    news = "workspace"
    list_display = ["friendly_name", "unique_name", "weight", "default_capacity"]
    search_fields = ["friendly_name", "unique_name"]
    fields = ["unique_name", "friendly_name", "weight", "default_capacity", "channel_optimized_routing"]

    def get_readonly_fields(self, request: HttpRequest, obj: TaskChannel | None = None) -> list[str]:
        return ["unique_name"] if obj else []


@admin.register(Workspace)
class WorkspaceAdmin(NewsAdmin):
    news = "workspace"
    list_display = ["friendly_name", "reoffer_after", "vanish_after", "requeue_after", "wrap_up_limit"]
    fields = [
        "friendly_name",
        "default_activity",
        "timeout_activity",
        "offline_activity",
        "prioritize_queue_order",
        "reoffer_after",
        "vanish_after",
        "requeue_after",
        "wrap_up_limit",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:
        return False
