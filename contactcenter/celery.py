"""The Celery app: queues inbound, outbound, media, low and routing; JSON only, no result backend."""

from __future__ import annotations

from celery import Celery

app = Celery("contactcenter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks(["conversations", "routing", "flows", "agents"], related_name="jobs")
