"""The supervisors' pages of conversations: channels, contacts, conversations, the inbox and the outbox."""

from conversations.admin import channel, contact, conversation, inbox, outbox, team

__all__ = ["channel", "contact", "conversation", "inbox", "outbox", "team"]
