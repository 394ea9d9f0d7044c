"""Messenger's webhook bodies -> our events. Pure: no Django, no network, no clock.

Every element is read in its own try: a broken one becomes ``Malformed``, an unknown one ``Unsupported``, and their
neighbours are unharmed. Events of one request come out in the provider's order of time, because Meta promises none.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from channels_adapters.contract import (
    Deletion,
    Echo,
    Edit,
    InboundAttachment,
    InboundEvent,
    InboundMessage,
    Malformed,
    ParseResult,
    Postback,
    Reaction,
    Receipt,
    Sender,
    Unsupported,
)
from channels_adapters.messenger import attachments
from channels_adapters.messenger.reading import (
    Broken,
    digest,
    document,
    identifier,
    key,
    mapping,
    moment,
    one_line,
    optional_identifier,
    optional_mapping,
    raw,
    text,
)
from contactcenter.lib.errors import UnparsablePayload

KIND = "messenger"
#: Our own string on a message we send: this, then the transmission's reference.
REF_PREFIX = "cc:"
#: The app id of the Page Inbox, where a page's own people answer by hand.
PAGE_INBOX = "263902037430900"

_ENVELOPE = {"sender", "recipient", "timestamp", "priority", "prior_message", "entry", "id"}
#: Facts about the app or about who owns a thread. They belong to no person: as a message of the customer they would
#: wake the bot.
_APP_LEVEL = {
    "pass_thread_control",
    "take_thread_control",
    "request_thread_control",
    "app_roles",
    "policy_enforcement",
    "policy-enforcement",
}


def parse(body: bytes, received_at: dt.datetime, app_id: str) -> ParseResult:
    """Everything one request says. ``app_id`` is ours, "" when unknown. Raises ``UnparsablePayload``."""
    root = document(body)
    kind, entries = root.get("object"), root.get("entry")
    if not isinstance(kind, str) or not isinstance(entries, list):
        raise UnparsablePayload("The request has no object and list of entries.")
    if kind != "page":
        sort = one_line(kind, 60) or "unknown"
        return [Unsupported(key("object", digest(root)), "", received_at, f"object.{sort}", None, raw(root))]
    found: dict[str, InboundEvent | Malformed] = {}
    for entry in entries:
        for event in _entry(entry, received_at, app_id):
            found.setdefault(event.key, event)
    return sorted(found.values(), key=lambda event: received_at if isinstance(event, Malformed) else event.at)


def _entry(entry: Any, received_at: dt.datetime, app_id: str) -> Iterator[InboundEvent | Malformed]:
    page = optional_identifier(optional_mapping(entry).get("id"))
    if not isinstance(entry, dict):
        yield _malformed(page, "the entry is not an object", entry)
        return
    lists = [name for name in ("changes", "messaging", "standby") if entry.get(name) is not None]
    if not lists:
        yield Unsupported(key("entry", page, digest(entry)), page, received_at, "entry", None, raw(entry))
    for name in lists:
        elements = entry[name]
        if not isinstance(elements, list):
            yield _malformed(page, f"{name} is not a list", entry)
            continue
        for element in elements:
            try:
                event = mapping(element, "the event")
                if not page:
                    raise Broken("the entry names no page")
                if name == "changes":
                    yield _change(event, page, received_at, app_id)
                else:
                    yield _Reader(event, page, received_at, app_id, passive=name == "standby").read()
            except Broken as broken:
                yield _malformed(page, str(broken), element)
            except Exception as error:
                # A mistake of ours in one kind must not cost the other events of the request; the contract suite
                # turns every field of every sample into nonsense and fails when it meets this.
                yield _malformed(page, f"internal error: {type(error).__name__}", element)


def _malformed(page: str, why: str, element: Any) -> Malformed:
    return Malformed(key("malformed", page, digest(element)), page, why, raw(element))


def _change(change: dict[str, Any], page: str, received_at: dt.datetime, app_id: str) -> InboundEvent:
    """``{"field", "value"}``: the documentation shows some events in this form too."""
    value = optional_mapping(change.get("value"))
    if any(name in value for name in _READERS):
        return _Reader(value, page, received_at, app_id, passive=False).read()
    field = one_line(change.get("field"), 60)
    if not field:
        raise Broken("the change names no field")
    return Unsupported(key("change", page, digest(change)), page, received_at, f"change.{field}", None, raw(change))


@dataclasses.dataclass(frozen=True)
class _Reader:
    """One element of ``messaging`` or ``standby``."""

    event: dict[str, Any]
    page: str
    received_at: dt.datetime
    app_id: str
    passive: bool

    def read(self) -> InboundEvent:
        name = next((name for name in _READERS if name in self.event), "")
        if name:
            return _READERS[name](self, name)
        return self.unsupported(next((name for name in self.event if name not in _ENVELOPE), "event"))

    # -- the envelope -----------------------------------------------------------------------------

    @property
    def at(self) -> dt.datetime:
        return moment(self.event.get("timestamp"), self.received_at) or self.received_at

    @property
    def stamp(self) -> str:
        """The time as it came, for keys: ``at`` depends on when the request arrived."""
        return digest(self.event.get("timestamp"))[:16]

    def person(self, side: str = "sender") -> Sender:
        psid = identifier(mapping(self.event.get(side), side).get("id"), f"{side}.id")
        return Sender(KIND, self.page, psid)

    def is_from_page(self) -> bool:
        return optional_identifier(optional_mapping(self.event.get("sender")).get("id")) == self.page

    def is_from_nobody(self) -> bool:
        """A plugin's ``user_ref``, or no sender at all: no address to keep or to answer."""
        sender = self.event.get("sender")
        return sender is None or (isinstance(sender, dict) and "id" not in sender)

    def unsupported(self, kind: str, *, app_level: bool = False) -> Unsupported:
        sender = None
        if not app_level and not self.is_from_page():
            psid = optional_identifier(optional_mapping(self.event.get("sender")).get("id"))
            sender = Sender(KIND, self.page, psid) if psid else None
        kind = one_line(kind, 60) or "event"
        return Unsupported(
            key("unsupported", self.page, digest(self.event)), self.page, self.at, kind, sender, raw(self.event)
        )

    # -- one reader per kind ----------------------------------------------------------------------

    def message(self, name: str) -> InboundEvent:
        body = mapping(self.event["message"], "message")
        if body.get("is_echo") is True or self.is_from_page():
            return self.echo(body)
        if self.is_from_nobody():
            return self.unsupported(name)
        sender, mid = self.person(), identifier(body.get("mid"), "message.mid")
        if body.get("is_deleted") is True:
            return Deletion(key("deletion", self.page, mid), self.page, self.at, sender, mid)
        said = text(body.get("text"), "message.text")
        files = attachments.read(body.get("attachments"), said)
        if not said and all(file.kind == "unsupported" for file in files):
            return self.unsupported(f"attachment.{files[0].data['type']}" if files else name)
        said, data = _quick_reply(said, optional_mapping(body.get("quick_reply")).get("payload"))
        for extra in ("referral", "commands"):
            if body.get(extra):
                data[extra] = raw({extra: body[extra]})[extra]
        return InboundMessage(
            key=key("message", self.page, mid),
            channel_address=self.page,
            at=self.at,
            sender=sender,
            external_id=mid,
            text=said,
            attachments=files,
            reply_to=optional_identifier(optional_mapping(body.get("reply_to")).get("mid")),
            passive=self.passive,
            data=data,
        )

    def echo(self, body: dict[str, Any]) -> InboundEvent:
        """A message of the page itself: ours, the Page Inbox's, another app's. Never the customer's (loops)."""
        mid = identifier(body.get("mid"), "message.mid")
        app = optional_identifier(body.get("app_id"))
        metadata = body.get("metadata")
        is_ours = isinstance(metadata, str) and metadata.startswith(REF_PREFIX) and app in {self.app_id, ""}
        said = text(body.get("text"), "message.text")
        author = "" if is_ours else "Page Inbox" if app == PAGE_INBOX else f"App {app}" if app else ""
        files: tuple[InboundAttachment, ...] = attachments.read(body.get("attachments"), said)
        return Echo(
            key=key("echo", self.page, mid),
            channel_address=self.page,
            at=self.at,
            recipient=self.person("recipient"),
            external_id=mid,
            client_ref=optional_identifier(str(metadata).removeprefix(REF_PREFIX)) if is_ours else "",
            text=said or attachments.template_text(body.get("attachments")),
            attachments=files,
            author_name=author,
        )

    def edit(self, name: str) -> InboundEvent:
        if self.is_from_page() or self.is_from_nobody():
            return self.unsupported(name, app_level=True)
        body = mapping(self.event[name], name)
        mid = identifier(body.get("mid"), f"{name}.mid")
        revision = optional_identifier(body.get("num_edit"))  # the documentation prints it as a text
        if not (revision.isascii() and revision.isdigit() and len(revision) <= 6):
            raise Broken(f"{name}.num_edit is not a number")
        return Edit(
            key=key("edit", self.page, mid, revision),
            channel_address=self.page,
            at=self.at,
            sender=self.person(),
            external_id=mid,
            text=text(body.get("text"), f"{name}.text"),
            revision=int(revision),
        )

    def reaction(self, name: str) -> InboundEvent:
        if self.is_from_page() or self.is_from_nobody():
            return self.unsupported(name, app_level=True)
        body = mapping(self.event[name], name)
        sender, mid = self.person(), identifier(body.get("mid"), f"{name}.mid")
        action = body.get("action")
        emoji = one_line(body.get("emoji"), 32) or one_line(body.get("reaction"), 32)
        if action not in ("react", "unreact") or (action == "react" and not emoji):
            return self.unsupported(name)
        return Reaction(
            key=key("reaction", self.page, mid, sender.address, action, self.stamp),
            channel_address=self.page,
            at=self.at,
            sender=sender,
            external_id=mid,
            emoji=emoji if action == "react" else "",
        )

    def postback(self, name: str) -> InboundEvent:
        if self.is_from_page() or self.is_from_nobody():
            return self.unsupported(name)
        body = mapping(self.event[name], name)
        sender = self.person()
        payload = text(body.get("payload"), f"{name}.payload")  # withheld in standby
        # The older form has no mid.
        mid = optional_identifier(body.get("mid")) or f"pb_{digest(sender.address, self.stamp, payload)}"
        referral = optional_mapping(body.get("referral"))
        return Postback(
            key=key("postback", self.page, mid),
            channel_address=self.page,
            at=self.at,
            sender=sender,
            external_id=mid,
            title=one_line(body.get("title")) or one_line(payload),
            payload=payload,
            passive=self.passive,
            data={"referral": raw(referral)} if referral else {},
        )

    def referral(self, name: str) -> InboundEvent:
        """The person followed a link or an advertisement into an existing thread: as if they had pressed a button."""
        if self.is_from_page() or self.is_from_nobody():
            return self.unsupported(name)
        body = mapping(self.event[name], name)
        sender, ref = self.person(), text(body.get("ref"), f"{name}.ref")
        advertisement = optional_mapping(body.get("ads_context_data")).get("ad_title")
        stamp = digest(sender.address, self.stamp, body)
        return Postback(
            key=key("referral", self.page, stamp),
            channel_address=self.page,
            at=self.at,
            sender=sender,
            external_id=f"ref_{stamp}",
            title=one_line(advertisement) or one_line(ref) or one_line(body.get("source")) or name,
            payload=ref,
            passive=self.passive,
            data={"referral": raw(body)},
        )

    def receipt(self, name: str) -> InboundEvent:
        if self.is_from_page() or self.is_from_nobody():
            return self.unsupported(name, app_level=True)
        body = mapping(self.event[name], name)
        recipient = self.person()
        mids = body.get("mids")
        ids = [optional_identifier(mid) for mid in mids] if isinstance(mids, list) else []
        watermark = moment(body.get("watermark"), self.received_at)
        if watermark is None and not any(ids):
            raise Broken(f"{name} names neither messages nor a time")
        return Receipt(
            key=key(name, self.page, recipient.address, digest(body.get("watermark"), ids)),
            channel_address=self.page,
            # Deliveries may come without a time of their own.
            at=moment(self.event.get("timestamp"), self.received_at) or watermark or self.received_at,
            recipient=recipient,
            status="read" if name == "read" else "delivered",
            external_ids=tuple(filter(None, ids)),
            watermark=watermark,
        )

    def about_person(self, name: str) -> InboundEvent:
        """Opt-ins, carts, account links, feedback: shown as unsupported where there is somebody to show it of."""
        return self.unsupported(name)

    def about_app(self, name: str) -> InboundEvent:
        return self.unsupported(name, app_level=True)


def _quick_reply(said: str, payload: Any) -> tuple[str, dict[str, Any]]:
    """The text and the button's payload. Titles hold 20 characters: one we had to cut (see render) is restored."""
    if not isinstance(payload, str):
        return said, {}
    payload = text(payload, "quick_reply.payload")
    is_cut = said.endswith("…") and len(said) > 1 and payload.startswith(said[:-1])
    return payload if is_cut else said, {"quick_reply": payload}


#: In this order: an event is recognised by the first of these keys it has.
_READERS: dict[str, Callable[[_Reader, str], InboundEvent]] = {
    "message": _Reader.message,
    "message_edit": _Reader.edit,
    "reaction": _Reader.reaction,
    "postback": _Reader.postback,
    "referral": _Reader.referral,
    "read": _Reader.receipt,
    "delivery": _Reader.receipt,
    **dict.fromkeys(("optin", "account_linking", "response_feedback", "order"), _Reader.about_person),
    **dict.fromkeys(sorted(_APP_LEVEL), _Reader.about_app),
}
