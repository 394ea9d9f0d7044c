"""The supervisors' pages of conversations: channels, contacts, conversations, the inbox and the outbox."""

from conversations.admin import api_key, channel, contact, conversation, inbox, outbox, team

__all__ = ["api_key", "channel", "contact", "conversation", "inbox", "outbox", "team"]
