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


def live(request: HttpRequest) -> HttpResponse:
    """For who may look; the admin site has checked that they are signed in."""
    if not scope.may_look(access.person(request)):
        raise PermissionDenied
    some_row = "00000000-0000-0000-0000-000000000000"
    config = {
        "language": get_language(),
        "csrf": get_token(request),
        "ws_path": "/ws/supervision/",
        "console_url": reverse("console"),
        "task_url": reverse("admin:routing_task_explain", args=[some_row]).replace(some_row, "WT0"),
        "agent_url": reverse("admin:routing_worker_change", args=[some_row]).replace(some_row, "WK0"),
        "login_url": f"{reverse('admin:login')}?next={request.path}",
    }
    context = {**admin.site.each_context(request), "title": gettext("Live"), "config": config}
    return render(request, "admin/live.html", context)
