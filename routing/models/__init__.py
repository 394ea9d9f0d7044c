"""Who should answer. Names and states are TaskRouter's; one default workspace per installation."""

from routing.models.callback import Callback, CallbackReceiver
from routing.models.delivery import Delivery, Receiver
from routing.models.event import Change, Event, EventBatch, Lease
from routing.models.queue import TaskQueue, Workflow
from routing.models.reservation import Reservation, Transfer
from routing.models.tally import Folding, Stay, Tally, WorkerTally
from routing.models.task import Task
from routing.models.worker import Activity, TaskChannel, Worker, WorkerChannel, WorkerSocket
from routing.models.workspace import Workspace

__all__ = [
    "Activity",
    "Callback",
    "CallbackReceiver",
    "Change",
    "Delivery",
    "Event",
    "EventBatch",
    "Folding",
    "Lease",
    "Receiver",
    "Reservation",
    "Stay",
    "Tally",
    "Task",
    "TaskChannel",
    "TaskQueue",
    "Transfer",
    "Worker",
    "WorkerChannel",
    "WorkerSocket",
    "WorkerTally",
    "Workflow",
    "Workspace",
]
