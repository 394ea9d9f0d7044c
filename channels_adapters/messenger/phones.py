"""The people of the simulated Facebook: what they do on their phones, as signed webhooks."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from channels_adapters.messenger.signature import HEADER, sign
from channels_adapters.messenger.wire import Event, PageWire
from channels_adapters.simulator import lines
from channels_adapters.simulator.base import Bubble, Exchange, File, Persona, Simulator
from contactcenter.lib.errors import Refused

ASSETS = Path(__file__).parents[1] / "simulator" / "assets"
LIKE_STICKER = 369239263222822
_MOST_EDITS = 5

DEMO_PERSONAS = (
    Persona("7340150028816001", "Emma Clarke", "en"),
    Persona("7340150028816002", "ليلى منصور", "ar", "VIP"),
    Persona("7340150028816003", "Jonas Weber", "en"),
    Persona("7340150028816004", "عمر حداد", "ar"),
)


class Phones(Simulator):
    """People with Messenger who write to one page. ``FakeGraph`` is the other half."""

    slug = "messenger"
    label = _("Messenger")
    actions = ("text", "image", "sticker", "location", "react", "edit", "referral", "again", "batch", "bad_signature")

    def __init__(self, line: lines.DemoLine, **options: Any) -> None:
        super().__init__(options.pop("personas", DEMO_PERSONAS), **options)
        self.title = line.name
        self._hook = line.hook_path
        self._app_id = str(line.connection["app_id"])
        self._app_secret = str(line.connection["app_secret"])
        self._token = str(line.channel["page_access_token"])
        self._page = line.address
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
                id=new_mid(),
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

    _ACTIONS: Mapping[str, Callable[[Phones, Persona, Mapping[str, Any]], Exchange | None]] = {
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


def new_mid() -> str:
    return "m_" + secrets.token_urlsafe(24)


def _required(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refused("Write something first.", code="simulator.empty")
    return value
