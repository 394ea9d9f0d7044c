"""How the supervisors' admin looks and what its menu holds."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _style(request: HttpRequest) -> str:
    return static("admin_extra/admin.css")


def _item(title: Any, icon: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
        "permission": lambda request, model=model: request.user.has_perm(
            f"{model.split('_')[0]}.view_{model.split('_')[1]}"
        ),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Contact center"),
    "SITE_HEADER": _("Contact center"),
    "SITE_SUBHEADER": _("Supervisors"),
    "SITE_SYMBOL": "support_agent",
    "SITE_URL": "/console/",
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "contactcenter.dashboard.fill",
    "STYLES": [_style],
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 195)",
            "100": "oklch(94% .035 195)",
            "200": "oklch(89% .065 195)",
            "300": "oklch(82% .095 195)",
            "400": "oklch(73% .11 195)",
            "500": "oklch(63% .11 195)",
            "600": "oklch(54% .1 195)",
            "700": "oklch(46% .085 195)",
            "800": "oklch(39% .07 195)",
            "900": "oklch(33% .055 195)",
            "950": "oklch(24% .04 195)",
        }
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    {"title": _("Now"), "icon": "monitoring", "link": reverse_lazy("admin:index")},
                    {
                        "title": _("Live"),
                        "icon": "sensors",
                        "link": reverse_lazy("live"),
                        "permission": lambda request: request.user.has_perms(
                            ["routing.view_worker", "routing.view_taskqueue"]
                        ),
                    },
                ],
            },
            {
                "title": _("Conversations"),
                "separator": True,
                "items": [
                    _item(_("Conversations"), "forum", "conversations_conversation"),
                    _item(_("Contacts"), "contacts", "conversations_contact"),
                    _item(_("Identities"), "alternate_email", "conversations_identity"),
                ],
            },
            {
                "title": _("People and routing"),
                "separator": True,
                "items": [
                    _item(_("Agents"), "headset_mic", "routing_worker"),
                    _item(_("Queues"), "stacks", "routing_taskqueue"),
                    _item(_("Workflows"), "account_tree", "routing_workflow"),
                    _item(_("Tasks"), "assignment", "routing_task"),
                    _item(_("Offers"), "handshake", "routing_reservation"),
                    _item(_("Activities"), "toggle_on", "routing_activity"),
                    _item(_("Task channels"), "view_week", "routing_taskchannel"),
                    _item(_("Users"), "person", "agents_user"),
                    _item(_("Teams"), "groups", "conversations_team"),
                ],
            },
            {
                "title": _("Channels and flows"),
                "separator": True,
                "items": [
                    _item(_("Channels"), "cell_tower", "conversations_channel"),
                    _item(_("Connections"), "key", "conversations_connection"),
                    _item(_("API keys"), "vpn_key", "conversations_apikey"),
                    {"title": _("API documentation"), "icon": "api", "link": reverse_lazy("taskrouter-docs")},
                    _item(_("Flows"), "schema", "flows_flow"),
                    _item(_("Flow runs"), "play_circle", "flows_execution"),
                    _item(_("Canned replies"), "quickreply", "agents_cannedreply"),
                    _item(_("Dispositions"), "flag", "agents_disposition"),
                ],
            },
            {
                "title": _("What went wrong"),
                "separator": True,
                "items": [
                    _item(_("Payloads"), "move_to_inbox", "conversations_payload"),
                    _item(_("Inbound events"), "inbox", "conversations_inboundevent"),
                    _item(_("Sends"), "outbox", "conversations_transmission"),
                    _item(_("Webhooks"), "webhook", "routing_delivery"),
                    _item(_("Events"), "history", "routing_event"),
                ],
            },
        ],
    },
}
