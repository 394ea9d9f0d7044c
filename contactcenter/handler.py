"""From ASGI to views and back: one step into a thread for a whole request.

All our middleware and views are synchronous. Django's own handler goes back and forth between the loop and a thread
for each of them, and starts a thread for every request; that takes longer than most of our views.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.db import close_old_connections
from django.urls import set_script_prefix


class Handler(ASGIHandler):
    """The site: Django with its middleware."""

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(settings.HTTP_THREADS, thread_name_prefix="http")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with contextlib.suppress(RequestAborted):  # the client left before its body was here
            body = await self.read_body(receive)
            set_script_prefix(get_script_prefix(scope))
            response = await sync_to_async(self._respond, thread_sensitive=False, executor=self._threads)(scope, body)
            try:
                await self.send_response(response, send)
            finally:
                if response.streaming:
                    await sync_to_async(response.close)()

    def _respond(self, scope: Any, body: Any) -> Any:
        """The whole of a request, in the thread its database connection belongs to."""
        signals.request_started.send(sender=self.__class__, scope=scope)
        with body:  # here, as the view goes on when its client has left
            request, refusal = self.create_request(scope, body)
            response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = self.__class__
        if response.streaming:
            close_old_connections()
        else:
            response.close()  # nothing of it is left to be made; this gives the connection back
        return response


class Door(Handler):
    """What providers call: no cookies, no pages, no language, so no middleware."""

    def load_middleware(self, is_async: bool = False) -> None:
        none: list[Any] = []
        self._view_middleware = self._template_response_middleware = self._exception_middleware = none
        innermost = self._get_response  # type: ignore[attr-defined]  # the stubs leave it out
        self._middleware_chain = convert_exception_to_response(innermost)
