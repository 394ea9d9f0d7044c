"""What a provider tells about a person: asked once, in a job, when their identity is new. Nobody waits for it."""

from __future__ import annotations

import datetime as dt
import uuid

import structlog

from contactcenter.lib.text import scrub_name
from conversations.models import Channel, Connection, Contact, Identity
from conversations.services import channels, contacts, plain

log = structlog.get_logger(__name__)


_PEOPLE = """
    conversations_identity JOIN conversations_contact ON conversations_contact.id = conversations_identity.contact_id
    WHERE conversations_identity.id = %s"""
_LINES = """
    conversations_channel
    JOIN conversations_connection ON conversations_connection.id = conversations_channel.connection_id
    WHERE conversations_channel.id = %s"""


def fetch(identity_id: uuid.UUID, channel_id: uuid.UUID, *, now: dt.datetime) -> None:
    """Fill an identity's empty name, and its contact's name and language. A provider that fails is no error."""
    people = plain.select_joined((Identity, Contact), _PEOPLE, (Identity._meta.pk, identity_id))
    lines = plain.select_joined((Channel, Connection), _LINES, (Channel._meta.pk, channel_id))
    if not people or not lines:
        return
    (identity, identity.contact), (channel, channel.connection) = people[0], lines[0]
    try:
        with channels.context(channel, now=now) as context:
            profile = channels.adapter(channel).fetch_profile(identity.address, context)
    except Exception as error:
        log.info("profile.unavailable", identity=identity.sid, error=type(error).__name__)
        return
    if profile is None:
        return
    name, language = scrub_name(profile.name), scrub_name(profile.language, 16)
    if name and not identity.display_name:
        Identity.objects.filter(pk=identity.pk).update(display_name=name)
    contact, found = identity.contact, {}
    if name and not contact.name:
        found["name"] = name
    if language and not contact.language:
        found["language"] = language
    if found:
        contacts.update(contact, now=now, **found)
