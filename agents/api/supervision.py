"""What a supervisor does from the live view: agents' activity, skills and capacity; where tasks go."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from agents import access
from agents.api import base
from agents.models import User
from agents.supervision import overview, scope
from contactcenter.lib import clock
from contactcenter.lib.errors import NotVisible
from contactcenter.lib.rows import RowType, by_sid
from contactcenter.lib.text import scrub_name
from routing import actor, queries
from routing.models import Activity, TaskChannel, TaskQueue, Worker
from routing.services import capacity, moves, presence, tasks

#: Lists of words in a worker's attributes that are edited here.
WORDS = ("languages", "skills", "departments")


class MaySupervise(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not isinstance(user, User) or not scope.may_look(user):
            return False
        return request.method == "GET" or user.has_perm(view.changes)


class SupervisionView(base.ConsoleView):
    permission_classes = [MaySupervise]
    #: permission needed to change something
    changes = ""


class Overview(SupervisionView):
    """GET ?workspace=WS.. (the default one without) -> the live view's whole state."""

    def get(self, request: Request) -> Response:
        person = access.person(request)
        workspace = scope.get_workspace(person, request.query_params.get("workspace", ""))
        return Response(overview.state(person, workspace, now=clock.now()))


class ChannelChange(serializers.Serializer[Any]):
    capacity = serializers.IntegerField(min_value=0, max_value=capacity.MAX_PER_CHANNEL)
    available = serializers.BooleanField()


class WorkerChange(serializers.Serializer[Any]):
    activity = serializers.CharField(required=False)
    capacity = serializers.IntegerField(required=False, min_value=0, max_value=capacity.MAX_TOTAL)
    channels = serializers.DictField(child=ChannelChange(), required=False)
    languages = serializers.ListField(child=serializers.CharField(max_length=64), required=False, max_length=50)
    skills = serializers.ListField(child=serializers.CharField(max_length=64), required=False, max_length=50)
    departments = serializers.ListField(child=serializers.CharField(max_length=64), required=False, max_length=50)


class Agent(SupervisionView):
    """POST {activity?, languages?, skills?, departments?, capacity?, channels?: {name: {capacity, available}}} -> the
    agent. What is not given stays."""

    changes = "routing.change_worker"

    def post(self, request: Request, sid: str) -> Response:
        person, now = access.person(request), clock.now()
        worker = _get(scope.workers(person), sid, _("There is no such agent, or they are not yours to see."))
        given = _given(WorkerChange, request)
        # All that can be wrong with the request is found before anything is changed.
        activity = self._activity(worker, given["activity"]) if "activity" in given else None
        channels = self._channels(worker, given.get("channels", {}))
        words = {name: _words(given[name]) for name in WORDS if name in given}
        with actor.acting(person.sid):
            if any(worker.attributes.get(name, []) != value for name, value in words.items()):
                presence.update_attributes(worker, {**worker.attributes, **words}, now=now)
            if given.get("capacity", worker.capacity) != worker.capacity:
                capacity.set_total(worker, capacity=given["capacity"], now=now)
            for channel, change in channels:
                capacity.set_channel(
                    worker, channel, capacity=change["capacity"], is_available=change["available"], now=now
                )
            if activity is not None:
                presence.set_activity(worker, activity, by=person, now=now, reject_pending=True)
        return Response(queries.worker_json(worker))

    def _activity(self, worker: Worker, sid: str) -> Activity:
        activity = by_sid(Activity.objects.filter(workspace=worker.workspace_id), sid)
        if activity is None:
            raise serializers.ValidationError({"activity": [_("There is no such activity.")]})
        return activity

    def _channels(self, worker: Worker, given: dict[str, Any]) -> list[tuple[TaskChannel, dict[str, Any]]]:
        """Those that differ from what the worker has."""
        known = {row.unique_name: row for row in TaskChannel.objects.filter(workspace=worker.workspace_id)}
        if not given.keys() <= known.keys():
            raise serializers.ValidationError({"channels": [_("There is no such task channel.")]})
        held = {row.task_channel_id: (row.capacity, row.is_available) for row in worker.channels.all()}
        return [
            (known[name], change)
            for name, change in given.items()
            if held.get(known[name].pk) != (change["capacity"], change["available"])
        ]


class TaskChange(serializers.Serializer[Any]):
    move = serializers.CharField(required=False)
    priority = serializers.IntegerField(required=False, min_value=0, max_value=tasks.MAX_PRIORITY)
    cancel = serializers.BooleanField(required=False, default=False)


class TaskOrder(SupervisionView):
    """POST {move?: WQ.. or WK.., priority?, cancel?: true} -> {sid, status}."""

    changes = "routing.change_task"

    def post(self, request: Request, sid: str) -> Response:
        person, now = access.person(request), clock.now()
        task = _get(scope.tasks(person), sid, _("There is no such task, or it is not yours to see."))
        given = _given(TaskChange, request)
        goal = self._goal(person, given["move"]) if "move" in given else None
        name = scrub_name(person.display_name, 100)
        with actor.acting(person.sid):
            if given.get("priority", task.priority) != task.priority:
                task = tasks.update(task, priority=given["priority"], now=now)
            if goal is not None:
                task = moves.move(task, to=goal, reason=_("Moved by %(user)s") % {"user": name}, now=now)
            if given["cancel"]:
                task = tasks.cancel(task, reason=_("Canceled by %(user)s") % {"user": name}, now=now)
        return Response({"sid": task.sid, "status": task.status})

    def _goal(self, person: User, sid: str) -> TaskQueue | Worker:
        missing = _("There is no such queue or agent, or they are not yours to see.")
        return by_sid(scope.queues(person), sid) or _get(scope.workers(person), sid, missing)


def _get(rows: QuerySet[RowType], sid: str, missing: str) -> RowType:
    """The row behind a public id, if it is among these. Raises ``NotVisible`` with these words."""
    found = by_sid(rows, sid)
    if found is None:
        raise NotVisible(missing)
    return found


def _given(form_class: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """What the request asks for. Raises ``ValidationError``."""
    form = form_class(data=request.data)
    form.is_valid(raise_exception=True)
    given: dict[str, Any] = form.validated_data
    return given


def _words(given: list[str]) -> list[str]:
    return list(dict.fromkeys(word for text in given if (word := scrub_name(text, 64))))
