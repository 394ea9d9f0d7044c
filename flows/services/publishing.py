"""Drafts and published revisions of a flow."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max

from contactcenter.lib.text import scrub_json, scrub_name
from conversations.models import Channel
from flows import validation
from flows.errors import InvalidDefinition
from flows.models import ChannelFlow, Flow, Revision


def save_draft(flow: Flow, definition: Any, author: Any = None, *, commit_message: str = "") -> Revision:
    """Keep ``definition`` as a new revision, with its problems; what is published stays. Any JSON may be saved."""
    return _revision(flow, definition, author, commit_message, validation.check(definition))


def publish(flow: Flow, definition: Any, author: Any = None, *, commit_message: str = "") -> Revision:
    """Make ``definition`` the revision channels run: the newest one if it says just that, else a new one.
    Executions under way stay on theirs.

    Raises ``InvalidDefinition`` (nothing is saved) when the document has errors; warnings are kept and allowed.
    """
    problems = validation.check(definition)
    errors = [problem for problem in problems if problem["level"] == "error"]
    if errors:
        raise InvalidDefinition(errors)
    with transaction.atomic():
        newest = Revision.objects.filter(flow=flow).first()
        if newest is not None and newest.definition == definition and not commit_message:
            revision = newest  # the draft as it was saved
        else:
            revision = _revision(flow, definition, author, commit_message, problems)
        flow.published = revision
        flow.save(update_fields=["published"])
    return revision


def assign(channel: Channel, flow: Flow) -> None:
    """From now on new conversations of ``channel`` start with ``flow``."""
    ChannelFlow.objects.update_or_create(channel=channel, defaults={"flow": flow})


def _revision(flow: Flow, definition: Any, author: Any, message: str, problems: list[dict[str, str]]) -> Revision:
    with transaction.atomic():
        # The flow's row is what numbers are given out under.
        Flow.objects.select_for_update().get(pk=flow.pk)
        last = Revision.objects.filter(flow=flow).aggregate(Max("number"))["number__max"] or 0
        return Revision.objects.create(
            flow=flow,
            number=last + 1,
            definition=scrub_json(definition),
            commit_message=scrub_name(message),
            author=author,
            errors=problems,
        )
