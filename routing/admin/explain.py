"""The page that says who would get a task, in which order, and why nobody else."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from contactcenter.lib import clock
from contactcenter.lib.errors import ContactCenterError
from routing import checks, explain
from routing.engine import wording
from routing.models import Task, TaskChannel, Workflow, Workspace

Json = dict[str, Any]


class ExplainForm(forms.Form):
    attributes = forms.CharField(
        label=_("attributes of the task (JSON)"),
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 5, "dir": "ltr", "spellcheck": "false", "style": "font-family: monospace"}
        ),
    )
    task_channel = forms.ChoiceField(label=_("task channel"), widget=UnfoldAdminSelectWidget())
    agent = forms.CharField(
        label=_("agent"),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Says of this agent, too, why not."),
    )

    def __init__(self, workflow: Workflow, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channels = TaskChannel.objects.filter(workspace_id=workflow.workspace_id).order_by("unique_name")
        field: Any = self.fields["task_channel"]
        field.choices = [(row.unique_name, row.friendly_name) for row in channels]

    def clean_attributes(self) -> Json:
        try:
            value = checks.read(self.cleaned_data["attributes"])
        except ContactCenterError as error:
            raise forms.ValidationError(error.message) from error
        if not isinstance(value, dict):
            raise forms.ValidationError(_("A task's attributes are a JSON object."))
        return value


def explain_page(
    request: HttpRequest, site: AdminSite, *, workflow: Workflow | None, task: Task | None = None
) -> HttpResponse:
    """The page, for a workflow, or for a task of it from where it stands (until other attributes are given)."""
    if not request.user.has_perm("routing.view_worker"):
        raise PermissionDenied
    told: Json | None = None
    problem = ""
    form: ExplainForm | None = None
    first = {"attributes": "{}", "task_channel": "chat"}
    if task is not None:
        attributes = json.dumps(task.attributes, ensure_ascii=False, indent=2)
        first = {"attributes": attributes, "task_channel": task.task_channel.unique_name}
    if workflow is not None:
        form = ExplainForm(workflow, request.POST or None, initial=first)
    try:
        if request.method == "POST" and workflow is not None and form is not None:
            if form.is_valid():
                given = form.cleaned_data
                told = explain.explain(
                    workflow,
                    given["attributes"],
                    task_channel=given["task_channel"],
                    agent=given["agent"],
                    now=clock.now(),
                )
        elif task is not None:
            told = explain.explain_task(task, now=clock.now())
    except ContactCenterError as error:
        problem = error.message
    asked_of = task or workflow
    title = gettext("Who would get a task?") if task is None else gettext("Who will get this task?")
    context = {
        **site.each_context(request),
        "title": title,
        "opts": Workflow._meta if task is None else Task._meta,
        "workflow": workflow,
        "task": task,
        "workspace": asked_of.workspace if asked_of and Workspace.objects.count() > 1 else None,
        "form": form,
        "told": None if told is None else _shown(told),
        "problem": problem,
    }
    return render(request, "admin/routing/explain.html", context)


def _shown(told: Json) -> Json:
    """The answer with its values as text, and numbers counted from one."""
    for one in told["filters"]:
        one["number"] = one["index"] + 1
        _put_values(one["failed"])
    for step in told["steps"]:
        step["number"] = None if step["target"] is None else step["target"] + 1
        if step["known_worker"]:
            step["known_worker"]["value"] = wording.short(step["known_worker"]["value"])
        for agent in step["agents"]:
            for reason in agent["reasons"]:
                _put_values(reason.get("failed", []))
    if told["steps"] and told["steps"][-1]["then"] == told["end"]:
        told["end"] = ""
    return told


def _put_values(parts: list[Json]) -> None:
    for part in parts:
        part["values"] = [(name, wording.short(value)) for name, value in part["actual"].items()]
