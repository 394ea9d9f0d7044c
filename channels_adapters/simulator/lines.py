"""What the demo needs to know to set up a channel behind a simulator. Secrets are derived from this installation's."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

from django.utils.crypto import salted_hmac


@dataclasses.dataclass(frozen=True)
class DemoLine:
    """One connection with one channel, in the words of the models: ``seed_demo`` makes rows of it.

    ``connection`` and ``channel`` hold open settings and secrets together, as adapters get them.
    """

    slug: str
    connection_id: uuid.UUID
    name: str
    connection: Mapping[str, Any]
    channel: Mapping[str, Any]
    address: str

    @property
    def hook_path(self) -> str:
        return f"/hooks/{self.connection_id.hex}/"


def secret(name: str) -> str:
    """A secret of the simulated provider: stable for one installation, unknown to everybody else."""
    return salted_hmac("channels_adapters.simulator", name, algorithm="sha256").hexdigest()
