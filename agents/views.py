"""Pages: the sign-in page, and the shell the console's program runs in."""

from __future__ import annotations

from typing import Any

from axes.helpers import get_cool_off
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.views.generic import RedirectView, TemplateView

from agents import access, welcome


class Front(RedirectView):
    """The bare address leads to the console."""

    pattern_name = "console"


class SignIn(LoginView):
    """Name and password. Who is signed in already goes on to the console."""

    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "languages": settings.LANGUAGES}


def locked_out(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """What django-axes answers for a name that was tried too often: the reason, and how long to wait."""
    cool_off = get_cool_off(request)
    minutes = 0 if cool_off is None else max(1, round(cool_off.total_seconds() / 60))
    return render(request, "registration/locked.html", {"cooloff_minutes": minutes}, status=429)


class Console(LoginRequiredMixin, TemplateView):
    """The shell: a page with the person's language and theme, and the built program."""

    template_name = "agents/console.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        desk = access.find_desk(access.person(request).pk)
        if desk is None:
            return render(request, "agents/no_desk.html", status=403)
        config = {
            "user": welcome.person_json(desk),
            "ws_path": "/ws/console/",
            "language": desk.user.language,
            "theme": desk.user.theme,
            "csrf": get_token(request),
            "login_url": reverse("login"),
            "logout_url": reverse("logout"),
            "admin_url": reverse("admin:index") if desk.user.is_staff else "",
        }
        return self.render_to_response({"config": config, "theme": desk.user.theme})
