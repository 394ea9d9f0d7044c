from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from conversations.services import visibility
from routing.admin.explain import explain_page
from routing.models import Reservation, Task
from routing.services import tasks

LABELS = {
    "pending": "warning",
    "reserved": "info",
    "assigned": "success",
    "accepted": "success",
    "wrapping": "info",
    "rejected": "danger",
    "timeout": "danger",
}


class ReadOnlyAdmin(ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ReservationInline(TabularInline):
    model = Reservation
    fields = ["worker", "role", "status", "created_at", "accepted_at", "ended_at", "reason"]
    readonly_fields = fields
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        return super().get_queryset(request).select_related("worker")

    def has_add_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        return False


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ["customer", "queue", "state", "priority", "task_channel", "created_at", "reason"]
    list_filter = ["status", "queue", "task_channel", ("created_at", admin.DateFieldListFilter)]
    list_select_related = ["queue", "task_channel", "conversation__identity__contact"]
    search_fields = ["conversation__identity__display_name", "conversation__identity__contact__name", "reason"]
    show_full_result_count = False
    inlines = [ReservationInline]
    actions = ["cancel"]
    actions_detail = ["explain"]
    fields = [
        "sid",
        "conversation",
        "workflow",
        "queue",
        "task_channel",
        "status",
        "reason",
        "priority",
        "attributes",
        "created_at",
        "assigned_at",
        "wrapping_at",
        "ended_at",
    ]
    readonly_fields = [field for field in fields if field != "priority"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        visible = visibility.visible_to(request.user).filter(pk=OuterRef("conversation_id"))
        return rows.filter(Q(Exists(visible)) | Q(conversation__isnull=True, queue__team__members=request.user))

    def save_model(self, request: HttpRequest, obj: Task, form: object, change: bool) -> None:
        try:
            tasks.update(obj, priority=obj.priority, now=clock.now())
        except ContactCenterError as error:
            messages.error(request, error.message)

    @admin.action(description=_("Cancel"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        for task in queryset:
            try:
                tasks.cancel(task, reason=gettext("Canceled by %(user)s") % {"user": request.user}, now=clock.now())
            except ContactCenterError as error:
                messages.error(request, f"{task.sid}: {error.message}")

    @action(description=_("Explain"), url_path="explain", permissions=["view"], icon="troubleshoot")
    def explain(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Who will get this task, and why nobody else."""
        task = self.get_object(request, object_id)
        if task is None:
            return HttpResponseRedirect(reverse("admin:routing_task_changelist"))
        return explain_page(request, self.admin_site, workflow=task.workflow, task=task)

    @display(description=_("customer"))
    def customer(self, task: Task) -> str:
        return str(task.conversation.identity.contact) if task.conversation else task.sid

    @display(description=_("status"), ordering="status", label=LABELS)
    def state(self, task: Task) -> tuple[str, str]:
        return task.status, task.get_status_display()


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ["sid", "worker", "queue", "state", "created_at", "accepted_at", "ended_at"]
    list_filter = ["status", "worker", ("created_at", admin.DateFieldListFilter)]
    list_select_related = ["worker", "task__queue"]
    search_fields = ["worker__friendly_name", "reason"]
    show_full_result_count = False
    fields = ["sid", "task", "worker", "role", "status", "reason", "created_at", "due_at", "accepted_at", "ended_at"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(worker__user__teams__members=request.user).distinct()

    @display(description=_("queue"))
    def queue(self, reservation: Reservation) -> str:
        return str(reservation.task.queue or "")

    @display(description=_("status"), ordering="status", label=LABELS)
    def state(self, reservation: Reservation) -> tuple[str, str]:
        return reservation.status, reservation.get_status_display()
