"""A conversation with people around it, for the tests of what consoles are told."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from channels_adapters import errors
from channels_adapters.contract import Deletion, Edit, InboundAttachment, Reaction, SendReceipt, Unsupported
from conversations.models import Attachment, Conversation, Message
from conversations.services import contacts, delivery, lifecycle, media, messages, ownership, participants
from tests.factories import conversations as make
from tests.factories.adapters import Provider


@dataclasses.dataclass
class Scene:
    """A conversation with people around it, and everything that can happen to it."""

    provider: Provider
    now: dt.datetime

    def __post_init__(self) -> None:
        self.line = make.channel()
        self.amira, self.bob = make.user(first_name="Amira", is_staff=True), make.user(first_name="Bob")
        for user in (self.amira, self.bob):
            user.teams.add(self.line.team)
        self.who = make.sender("customer-1")
        self.conversation = make.conversation(
            channel=self.line, identity=make.identity(self.line, address="customer-1")
        )
        self.count = 0

    def _key(self) -> str:
        self.count += 1
        return f"k-{self.count}"

    def _last(self, **fields: Any) -> Message | None:
        return Message.objects.filter(conversation=self.conversation, **fields).order_by("-seq").first()

    def customer_writes(self) -> None:
        make.received(self.line, sender=self.who, now=self.now, text=f"words {self.count}")

    def customer_sends_a_file(self) -> None:
        file = InboundAttachment("image", url="https://10.0.0.1/x.png")
        make.received(self.line, sender=self.who, now=self.now, text="", attachments=[file])

    def customer_sends_something_odd(self) -> None:
        odd = Unsupported(self._key(), self.line.address, self.now, kind="poll", sender=self.who, raw={"a": 1})
        messages.receive(self.line, odd, now=self.now)

    def file_cannot_be_fetched(self) -> None:
        for row in Attachment.objects.filter(state="pending"):
            media.fetch(row.pk, now=self.now)

    def file_is_tried_again(self) -> None:
        for row in Attachment.objects.filter(state="failed"):
            media.retry(row, now=self.now)

    def customer_edits(self) -> None:
        if (last := self._last(direction="in")) is not None:
            change = Edit(
                self._key(), self.line.address, self.now, self.who, last.external_id, "edited", last.edit_revision + 1
            )
            messages.edit(self.line, change, now=self.now)

    def customer_deletes(self) -> None:
        if (last := self._last(direction="in")) is not None:
            gone = Deletion(self._key(), self.line.address, self.now, self.who, last.external_id)
            messages.delete(self.line, gone, now=self.now)

    def customer_reacts(self) -> None:
        if (last := self._last(direction="in")) is not None:
            smile = Reaction(self._key(), self.line.address, self.now, self.who, last.external_id, "🙂")
            messages.react(self.line, smile, now=self.now)

    def bot_writes(self) -> None:
        version = Conversation.objects.get(pk=self.conversation.pk).owner_version
        make.sent(self.conversation, now=self.now, owner_version=version, quick_replies=["Yes", "No"])

    def agent_writes(self) -> None:
        self.amira_takes_over()
        file = make.upload(user=self.amira)
        make.sent(self.conversation, now=self.now, user=self.amira, attachment_keys=[file.key])

    def agent_notes(self) -> None:
        messages.note(self.conversation, text="note", key=self._key(), user=self.bob, now=self.now)

    def messages_go_out(self) -> None:
        delivery.deliver(self.conversation.pk, now=self.now)

    def message_is_refused(self) -> None:
        self.provider.answers[self.line.address] = [errors.ContentRejected("No.")]
        self.bot_writes()
        self.messages_go_out()

    def agent_retries(self) -> None:
        if (last := self._last(status="failed")) is not None:
            messages.retry(last, user=self.amira, now=self.now)

    def outcome_is_unknown(self) -> None:
        self.provider.answers[self.line.address] = [errors.OutcomeUnknown("Who knows.")]
        self.bot_writes()
        self.messages_go_out()

    def provider_is_faster_than_its_answer(self) -> None:
        self.provider.answers[self.line.address] = [SendReceipt(f"d-{self._key()}", status="delivered")]
        self.bot_writes()
        self.messages_go_out()

    def customer_gets_and_reads(self) -> None:
        for status in ("delivered", "read"):
            messages.record_status(
                self.line, make.receipt(self.line, status, watermark=self.now, recipient=self.who), now=self.now
            )

    def delivery_fails_late(self) -> None:
        if (last := self._last(status="sent", author="bot")) is not None:
            bad = make.receipt(self.line, "failed", last.external_id, error="Blocked")
            messages.record_status(self.line, bad, now=self.now)

    def another_app_writes(self) -> None:
        messages.echo(self.line, make.echo(self.line, text="hi", recipient=self.who), now=self.now)

    def amira_takes_over(self) -> None:
        ownership.change(self.conversation, owner="worker", owner_sid="WK1", user=self.amira, now=self.now)

    def it_is_queued(self) -> None:
        ownership.change(self.conversation, owner="queue", owner_sid="WQ1", owner_name="Sales", now=self.now)

    def bob_watches(self) -> None:
        participants.join(self.conversation, self.bob, now=self.now)

    def bob_leaves(self) -> None:
        participants.leave(self.conversation, self.bob, now=self.now)

    def amira_reads(self) -> None:
        participants.mark_read(self.conversation, self.amira, 99, now=self.now)

    def flow_learns(self) -> None:
        lifecycle.set_attributes(self.conversation, {"step": self._key()}, now=self.now)

    def contact_is_edited(self) -> None:
        contact = self.conversation.identity.contact
        contacts.update(contact, name=self._key(), is_vip=True, attributes={"a": self.count}, now=self.now)

    def customer_changes_their_name(self) -> None:
        contacts.resolve(self.line, make.sender("customer-1", name=self._key()), now=self.now)

    def contacts_are_merged_and_parted(self) -> None:
        other = make.identity(make.channel()).contact
        identity = type(self.conversation.identity).objects.get(pk=self.conversation.identity_id)
        done = contacts.merge(other, identity.contact, now=self.now)
        if self.count % 2:
            contacts.unmerge(done, now=self.now)

    def channel_is_ill(self) -> None:
        self.provider.answers[self.line.address] = [errors.ChannelMisconfigured("expired")]
        self.bot_writes()
        self.messages_go_out()

    def it_is_closed(self) -> None:
        lifecycle.close(self.conversation, disposition="resolved", now=self.now)
