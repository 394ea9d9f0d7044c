"""Every address of the product."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import JavaScriptCatalog

from agents.supervision.page import live
from channels_adapters import registry
from contactcenter import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("favicon.ico", views.favicon),
    path("healthz", views.healthz, name="healthz"),
    path("metrics", views.metrics, name="metrics"),
    path("jsi18n/", JavaScriptCatalog.as_view(packages=["contactcenter"]), name="javascript-catalog"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/live/", admin.site.admin_view(live), name="live"),
    path("admin/", admin.site.urls),
    path("", include("channels_adapters.simulator.urls")),
    path("", include("channels_adapters.webchat.shop")),
    path("", include("conversations.urls")),
    path("", include("agents.urls")),
    path("taskrouter/v1/", include("routing.api.urls")),
    *(
        path(f"channels/{slug}/", include((list(patterns), slug)))
        for slug, adapter in registry.all_adapters().items()
        if (patterns := list(adapter.urls()))
    ),
]

if settings.BENCH:
    from contactcenter.bench.views import bare

    urlpatterns.append(path("bench/bare/", bare))
