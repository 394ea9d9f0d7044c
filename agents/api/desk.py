"""What belongs to the person at the desk: canned replies, drafts, uploads, their own settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from agents import access, drafts, welcome
from agents.api import base
from agents.models import CannedReply, User
from conversations.services import media


class CannedReplies(base.ConsoleView):
    """GET ?q= -> {results: [{sid, shortcut, title, text, language, team}]}: everybody's and those of own teams.

    Placeholders ({{contact.name}}, {{agent.name}}) are filled in by the console.
    """

    LIMIT = 200

    def get(self, request: Request) -> Response:
        rows = CannedReply.objects.select_related("team").order_by("shortcut", "id")
        if not request.user.is_superuser:
            rows = rows.filter(Q(team__isnull=True) | Q(team__members=request.user))
        if q := request.query_params.get("q", "").strip()[:100].replace("\x00", ""):
            rows = rows.filter(Q(shortcut__icontains=q) | Q(title__icontains=q) | Q(text__icontains=q))
        return Response({"results": [_canned_json(row) for row in rows[: self.LIMIT]]})


def _canned_json(row: CannedReply) -> dict[str, Any]:
    return {
        "sid": row.sid,
        "shortcut": row.shortcut,
        "title": row.title,
        "text": row.text,
        "language": row.language,
        "team": row.team.name if row.team else None,
    }


class Drafts(base.ConsoleView):
    """GET -> {results: [{conversation, text, updated_at}]}. Saved over the socket."""

    def get(self, request: Request) -> Response:
        return Response({"results": drafts.of(access.person(request))})


class Uploads(base.ConsoleView):
    """POST multipart ``file`` -> 201 {key, name, content_type, size, kind}: the key goes into message.send."""

    parser_classes = [MultiPartParser]

    def post(self, request: Request) -> Response:
        file = request.FILES.get("file")
        if file is None or len(request.FILES.getlist("file")) != 1:
            raise serializers.ValidationError({"file": [_("Send one file at a time.")]})
        stored = media.store_upload(file, user=request.user)
        fields = ("key", "name", "content_type", "size", "kind")
        return Response({name: getattr(stored, name) for name in fields}, status=201)


class MySettings(serializers.Serializer[Any]):
    language = serializers.ChoiceField([code for code, _name in settings.LANGUAGES], required=False)
    theme = serializers.ChoiceField(User.Theme.choices, required=False)


class Me(base.ConsoleView):
    """GET, POST {language, theme} -> {sid, name, username, language, theme, is_supervisor}."""

    def get(self, request: Request) -> Response:
        return Response(welcome.person_json(access.get_desk(access.person(request).pk)))

    def post(self, request: Request) -> Response:
        mine = MySettings(data=request.data)
        mine.is_valid(raise_exception=True)
        user = access.person(request)
        for name, value in mine.validated_data.items():
            setattr(user, name, value)
        user.save(update_fields=list(mine.validated_data))
        response = Response(welcome.person_json(access.get_desk(user.pk)))
        welcome.remember_language(response, user)
        return response
