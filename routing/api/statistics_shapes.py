"""The shapes of statistics, for the OpenAPI document: composed from their groups of figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from routing.api import fields

Fields = dict[str, Any]
Shape = type[serializers.Serializer[Any]]


@dataclass(frozen=True)
class Shapes:
    """Of one scope."""

    real_time: Shape
    cumulative: Shape
    both: Shape


def _shape(name: str, about: str, *groups: Fields) -> Shape:
    found: Fields = {"Meta": type("Meta", (), {"ref_name": name}), "__doc__": about}
    for group in groups:
        found.update(group)
    return type(name, (serializers.Serializer,), found)


def _number(about: str) -> serializers.Field[Any, Any, Any, Any]:
    return serializers.IntegerField(min_value=0, help_text=about)


def _numbers(**about: str) -> Fields:
    return {name: _number(text) for name, text in about.items()}


_frame: Fields = {
    "account_sid": fields.Sid("AC", help_text="The installation's id."),
    "workspace_sid": fields.Sid("WS", help_text="The workspace."),
    "url": serializers.CharField(help_text="This resource."),
}
_activity = _shape(
    "ActivityStatistic",
    "Workers in an activity.",
    {
        "sid": fields.Sid("WA", help_text="The activity."),
        "friendly_name": serializers.CharField(help_text="Its name."),
        "workers": _number("How many workers are in it."),
    },
)
_activities: Fields = {
    "activity_statistics": serializers.ListField(child=_activity(), help_text="Workers by activity.")
}
_by_status = _shape(
    "TasksByStatus",
    "Live tasks by status.",
    _numbers(pending="Waiting.", reserved="Offered.", assigned="Being worked on.", wrapping="Being wrapped up."),
)
_tasks: Fields = {
    "total_tasks": _number("Live tasks."),
    "tasks_by_status": _by_status(help_text="Live tasks by status."),
    "tasks_by_priority": serializers.DictField(
        child=serializers.IntegerField(min_value=0), help_text="Live tasks by priority."
    ),
    "longest_task_waiting_age": _number("Seconds the oldest waiting task is old."),
    "longest_task_waiting_sid": fields.Sid("WT", allow_null=True, help_text="Which one that is."),
}
_in_queue: Fields = {
    "longest_relative_task_age_in_queue": _number("Seconds the longest waiting task is in this queue."),
    "longest_relative_task_sid_in_queue": fields.Sid("WT", allow_null=True, help_text="Which one that is."),
    **_numbers(
        total_eligible_workers="Workers the queue's expression selects.",
        total_available_workers="Those of them whose activity takes offers.",
    ),
}
_offers = _numbers(
    reservations_created="Offers made.",
    reservations_accepted="Offers accepted.",
    reservations_rejected="Offers declined.",
    reservations_timed_out="Offers that ran out.",
    reservations_canceled="Offers whose task ended.",
    reservations_rescinded="Offers somebody else was faster with.",
)
_ends = _numbers(
    tasks_canceled="Tasks canceled.",
    tasks_completed="Tasks completed.",
    tasks_deleted="Tasks deleted.",
    tasks_moved="Tasks moved from one queue to another.",
)
_span: Fields = {
    "start_time": serializers.DateTimeField(help_text="From when is counted."),
    "end_time": serializers.DateTimeField(help_text="Until when is counted."),
}
_duration = _shape(
    "Duration",
    "Seconds.",
    _numbers(avg="On average.", min="The shortest.", max="The longest.", total="All together."),
)
_waits: Fields = {
    "avg_task_acceptance_time": _number("Seconds from a task's creation to its acceptance, on average."),
    "wait_duration_until_accepted": _duration(help_text="From creation to acceptance."),
    "wait_duration_until_canceled": _duration(help_text="From creation to the end without acceptance."),
    "split_by_wait_time": serializers.DictField(
        child=serializers.DictField(), allow_null=True, help_text="By threshold in seconds: what lay above and below."
    ),
}
_spent = _shape(
    "ActivityDuration",
    "Time in an activity.",
    {
        "sid": fields.Sid("WA", help_text="The activity."),
        "friendly_name": serializers.CharField(help_text="Its name."),
        **_numbers(avg="Seconds on average.", min="The shortest.", max="The longest.", total="All together."),
    },
)
_durations: Fields = {"activity_durations": serializers.ListField(child=_spent(), help_text="Time by activity.")}


def _scope(name: str, live: list[Fields], past: list[Fields], sid: Fields) -> Shapes:
    live_only = _shape(f"{name}RealTimeFigures", "How things stand.", *live)
    past_only = _shape(f"{name}CumulativeFigures", "What happened.", *past)
    both: Fields = {
        "realtime": live_only(help_text="How things stand."),
        "cumulative": past_only(help_text="What was."),
    }
    return Shapes(
        _shape(f"{name}RealTimeStatistics", "How things stand.", *live, _frame, sid),
        _shape(f"{name}CumulativeStatistics", "What happened.", *past, _frame, sid),
        _shape(f"{name}Statistics", "How things stand and what happened.", both, _frame, sid),
    )


_PAST = [_span, _offers, _ends, _waits]
_timed_out = _numbers(tasks_timed_out_in_workflow="Tasks that ran out of their workflow.")
_queue_sid: Fields = {"task_queue_sid": fields.Sid("WQ", help_text="The queue.")}
_queue_live = [_tasks, _in_queue, _activities]
_queue_past = [
    *_PAST,
    _numbers(tasks_entered="Tasks that came into the queue."),
    {"wait_duration_in_queue_until_accepted": _duration(help_text="From entering the queue to acceptance.")},
]

workspace = _scope(
    "Workspace",
    [_tasks, _activities, _numbers(total_workers="Workers.")],
    [*_PAST, _timed_out, _numbers(tasks_created="Tasks made.")],
    {},
)
task_queue = _scope("TaskQueue", _queue_live, _queue_past, _queue_sid)
workflow = _scope(
    "Workflow",
    [_tasks],
    [*_PAST, _timed_out, _numbers(tasks_entered="Tasks that came into the workflow.")],
    {"workflow_sid": fields.Sid("WW", help_text="The workflow.")},
)
_workers_past = [_span, _durations, _offers]
workers = _scope("Workers", [_activities, _numbers(total_workers="Workers.")], _workers_past, {})
worker = _shape(
    "WorkerStatistics",
    "What a worker did.",
    {
        "cumulative": _shape("WorkerCumulativeFigures", "What happened.", *_workers_past)(help_text="What was."),
        "worker_sid": fields.Sid("WK", help_text="The worker."),
    },
    _frame,
)
_one_queue = _shape("TaskQueueBulkFigures", "How things stand in a queue.", _queue_sid, *_queue_live)
bulk = _shape(
    "TaskQueueBulkRealTimeStatistics",
    "How things stand in several queues.",
    {
        "task_queue_data": serializers.ListField(child=_one_queue(), help_text="One for each queue found."),
        "task_queue_response_count": _number("How many were found."),
    },
    _frame,
)
of_queues = _shape(
    "TaskQueuesStatistics",
    "Statistics of one queue in a list.",
    {
        "account_sid": fields.Sid("AC", help_text="The installation's id."),
        "workspace_sid": fields.Sid("WS", help_text="The workspace."),
        **_queue_sid,
        "realtime": _shape("QueueRealTimeFigures", "How things stand.", *_queue_live)(help_text="How things stand."),
        "cumulative": _shape("QueueCumulativeFigures", "What happened.", *_queue_past)(help_text="What was."),
    },
)
