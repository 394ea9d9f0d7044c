from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import people
from agents.api import base
from contactcenter.lib import clock, ids
from conversations import queries
from conversations.services import contacts


class ContactChanges(serializers.Serializer[Any]):
    """What an agent may change of a contact, and nothing else."""

    name = serializers.CharField(max_length=256, allow_blank=True, required=False)
    language = serializers.RegexField(
        r"^[A-Za-z]{0,3}(-[A-Za-z0-9]{1,8})*$", max_length=16, allow_blank=True, required=False
    )
    is_vip = serializers.BooleanField(required=False)
    notes = serializers.CharField(max_length=10_000, allow_blank=True, required=False, trim_whitespace=False)


class Contact(base.ConsoleView):
    """GET, PATCH {name, language, is_vip, notes} -> the contact with identities; 404 unless one of their conversations
    is visible."""

    def get(self, request: Request, sid: str) -> Response:
        return Response(people.contact_json(people.get(request.user, sid)))

    def patch(self, request: Request, sid: str) -> Response:
        contact = people.get(request.user, sid)
        changes = ContactChanges(data=request.data)
        changes.is_valid(raise_exception=True)
        if changes.validated_data:
            contact = contacts.update(contact, now=clock.now(), **changes.validated_data)
        return Response(people.contact_json(contact))


class Timeline(base.ConsoleView):
    """GET ?before=<message sid> -> {results: [{message, conversation_sid, channel}] newest first, next: sid | null}."""

    def get(self, request: Request, sid: str) -> Response:
        contact = people.get(request.user, sid)
        before: uuid.UUID | None = None
        if value := request.query_params.get("before"):
            before = ids.parse_sid("IM", value)
            if before is None:
                raise serializers.ValidationError({"before": [_("This is no message's id.")]})
        rows = queries.timeline(contact, user=request.user, before=before, limit=base.PAGE + 1)
        page = rows[: base.PAGE]
        return Response({"results": page, "next": page[-1]["message"]["sid"] if len(rows) > base.PAGE else None})
