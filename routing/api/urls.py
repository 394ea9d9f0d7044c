"""Every address of the wire API, below ``/taskrouter/v1/``."""

from __future__ import annotations

from django.urls import path, re_path

from routing.api import activities, lost, workspaces

WORKSPACE = "Workspaces/<str:workspace_sid>"

resources = [
    path("Workspaces", workspaces.Workspaces.as_view()),
    path(WORKSPACE, workspaces.OneWorkspace.as_view()),
    path(f"{WORKSPACE}/Activities", activities.Activities.as_view()),
    path(f"{WORKSPACE}/Activities/<str:sid>", activities.OneActivity.as_view()),
]

urlpatterns = [*resources, re_path(r"^.*$", lost.Lost.as_view())]
