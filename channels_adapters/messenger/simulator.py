"""A small fake Facebook: a Graph API with our wire, and people who write to a page by signed webhooks.

Tests use it through ``FakeGraph(...).transport()``; ``manage.py demo`` through the page at ``/simulator/``.
"""

from __future__ import annotations

import datetime as dt
import functools
import secrets
import uuid
from typing import Any

from django.conf import settings

from channels_adapters.contract import WebhookRequest, WebhookResponse
from channels_adapters.messenger.graph import FAILURES, GraphError, GraphRequest, failure_answer, ok
from channels_adapters.messenger.phones import DEMO_PERSONAS, Phones, new_mid
from channels_adapters.messenger.signature import appsecret_proof
from channels_adapters.messenger.wire import Event
from channels_adapters.simulator import lines, live, memory
from channels_adapters.simulator.base import (
    Bubble,
    File,
    LostAnswer,
    NoAnswer,
    Persona,
    Simulator,
    compact_json,
)
from contactcenter.lib.errors import Refused

__all__ = ["DEMO_PERSONAS", "FakeGraph", "Persona", "demo", "demo_line"]

_TYPING_LASTS = dt.timedelta(seconds=20)


class FakeGraph(Phones):
    """One page and its Graph API, one app subscribed to it."""

    failures = FAILURES

    def __init__(self, line: lines.DemoLine, **options: Any) -> None:
        super().__init__(line, **options)
        self._uploads: dict[str, tuple[str, str]] = {}
        self.is_subscribed = True

    def handle(self, request: WebhookRequest) -> WebhookResponse:
        shown = request.body[:4000].decode("utf-8", "replace")
        answer = None
        title = request.path.rpartition("/")[2]
        try:
            graph = GraphRequest.of(request)
            title = f"{graph.method} {graph.edge or graph.node}"
            if graph.upload:
                shown = compact_json({**graph.body, "filedata": f"<{len(graph.upload.content)} bytes>"}).decode()
            answer = self._answer(graph)
        except GraphError as error:
            answer = error.answer
        finally:
            self.log_call(title, request, shown, answer)
        return answer

    def _answer(self, request: GraphRequest) -> WebhookResponse:
        if request.token != self._token:
            raise GraphError("Invalid OAuth access token - Cannot parse access token", code=190, status=401)
        if request.proof and request.proof != appsecret_proof(self._app_secret, self._token):
            raise GraphError("Invalid appsecret_proof provided in the API argument")
        match request.method, request.node == self._page, request.edge:
            case "POST", True, "messages":
                return self._message(request)
            case "POST", True, "message_attachments":
                return ok({"attachment_id": self._upload(request)})
            case "GET", True, "subscribed_apps":
                return ok({"data": [{"id": self._app_id, "name": "Demo"}] if self.is_subscribed else []})
            case (("POST" | "DELETE"), True, "subscribed_apps"):
                self.is_subscribed = request.method == "POST"
                return ok({"success": True})
            case "GET", _, "":
                return self._node(request)
        raise GraphError("Unsupported request", status=404)

    def _node(self, request: GraphRequest) -> WebhookResponse:
        if request.node in {"me", self._page}:
            return ok({"id": self._page, "name": self.title})
        try:
            person = self.persona(request.node)
        except Refused:
            raise GraphError("(#100) No profile available for this user.", subcode=2018218) from None
        first, _space, last = person.name.partition(" ")
        return ok({"first_name": first, "last_name": last, "id": person.address})

    def _message(self, request: GraphRequest) -> WebhookResponse:
        recipient = request.body.get("recipient")
        psid = str(recipient.get("id", "")) if isinstance(recipient, dict) else ""
        try:
            person = self.persona(psid)
        except Refused:
            raise GraphError("(#100) No matching user found", subcode=2018001) from None
        if "sender_action" in request.body:
            self._sender_action(person, request)
            return ok({"recipient_id": psid})
        failure = self.next_failure()
        if failure == "hang":
            raise NoAnswer
        if failure and failure not in {"lost_answer", "echo_first"}:
            return failure_answer(failure)
        bubble, echo = self._accept(person, request)
        if failure == "echo_first":
            self.tell("echo", echo)
        else:
            self.report(lambda: self.tell("echo", echo))
        self.report(lambda: self._delivered(person, bubble))
        if failure == "lost_answer":
            raise LostAnswer
        return ok({"recipient_id": psid, "message_id": bubble.id})

    def _sender_action(self, person: Persona, request: GraphRequest) -> None:
        action = request.body["sender_action"]
        if "message" in request.body:
            raise GraphError("(#100) sender_action and message cannot be sent together")
        if action == "mark_seen":
            for bubble in self.chat(person.address):
                if bubble.is_mine and bubble.status == "sent":
                    bubble.status = "seen"
        elif action in {"typing_on", "typing_off"}:
            person.typing_until = self._now() + _TYPING_LASTS if action == "typing_on" else None
        else:
            raise GraphError("(#100) Invalid sender_action")
        self.touch()

    def _accept(self, person: Persona, request: GraphRequest) -> tuple[Bubble, Event]:
        """Put a message of the page into the chat. Refuses what Facebook refuses."""
        message = request.body.get("message")
        kind = request.body.get("messaging_type")
        if not isinstance(message, dict) or kind not in {"RESPONSE", "UPDATE", "MESSAGE_TAG"}:
            raise GraphError("(#100) The parameter message and a valid messaging_type are required")
        if kind == "MESSAGE_TAG" and request.body.get("tag") != "HUMAN_AGENT":
            raise GraphError("(#100) Invalid parameter: tag")
        text, attachment = message.get("text", ""), message.get("attachment")
        if not isinstance(text, str) or bool(text) == bool(attachment):
            raise GraphError("(#100) A message has either a text or an attachment")
        if len(text) > 2000:
            raise GraphError("(#100) Length of param message[text] must be less than or equal to 2000")
        replies = message.get("quick_replies") or []
        if len(replies) > 13 or any(len(str(reply.get("title", ""))) > 20 for reply in replies):
            raise GraphError("(#100) Invalid quick_replies")
        files = [self._file(attachment, request)] if attachment else []
        quoted = request.body.get("reply_to") or {}
        bubble = Bubble(new_mid(), False, self._now(), text, files, list(replies), str(quoted.get("mid", "")))
        bubble.status = "delivered"
        self.add_bubble(person.address, bubble)
        content: dict[str, Any] = {name: message[name] for name in ("text", "metadata") if message.get(name)}
        if files:
            content["attachments"] = [{"type": files[0].kind, "payload": {"url": self.base_url + files[0].url}}]
        return bubble, self.wire.echo(person.address, bubble.id, bubble.at, **content)

    def _file(self, attachment: Any, request: GraphRequest) -> File:
        kind = str(attachment.get("type", "")) if isinstance(attachment, dict) else ""
        if kind not in {"image", "video", "audio", "file"}:
            raise GraphError("(#100) Invalid attachment type")
        payload = attachment.get("payload") or {}
        if request.upload:
            upload = request.upload
            family = upload.content_type.partition("/")[0]
            if kind != "file" and kind != family:
                raise GraphError("(#100) Upload attachment failure.", subcode=2018047)
            return File(kind, self.keep(upload.name, upload.content_type, upload.content), upload.name)
        if payload.get("attachment_id") in self._uploads:
            path, name = self._uploads[payload["attachment_id"]]
            return File(kind, path, name)
        raise GraphError("(#100) Upload attachment failure.", subcode=2018047)

    def _upload(self, request: GraphRequest) -> str:
        if not request.upload:
            raise GraphError("(#100) Upload attachment failure.", subcode=2018047)
        upload, key = request.upload, str(secrets.randbelow(10**15))
        self._uploads[key] = (self.keep(upload.name, upload.content_type, upload.content), upload.name)
        return key

    def _delivered(self, person: Persona, bubble: Bubble) -> None:
        now = self._now()
        self.tell("delivery", self.wire.delivery(person.address, [bubble.id], bubble.at, now))


def demo_line(base_url: str) -> lines.DemoLine:
    """The demo's Messenger connection and page, behind this simulator at ``base_url`` (http://127.0.0.1:<port>)."""
    return lines.DemoLine(
        slug="messenger",
        connection_id=uuid.UUID("0192f0c0-0000-7000-8000-00006d736e67"),
        name="Demo shop",
        connection={
            "app_id": "811000000000417",
            "app_secret": lines.secret("messenger.app_secret"),
            "verify_token": lines.secret("messenger.verify_token"),
            "graph_base": f"{base_url}/channels/messenger/simulator/provider",
            "graph_version": "v25.0",
        },
        channel={"page_access_token": "EAA" + lines.secret("messenger.page_token"), "human_agent_allowed": True},
        address="209000000000012",
    )


@functools.cache
def demo() -> Simulator:
    """The one simulator of this process. It remembers its chats in the data folder."""
    return memory.remembering(
        lambda changed: FakeGraph(demo_line(""), changed=changed),
        settings.DATA_DIR / "simulator-messenger.json",
        functools.partial(live.changed, "messenger"),
    )
