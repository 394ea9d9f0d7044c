"""Connections and channels. The form's fields come from what the adapter declares; secrets are write-only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from channels_adapters import registry
from channels_adapters.contract import Setting
from contactcenter.lib import clock
from conversations.models import Channel, Connection
from conversations.services import channels

PREFIX = "setting_"


def _field(setting: Setting, *, has_secret: bool) -> forms.Field:
    """The form field of one declared setting. A secret that is set shows empty and may stay empty."""
    if setting.secret:
        return forms.CharField(
            label=setting.label,
            required=setting.required and not has_secret,
            help_text=_("Stored sealed. Leave empty to keep the present one.") if has_secret else setting.help,
            widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        )
    if setting.kind == "boolean":
        return forms.BooleanField(
            label=setting.label, required=False, help_text=setting.help, widget=UnfoldBooleanSwitchWidget()
        )
    if setting.kind == "number":
        return forms.IntegerField(label=setting.label, required=setting.required, help_text=setting.help)
    if setting.kind == "list":
        return forms.CharField(
            label=setting.label,
            required=setting.required,
            help_text=setting.help or _("One per line."),
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        )
    return forms.CharField(
        label=setting.label, required=setting.required, help_text=setting.help, widget=UnfoldAdminTextInputWidget()
    )


class SettingsForm(forms.ModelForm):
    """A ModelForm with one field per setting the adapter declares; ``declared`` is set by the admin's subclass."""

    declared: tuple[Setting, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for setting in self.declared:
            name = PREFIX + setting.name
            if name in self.fields and not setting.secret:
                value = self.instance.config.get(setting.name, setting.default)
                self.initial[name] = "\n".join(value) if setting.kind == "list" and isinstance(value, list) else value

    def save(self, commit: bool = True) -> Any:
        row = self.instance
        secrets = {}
        for setting in self.declared:
            value = self.cleaned_data.get(PREFIX + setting.name)
            if setting.secret:
                if value:
                    secrets[setting.name] = value
            elif setting.kind == "list":
                row.config[setting.name] = [line.strip() for line in (value or "").splitlines() if line.strip()]
            else:
                row.config[setting.name] = value
        if secrets:
            row.set_secrets(**secrets)
        return super().save(commit)


class TypeForm(forms.ModelForm):
    """The first step of adding: what type it is. Its settings follow on the next page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "type" in self.fields:
            choices = [(slug, adapter.label) for slug, adapter in registry.all_adapters().items()]
            self.fields["type"] = forms.ChoiceField(
                label=_("type"), choices=choices, widget=UnfoldAdminSelectWidget(choices=choices)
            )


class SettingsAdmin(ModelAdmin):
    """Shared by connections and channels: adding asks for the type, changing for what the adapter declares."""

    base_fields: tuple[str, ...] = ()

    def declared(self, row: Any) -> tuple[Setting, ...]:
        """The adapter's settings for this row; none when its app is no longer installed."""
        raise NotImplementedError  # both subclasses say which of the adapter's settings are theirs

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            return super().get_form(request, obj, change, form=TypeForm, fields=self.base_fields, **kwargs)
        declared = self.declared(obj)
        present = obj.secrets()
        attributes: dict[str, Any] = {"declared": declared}
        for setting in declared:
            attributes[PREFIX + setting.name] = _field(setting, has_secret=bool(present.get(setting.name)))
        kwargs["form"] = type("DeclaredSettingsForm", (SettingsForm,), attributes)
        kwargs["fields"] = [name for name in self.base_fields if name != "type"]
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": self.base_fields})]
        return [
            (
                None,
                {"fields": [*[f for f in self.base_fields if f != "type"], *self.get_readonly_fields(request, obj)]},
            ),
            (_("Settings"), {"fields": [PREFIX + setting.name for setting in self.declared(obj)]}),
        ]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        messages.info(request, gettext("Now fill in the settings and save."))
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk])
        )


@admin.register(Connection)
class ConnectionAdmin(SettingsAdmin):
    base_fields = ("type", "name", "is_active")
    list_display = ["name", "type", "is_active", "created_at"]
    list_filter = ["type", "is_active"]
    search_fields = ["name"]

    def declared(self, row: Connection) -> tuple[Setting, ...]:
        return adapter.connection_settings if (adapter := registry.all_adapters().get(row.type)) else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Connection | None = None) -> list[str]:
        return ["webhook_address"] if obj else []

    @display(description=_("webhook address"))
    def webhook_address(self, connection: Connection) -> str:
        return reverse("webhook", args=[connection.id.hex])


@admin.register(Channel)
class ChannelAdmin(SettingsAdmin):
    base_fields = ("type", "connection", "name", "address", "team", "is_active")
    list_display = ["name", "type", "address", "team", "health", "checked_at", "is_active"]
    list_filter = ["type", "team", "is_healthy", "is_active"]
    list_select_related = ["team", "connection"]
    search_fields = ["name", "address"]
    autocomplete_fields = ["connection", "team"]
    actions = ["test_connections", "connect_again"]
    actions_detail = ["test_connection", "connect"]

    def declared(self, row: Channel) -> tuple[Setting, ...]:
        return adapter.channel_settings if (adapter := registry.all_adapters().get(row.type)) else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(team__members=request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> list[str]:
        return ["health_detail", "checked_at", "credentials_expire_at"] if obj else []

    @display(description=_("health"), ordering="is_healthy", label={"ok": "success", "ill": "danger"})
    def health(self, channel: Channel) -> tuple[str, str]:
        return ("ok", gettext("healthy")) if channel.is_healthy else ("ill", gettext("ill"))

    def _report(self, request: HttpRequest, channel: Channel) -> None:
        result = channels.probe(channel, now=clock.now())
        if result.ok:
            messages.success(request, gettext("%(channel)s answers.") % {"channel": channel.name})
        else:
            messages.error(
                request,
                gettext("%(channel)s does not work: %(detail)s") % {"channel": channel.name, "detail": result.detail},
            )

    def _connect(self, request: HttpRequest, channel: Channel) -> None:
        result = channels.connect(channel, now=clock.now())
        if result.ok:
            said = gettext("%(channel)s is connected: what is written there arrives here.")
            messages.success(request, said % {"channel": channel.name})
        else:
            said = gettext("%(channel)s could not be connected: %(detail)s")
            messages.error(request, said % {"channel": channel.name, "detail": result.detail})

    def has_connect_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may change it, where its provider can be asked at all."""
        if not self.has_change_permission(request):
            return False
        channel = self.get_object(request, str(object_id))
        return channel is not None and channels.can_connect(channel)

    @action(description=_("Connect again"), permissions=["connect"], icon="link")
    def connect(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have the provider deliver the line's messages to us, as when it has stopped."""
        channel = self.get_object(request, object_id)
        if channel is not None:
            self._connect(request, channel)
        return HttpResponseRedirect(reverse("admin:conversations_channel_change", args=[object_id]))

    @admin.action(description=_("Connect again"), permissions=["change"])
    def connect_again(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        for channel in queryset.select_related("connection"):
            if channels.can_connect(channel):
                self._connect(request, channel)
            else:
                said = gettext("%(channel)s needs no connecting: its messages come here by themselves.")
                messages.info(request, said % {"channel": channel.name})

    @action(description=_("Test connection"), permissions=["change"], icon="network_check")
    def test_connection(self, request: HttpRequest, object_id: str) -> HttpResponse:
        channel = self.get_object(request, object_id)
        if channel is not None:
            self._report(request, channel)
        return HttpResponseRedirect(reverse("admin:conversations_channel_change", args=[object_id]))

    @admin.action(description=_("Test connection"), permissions=["change"])
    def test_connections(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        for channel in queryset.select_related("connection"):
            self._report(request, channel)
