from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebchatConfig(AppConfig):
    name = "channels_adapters.webchat"
    label = "adapter_webchat"
    verbose_name = _("Web chat")
    adapter = "channels_adapters.webchat.adapter.WebchatAdapter"

    def ready(self) -> None:
        from channels_adapters import gateway

        gateway.wants_looks("webchat")
