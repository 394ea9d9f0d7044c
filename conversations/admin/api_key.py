"""API keys. The secret is shown on the page that follows making one, and never again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from conversations.models import ApiKey
from conversations.services import api_keys

_SCOPES = [
    ("routing", _("Routing: everything, and signing worker tokens")),
    ("routing.read", _("Routing: reading only")),
]


class NewKey(forms.ModelForm):
    """What is asked for when a key is made; the service does the rest."""

    name = forms.CharField(label=_("name"), max_length=64, widget=UnfoldAdminTextInputWidget())
    scopes = forms.MultipleChoiceField(
        label=_("scopes"), choices=_SCOPES, widget=UnfoldAdminCheckboxSelectMultipleWidget(choices=_SCOPES)
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes")


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    form = NewKey
    list_display = ["name", "sid", "scope_names", "last_used_at", "is_valid"]
    search_fields = ["name"]
    actions = ["revoke_selected"]
    actions_detail = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        if obj is None:
            return ("name", "scopes")
        return ("name", "sid", "account_sid", "scope_names", "created_at", "last_used_at", "revoked_at")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        # What a key may do is settled when it is made; it can be looked at, and revoked.
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        made, secret = api_keys.create(
            name=form.cleaned_data["name"], scopes=form.cleaned_data["scopes"], now=clock.now()
        )
        # The admin goes on with the row it knows (its log entry, the page it leads to).
        obj.__dict__.update(made.__dict__)
        text = gettext("Account %(account)s, key %(key)s, secret %(secret)s. The secret is not shown again.")
        messages.warning(request, text % {"account": made.account.sid, "key": made.sid, "secret": secret})

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:conversations_apikey_change", args=[obj.pk]))

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("conversations.change_apikey"))

    @action(description=_("Revoke"), url_path="revoke", permissions=["revoke"], icon="block")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """From now on nobody gets in with it."""
        key = ApiKey.objects.filter(pk=object_id).first()
        if key is not None:
            self._revoke(request, [key])
        return HttpResponseRedirect(reverse("admin:conversations_apikey_changelist"))

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: Any) -> None:
        self._revoke(request, list(queryset))

    def _revoke(self, request: HttpRequest, keys: list[ApiKey]) -> None:
        try:
            for key in keys:
                api_keys.revoke(key, now=clock.now())
        except ContactCenterError as error:
            messages.error(request, error.message)
            return
        count = len(keys)
        text = ngettext("%(count)s key is revoked.", "%(count)s keys are revoked.", count)
        messages.success(request, text % {"count": count})

    @display(description=_("account"))
    def account_sid(self, key: ApiKey) -> str:
        return key.account.sid

    @display(description=_("scopes"))
    def scope_names(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description=_("valid"), boolean=True)
    def is_valid(self, key: ApiKey) -> bool:
        return key.revoked_at is None
