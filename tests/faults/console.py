"""An agent's console without a screen: it reconnects, resumes with the numbers it holds, repeats unanswered sends."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.agents import reducer

State = dict[str, Any]


class Console:
    """``worker`` and ``conversations`` are the states the frames add up to. Commands block until they are answered."""

    def __init__(self, url: str, cookie: str) -> None:
        self._url = "ws" + url.removeprefix("http") + "/ws/console/"
        self._origin = url
        self._cookie = cookie
        self.worker: State | None = None
        self.conversations: dict[str, State] = {}
        self.connections = 0
        self._answers: dict[str, State] = {}
        self._socket: ClientConnection | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        if self._socket is not None:
            self._socket.close()
        self._thread.join(10)

    # -- in ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing:
            try:
                headers = {"Cookie": self._cookie}
                with connect(
                    self._url, additional_headers=headers, origin=Origin(self._origin), max_size=None
                ) as socket:
                    self._socket = socket
                    self._resume()
                    for text in socket:
                        self._take(json.loads(text))
            except (OSError, WebSocketException, TimeoutError):
                pass
            self._socket = None
            time.sleep(0.1)  # the pause between two tries, as a real console makes

    def _resume(self) -> None:
        with self._changed:
            self.connections += 1
            held = {sid: state["seq"] for sid, state in self.conversations.items()}
            worker_seq = self.worker["seq"] if self.worker else None
            self._changed.notify_all()
        self._send({"type": "subscribe", "id": uuid.uuid4().hex, "worker_seq": worker_seq, "conversations": held})

    def _take(self, frame: State) -> None:
        with self._changed:
            if frame["type"] in ("ok", "refused"):
                self._answers[frame["id"]] = frame
            elif frame["type"] in ("event", "snapshot"):
                if frame["stream"] == "worker":
                    self.worker = reducer.apply(self.worker, frame)
                elif (state := reducer.apply(self.conversations.get(frame["stream"]), frame)) is not None:
                    self.conversations[frame["stream"]] = state
            elif frame["type"] == "poke":
                self._send({"type": "ping", "id": "p"})
            self._changed.notify_all()

    def _send(self, frame: State) -> None:
        socket = self._socket
        if socket is not None:
            socket.send(json.dumps(frame))

    # -- out --------------------------------------------------------------------------------------

    def wait_for(self, what: Any, seconds: float = 40.0) -> Any:
        """The first true value of ``what(self)``. Raises ``AssertionError`` with what the console holds."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (found := what(self)):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"not within {seconds:.0f} s: {self.worker} {self.conversations}")
                self._changed.wait(min(left, 0.5))
            return found

    def ask(self, command: State, seconds: float = 40.0) -> State:
        """Send a command until it is answered, over as many connections as that takes. The answer's frame."""
        deadline = time.monotonic() + seconds
        request = uuid.uuid4().hex
        sent_over = -1
        while time.monotonic() < deadline:
            with self._changed:
                if request in self._answers:
                    return self._answers.pop(request)
                if self._socket is not None and sent_over != self.connections:
                    sent_over = self.connections
                    with contextlib.suppress(OSError, WebSocketException):
                        self._send({**command, "id": request})
                self._changed.wait(0.2)
        raise AssertionError(f"{command['type']} was not answered within {seconds:.0f} s")

    def offer(self) -> State | None:
        """An offer this agent could accept now."""
        for reservation in (self.worker or {"reservations": []})["reservations"]:
            if reservation["status"] == "pending":
                return dict(reservation)
        return None

    def held(self) -> list[str]:
        """The conversations of accepted reservations."""
        return [
            one["conversation"]["sid"]
            for one in (self.worker or {"reservations": []})["reservations"]
            if one["status"] in ("accepted", "wrapping")
        ]

    def follow(self, conversation: str) -> None:
        self.ask(
            {"type": "subscribe", "worker_seq": (self.worker or {}).get("seq"), "conversations": {conversation: None}}
        )
        self.wait_for(lambda console: conversation in console.conversations)

    def texts(self, conversation: str) -> list[str]:
        """What this screen shows of a conversation, in order (automatic lines left out)."""
        messages = self.conversations[conversation]["messages"]
        return [message["text"] for message in messages if message["author"] in ("contact", "user")]
