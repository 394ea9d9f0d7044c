from __future__ import annotations

import uuid

from django.urls import path, register_converter

from conversations import views, webhooks


class HexConverter:
    """A row id as 32 hex digits."""

    regex = "[0-9a-f]{32}"

    def to_python(self, value: str) -> uuid.UUID:
        return uuid.UUID(hex=value)

    def to_url(self, value: uuid.UUID | str) -> str:
        return value.hex if isinstance(value, uuid.UUID) else value


register_converter(HexConverter, "hexid")

urlpatterns = [
    path("hooks/<hexid:connection_id>/", webhooks.receive, name="webhook"),
    path("attachments/<str:key>/", views.attachment, name="attachment"),
]
