from django.apps import AppConfig


class ContactCenterConfig(AppConfig):
    """The wiring. Loads the Celery app once Django is ready; a package import would break the bare bootstrap."""

    name = "contactcenter"

    def ready(self) -> None:
        from django.contrib import admin
        from django.utils.translation import gettext_lazy as _

        import contactcenter.celery  # noqa: F401  (registers the app as current)

        admin.site.index_title = _("Now")
