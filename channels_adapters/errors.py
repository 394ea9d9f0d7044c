"""The ways sending goes wrong. An adapter's client maps every provider failure to one of these."""

from __future__ import annotations

from contactcenter.lib.errors import ContactCenterError


class SendError(ContactCenterError):
    """A message, or one request of it, was not sent. ``message`` is shown to the agent."""

    code = "send.failed"


class TransientSendError(SendError):
    """Not sent, and worth trying again. ``retry_after``: seconds the provider asked for, or None."""

    code = "send.transient"

    def __init__(self, message: str, *, retry_after: float | None = None, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class OutcomeUnknown(SendError):
    """The request may or may not have been carried out (timeout after sending, 5xx). Never silently resent."""

    code = "send.outcome_unknown"


class PermanentSendError(SendError):
    """Not sent, and trying again unchanged is useless."""

    code = "send.permanent"


class RecipientGone(PermanentSendError):
    """The person cannot be reached: blocked us, deleted the account, wrong address."""

    code = "send.recipient_gone"


class OptedOut(PermanentSendError):
    """The person asked not to be written to."""

    code = "send.opted_out"


class WindowClosed(PermanentSendError):
    """The channel's reply window is over."""

    code = "send.window_closed"


class ContentRejected(PermanentSendError):
    """The provider refuses this content: too long, too big, wrong type."""

    code = "send.content_rejected"


class ChannelMisconfigured(PermanentSendError):
    """Token expired, permission missing, page unsubscribed: an operator must act. The channel is marked ill."""

    code = "send.channel_misconfigured"
