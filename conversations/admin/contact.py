from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from conversations.models import Contact, Conversation, Identity
from conversations.services import visibility


class IdentityInline(TabularInline):
    model = Identity
    fk_name = "contact"
    fields = ["kind", "scope", "address", "display_name", "is_verified", "is_reachable"]
    readonly_fields = ["kind", "scope", "address", "is_verified"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return False


class ConversationInline(TabularInline):
    """The contact's conversations over all channels, newest first."""

    model = Conversation
    fields = ["sid", "channel", "status", "owner", "disposition", "last_message_at"]
    readonly_fields = fields
    extra = 0
    show_change_link = True
    can_delete = False
    verbose_name_plural = _("conversations")

    def has_add_permission(self, request: HttpRequest, obj: Identity | None = None) -> bool:
        return False


@admin.register(Contact)
class ContactAdmin(ModelAdmin):
    list_display = ["name_or_sid", "language", "is_vip", "identity_count", "created_at"]
    list_filter = ["is_vip", "language", "identities__kind"]
    search_fields = ["name", "identities__address", "identities__display_name"]
    readonly_fields = ["sid", "claims", "created_at"]
    fields = ["sid", "name", "language", "is_vip", "attributes", "notes", "claims", "created_at"]
    inlines = [IdentityInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        contacts = super().get_queryset(request).annotate(identity_total=Count("identities", distinct=True))
        if request.user.is_superuser:
            return contacts
        # A contact is seen by whoever sees one of their conversations; nobody's contact by every supervisor.
        theirs = visibility.visible_to(request.user).filter(identity__contact=OuterRef("pk"))
        any_conversation = Conversation.objects.filter(identity__contact=OuterRef("pk"))
        return contacts.filter(Q(Exists(theirs)) | ~Q(Exists(any_conversation)))

    def has_delete_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return False

    @display(description=_("name"), ordering="name")
    def name_or_sid(self, contact: Contact) -> str:
        return str(contact)

    @display(description=_("identities"), ordering="identity_total")
    def identity_count(self, contact: Contact) -> int:
        return contact.identity_total  # type: ignore[attr-defined]  # annotated above


@admin.register(Identity)
class IdentityAdmin(ModelAdmin):
    list_display = ["__str__", "kind", "scope", "contact", "is_verified", "is_reachable"]
    list_filter = ["kind", "is_verified", "is_reachable"]
    list_select_related = ["contact"]
    search_fields = ["address", "display_name", "contact__name"]
    readonly_fields = ["kind", "scope", "address", "is_verified", "contact", "merged_from"]
    inlines = [ConversationInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Identity]:
        identities = super().get_queryset(request)
        if request.user.is_superuser:
            return identities
        return identities.filter(Exists(visibility.visible_to(request.user).filter(identity=OuterRef("pk"))))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Identity | None = None) -> bool:
        return False
