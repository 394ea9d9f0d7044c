"""Every address of the wire API, below ``/taskrouter/v1/``."""

from __future__ import annotations

from django.urls import path, re_path

from routing.api import (
    activities,
    document,
    events,
    lost,
    reservations,
    statistics,
    task_channels,
    task_queues,
    tasks,
    worker_channels,
    workers,
    workflows,
    workspaces,
)
from routing.api.bridge import views as bridge

IN = "Workspaces/<str:workspace_sid>"
OF_TASK = f"{IN}/Tasks/<str:task_sid>"
OF_WORKER = f"{IN}/Workers/<str:worker_sid>"

#: Statistics first: a fixed word where otherwise a sid stands.
resources = [
    path("Workspaces", workspaces.Workspaces.as_view()),
    path(IN, workspaces.OneWorkspace.as_view()),
    *statistics.urlpatterns,
    path(f"{IN}/Activities", activities.Activities.as_view()),
    path(f"{IN}/Activities/<str:sid>", activities.OneActivity.as_view()),
    path(f"{IN}/TaskChannels", task_channels.TaskChannels.as_view()),
    path(f"{IN}/TaskChannels/<str:sid>", task_channels.OneTaskChannel.as_view()),
    path(f"{IN}/TaskQueues", task_queues.TaskQueues.as_view()),
    path(f"{IN}/TaskQueues/<str:sid>", task_queues.OneTaskQueue.as_view()),
    path(f"{IN}/Workflows", workflows.Workflows.as_view()),
    path(f"{IN}/Workflows/<str:sid>", workflows.OneWorkflow.as_view()),
    path(f"{IN}/Workers", workers.Workers.as_view()),
    path(f"{IN}/Workers/<str:sid>", workers.OneWorker.as_view()),
    path(f"{OF_WORKER}/Channels", worker_channels.WorkerChannels.as_view()),
    path(f"{OF_WORKER}/Channels/<str:sid>", worker_channels.OneWorkerChannel.as_view()),
    path(f"{OF_WORKER}/Reservations", reservations.WorkerReservations.as_view()),
    path(f"{OF_WORKER}/Reservations/<str:sid>", reservations.OneWorkerReservation.as_view()),
    path(f"{IN}/Tasks", tasks.Tasks.as_view()),
    path(f"{IN}/Tasks/<str:sid>", tasks.OneTask.as_view()),
    path(f"{OF_TASK}/Reservations", reservations.TaskReservations.as_view()),
    path(f"{OF_TASK}/Reservations/<str:sid>", reservations.OneTaskReservation.as_view()),
    path(f"{IN}/Events", events.Events.as_view()),
    path(f"{IN}/Events/<str:sid>", events.OneEvent.as_view()),
]

urlpatterns = [
    path("openapi.json", document.openapi, name="taskrouter-openapi"),
    path("docs", document.page, name="taskrouter-docs"),
    path("wschannels", bridge.Bridge.as_view()),
    *resources,
    re_path(r"^.*$", lost.Lost.as_view()),
]
