"""Who wrote: identities (proven addresses) and the contacts behind them.

Claims never lead anywhere: an identity finds its contact by (kind, scope, address) alone, and two contacts become one
only when a person merges them. A merge moves identities and can be undone.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from channels_adapters.contract import Sender
from contactcenter.lib.errors import Refused
from contactcenter.lib.text import scrub, scrub_json, scrub_name
from conversations import queries
from conversations.models import Channel, Contact, Conversation, Identity, Merge
from conversations.services import once, plain, stream

#: Fields of a contact ``update`` takes.
_EDITABLE = ("name", "language", "is_vip", "attributes", "notes")
#: How many of a contact's conversations hear of a change beside the open ones (consoles may still show them).
_RECENT = 20


def resolve(channel: Channel, sender: Sender, *, now: dt.datetime) -> Identity:
    """The identity of a sender on this channel, made with a contact of its own when it is new. Safe to race.

    Names and languages fill what is empty; claims are kept aside; nothing is ever merged here.
    """
    with transaction.atomic(savepoint=False):
        identity = _find(sender) or _create(channel, sender, now=now)
        _learn(identity, sender)
    return identity


def find(sender: Sender) -> Identity | None:
    """The stored identity of a sender, or None."""
    return _find(sender)


def _find(sender: Sender) -> Identity | None:
    rows = plain.select_joined(
        (Identity, Contact),
        """conversations_identity
        JOIN conversations_contact ON conversations_contact.id = conversations_identity.contact_id
        WHERE conversations_identity.kind = %s AND scope = %s AND address = %s""",
        *((None, scrub(value)) for value in (sender.kind, sender.scope, sender.address)),
    )
    if not rows:
        return None
    identity: Identity = rows[0][0]
    identity.contact = rows[0][1]
    return identity


def _create(channel: Channel, sender: Sender, *, now: dt.datetime) -> Identity:
    name = scrub_name(sender.name)
    contact = Contact.objects.create(
        name=name, language=scrub_name(sender.language, 16), claims=scrub_json(dict(sender.claims)), created_at=now
    )
    identity = Identity(
        contact=contact,
        kind=sender.kind,
        scope=scrub(sender.scope),
        address=scrub(sender.address),
        display_name=name,
        is_verified=sender.verified,
        created_at=now,
    )
    if once.insert(identity):
        identity.is_new = True
        return identity
    # Somebody else was faster; their identity has its own contact.
    contact.delete()
    found = _find(sender)
    assert found is not None
    return found


def get_to_know(channel: Channel, identity: Identity) -> None:
    """Have the provider asked who a new identity is; nothing for one that was known. Call it once the message of
    theirs is on its way to whoever answers: that matters more."""
    from conversations import jobs

    if identity.is_new:
        jobs.fetch_profile.delay(identity_id=str(identity.pk), channel_id=str(channel.pk))


def _learn(identity: Identity, sender: Sender) -> None:
    """Take over what a message tells about its sender, writing only what changed."""
    contact, name = identity.contact, scrub_name(sender.name)
    changes: dict[str, Any] = {}
    if name and name != identity.display_name:
        changes["display_name"] = name
    if sender.verified and not identity.is_verified:
        changes["is_verified"] = True
    if not identity.is_reachable:
        changes["is_reachable"] = True  # who writes can be written to
    if changes:
        for field, value in changes.items():
            setattr(identity, field, value)
        identity.save(update_fields=list(changes))
    known: dict[str, Any] = {}
    if name and not contact.name:
        known["name"] = name
    if sender.language and not contact.language:
        known["language"] = scrub_name(sender.language, 16)
    claims = {**contact.claims, **scrub_json(dict(sender.claims))}
    if claims != contact.claims:
        known["claims"] = claims
    if known:
        for field, value in known.items():
            setattr(contact, field, value)
        contact.save(update_fields=list(known))
    if changes.keys() & {"display_name"} or known.keys() & {"name", "language"}:
        _announce([contact.pk])


def update(contact: Contact, *, now: dt.datetime, **fields: Any) -> Contact:
    """Change what we know of a contact (name, language, is_vip, attributes, notes); their conversations hear of it.

    ``attributes`` is merged; a key with None is removed. Raises ``Refused`` for any other field.
    """
    unknown = set(fields) - set(_EDITABLE)
    if unknown:
        raise Refused(_("These fields cannot be changed: %s.") % ", ".join(sorted(unknown)), code="contact.field")
    with transaction.atomic():
        fresh = Contact.objects.select_for_update().get(pk=contact.pk)
        for field, value in fields.items():
            if field == "attributes":
                merged = {**fresh.attributes, **scrub_json(dict(value))}
                value = {key: item for key, item in merged.items() if item is not None}
            elif field == "notes":
                value = scrub(str(value))
            elif field == "is_vip":
                value = bool(value)
            else:
                value = scrub_name(str(value), 16 if field == "language" else 256)
            setattr(fresh, field, value)
        fresh.save(update_fields=list(fields))
        _announce([fresh.pk])
    return fresh


def merge(into: Contact, source: Contact, *, user: Any = None, now: dt.datetime) -> Merge:
    """Make two contacts one: ``source``'s identities (and with them its conversations) move to ``into``, empty fields
    of ``into`` are filled. ``source`` stays, empty, so that ``unmerge`` can undo it. Raises ``Refused``."""
    if into.pk == source.pk:
        raise Refused(_("A contact cannot be merged with itself."), code="contact.merge_self")
    with transaction.atomic():
        rows = {row.pk: row for row in Contact.objects.select_for_update().filter(pk__in=[into.pk, source.pk])}
        target, origin = rows[into.pk], rows[source.pk]
        moved = list(Identity.objects.select_for_update().filter(contact=origin).values_list("pk", flat=True))
        if not moved:
            raise Refused(_("This contact has no address left to merge."), code="contact.merge_empty")
        filled = {
            field: getattr(origin, field)
            for field in ("name", "language")
            if getattr(origin, field) and not getattr(target, field)
        }
        if filled:
            for field, value in filled.items():
                setattr(target, field, value)
            target.save(update_fields=list(filled))
        Identity.objects.filter(pk__in=moved).update(contact=target, merged_from=origin)
        done = Merge.objects.create(
            into=target, source=origin, identities=[key.hex for key in moved], filled=filled, user=user, created_at=now
        )
        _announce([target.pk])
    return done


def unmerge(done: Merge, *, now: dt.datetime) -> None:
    """Undo a merge: identities that still are where it (or a later merge) took them go back. Raises ``Refused``."""
    with transaction.atomic():
        fresh = Merge.objects.select_for_update().select_related("into", "source").get(pk=done.pk)
        if fresh.undone_at is not None:
            raise Refused(_("This merge has been undone already."), code="contact.merge_undone")
        # Later merges may have carried them on from contact to contact.
        reached = {fresh.into_id}
        later = Merge.objects.filter(id__gt=fresh.pk, undone_at__isnull=True).order_by("id")
        for source_id, into_id in later.values_list("source_id", "into_id"):
            if source_id in reached:
                reached.add(into_id)
        keys = [uuid.UUID(hex=key) for key in fresh.identities]
        back = Identity.objects.select_for_update().filter(pk__in=keys, contact__in=reached)
        back.update(contact=fresh.source, merged_from=None)
        for field, value in fresh.filled.items():
            Contact.objects.filter(pk=fresh.into_id, **{field: value}).update(**{field: ""})
        fresh.undone_at = now
        fresh.save(update_fields=["undone_at"])
        _announce([fresh.source_id, *reached])


def mark_unreachable(identity: Identity) -> None:
    """The channel says this person cannot be reached any more (until they write again)."""
    Identity.objects.filter(pk=identity.pk).update(is_reachable=False)


def _announce(contacts: list[uuid.UUID]) -> None:
    """Record ``conversation.updated`` on the contacts' conversations that somebody may be looking at."""
    rows = Conversation.objects.filter(identity__contact__in=contacts)
    recent = list(rows.order_by("-id").values_list("id", flat=True)[:_RECENT])
    shown = rows.filter(Q(status=Conversation.Status.OPEN) | Q(id__in=recent)).order_by("id")
    for key in list(shown.values_list("id", flat=True)):
        conversation = stream.lock(key)
        stream.record(conversation, "conversation.updated", {"conversation": queries.conversation_json(conversation)})
