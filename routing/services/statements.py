"""What a batch says to the database. Each statement runs over rows ``v`` (``sql.Composed``); a row that no longer is
what the router believed is left out, and counted by who asks what came back.
"""

from __future__ import annotations

EVENT = (
    *("id", "created_at", "workspace_id", "type", "data", "facts", "task_id", "task_seq", "worker_id", "worker_seq"),
    *("reservation_id", "queue_id", "workflow_id", "task_channel_id"),
)

OFFERED = """
    UPDATE routing_task AS t SET status = 'reserved', assignment_count = v.column3, version = t.version + 1,
        event_seq = t.event_seq + v.column4
    FROM {values} WHERE t.id = v.column1 AND t.version = v.column2 AND t.status = 'pending'
    RETURNING """
#: What they return: enough to count them, or the numbers their events need.
COUNT, NUMBERS = "1", "id, event_seq"
OFFERED_TYPES = ("hex", "int", "int", "int")

MOVED = """
    UPDATE routing_task AS t SET status = v.column3, filter_index = v.column4, target_index = v.column5,
        queue_entered_at = CASE WHEN t.queue_id = v.column6 THEN t.queue_entered_at ELSE {now} END,
        queue_id = v.column6, priority = v.column7, workflow_entered_at = v.column8, due_at = v.column9,
        assignment_count = v.column10, version = t.version + 1, event_seq = t.event_seq + v.column11
    FROM {values} WHERE t.id = v.column1 AND t.version = v.column2 AND t.status = 'pending'
    RETURNING """
MOVED_TYPES = (*("hex", "int", "text", "int", "int", "uuid", "int", "timestamptz", "timestamptz", "int", "int"),)

# What a worker holds that can be interrupted does not count for work that cannot (column6); only the router adds to
# it, so what it believes is never too little.
WORKERS = """
    UPDATE routing_worker AS w SET load = w.load + v.column3, event_seq = w.event_seq + v.column4,
        ceiling = CASE WHEN w.load + v.column3 > w.ceiling THEN w.load + v.column3 ELSE w.ceiling END,
        version = w.version + 1
    FROM {values} WHERE w.id = v.column1
        AND (v.column5 = 1 OR w.activity_id = v.column2 AND w.load + v.column3 <= w.capacity + v.column6)
    RETURNING id, event_seq, version, load
"""
WORKER_TYPES = ("hex", "hex", "int", "int", "int", "int")

CHANNELS = """
    UPDATE routing_workerchannel AS c SET load = c.load + v.column3,
        ceiling = CASE WHEN c.load + v.column3 > c.ceiling THEN c.load + v.column3 ELSE c.ceiling END
    FROM {values} WHERE c.worker_id = v.column1 AND c.task_channel_id = v.column2
        AND (v.column4 = 1 OR c.is_available AND c.load + v.column3 <= c.capacity)
    RETURNING worker_id, task_channel_id, load
"""
CHANNEL_TYPES = ("hex", "uuid", "int", "int")

RESERVATIONS = """
    INSERT INTO routing_reservation
        (created_at, id, task_id, worker_id, role, status, weight, units, due_at, reason, version)
    SELECT {now}, v.column1, v.column2, v.column3, 'owner', 'pending', v.column4, v.column5, v.column6, '', 0
    FROM {values}
"""
RESERVATION_TYPES = ("hex", "hex", "hex", "int", "int", "timestamptz")

CREATED = """
    INSERT INTO routing_event (created_at, type, id, workspace_id, data, task_id, task_seq, worker_id, worker_seq,
        reservation_id, queue_id, workflow_id, task_channel_id)
    SELECT {now}, 'reservation.created', v.column1, t.workspace_id, v.column2, t.id, t.event_seq - v.column4,
        w.id, w.event_seq - v.column6, v.column7, t.queue_id, t.workflow_id, t.task_channel_id
    FROM {values} JOIN routing_task AS t ON t.id = v.column3 JOIN routing_worker AS w ON w.id = v.column5
"""
CREATED_TYPES = ("hex", "json", "hex", "int", "hex", "int", "hex")
