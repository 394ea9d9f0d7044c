from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from conversations.models import Conversation, Message, Participant
from conversations.services import visibility


class MessageInline(TabularInline):
    """What was said, in order; read only: nobody edits history."""

    model = Message
    fields = ["seq", "who", "words", "files", "status", "status_reason", "created_at"]
    readonly_fields = fields
    extra = 0
    can_delete = False
    ordering = ["seq"]
    per_page = 50
    verbose_name_plural = _("messages")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).annotate(file_count=Count("attachments"))

    def has_add_permission(self, request: HttpRequest, obj: Conversation | None = None) -> bool:
        return False

    @display(description=_("author"))
    def who(self, message: Message) -> str:
        return message.author_name or str(message.get_author_display())

    @display(description=_("text"))
    def words(self, message: Message) -> str:
        # dir="auto": customers write in any direction, whatever the page's is.
        return format_html('<span dir="auto">{}</span>', message.text or f"({message.kind})")

    @display(description=_("files"))
    def files(self, message: Message) -> int:
        return message.file_count  # type: ignore[attr-defined]  # annotated above


class ParticipantInline(TabularInline):
    model = Participant
    fields = ["user", "role", "created_at", "left_at"]
    readonly_fields = fields
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Participant]:
        return super().get_queryset(request).select_related("user")

    def has_add_permission(self, request: HttpRequest, obj: Conversation | None = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationAdmin(ModelAdmin):
    list_display = ["customer", "channel", "state", "who_owns", "last_message_text", "last_message_at", "disposition"]
    list_filter = ["status", "owner", "channel", "disposition", ("last_message_at", admin.DateFieldListFilter)]
    list_select_related = ["identity__contact", "channel", "owner_user"]
    search_fields = ["identity__display_name", "identity__address", "identity__contact__name", "last_message_text"]
    show_full_result_count = False
    list_per_page = 50
    inlines = [ParticipantInline, MessageInline]
    fields = [
        "sid",
        "channel",
        "identity",
        "status",
        "owner",
        "owner_user",
        "disposition",
        "attributes",
        "created_at",
        "closed_at",
    ]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        visible = visibility.visible_to(request.user)
        return super().get_queryset(request).filter(pk__in=visible.values("pk"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Conversation | None = None) -> bool:
        return False

    @display(description=_("customer"), header=True)
    def customer(self, conversation: Conversation) -> list[str]:
        identity = conversation.identity
        return [str(identity.contact), identity.display_name or identity.address]

    @display(description=_("status"), ordering="status", label={"open": "success", "closed": "info"})
    def state(self, conversation: Conversation) -> tuple[str, str]:
        return conversation.status, conversation.get_status_display()

    @display(description=_("owner"), ordering="owner")
    def who_owns(self, conversation: Conversation) -> str:
        if conversation.owner_user is not None:
            return str(conversation.owner_user)
        return str(conversation.get_owner_display())
