from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from agents import access, targets
from agents.api import base
from conversations import queries
from conversations.services import visibility
from routing import queries as routing_queries


class Conversations(base.ConsoleView):
    """GET ?status=open|closed &mine=1 &q= &cursor= -> {results: [conversation + {unread}], next: cursor | null}."""

    def get(self, request: Request) -> Response:
        status = request.query_params.get("status", "")
        rows = queries.conversations(
            request.user,
            status=status if status in ("open", "closed") else "",
            mine=request.query_params.get("mine") == "1",
            q=request.query_params.get("q", ""),
            before=base.read_cursor(request),
            limit=base.PAGE + 1,
        )
        page = rows[: base.PAGE]
        unread = queries.unread(page, request.user)
        more = len(rows) > base.PAGE
        return Response(
            {
                "results": [{**queries.conversation_json(row), "unread": unread[row.pk]} for row in page],
                "next": base.make_cursor(page[-1].last_message_at or page[-1].created_at, page[-1].pk)
                if more
                else None,
            }
        )


class Conversation(base.ConsoleView):
    """GET -> the snapshot {seq, conversation, messages, participants}; 404 when not visible."""

    def get(self, request: Request, sid: str) -> Response:
        return Response(queries.snapshot(visibility.get(request.user, sid)))


class Messages(base.ConsoleView):
    """GET ?before=<seq> -> {results: the 50 messages before it, oldest first, more: whether there are older ones}."""

    def get(self, request: Request, sid: str) -> Response:
        conversation = visibility.get(request.user, sid)
        rows = queries.messages_before(conversation, before=base.number(request, "before"), limit=base.PAGE + 1)
        return Response({"results": rows[-base.PAGE :], "more": len(rows) > base.PAGE})


class TransferTargets(base.ConsoleView):
    """GET -> {agents: [{sid, name, activity, available, has_room}], queues: [{sid, name, available}]}: whom this
    conversation can be handed to. Empty for who takes no tasks, and when there is nothing left to do."""

    def get(self, request: Request, sid: str) -> Response:
        conversation = visibility.get(request.user, sid)
        worker = access.get_desk(access.person(request).pk).worker
        task = routing_queries.live_task(conversation.pk)
        if worker is None or task is None:
            return Response({"agents": [], "queues": []})
        return Response(targets.listing(worker, task))
