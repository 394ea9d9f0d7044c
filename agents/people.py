"""Contacts as agents see them. A contact is visible to whom one of their conversations is."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from contactcenter.lib.errors import NotVisible
from conversations import queries
from conversations.models import Contact
from conversations.services import visibility


def get(user: Any, sid: object) -> Contact:
    """The contact behind a public id. Raises ``NotVisible``."""
    found = Contact.find_by_sid(sid)
    if found is None or not visibility.visible_to(user).filter(identity__contact=found).exists():
        raise NotVisible(_("There is no such contact, or they are not yours to see."))
    return found


def contact_json(contact: Contact) -> dict[str, Any]:
    """The contact with their notes and addresses."""
    return {
        **queries.contact_json(contact),
        "notes": contact.notes,
        "identities": [queries.identity_json(identity) for identity in contact.identities.order_by("id")],
    }
