"""Workflows: the document, its import and export, and who would get a task by it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from routing import actor, checks, importer
from routing.admin.configuration import NewsAdmin, answered
from routing.admin.explain import explain_page
from routing.models import CallbackReceiver, TaskQueue, Workflow, Workspace
from routing.services import configuration, setup

#: Queues offered to stand for one of a document.
MAX_CHOICES = 500
CODE = {"dir": "ltr", "spellcheck": "false", "style": "font-family: monospace"}


class WorkflowForm(forms.ModelForm):
    configuration = forms.CharField(
        label=_("configuration (JSON)"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 28, **CODE}),
        help_text=_("A TaskRouter workflow document. Queues by their id (WQ...) or their name."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["configuration"] = json.dumps(self.instance.configuration, ensure_ascii=False, indent=2)

    def clean_configuration(self) -> Any:
        workspace_id = self.instance.workspace_id or setup.default_workspace().pk
        try:
            document = checks.read(self.cleaned_data["configuration"])
            self.is_new_document = document != self.instance.configuration
            if self.is_new_document:
                checks.workflow(document, workspace_id=workspace_id)
        except ContactCenterError as error:
            raise forms.ValidationError(error.message) from error
        return document


class ImportForm(forms.Form):
    workspace = forms.ChoiceField(label=_("Workspace"), widget=UnfoldAdminSelectWidget())
    file = forms.FileField(label=_("File"), required=False, widget=UnfoldAdminFileFieldWidget())
    text = forms.CharField(
        label=_("or the document itself"),
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 14, **CODE}),
    )
    name = forms.CharField(
        label=_("name"),
        required=False,
        max_length=64,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("The workflow of this name is made or replaced. Empty: the file's name."),
    )

    def __init__(self, workspaces: list[Workspace], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["workspace"]
        field.choices = [(row.sid, row.friendly_name) for row in workspaces]
        if len(workspaces) < 2:
            del self.fields["workspace"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        file = cleaned.get("file")
        if file is not None:
            # Read one byte too many: what is too big is refused as that, not cut.
            cleaned["text"] = file.read(checks.MAX_BYTES + 1).decode("utf-8-sig", "replace")
            cleaned["name"] = cleaned.get("name") or re.sub(r"\.json$", "", file.name or "", flags=re.I)[:64]
        if not str(cleaned.get("text", "")).strip():
            raise forms.ValidationError(_("Choose a file, or paste a document."))
        if not cleaned.get("name"):
            self.add_error("name", _("The workflow needs a name."))
        return cleaned


def _given(request: HttpRequest) -> dict[str, str]:
    """Which queues here were chosen to stand for the document's."""
    prefix = "queue:"
    return {
        name.removeprefix(prefix): str(sid) for name, sid in request.POST.items() if name.startswith(prefix) and sid
    }


@admin.register(Workflow)
class WorkflowAdmin(NewsAdmin):
    form = WorkflowForm
    list_display = ["friendly_name", "filter_count", "task_reservation_timeout"]
    search_fields = ["friendly_name"]
    fields = [
        *("friendly_name", "task_reservation_timeout", "configuration"),
        *("assignment_callback_url", "callback_state", "fallback_assignment_callback_url", "fallback_state"),
    ]
    readonly_fields = ["callback_state", "fallback_state"]
    actions_list = ["import_document"]
    actions_detail = ["explain", "export"]

    def save_model(self, request: HttpRequest, obj: Workflow, form: Any, change: bool) -> None:
        if not change or form.is_new_document:
            super().save_model(request, obj, form, change)
            return
        # The document was imported with what is tolerated in it; it is not asked about again.
        with transaction.atomic(), actor.acting(str(getattr(request.user, "sid", ""))):
            obj.save()
            configuration.saved(obj, is_new=False, now=clock.now())

    @display(description=_("the callback URL now"))
    def callback_state(self, row: Workflow) -> str:
        return self._state(row, row.assignment_callback_url, is_fallback=False)

    @display(description=_("the fallback URL now"))
    def fallback_state(self, row: Workflow) -> str:
        return self._state(row, row.fallback_assignment_callback_url, is_fallback=True)

    def _state(self, row: Workflow, url: str, *, is_fallback: bool) -> str:
        return answered(CallbackReceiver.objects.filter(workflow_id=row.pk, is_fallback=is_fallback, url=url).first())

    @display(description=_("filters"))
    def filter_count(self, row: Workflow) -> int:
        routing = row.configuration.get("task_routing")
        return len(routing.get("filters") or []) if isinstance(routing, dict) else 0

    @action(description=_("Import"), url_path="import", permissions=["add"], icon="upload")
    def import_document(self, request: HttpRequest) -> HttpResponse:
        """Upload or paste, see the report, then import."""
        if not (self.has_change_permission(request) and request.user.has_perm("routing.add_taskqueue")):
            raise PermissionDenied
        workspaces = list(Workspace.objects.order_by("friendly_name"))
        asked = request.POST.get("workspace") or request.GET.get("workspace")
        default = setup.default_workspace()
        workspace = next((row for row in workspaces if row.sid == asked), None) if asked else default
        initial = {"workspace": (workspace or default).sid}
        form = ImportForm(workspaces, request.POST or None, request.FILES or None, initial=initial)
        report = None
        if request.method == "POST" and form.is_valid() and workspace is not None:
            with actor.acting(str(getattr(request.user, "sid", ""))):
                report = importer.load(
                    form.cleaned_data["text"],
                    workspace=workspace,
                    name=form.cleaned_data["name"],
                    check="apply" not in request.POST,
                    queues=_given(request),
                    now=clock.now(),
                )
            if "apply" in request.POST and not report.errors:
                messages.success(request, gettext("The workflow %(name)s was imported.") % {"name": report.name})
                row_id = Workflow.id_from_sid(report.workflow_sid)
                return HttpResponseRedirect(reverse("admin:routing_workflow_change", args=[row_id]))
            form = ImportForm(workspaces, initial={**initial, "text": form.cleaned_data["text"], "name": report.name})
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Import a workflow"),
            "opts": self.opts,
            "form": form,
            "report": report,
            "workspace": workspace,
            "asked": asked,
            "queues": TaskQueue.objects.filter(workspace=workspace)[:MAX_CHOICES] if report else [],
        }
        return render(request, "admin/routing/import.html", context, status=404 if workspace is None else 200)

    @action(description=_("Export"), url_path="export", permissions=["view"], icon="download")
    def export(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The document as a file."""
        row = self.get_object(request, object_id)
        if row is None:
            return HttpResponseRedirect(reverse("admin:routing_workflow_changelist"))
        text = json.dumps(importer.export(row), ensure_ascii=False, indent=2) + "\n"
        name = re.sub(r"[^\w.-]+", "-", row.friendly_name).strip("-.") or row.sid
        headers = {
            "Content-Disposition": f"attachment; filename=\"{row.sid}.json\"; filename*=UTF-8''{quote(name)}.json"
        }
        return HttpResponse(text, content_type="application/json; charset=utf-8", headers=headers)

    @action(description=_("Explain"), url_path="explain", permissions=["view"], icon="troubleshoot")
    def explain(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Who would get a task by this workflow."""
        row = self.get_object(request, object_id)
        if row is None:
            return HttpResponseRedirect(reverse("admin:routing_workflow_changelist"))
        return explain_page(request, self.admin_site, workflow=row)
