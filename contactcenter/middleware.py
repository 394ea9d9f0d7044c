"""Static files, the content security policy, and the signed-in person's language."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from csp.constants import SELF
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from whitenoise.middleware import WhiteNoiseMiddleware

#: Vite's names: assets/<name>-<hash of the content>.<extension>
_HASHED = re.compile(r"/assets/[^/]+-[A-Za-z0-9_-]{8}\.[a-z0-9.]+")

#: Unfold (the admin's theme) needs inline styles and Alpine's evaluated expressions; nothing else gets them.
_ADMIN_SCRIPTS = [SELF, "'unsafe-inline'", "'unsafe-eval'"]
_ADMIN_STYLES = [SELF, "'unsafe-inline'"]


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise for ASGI: files are small, so they are sent as one body (a synchronous stream costs a thread and a
    warning under ASGI), and Vite's hashed names may be cached for ever."""

    def immutable_file_test(self, path: str, url: str) -> bool:
        return _HASHED.search(url) is not None

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file as file:
                body = file.read()
        response = HttpResponse(body, status=int(found.status))
        del response["content-type"]
        for name, value in found.headers:
            response[name] = value
        return response


class ContentSecurityPolicy(CSPMiddleware):
    """The policy of settings; adds this host's websocket origin, loosens inline code under /admin/ only, and lets
    Vite's development server in while ``manage.py dev`` runs."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if report_only:
            return parts
        update: dict[str, Any] = dict(parts.update or {})
        replace: dict[str, Any] = dict(parts.replace or {})
        # Older Safari does not count wss: as 'self'.
        scheme = "wss" if request.is_secure() else "ws"
        update["connect-src"] = [*update.get("connect-src", []), f"{scheme}://{request.get_host()}"]
        if request.path_info.startswith("/admin/"):
            replace.setdefault("script-src", _ADMIN_SCRIPTS)
            replace.setdefault("style-src", _ADMIN_STYLES)
        if settings.VITE_DEV_PORT:
            vite = f"127.0.0.1:{settings.VITE_DEV_PORT}"
            update["connect-src"] += [f"http://{vite}", f"ws://{vite}"]
            replace["script-src"] = [*_ADMIN_SCRIPTS, f"http://{vite}"]
            replace["style-src"] = [*_ADMIN_STYLES, f"http://{vite}"]
        parts.update, parts.replace = update, replace
        return parts


class UserLanguage:
    """A signed-in person's own language wins over cookie and browser. Requests without a session cost nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            language = getattr(request.user, "language", "")
            if language:
                translation.activate(language)
                request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)
