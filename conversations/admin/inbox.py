"""What came in and could not be used: kept, counted, replayable."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from conversations.models import InboundEvent, Payload
from conversations.services import inbound

SHOWN = 20_000


class ReadOnlyAdmin(ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ReplayAdmin(ReadOnlyAdmin):
    """Adds the replay action, for one row and for many."""

    actions = ["replay_many"]
    actions_detail = ["replay"]

    def _replay(self, request: HttpRequest, row: Payload | InboundEvent) -> None:
        try:
            inbound.replay(row, now=clock.now())
        except ContactCenterError as error:
            messages.error(request, gettext("%(row)s: %(error)s") % {"row": row.sid, "error": error.message})
        else:
            messages.success(request, gettext("%(row)s is being processed again.") % {"row": row.sid})

    @action(description=_("Replay"), permissions=["change"], icon="replay")
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is not None:
            self._replay(request, row)
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[object_id])
        )

    @admin.action(description=_("Replay"), permissions=["change"])
    def replay_many(self, request: HttpRequest, queryset: QuerySet) -> None:
        for row in queryset:
            self._replay(request, row)


@admin.register(Payload)
class PayloadAdmin(ReplayAdmin):
    list_display = ["sid", "connection", "state", "error", "deliveries", "created_at"]
    list_filter = ["status", "connection", ("created_at", admin.DateFieldListFilter)]
    list_select_related = ["connection"]
    search_fields = ["error", "digest"]
    show_full_result_count = False
    fields = ["sid", "connection", "status", "error", "deliveries", "created_at", "headers", "text"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payload]:
        payloads = super().get_queryset(request)
        if request.resolver_match and str(request.resolver_match.url_name).endswith("changelist"):
            payloads = payloads.defer("body")
        if request.user.is_superuser:
            return payloads
        return payloads.filter(connection__channels__team__members=request.user).distinct()

    @display(description=_("status"), ordering="status", label={"parsed": "success", "failed": "danger"})
    def state(self, payload: Payload) -> tuple[str, str]:
        return payload.status, payload.get_status_display()

    @display(description=_("body"))
    def text(self, payload: Payload) -> str:
        return bytes(payload.body[:SHOWN]).decode("utf-8", "replace")


@admin.register(InboundEvent)
class InboundEventAdmin(ReplayAdmin):
    list_display = ["sid", "kind", "channel", "state", "attempts", "error", "at"]
    list_filter = ["status", "kind", "channel"]
    list_select_related = ["channel"]
    search_fields = ["key", "error"]
    show_full_result_count = False
    fields = [
        "sid",
        "connection",
        "channel",
        "kind",
        "lane",
        "key",
        "status",
        "attempts",
        "error",
        "at",
        "done_at",
        "body",
    ]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundEvent]:
        events = super().get_queryset(request)
        return events if request.user.is_superuser else events.filter(channel__team__members=request.user)

    @display(
        description=_("status"),
        ordering="status",
        label={"done": "success", "failed": "danger", "pending": "warning", "waiting": "warning", "ignored": "info"},
    )
    def state(self, event: InboundEvent) -> tuple[str, str]:
        return event.status, event.get_status_display()
