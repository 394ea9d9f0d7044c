"""The live view's page: the admin's frame around the built program."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext

from agents import access
from agents.supervision import scope
from contactcenter.lib.errors import NotVisible


def live(request: HttpRequest) -> HttpResponse:
    """For who may look; the admin site has checked that they are signed in. ``?workspace=WS...`` says at which."""
    person = access.person(request)
    if not scope.may_look(person):
        raise PermissionDenied
    workspace, status = request.GET.get("workspace", ""), 200
    try:
        workspace = scope.get_workspace(person, workspace).sid
    except NotVisible:
        status = 404  # the page says so by itself, and offers those there are
    some_row = "00000000-0000-0000-0000-000000000000"
    config = {
        "language": get_language(),
        "csrf": get_token(request),
        "ws_path": "/ws/supervision/",
        "workspace": workspace,
        "workspaces": [{"sid": row.sid, "name": row.friendly_name} for row in scope.workspaces(person)],
        "console_url": reverse("console"),
        "task_url": reverse("admin:routing_task_explain", args=[some_row]).replace(some_row, "WT0"),
        "agent_url": reverse("admin:routing_worker_change", args=[some_row]).replace(some_row, "WK0"),
        "login_url": reverse("admin:login"),
    }
    context = {**admin.site.each_context(request), "title": gettext("Live"), "config": config}
    return render(request, "admin/live.html", context, status=status)
