"""The console protocol, version 1: every frame that crosses ``/ws/console/``, in both directions.

Frames are JSON objects in text messages of at most 64 KiB. The client sends commands; each carries an ``id`` and is
answered by ``ok`` or ``refused`` with that id. What is no command is answered by ``error``. Everything else the server
sends unasked. ``tests/agents/frames/*.json`` holds a sample of every frame; the tests of both sides read it.

A *stream* is what events are numbered in: ``"worker"`` (the agent's own activity and offers) or a conversation's sid.
The state of a stream is its snapshot; an event's ``data`` holds whole parts of it, so applying one is replacing:
``conversation``, ``participants`` and ``worker`` replace; ``message`` and ``reservation`` replace the one with their
sid or are added; a reservation that is no longer pending, accepted or wrapping is taken away.
"""

from __future__ import annotations

#: The stream of the agent's own activity and offers.
WORKER = "worker"
#: Above this many missed events a snapshot is cheaper than the replay.
MAX_REPLAY = 500

# WebSocket close codes of ours.
NOT_SIGNED_IN = 4401
NO_WORKSPACE = 4404
SILENT = 4408
TOO_SLOW = 4413
TOO_FAST = 4429
