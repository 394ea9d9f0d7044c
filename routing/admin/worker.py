"""Agents as the router sees them: skills, languages, capacity, activity."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from routing.models import Worker, WorkerChannel
from routing.services import capacity, presence, setup

#: attribute in the document -> form field; the rest of the document is edited as JSON
LISTS = {"languages": _("languages"), "skills": _("skills"), "departments": _("departments")}


class WorkerForm(forms.ModelForm):
    """Languages, skills and departments as words; everything else of the attributes as JSON."""

    languages = forms.CharField(
        label=LISTS["languages"],
        required=False,
        help_text=_("Codes, with commas: en, ar"),
        widget=UnfoldAdminTextInputWidget(),
    )
    skills = forms.CharField(
        label=LISTS["skills"],
        required=False,
        help_text=_("Words, with commas: billing, returns"),
        widget=UnfoldAdminTextInputWidget(),
    )
    departments = forms.CharField(
        label=LISTS["departments"],
        required=False,
        help_text=_("Words, with commas: sales, support"),
        widget=UnfoldAdminTextInputWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attributes = dict(self.instance.attributes or {})
        for name in LISTS:
            value = attributes.pop(name, [])
            self.initial[name] = ", ".join(map(str, value)) if isinstance(value, list) else ""
            if not isinstance(value, list):
                attributes[name] = value
        self.initial["attributes"] = attributes

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        attributes = cleaned.get("attributes") or {}
        if not isinstance(attributes, dict):
            self.add_error("attributes", _("Attributes are a JSON object."))
            return cleaned
        for name in LISTS:
            words = [word.strip() for word in cleaned.get(name, "").split(",") if word.strip()]
            if words or name not in attributes:
                attributes = {**attributes, name: words}
        cleaned["attributes"] = attributes
        return cleaned


class WorkerChannelInline(TabularInline):
    model = WorkerChannel
    fields = ["task_channel", "capacity", "is_available", "load"]
    readonly_fields = ["task_channel", "load"]
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkerChannel]:
        return super().get_queryset(request).select_related("task_channel", "worker")

    def has_add_permission(self, request: HttpRequest, obj: Worker | None = None) -> bool:
        return False


@admin.register(Worker)
class WorkerAdmin(ModelAdmin):
    form = WorkerForm
    list_display = ["friendly_name", "user", "state", "activity_since", "tongues", "abilities", "held"]
    list_filter = ["activity", "user__teams"]
    list_select_related = ["activity", "user"]
    search_fields = ["friendly_name", "user__username", "user__first_name", "user__last_name"]
    autocomplete_fields = ["user", "activity"]
    inlines = [WorkerChannelInline]
    fields = ["friendly_name", "user", "activity", "languages", "skills", "departments", "capacity", "attributes"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(user__teams__members=request.user).distinct()

    def get_inlines(self, request: HttpRequest, obj: Worker | None) -> list[Any]:
        return [WorkerChannelInline] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Worker | None = None) -> bool:
        return request.user.is_superuser

    def save_model(self, request: HttpRequest, obj: Worker, form: forms.ModelForm, change: bool) -> None:
        """The services do it: they number the worker's stream and tell the router."""
        now, values = clock.now(), form.cleaned_data
        try:
            if not change:
                made = setup.create_worker(
                    workspace=setup.default_workspace(),
                    friendly_name=values["friendly_name"],
                    user=values["user"],
                    attributes=values["attributes"],
                    capacity=values["capacity"],
                    activity=values["activity"],
                    now=now,
                )
                obj.pk, obj._state.adding = made.pk, False
                return
            Worker.objects.filter(pk=obj.pk).update(friendly_name=values["friendly_name"], user=values["user"])
            stored = Worker.objects.get(pk=obj.pk)
            if stored.attributes != values["attributes"] or "friendly_name" in form.changed_data:
                presence.update_attributes(stored, values["attributes"], now=now)
            if "capacity" in form.changed_data:
                capacity.set_total(stored, capacity=values["capacity"], now=now)
            if "activity" in form.changed_data:
                presence.set_activity(stored, values["activity"], by=request.user, now=now, reject_pending=True)
        except ContactCenterError as error:
            messages.error(request, error.message)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for row, _changed in formset.changed_objects:
            try:
                capacity.set_channel(
                    row.worker,
                    row.task_channel,
                    capacity=row.capacity,
                    is_available=row.is_available,
                    now=clock.now(),
                )
            except ContactCenterError as error:
                messages.error(request, error.message)

    @display(description=_("activity"), ordering="activity", label={"yes": "success", "no": "warning"})
    def state(self, worker: Worker) -> tuple[str, str]:
        return "yes" if worker.activity.available else "no", worker.activity.friendly_name

    @display(description=LISTS["languages"])
    def tongues(self, worker: Worker) -> str:
        return ", ".join(map(str, worker.attributes.get("languages") or []))

    @display(description=LISTS["skills"])
    def abilities(self, worker: Worker) -> str:
        held = [*(worker.attributes.get("skills") or []), *(worker.attributes.get("departments") or [])]
        return ", ".join(map(str, held))

    @display(description=_("load"), ordering="load")
    def held(self, worker: Worker) -> str:
        return f"{worker.load} / {worker.capacity}"
