"""Model fields."""

from __future__ import annotations

from typing import Any

from django.db import models

from contactcenter.lib import fast_json


class TextJSONField(models.JSONField):
    """JSON that is written once and read whole: PostgreSQL keeps it as the text it came as (json).

    Taking it apart (jsonb) costs it several times as much as writing it down. Here one cannot look for parts of it.
    """

    def db_type(self, connection: Any) -> str | None:
        return "json" if connection.vendor == "postgresql" else super().db_type(connection)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if connection.vendor != "postgresql" or not isinstance(value, (dict, list)):
            return super().get_db_prep_value(value, connection, prepared)
        return fast_json.dumps(value).decode()
