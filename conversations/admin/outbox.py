"""What went out, and what did not."""

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
from conversations.models import Transmission
from conversations.services import messages as message_services
from conversations.services import visibility


@admin.register(Transmission)
class TransmissionAdmin(ModelAdmin):
    list_display = ["sid", "channel", "customer", "state", "error", "attempts", "created_at"]
    list_filter = ["status", "channel", "error_code", ("created_at", admin.DateFieldListFilter)]
    list_select_related = ["channel", "conversation__identity"]
    search_fields = ["external_id", "error", "conversation__identity__address"]
    show_full_result_count = False
    actions = ["retry_many"]
    actions_detail = ["retry"]
    fields = [
        "sid",
        "channel",
        "conversation",
        "part",
        "text",
        "status",
        "attempts",
        "error_code",
        "error",
        "external_id",
        "created_at",
        "due_at",
        "sent_at",
    ]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transmission]:
        visible = visibility.visible_to(request.user)
        return super().get_queryset(request).filter(conversation__in=visible.values("pk"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Transmission | None = None) -> bool:
        return False

    @display(description=_("customer"))
    def customer(self, transmission: Transmission) -> str:
        return str(transmission.conversation.identity)

    @display(
        description=_("status"),
        ordering="status",
        label={"sent": "success", "failed": "danger", "unknown": "warning", "queued": "info", "sending": "info"},
    )
    def state(self, transmission: Transmission) -> tuple[str, str]:
        return transmission.status, transmission.get_status_display()

    def _retry(self, request: HttpRequest, transmission: Transmission) -> None:
        try:
            message_services.retry(transmission.message, user=request.user, now=clock.now())
        except ContactCenterError as error:
            messages.error(request, gettext("%(row)s: %(error)s") % {"row": transmission.sid, "error": error.message})
        else:
            messages.success(request, gettext("%(row)s is being sent again.") % {"row": transmission.sid})

    @action(description=_("Retry"), permissions=["change"], icon="send")
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        transmission = self.get_object(request, object_id)
        if transmission is not None:
            self._retry(request, transmission)
        return HttpResponseRedirect(reverse("admin:conversations_transmission_change", args=[object_id]))

    @admin.action(description=_("Retry"), permissions=["change"])
    def retry_many(self, request: HttpRequest, queryset: QuerySet[Transmission]) -> None:
        for transmission in queryset.select_related("message"):
            self._retry(request, transmission)
