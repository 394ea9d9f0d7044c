"""Pages and API of the console."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path, register_converter

from agents import views
from agents.api import contacts, conversations, desk, supervision


class SidConverter:
    """Two letters and 32 hex digits; anything else is no address of ours."""

    regex = "[A-Z]{2}[0-9a-f]{32}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(SidConverter, "sid")

urlpatterns: list[URLPattern] = [
    path("", views.Front.as_view(), name="front"),
    path("console/", views.Console.as_view(), name="console"),
    path("accounts/login/", views.SignIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("api/conversations/", conversations.Conversations.as_view(), name="api-conversations"),
    path("api/conversations/<sid:sid>/", conversations.Conversation.as_view(), name="api-conversation"),
    path("api/conversations/<sid:sid>/messages/", conversations.Messages.as_view(), name="api-messages"),
    path("api/conversations/<sid:sid>/targets/", conversations.TransferTargets.as_view(), name="api-targets"),
    path("api/contacts/<sid:sid>/", contacts.Contact.as_view(), name="api-contact"),
    path("api/contacts/<sid:sid>/timeline/", contacts.Timeline.as_view(), name="api-timeline"),
    path("api/canned-replies/", desk.CannedReplies.as_view(), name="api-canned-replies"),
    path("api/drafts/", desk.Drafts.as_view(), name="api-drafts"),
    path("api/uploads/", desk.Uploads.as_view(), name="api-uploads"),
    path("api/me/", desk.Me.as_view(), name="api-me"),
    path("api/supervision/", supervision.Overview.as_view(), name="api-supervision"),
    path("api/supervision/agents/<sid:sid>/", supervision.Agent.as_view(), name="api-supervision-agent"),
    path("api/supervision/tasks/<sid:sid>/", supervision.TaskOrder.as_view(), name="api-supervision-task"),
]
