"""Workers as configuration sees them: made with a checked name, changed in one step, deleted when nothing is theirs."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from contactcenter.lib.errors import Refused
from contactcenter.lib.text import scrub_json
from routing.errors import Stale
from routing.models import Activity, Reservation, Worker, Workspace
from routing.services import locks, presence, rows, setup
from routing.services.ledger import Ledger

MAX_ATTRIBUTES = 4096


def create(
    workspace: Workspace,
    *,
    friendly_name: str,
    attributes: dict[str, Any] | None = None,
    activity: Activity | None = None,
    now: dt.datetime,
) -> Worker:
    """A worker with a channel for every task channel. Raises ``Refused``: the name is taken (in any case)."""
    try:
        with transaction.atomic():
            return setup.create_worker(
                workspace=workspace,
                friendly_name=friendly_name,
                attributes=_checked(attributes or {}),
                activity=activity,
                now=now,
            )
    except IntegrityError as error:
        raise rows.name_taken() from error


def update(
    worker: Worker,
    *,
    friendly_name: str | None = None,
    attributes: dict[str, Any] | None = None,
    activity: Activity | None = None,
    reject_pending: bool = False,
    if_version: int | None = None,
    now: dt.datetime,
) -> Worker:
    """Change what is given, in one transaction. ``reject_pending``: with an activity that is not available, open
    offers are declined afterwards. Raises ``Stale`` when the worker is no longer in version ``if_version``."""
    if activity is not None and activity.workspace_id != worker.workspace_id:
        raise Refused(_("This activity belongs to another workspace."), code="routing.wrong_workspace")
    try:
        with transaction.atomic():
            held = locks.worker(worker.pk)
            if if_version not in (None, held.version):
                raise Stale(_("It has changed meanwhile; fetch it again."))
            ledger = Ledger(now)
            if friendly_name is not None and friendly_name != held.friendly_name:
                held.friendly_name = friendly_name
                ledger.keep(held, "friendly_name")
                ledger.changed("worker", held.pk)
            if attributes is not None:
                held.attributes = _checked(attributes)
                ledger.keep(held, "attributes")
                ledger.about_worker("worker.attributes.update", held)
            if activity is not None and activity.pk != held.activity_id:
                presence.move(held, activity, ledger)
            ledger.write()
    except IntegrityError as error:
        raise rows.name_taken() from error
    if reject_pending and activity is not None and not activity.available:
        presence.decline_offers(held, now=now)
    return Worker.objects.select_related("activity").get(pk=held.pk)


def delete(worker: Worker, *, if_version: int | None = None, now: dt.datetime) -> None:
    """Raises ``Refused`` while the worker has offers or work, ``Stale`` as ``update``."""
    with transaction.atomic():
        held = locks.worker(worker.pk)
        if if_version not in (None, held.version):
            raise Stale(_("It has changed meanwhile; fetch it again."))
        if Reservation.objects.filter(worker=held, status__in=Reservation.LIVE).exists():
            raise rows.in_use()
        ledger = Ledger(now)
        ledger.about_worker("worker.deleted", held)
        ledger.write()
        held.delete()


def _checked(attributes: dict[str, Any]) -> dict[str, Any]:
    clean: dict[str, Any] = scrub_json(attributes)
    if len(json.dumps(clean, ensure_ascii=False, separators=(",", ":"))) > MAX_ATTRIBUTES:
        message = _("A worker's attributes have at most %(number)s characters.") % {"number": MAX_ATTRIBUTES}
        raise Refused(message, code="routing.bad_attributes")
    return clean
