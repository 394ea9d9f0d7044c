from django.apps import AppConfig


class ContactCenterConfig(AppConfig):
    """The wiring. Loads the Celery app once Django is ready; a package import would break the bare bootstrap."""

    name = "contactcenter"

    def ready(self) -> None:
        import contactcenter.celery  # noqa: F401  (registers the app as current)
