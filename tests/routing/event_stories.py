"""For every type of event that is not about configuration the act that causes it, and what its form should say."""

from __future__ import annotations

from typing import Any

from routing.models import Reservation, Task, TaskQueue, Transfer, Worker
from routing.services import reservations, tasks, transfers, upkeep, workers
from tests.factories import routing as make
from tests.routing.event_scene import NOW, Fields, Scene, after, story

# ---- workers -------------------------------------------------------------------------------------------------------


@story("worker.created")
def _(scene: Scene) -> Fields:
    made = scene.ask("POST", "Workers", friendly_name="Cy", attributes='{"a": 1}')
    cy = Worker.find_by_sid(made["sid"])
    assert cy is not None
    return {**scene.of_worker(cy), "ResourceType": "worker", "ResourceSid": cy.sid, "WorkerVersion": str(cy.version)}


@story("worker.activity.update")
def _(scene: Scene) -> Fields:
    before = scene.ada.activity
    workers.update(scene.ada, activity=make.activity("Break"), now=after(61.5))
    return scene.of_worker_s_own(
        WorkerActivityName="Break",
        WorkerTimeInPreviousActivity="61",
        WorkerTimeInPreviousActivityMs="61500",
        WorkerPreviousActivitySid=before.sid,
    )


@story("worker.attributes.update")
def _(scene: Scene) -> Fields:
    scene.ask("POST", f"Workers/{scene.ada.sid}", attributes='{"level": 3}')
    return scene.of_worker_s_own(WorkerAttributes='{"level": 3}')


def _of_channel(scene: Scene, **asked: Any) -> Fields:
    scene.ask("POST", f"Workers/{scene.ada.sid}/Channels/chat", **asked)
    row = scene.ada.channels.get(task_channel__unique_name="chat")
    return scene.of_worker_s_own(
        WorkerChannelAvailable="true" if row.is_available else "false",
        WorkerChannelAvailableCapacity=str(row.capacity),
        WorkerChannelPreviousCapacity="3",
        WorkerChannelTaskCount="1",
        WorkerChannelSid=row.sid,
        TaskChannelSid=row.task_channel.sid,
        TaskChannelUniqueName="chat",
    )


@story("worker.capacity.update")
def _(scene: Scene) -> Fields:
    scene.offer()
    return _of_channel(scene, capacity=5)


@story("worker.channel.availability.update")
def _(scene: Scene) -> Fields:
    scene.offer()
    return _of_channel(scene, available=False)


@story("worker.deleted")
def _(scene: Scene) -> Fields:
    expected = scene.of_worker_s_own(WorkerVersion=str(Worker.objects.get(pk=scene.ada.pk).version + 1))
    workers.delete(scene.ada, now=after(10))
    return {**expected, "WorkerTimeInPreviousActivity": "10", "WorkerTimeInPreviousActivityMs": "10000"}


# ---- tasks ---------------------------------------------------------------------------------------------------------


@story("task.created")
def _(scene: Scene) -> Fields:
    return scene.of_task(scene.task(), "pending", age=0)


@story("task.updated")
def _(scene: Scene) -> Fields:
    task = tasks.update(scene.task(), priority=9, now=after(30))
    return scene.of_task(task, "pending", TaskPriority="9")


@story("task.canceled")
def _(scene: Scene) -> Fields:
    task = tasks.cancel(scene.task(), reason="gave up", now=after(30))
    return scene.of_task(task, "canceled", TaskCanceledReason="gave up")


@story("task.wrapup")
def _(scene: Scene) -> Fields:
    return scene.of_task(tasks.wrap_up(scene.held().task, by=scene.ada, now=after(30)), "wrapping")


@story("task.completed")
def _(scene: Scene) -> Fields:
    task = tasks.complete(scene.held().task, by=scene.ada, reason="paid", now=after(30))
    return scene.of_task(task, "completed", TaskCompletedReason="paid")


@story("task.deleted")
def _(scene: Scene) -> Fields:
    task = scene.task()
    upkeep.delete(Task.objects.get(pk=task.pk), now=after(30))
    return scene.of_task(task, "canceled", TaskCanceledReason="Task deleted")


@story("task.system-deleted")
def _(scene: Scene) -> Fields:
    make.workspace(assignment_limit=86_400)
    task = scene.held().task
    upkeep.sweep(after(86_410))
    return scene.of_task(task, "completed", age=86_410, TaskCompletedReason="Task assigned for too long")


def _of_transfer(scene: Scene, transfer: Transfer, status: str, **more: str) -> Fields:
    return {
        **scene.of_task(transfer.task, "assigned"),
        "TransferSid": transfer.sid,
        "TransferStatus": status,
        "TransferMode": "WARM",
        "TransferInitiatingWorkerSid": scene.ada.sid,
        **more,
    }


@story("task.transfer-initiated")
def _(scene: Scene) -> Fields:
    transfer, offer = scene.asked()
    sent = _of_transfer(scene, transfer, "initiated", TransferType="WORKER", TransferTo=offer.worker.sid)
    return {**sent, "TaskAge": "20"}


@story("task.transfer-attempt-failed")
def _(scene: Scene) -> Fields:
    queue = make.queue(name="Bobs", target_workers="bob == true")
    transfer, offer = scene.asked(to=queue)
    reservations.reject(offer, by=offer.worker, now=after(30))
    return _of_transfer(scene, transfer, "initiated", TransferType="QUEUE", TransferTo=queue.sid)


@story("task.transfer-failed")
def _(scene: Scene) -> Fields:
    transfer, offer = scene.asked()
    reservations.reject(offer, by=offer.worker, now=after(30))
    return _of_transfer(scene, transfer, "failed", TransferFailedReason="rejected")


@story("task.transfer-canceled")
def _(scene: Scene) -> Fields:
    transfer, _offer = scene.asked()
    transfers.cancel(transfer, by=scene.ada, now=after(30))
    return _of_transfer(scene, transfer, "canceled")


@story("task.transfer-completed")
def _(scene: Scene) -> Fields:
    transfer, offer = scene.asked()
    reservations.accept(offer, by=offer.worker, now=after(30))
    return _of_transfer(scene, transfer, "completed")


# ---- offers --------------------------------------------------------------------------------------------------------


@story("reservation.created")
def _(scene: Scene) -> Fields:
    return scene.of_offer(scene.offer(), "reserved", age=0)


@story("reservation.accepted")
def _(scene: Scene) -> Fields:
    return scene.of_offer(reservations.accept(scene.offer(), by=scene.ada, now=after(30)), "assigned")


@story("reservation.rejected")
def _(scene: Scene) -> Fields:
    return scene.of_offer(reservations.reject(scene.offer(), by=scene.ada, now=after(30)), "pending")


@story("reservation.timeout")
def _(scene: Scene) -> Fields:
    offer = scene.offer()
    scene.router.tick(after(120))
    return scene.of_offer(offer, "pending", age=120)


@story("reservation.canceled")
def _(scene: Scene) -> Fields:
    offer = scene.offer()
    tasks.cancel(offer.task, reason="left", now=after(30))
    return scene.of_offer(offer, "canceled")


@story("reservation.rescinded")
def _(scene: Scene) -> Fields:
    bob = make.worker(name="Bob", now=NOW)
    TaskQueue.objects.filter(pk=scene.sales.pk).update(max_reserved_workers=2)
    scene.router = make.route(NOW)
    task = scene.task()
    scene.router.tick(NOW)
    reservations.accept(Reservation.objects.get(task=task, worker=bob), by=bob, now=after(30))
    return scene.of_offer(Reservation.objects.get(task=task, worker=scene.ada), "assigned")


@story("reservation.wrapup")
def _(scene: Scene) -> Fields:
    held = scene.held()
    tasks.wrap_up(held.task, by=scene.ada, now=after(30))
    return scene.of_offer(held, "wrapping")


@story("reservation.completed")
def _(scene: Scene) -> Fields:
    held = scene.held()
    tasks.complete(held.task, by=scene.ada, now=after(30))
    return scene.of_offer(held, "completed")


@story("reservation.failed")
def _(scene: Scene) -> Fields:
    offer = scene.offer()
    reservations.note_failure(offer.pk, code=40001, reason="The answer is not JSON.", now=after(30))
    about = {"ErrorCode": "40001", "ErrorMessage": "The answer is not JSON."}
    return {**scene.of_offer(offer, "reserved"), **about}


# ---- a task's way through its workflow -----------------------------------------------------------------------------


def _of_queue(queue: TaskQueue) -> Fields:
    return {
        "TaskQueueSid": queue.sid,
        "TaskQueueName": queue.friendly_name,
        "TaskQueueTargetExpression": queue.target_workers,
    }


def _steps(scene: Scene, *steps: dict[str, Any]) -> Task:
    """A task on its way through these steps, 30 s after it came; each lasts that long unless it says otherwise."""
    scene.workflow = make.workflow(*steps, name="Steps")
    scene.router.tick(NOW)
    task = scene.task()
    scene.router.tick(NOW)
    scene.router.tick(after(30))
    return task


@story("task-queue.entered")
def _(scene: Scene) -> Fields:
    return {**scene.of_task(scene.task(), "pending", age=0), **_of_queue(scene.sales)}


@story("task-queue.timeout")
def _(scene: Scene) -> Fields:
    task = _steps(scene, {"queue": scene.nobody, "timeout": 30}, {"queue": scene.sales})
    return {**scene.of_task(task, "pending"), **_of_queue(scene.nobody)}


@story("task-queue.moved")
def _(scene: Scene) -> Fields:
    task = _steps(scene, {"queue": scene.nobody, "timeout": 30}, {"queue": scene.sales})
    before = {"TaskQueuePreviousSid": scene.nobody.sid, "TaskQueuePreviousName": "Nobody"}
    return {**scene.of_task(task, "pending"), **_of_queue(scene.sales), **before}


def _of_workflow(scene: Scene, task: Task, status: str, **more: Any) -> Fields:
    name = {"WorkflowSid": scene.workflow.sid, "WorkflowName": scene.workflow.friendly_name}
    return {**scene.of_task(task, status, **more), **name}


@story("workflow.entered")
def _(scene: Scene) -> Fields:
    return _of_workflow(scene, scene.task(), "pending", age=0)


@story("workflow.target-matched")
def _(scene: Scene) -> Fields:
    return _of_workflow(scene, scene.task(), "pending", age=0)


@story("workflow.timeout")
def _(scene: Scene) -> Fields:
    task = _steps(scene, {"queue": scene.nobody, "timeout": 30})
    return _of_workflow(scene, task, "pending", queue=scene.nobody)


@story("workflow.skipped")
def _(scene: Scene) -> Fields:
    task = _steps(scene, {"queue": scene.nobody, "skip_if": "1==1"})
    return _of_workflow(scene, task, "pending", queue=scene.nobody, age=0)
