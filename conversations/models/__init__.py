"""Who wrote, and what was said."""

from conversations.models.api_key import Account, ApiKey
from conversations.models.attachment import Attachment
from conversations.models.channel import Channel, Connection
from conversations.models.contact import Contact, Identity, Merge
from conversations.models.conversation import Conversation, Participant
from conversations.models.event import Event
from conversations.models.inbox import InboundEvent, Payload
from conversations.models.message import Message
from conversations.models.team import Team
from conversations.models.transmission import Transmission

__all__ = [
    "Account",
    "ApiKey",
    "Attachment",
    "Channel",
    "Connection",
    "Contact",
    "Conversation",
    "Event",
    "Identity",
    "InboundEvent",
    "Merge",
    "Message",
    "Participant",
    "Payload",
    "Team",
    "Transmission",
]
