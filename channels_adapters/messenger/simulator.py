"""A small fake Facebook: a Graph API with our wire, and people who write to a page by signed webhooks.

Tests use it through ``FakeGraph(...).transport()``; ``manage.py demo`` through the page at ``/simulator/``.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import functools
import secrets
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from channels_adapters.contract import WebhookRequest, WebhookResponse
from channels_adapters.messenger.graph import FAILURES, GraphError, GraphRequest, failure_answer, ok
from channels_adapters.messenger.signature import HEADER, appsecret_proof, sign
from channels_adapters.messenger.wire import Event, PageWire
from channels_adapters.simulator import lines
from channels_adapters.simulator.base import (
    Bubble,
    Exchange,
    File,
    LostAnswer,
    NoAnswer,
    Persona,
    Simulator,
    compact_json,
)
from contactcenter.lib.errors import Refused

ASSETS = Path(__file__).parents[1] / "simulator" / "assets"
LIKE_STICKER = 369239263222822
_TYPING_LASTS = dt.timedelta(seconds=20)
_MOST_EDITS = 5

DEMO_PERSONAS = (
    Persona("7340150028816001", "Emma Clarke", "en"),
    Persona("7340150028816002", "ليلى منصور", "ar", "VIP"),
    Persona("7340150028816003", "Jonas Weber", "en"),
    Persona("7340150028816004", "عمر حداد", "ar"),
)


class FakeGraph(Simulator):
    """One page, one app subscribed to it."""

    slug = "messenger"
    label = _("Messenger")
    failures = FAILURES
    actions = ("text", "image", "sticker", "location", "react", "edit", "referral", "again", "batch", "bad_signature")

    def __init__(self, line: lines.DemoLine, **options: Any) -> None:
        super().__init__(options.pop("personas", DEMO_PERSONAS), **options)
        self.title = line.name
        self._hook = line.hook_path
        self._app_id = str(line.connection["app_id"])
        self._app_secret = str(line.connection["app_secret"])
        self._token = str(line.channel["page_access_token"])
        self._page = line.address
        self._uploads: dict[str, tuple[str, str]] = {}
        self.is_subscribed = True
        self.wire = PageWire(self._page, self._app_id)

    # -- people -> webhooks -----------------------------------------------------------------------

    def tell(self, title: str, *events: Event) -> Exchange:
        """Deliver these events as one signed webhook, now."""
        return self.tell_raw(title, self.wire.body(*events))

    def tell_raw(self, title: str, body: bytes, *, secret: str | None = None) -> Exchange:
        """Deliver these bytes, signed (with another ``secret`` to be refused)."""
        headers = {
            "content-type": "application/json",
            "user-agent": "facebookexternalua",
            HEADER: sign(self._app_secret if secret is None else secret, body),
        }
        return self.deliver(title, self._hook, body, headers)

    def act(self, persona: str, action: str, data: Mapping[str, Any]) -> dict[str, Any]:
        person = self.persona(persona)
        if action == "arm":
            self.arm(str(data.get("failure", "")))
            return {}
        if action == "disarm":
            self.disarm()
            return {}
        do = self._ACTIONS.get(action)
        if do is None:
            raise Refused("Messenger has no such action.", code="simulator.no_such_action")
        exchange = do(self, person, data)
        return {"status": exchange.status, "answer": exchange.answer[:200]} if exchange else {}

    def _say(self, person: Persona, *, files: list[File] | None = None, status: str = "sent", **content: Any) -> Bubble:
        """A new message of this person, in their chat; ``content`` as in the webhook."""
        quoted = content.get("reply_to")
        return self.add_bubble(
            person.address,
            Bubble(
                id=_new_mid(),
                is_mine=True,
                at=self._now(),
                text=str(content.get("text", "")),
                files=files or [],
                reply_to=str(quoted["mid"]) if quoted else "",
                status=status,
            ),
        )

    def _write(self, person: Persona, title: str, *, files: list[File] | None = None, **content: Any) -> Exchange:
        bubble = self._say(person, files=files, **content)
        exchange = self.tell(title, self.wire.message(person.address, bubble.id, bubble.at, **content))
        if exchange.status != 200:
            bubble.status = "failed"
            self.touch()
        return exchange

    def _text(self, person: Persona, data: Mapping[str, Any]) -> Exchange:
        content: dict[str, Any] = {"text": _required(data, "text")}
        if data.get("reply_to"):
            content["reply_to"] = {"mid": self.bubble(person.address, str(data["reply_to"])).id}
        if data.get("payload"):
            content["quick_reply"] = {"payload": str(data["payload"])}
        return self._write(person, "message", **content)

    def _image(self, person: Persona, data: Mapping[str, Any]) -> Exchange:
        if data.get("content"):
            name, kind = str(data.get("name") or "file"), str(data.get("content_type") or "application/octet-stream")
            try:
                content = base64.b64decode(str(data["content"]), validate=True)
            except binascii.Error:
                raise Refused("This file did not arrive whole. Try again.", code="simulator.bad_file") from None
        else:
            name, kind, content = "parcel.png", "image/png", (ASSETS / "parcel.png").read_bytes()
        path = self.keep(name, kind, content)
        family = kind.partition("/")[0]
        family = family if family in {"image", "video", "audio"} else "file"
        attachment = {"type": family, "payload": {"url": self.base_url + path}}
        return self._write(person, family, files=[File(family, path, name)], attachments=[attachment])

    def _sticker(self, person: Persona, data: Mapping[str, Any]) -> Exchange:
        path = self.keep("like.png", "image/png", (ASSETS / "like.png").read_bytes())
        payload = {"url": self.base_url + path, "sticker_id": LIKE_STICKER}
        attachment = {"type": "sticker", "payload": payload}
        return self._write(person, "sticker", files=[File("sticker", path, "like")], attachments=[attachment])

    def _location(self, person: Persona, data: Mapping[str, Any]) -> Exchange:
        payload = {"coordinates": {"lat": 30.0444, "long": 31.2357}}
        attachment = {"type": "location", "title": "Tahrir Square, Cairo", "payload": payload}
        files = [File("location", "", "Tahrir Square, Cairo")]
        return self._write(person, "location", files=files, attachments=[attachment])

    def _referral(self, person: Persona, data: Mapping[str, Any]) -> Exchange:
        referral = {"ref": "autumn-sale", "source": "SHORTLINK", "type": "OPEN_THREAD"}
        return self.tell("referral", self.wire.event(person.address, self._now(), referral=referral))

    def _react(self, person: Persona, data: Mapping[str, Any]) -> Exchange:
        bubble = self.bubble(person.address, str(data.get("message", "")))
        emoji = str(data.get("emoji") or "")
        if emoji:
            bubble.reactions["mine"] = emoji
        else:
            bubble.reactions.pop("mine", None)
        self.touch()
        return self.tell("reaction", self.wire.reaction(person.address, bubble.id, emoji, self._now()))

    def _edit(self, person: Persona, data: Mapping[str, Any]) -> Exchange:
        text = _required(data, "text")
        mine = [bubble for bubble in self.chat(person.address) if bubble.is_mine and bubble.text]
        if not mine:
            raise Refused("There is nothing to edit yet. Write something first.", code="simulator.nothing_to_edit")
        bubble = mine[-1]
        if bubble.edits >= _MOST_EDITS:
            raise Refused("Messenger lets people edit a message five times.", code="simulator.too_many_edits")
        bubble.text, bubble.edits = text, bubble.edits + 1
        self.touch()
        return self.tell("edit", self.wire.edit(person.address, bubble.id, text, bubble.edits, self._now()))

    def _read(self, person: Persona, data: Mapping[str, Any]) -> Exchange | None:
        """The phone shows the chat."""
        unread = [b for b in self.chat(person.address) if not b.is_mine and b.status != "read"]
        person.unread = 0
        if not unread:
            return None
        for bubble in unread:
            bubble.status = "read"
        self.touch()
        now = self._now()
        return self.tell("read", self.wire.read(person.address, now, now))

    def _again(self, person: Persona, data: Mapping[str, Any]) -> Exchange:
        return self.deliver_again("the same again", self._hook)

    def _batch(self, person: Persona, data: Mapping[str, Any]) -> Exchange:
        bubbles = [self._say(person, text=f"{n} of 3: one webhook, three messages") for n in (1, 2, 3)]
        return self.tell("batch of 3", *(self.wire.message(person.address, b.id, b.at, text=b.text) for b in bubbles))

    def _bad_signature(self, person: Persona, data: Mapping[str, Any]) -> Exchange:
        bubble = self._say(person, text="This one is signed with a wrong secret", status="failed")
        body = self.wire.body(self.wire.message(person.address, bubble.id, bubble.at, text=bubble.text))
        return self.tell_raw("bad signature", body, secret="wrong")  # noqa: S106 - the point of it

    _ACTIONS: Mapping[str, Callable[[FakeGraph, Persona, Mapping[str, Any]], Exchange | None]] = {
        "text": _text,
        "image": _image,
        "sticker": _sticker,
        "location": _location,
        "referral": _referral,
        "react": _react,
        "edit": _edit,
        "read": _read,
        "again": _again,
        "batch": _batch,
        "bad_signature": _bad_signature,
    }

    # -- the Graph API ----------------------------------------------------------------------------

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
        bubble = Bubble(_new_mid(), False, self._now(), text, files, list(replies), str(quoted.get("mid", "")))
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


def _new_mid() -> str:
    return "m_" + secrets.token_urlsafe(24)


def _required(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refused("Write something first.", code="simulator.empty")
    return value


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
def demo() -> FakeGraph:
    """The one simulator of this process."""
    from channels_adapters.simulator import live

    return FakeGraph(demo_line(""), changed=functools.partial(live.changed, "messenger"))
