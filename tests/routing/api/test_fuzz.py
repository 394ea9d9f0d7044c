"""Our own OpenAPI document turned against us: no answer but those it describes, and never a 500.

A short run with a fixed seed is part of the suite. FUZZ_EXAMPLES=200 makes a long one, which also tries every bound of
every parameter, thousands of requests.
"""

from __future__ import annotations

import base64
import functools
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings

from contactcenter.lib import clock
from conversations.services import api_keys
from routing.api import document
from routing.models import Activity, Event, Reservation, TaskChannel, Worker, WorkerChannel, Workspace
from tests.factories import routing as make

IS_LONG = "FUZZ_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))


class Scene:
    """Something of every kind, so that requests reach past 404."""

    def __init__(self) -> None:
        now = clock.now()
        key, secret = api_keys.create(name="Fuzz", scopes=["routing"], now=now)
        self.headers = {"Authorization": "Basic " + base64.b64encode(f"{key.sid}:{secret}".encode()).decode()}
        self.make()

    def make(self) -> None:
        now = clock.now()
        workspace = make.workspace(now=now)
        worker = Worker.objects.first() or make.worker(name="Ann", now=now)
        queue = make.queue()
        workflow = make.workflow({"queue": queue})
        task = make.task(workflow=workflow, now=now)
        make.route(now)
        known: dict[str, Any] = {
            "Workspaces": workspace,
            "Activities": Activity.objects.filter(friendly_name="Break").first() or make.activity(),
            "TaskChannels": TaskChannel.objects.first(),
            "TaskQueues": queue,
            "Workflows": workflow,
            "Workers": worker,
            "Tasks": task,
            "Channels": WorkerChannel.objects.filter(worker=worker).first(),
            "Reservations": Reservation.objects.filter(task=task).first(),
            "Events": Event.objects.first(),
        }
        self.sids = {kind: row.sid for kind, row in known.items() if row is not None}

    def place(self, path: str, name: str) -> str | None:
        """The sid of a real row for the parameter ``name`` of ``path``."""
        parts = path.split("/")
        return self.sids.get(parts[parts.index(f"{{{name}}}") - 1])


@pytest.fixture
def scene(db: None) -> Iterator[Scene]:
    # As Django's own test client does: the end of a request must not end the test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield Scene()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


OPERATIONS = [(path, method) for path, methods in document.document()["paths"].items() for method in methods]
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@functools.cache
def schema() -> Any:
    """The document as schemathesis knows it. Not made when tests are only collected: it takes seconds."""
    import schemathesis

    made = schemathesis.openapi.from_dict(document.document())
    made.app = get_wsgi_application()
    return made


def contradictions(case: Any, scene: Scene) -> list[str]:
    """Send a request; in what the answer contradicts the document, by each of ``CHECKS``."""
    from schemathesis import checks
    from schemathesis.core.failures import FailureGroup

    if not Workspace.objects.filter(friendly_name="Default").exists():
        scene.make()
    for name in list(case.path_parameters):
        # Two of three go to what is there.
        if len(str(case.query) + str(case.body)) % 3 and (sid := scene.place(case.path, name)):
            case.path_parameters[name] = sid
    response = case.call(headers=scene.headers)
    try:
        case.validate_response(response, checks=[checks.CHECKS.get_one(name) for name in CHECKS])
    except FailureGroup as failures:
        return [str(failure) for failure in failures.exceptions]
    return []


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_every_operation_answers_as_described(path: str, method: str, scene: Scene) -> None:
    @SETTINGS
    @given(case=schema()[path][method].as_strategy())
    def run(case: Any) -> None:
        assert contradictions(case, scene) == []

    run()


if IS_LONG:

    @schema().parametrize()
    @SETTINGS
    def test_every_bound_of_every_parameter(case: Any, scene: Scene) -> None:
        assert contradictions(case, scene) == []
