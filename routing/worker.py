"""The router as a process. (Being built.)"""

from __future__ import annotations


def on_doorbell() -> None:
    """Somebody rang."""
