from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from conversations.models import Team


@admin.register(Team)
class TeamAdmin(ModelAdmin):
    list_display = ["name", "people", "lines"]
    search_fields = ["name"]
    filter_horizontal = ["members"]
    autocomplete_fields = ["members"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        return (
            super()
            .get_queryset(request)
            .annotate(member_count=Count("members", distinct=True), channel_count=Count("channels", distinct=True))
        )

    @display(description=_("members"), ordering="member_count")
    def people(self, team: Team) -> int:
        return team.member_count  # type: ignore[attr-defined]  # annotated above

    @display(description=_("channels"), ordering="channel_count")
    def lines(self, team: Team) -> int:
        return team.channel_count  # type: ignore[attr-defined]  # annotated above
