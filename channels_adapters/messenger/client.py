"""The only file that talks to the Graph API. What goes wrong there leaves here as one of our errors.

The token travels in the Authorization header: in an address it would end up in logs.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote

import httpx
from django.utils.translation import gettext as _

from channels_adapters.contract import Context
from channels_adapters.errors import ChannelMisconfigured
from channels_adapters.messenger import failures
from channels_adapters.messenger.config import ChannelConfig, ConnectionConfig
from channels_adapters.messenger.render import Call
from channels_adapters.messenger.signature import appsecret_proof

#: Everything the adapter understands.
SUBSCRIBED_FIELDS = (
    "messages,message_echoes,message_edits,message_reactions,message_reads,message_deliveries,messaging_postbacks,"
    "messaging_referrals,messaging_optins,messaging_handovers,standby,messaging_account_linking,"
    "messaging_policy_enforcement"
)


class GraphClient:
    """Graph, as one Page. Every method raises a ``SendError``."""

    def __init__(self, context: Context) -> None:
        self._http = context.http
        self._now: dt.datetime = context.now
        self.connection = ConnectionConfig.of(context.connection)
        self.channel = ChannelConfig.of(context.channel_address, context.channel)

    def send(self, call: Call) -> dict[str, Any]:
        """POST one message or sender action of the page. Graph's answer."""
        tagged = "tag" in call.body
        path = f"{self._quoted(self.channel.page_id)}/messages"
        if call.file is None:
            return self._call("POST", path, is_tagged=tagged, json=call.body)
        part = (call.file.name or "file", call.file.read(), call.file.content_type or "application/octet-stream")
        return self._call("POST", path, is_tagged=tagged, data=call.form(), files={"filedata": part})

    def profile(self, psid: str) -> dict[str, Any]:
        return self._call("GET", self._quoted(psid), params={"fields": "first_name,last_name,profile_pic"})

    def page(self) -> dict[str, Any]:
        """Who the token speaks for."""
        return self._call("GET", "me", params={"fields": "id,name"})

    def subscribed_app_ids(self) -> list[str]:
        """The apps Graph delivers this page's events to."""
        answer = self._call("GET", f"{self._quoted(self.channel.page_id)}/subscribed_apps")
        apps = answer.get("data")
        return [str(app.get("id")) for app in apps if isinstance(app, dict)] if isinstance(apps, list) else []

    def subscribe(self) -> None:
        """Have the page's events delivered to our app."""
        path = f"{self._quoted(self.channel.page_id)}/subscribed_apps"
        self._call("POST", path, params={"subscribed_fields": SUBSCRIBED_FIELDS})

    @staticmethod
    def _quoted(part: str) -> str:
        return quote(part, safe="")

    def _call(
        self, method: str, path: str, *, params: dict[str, str] | None = None, is_tagged: bool = False, **body: Any
    ) -> dict[str, Any]:
        token = self.channel.page_access_token
        if not token:
            raise ChannelMisconfigured(_("The page has no access token. An administrator must enter one."))
        params = dict(params or {})
        if self.connection.requires_proof:
            params["appsecret_proof"] = appsecret_proof(self.connection.app_secret, token)
        try:
            response = self._http.request(
                method,
                f"{self.connection.graph_base}/{self._quoted(self.connection.graph_version)}/{path}",
                params=params or None,
                headers={"Authorization": f"Bearer {token}"},
                **body,
            )
        except httpx.HTTPError as error:
            # Without the cause: its text may quote the header we sent.
            raise failures.from_line(error) from None
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise failures.from_line(httpx.UnsupportedProtocol("")) from None
        try:
            answer = response.json()
        except (ValueError, RecursionError):
            answer = None
        if response.is_success and isinstance(answer, dict) and "error" not in answer:
            return answer
        secrets = [token, self.connection.app_secret, self.connection.verify_token]
        raise failures.from_answer(response, answer, now=self._now, secrets=secrets, is_tagged=is_tagged)
