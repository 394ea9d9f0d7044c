"""The supervisors' pages of flows: the drawing as a document, its revisions, and what ran."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from contactcenter.lib import remark
from contactcenter.lib.errors import ContactCenterError
from conversations.services import visibility
from flows import validation
from flows.errors import problem_at
from flows.models import ChannelFlow, Execution, Flow, Revision, Step


class ChannelFlowInline(TabularInline):
    model = ChannelFlow
    extra = 0
    autocomplete_fields = ["channel"]


class FlowForm(forms.ModelForm):
    """The newest revision's document as text; saving a changed one makes a new revision."""

    definition = forms.CharField(
        label=_("definition (JSON)"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 28, "dir": "ltr", "spellcheck": "false"}),
        help_text=_("A Studio flow document. Saving a change makes a new draft; publish it with the button above."),
    )
    commit_message = forms.CharField(label=_("what changed"), required=False, max_length=256)

    class Meta:
        model = Flow
        fields = ["friendly_name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.newest = self.instance.revisions.first() if not self.instance._state.adding else None
        if self.newest is not None:
            self.initial["definition"] = json.dumps(self.newest.definition, ensure_ascii=False, indent=2)

    def clean_definition(self) -> Any:
        try:
            document = json.loads(self.cleaned_data["definition"])
        except (ValueError, RecursionError) as error:
            problem = remark.worded(remark.of_json(error), gettext)
            raise forms.ValidationError(_("This is not JSON: %(problem)s."), params={"problem": problem}) from error
        if not isinstance(document, dict):
            raise forms.ValidationError(_("A flow document is a JSON object with initial_state and states."))
        return document


@admin.register(Flow)
class FlowAdmin(ModelAdmin):
    form = FlowForm
    list_display = ["friendly_name", "live", "running", "created_at"]
    list_select_related = ["published"]
    search_fields = ["friendly_name"]
    inlines = [ChannelFlowInline]
    actions_detail = ["publish"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flow]:
        return (
            super()
            .get_queryset(request)
            .annotate(active_count=Count("executions", filter=Q(executions__status="active")))
        )

    def save_model(self, request: HttpRequest, obj: Flow, form: FlowForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        document = form.cleaned_data["definition"]
        if form.newest is None or form.newest.definition != document:
            from flows import services

            revision = services.save_draft(
                obj,
                document,
                author=request.user,
                commit_message=form.cleaned_data["commit_message"],
            )
            for error in revision.errors:
                messages.warning(request, remark.worded(problem_at(error), gettext))

    @action(description=_("Publish the newest revision"), permissions=["change"], icon="publish")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        flow = self.get_object(request, object_id)
        if flow is not None:
            from flows import services

            try:
                revision = services.publish(flow, flow.revisions.first().definition, author=request.user)
            except ContactCenterError as error:
                messages.error(request, remark.worded(error.message, gettext))
            else:
                messages.success(request, gettext("Revision %(number)s is live.") % {"number": revision.number})
        return HttpResponseRedirect(reverse("admin:flows_flow_change", args=[object_id]))

    @display(description=_("live revision"))
    def live(self, flow: Flow) -> str:
        return f"#{flow.published.number}" if flow.published else gettext("none")

    @display(description=_("running"), ordering="active_count")
    def running(self, flow: Flow) -> int:
        return flow.active_count  # type: ignore[attr-defined]  # annotated above


@admin.register(Revision)
class RevisionAdmin(ModelAdmin):
    list_display = ["flow", "number", "commit_message", "author", "created_at"]
    list_filter = ["flow"]
    list_select_related = ["flow", "author"]
    fields = ["flow", "number", "commit_message", "author", "definition", "problems", "created_at"]
    readonly_fields = fields

    @display(description=_("errors"))
    def problems(self, revision: Revision) -> str:
        """What is wrong with the document as it stands, in the reader's language. (``errors`` is English.)"""
        told = [remark.worded(problem_at(one), gettext) for one in validation.check(revision.definition)]
        return format_html_join("", "<p>{}</p>", ([line] for line in told)) or "-"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Revision | None = None) -> bool:
        return False


class StepInline(TabularInline):
    model = Step
    fields = ["number", "name", "transitioned_from", "transitioned_to", "created_at"]
    readonly_fields = fields
    extra = 0
    can_delete = False
    per_page = 50

    def has_add_permission(self, request: HttpRequest, obj: Execution | None = None) -> bool:
        return False


@admin.register(Execution)
class ExecutionAdmin(ModelAdmin):
    list_display = ["sid", "flow", "customer", "state_label", "step_count", "error", "created_at"]
    list_filter = ["status", "flow", "error_code"]
    list_select_related = ["flow", "conversation__identity"]
    search_fields = ["conversation__identity__address", "conversation__identity__display_name", "error"]
    show_full_result_count = False
    inlines = [StepInline]
    fields = [
        "sid",
        "flow",
        "revision",
        "conversation",
        "status",
        "error_code",
        "error",
        "state",
        "created_at",
        "ended_at",
    ]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        visible = visibility.visible_to(request.user)
        return super().get_queryset(request).filter(conversation__in=visible.values("pk"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Execution | None = None) -> bool:
        return False

    @display(description=_("customer"))
    def customer(self, execution: Execution) -> str:
        return str(execution.conversation.identity)

    @display(description=_("status"), ordering="status", label={"active": "success", "ended": "info"})
    def state_label(self, execution: Execution) -> tuple[str, str]:
        return execution.status, execution.get_status_display()
