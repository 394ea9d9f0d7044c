"""The road up: what happened in routing, as signals sent inline after the commit. They say "look"; rows are the truth.

``worker_events_recorded(frames)``: rows were added to workers' streams: (worker id, frame) pairs; a frame is
    ``{"seq", "event", "data", "at"}``, the row itself in the console's shape, so receivers need not read it back.
``task_changed(task_id, status, conversation_id)``: a task was created or moved to another status or queue.
``queue_changed(queue_id)``: who waits in a queue, or in which order, is different now.
"""

from __future__ import annotations

from django.dispatch import Signal

worker_events_recorded = Signal()
task_changed = Signal()
queue_changed = Signal()
