from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created

#: Statements a connection keeps prepared; psycopg's own hundred is a little less than the way of a message takes.
PREPARED = 400


class ContactCenterConfig(AppConfig):
    """The wiring. Loads the Celery app once Django is ready; a package import would break the bare bootstrap."""

    name = "contactcenter"

    def ready(self) -> None:
        from django.contrib import admin
        from django.utils.translation import gettext_lazy as _

        import contactcenter.celery  # noqa: F401  (registers the app as current)

        connection_created.connect(_remember_statements, dispatch_uid="contactcenter.statements")
        admin.site.index_title = _("Now")


def _remember_statements(connection: Any, **_: Any) -> None:
    if connection.vendor == "postgresql":
        connection.connection.prepared_max = PREPARED
