"""What the phones showed, kept in a file over a restart of the demo."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from channels_adapters.simulator.base import Bubble, File, Persona, Simulator

log = structlog.get_logger(__name__)

#: Written this long after a change, with whatever changed meanwhile.
_DELAY = 0.5
#: Files beyond this are forgotten.
_MOST_BYTES = 16 * 1024 * 1024


class Memory:
    """Loads a simulator's people, chats and files, and saves them soon after every change."""

    def __init__(self, simulator: Simulator, path: Path) -> None:
        self._simulator = simulator
        self._path = path
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def load(self) -> None:
        """A file that is missing or cannot be read is nothing remembered."""
        try:
            kept = json.loads(self._path.read_text())
            chats = {address: [_bubble(one) for one in chat] for address, chat in kept["chats"].items()}
            personas = [Persona(**one) for one in kept["personas"]]
            media = {key: (kind, base64.b64decode(content)) for key, (kind, content) in kept["media"].items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            log.warning("simulator.memory_unreadable", path=str(self._path))
            return
        self._simulator.restore(personas, chats, media)

    def save_soon(self) -> None:
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(_DELAY, self.save)
                self._timer.daemon = True
                self._timer.start()

    def save(self) -> None:
        with self._lock:
            self._timer = None
            personas, chats, media = self._simulator.snapshot()
            kept: dict[str, Any] = {
                "personas": [{**dataclasses.asdict(one), "typing_until": None} for one in personas],
                "chats": {
                    address: [{**dataclasses.asdict(one), "at": one.at.isoformat()} for one in chat]
                    for address, chat in chats.items()
                },
                "media": {},
            }
            room = _MOST_BYTES
            for key, (kind, content) in reversed(media.items()):
                room -= len(content)
                if room < 0:
                    break
                kept["media"][key] = [kind, base64.b64encode(content).decode()]
            beside = self._path.with_suffix(".new")
            try:
                beside.write_text(json.dumps(kept))
                os.replace(beside, self._path)
            except OSError as error:
                log.warning("simulator.not_saved", error=type(error).__name__)


def _bubble(kept: dict[str, Any]) -> Bubble:
    files = [File(**one) for one in kept["files"]]
    return Bubble(**{**kept, "at": dt.datetime.fromisoformat(kept["at"]), "files": files})


def remembering(make: Callable[[Callable[[], None]], Simulator], path: Path, changed: Callable[[], None]) -> Simulator:
    """A simulator that remembers. ``make`` gets what it is to call after every change; ``changed`` is called too."""
    memory: Memory

    def on_change() -> None:
        memory.save_soon()
        changed()

    simulator = make(on_change)
    memory = Memory(simulator, path)
    memory.load()
    return simulator
