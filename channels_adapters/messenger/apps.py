from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessengerConfig(AppConfig):
    name = "channels_adapters.messenger"
    label = "adapter_messenger"
    verbose_name = _("Facebook Messenger")
    adapter = "channels_adapters.messenger.adapter.MessengerAdapter"
