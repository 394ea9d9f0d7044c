from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SimulatorConfig(AppConfig):
    """The demo's channel simulator page. Its addresses answer 404 unless ``settings.SIMULATORS`` is on."""

    name = "channels_adapters.simulator"
    label = "channel_simulator"
    verbose_name = _("Channel simulator")
