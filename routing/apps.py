from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RoutingConfig(AppConfig):
    name = "routing"
    verbose_name = _("Routing")

    def ready(self) -> None:
        from channels_adapters import gateway
        from routing import availability, receivers  # noqa: F401  (registers the receivers)

        gateway.register_availability(availability.is_anyone_available)
