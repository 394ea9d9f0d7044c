"""Facebook Messenger: the adapter's table of contents."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_adapters.contract import (
    ChannelAdapter,
    Context,
    Health,
    Notice,
    OutboundMessage,
    ParseResult,
    Profile,
    SendReceipt,
    Simulator,
    WebhookRequest,
    WebhookResponse,
)
from channels_adapters.errors import OutcomeUnknown, SendError
from channels_adapters.messenger import parse, render, signature
from channels_adapters.messenger.client import GraphClient
from channels_adapters.messenger.config import CHANNEL_SETTINGS, CONNECTION_SETTINGS, ConnectionConfig
from channels_adapters.messenger.reading import one_line, optional_identifier
from contactcenter.lib.errors import InvalidSignature

_LONGEST_CHALLENGE = 256


class MessengerAdapter(ChannelAdapter):
    slug = "messenger"
    label = gettext_lazy("Facebook Messenger")
    capabilities = render.CAPABILITIES
    connection_settings = CONNECTION_SETTINGS
    channel_settings = CHANNEL_SETTINGS
    #: Meta puts up to 1000 updates into one request, non-ASCII escaped to six bytes a character.
    max_body = 5 * 1024 * 1024

    # -- in ---------------------------------------------------------------------------------------

    def handshake(self, request: WebhookRequest, connection: Mapping[str, Any]) -> WebhookResponse:
        expected = ConnectionConfig.of(connection).verify_token.encode()
        given = request.query.get("hub.verify_token", "").encode("utf-8", "replace")
        challenge = request.query.get("hub.challenge", "")
        is_sane = 0 < len(challenge) <= _LONGEST_CHALLENGE and challenge.isascii() and challenge.isprintable()
        is_ours = bool(expected) and hmac.compare_digest(expected, given)
        if request.query.get("hub.mode") != "subscribe" or not is_ours or not is_sane:
            return WebhookResponse(403)
        return WebhookResponse(200, challenge.encode(), "text/plain; charset=utf-8")

    def verify(self, request: WebhookRequest, connection: Mapping[str, Any]) -> None:
        secret = ConnectionConfig.of(connection).app_secret
        if not signature.is_right(secret, request.body, request.headers.get(signature.HEADER, "")):
            raise InvalidSignature("The signature does not match. Compare the app secret with the one at Facebook.")

    def parse(self, request: WebhookRequest, connection: Mapping[str, Any]) -> ParseResult:
        return parse.parse(request.body, request.received_at, ConnectionConfig.of(connection).app_id)

    # -- out --------------------------------------------------------------------------------------

    def send(self, message: OutboundMessage, context: Context) -> SendReceipt:
        client = GraphClient(context)
        call = render.message(message, human_agent_allowed=client.channel.human_agent_allowed, now=context.now)
        mid = optional_identifier(client.send(call).get("message_id"))
        if not mid:
            raise OutcomeUnknown(_("Facebook took the message but gave it no id. Look before you send it again."))
        return SendReceipt(mid)

    def notify(self, notice: Notice, context: Context) -> None:
        action = {"typing": "typing_on" if notice.data.get("active") else "typing_off", "read": "mark_seen"}
        if notice.kind in action:
            GraphClient(context).send(render.sender_action(notice.recipient, action[notice.kind]))

    # -- life -------------------------------------------------------------------------------------

    def connect(self, context: Context) -> Health:
        try:
            GraphClient(context).subscribe()
        except SendError as error:
            return Health(ok=False, detail=error.message)
        return self.probe(context)

    def probe(self, context: Context) -> Health:
        """Is the token alive, of this page, and are the page's events delivered to our app?"""
        client = GraphClient(context)
        try:
            if str(client.page().get("id")) != client.channel.page_id:
                return Health(ok=False, detail=_("The access token belongs to another page. Enter this page's token."))
            subscribed = client.subscribed_app_ids()
        except SendError as error:
            return Health(ok=False, detail=error.message)
        if client.connection.app_id not in subscribed:
            # Facebook takes the subscription away when webhooks failed for an hour.
            return Health(
                ok=False, detail=_("Facebook does not deliver this page's messages to the app. Connect again.")
            )
        return Health(ok=True)

    def fetch_profile(self, address: str, context: Context) -> Profile | None:
        try:
            answer = GraphClient(context).profile(address)
        except SendError:
            return None  # many people have no profile we may see: they stay anonymous
        names = (one_line(answer.get("first_name"), 120), one_line(answer.get("last_name"), 120))
        picture = answer.get("profile_pic")
        profile = Profile(name=" ".join(filter(None, names)), avatar_url=picture if isinstance(picture, str) else "")
        return profile if profile.name or profile.avatar_url else None

    def urls(self) -> Iterable[Any]:
        from channels_adapters.simulator import urls

        return urls.for_adapter(self.slug)

    def websocket_urls(self) -> Iterable[Any]:
        from channels_adapters.simulator import urls

        return urls.sockets_for_adapter(self.slug)

    def simulator(self) -> Simulator:
        from channels_adapters.messenger import simulator

        return simulator.demo()
