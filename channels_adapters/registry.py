"""slug -> adapter, built from the installed AppConfigs that name one (``adapter = "dotted.path.Adapter"``)."""

from __future__ import annotations

import functools

from django.apps import apps
from django.utils.module_loading import import_string

from channels_adapters.contract import ChannelAdapter
from contactcenter.lib.errors import ContactCenterError


class UnknownAdapter(ContactCenterError):
    code = "channels.unknown_adapter"


@functools.cache
def all_adapters() -> dict[str, ChannelAdapter]:
    """Every installed adapter by slug, in INSTALLED_APPS order."""
    found: dict[str, ChannelAdapter] = {}
    for config in apps.get_app_configs():
        path = getattr(config, "adapter", None)
        if path:
            adapter = import_string(path)()
            found[adapter.slug] = adapter
    return found


def get(slug: str) -> ChannelAdapter:
    """The adapter of a channel type. Raises ``UnknownAdapter``."""
    try:
        return all_adapters()[slug]
    except KeyError:
        raise UnknownAdapter(
            f"No adapter named {slug!r} is installed. Add its app to INSTALLED_APPS or remove the channel."
        ) from None
