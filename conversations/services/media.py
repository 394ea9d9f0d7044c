"""Files: fetched from providers by a job of their own, uploaded by people, and shown only to who may see them.

What a file is, is decided by its bytes, never by its name or what the sender claims.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import time
import uuid
from collections.abc import Mapping
from typing import IO, Any

import filetype
import httpx
import structlog
from django.conf import settings
from django.core.files import File
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from contactcenter.lib import clock, egress, ids
from contactcenter.lib.errors import ContactCenterError, NotVisible, Refused
from contactcenter.lib.text import scrub, scrub_name
from conversations.models import Attachment, Identity, Message
from conversations.services import channels, stream, thread, visibility

log = structlog.get_logger(__name__)

#: Shown in the page; everything else is downloaded.
INLINE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
#: Nobody sends programs through us.
_PROGRAMS = frozenset(
    {"exe", "dll", "com", "scr", "msi", "bat", "cmd", "ps1", "vbs", "js", "jse", "wsf", "hta", "jar", "apk", "lnk"}
    | {"reg", "app", "deb", "rpm", "sh", "elf", "phtml", "php"}
)
_UNKNOWN = "application/octet-stream"
#: Seconds between tries of a fetch; after the last one the file is FAILED and a person may retry.
BACKOFF = (10, 60, 300, 1800)
#: A fetch under way is not started again for this long; longer than any download may take.
LEASE = dt.timedelta(seconds=120)
DOWNLOAD_SECONDS, REDIRECTS = 60.0, 3
#: How long an upload may stay without a message.
ORPHAN_AFTER = dt.timedelta(hours=24)

_State = Attachment.State


def max_bytes() -> int:
    """The largest file we keep."""
    return int(getattr(settings, "MAX_UPLOAD_BYTES", 25 * 1024 * 1024))


class FetchFailed(ContactCenterError):
    """A file could not be fetched; ``is_final``: trying again is useless."""

    code = "media.fetch_failed"

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


# -- uploads ---------------------------------------------------------------------------------------


def store_upload(
    file: UploadedFile[Any], *, user: Any = None, identity: Identity | None = None, now: dt.datetime | None = None
) -> Attachment:
    """Keep an uploaded file for its uploader (a user or a visitor's identity) until a message takes it.
    Raises ``Refused`` for files that are empty, too large or programs."""
    if (user is None) == (identity is None):
        raise ValueError("an upload belongs to a user or to an identity")
    name = clean_name(file.name or "")
    size = file.size or 0
    if size == 0:
        raise Refused(_("The file is empty."), code="upload.empty")
    if size > max_bytes():
        raise Refused(
            _("The file is too large. At most %(limit)d MB are taken.") % {"limit": max_bytes() // 2**20},
            code="upload.too_large",
        )
    extension, content_type = sniff(file, claimed=file.content_type or "")
    if extension in _PROGRAMS or name.rpartition(".")[2].lower() in _PROGRAMS:
        raise Refused(_("Programs cannot be sent."), code="upload.type")
    row = Attachment(
        user=user,
        identity=identity,
        kind=kind_of(content_type),
        name=name,
        content_type=content_type,
        size=size,
        state=_State.STORED,
        created_at=now or clock.now(),
    )
    row.file.save(_storage_name(), file, save=False)
    row.save(force_insert=True)
    return row


def clean_name(name: str) -> str:
    """A file name without folders, controls or line breaks; never empty."""
    return scrub_name(name.replace("\\", "/").rpartition("/")[2]).strip(". ") or "file"


def _storage_name() -> str:
    # Nothing of the sender's name reaches the file system.
    return ids.new_token(24)


def sniff(file: IO[bytes] | UploadedFile[Any], *, claimed: str) -> tuple[str, str]:
    """(extension, content type) by a file's first bytes. What they do not tell keeps its claimed type, unless that
    would make it look like something we show inline."""
    file.seek(0)
    head = file.read(8192)
    file.seek(0)
    found = filetype.guess(head)
    if found is not None:
        return str(found.extension), str(found.mime)
    claimed = scrub_name(claimed.partition(";")[0].strip().lower(), 128)
    is_plausible = "/" in claimed and not claimed.startswith(("image/", "video/", "audio/"))
    if claimed == "image/svg+xml":
        return "svg", claimed  # an honest label; it is only ever downloaded
    return "", claimed if is_plausible else _UNKNOWN


def kind_of(content_type: str) -> str:
    """image | video | audio | file"""
    major = content_type.partition("/")[0]
    return major if major in ("image", "video", "audio") and content_type != "image/svg+xml" else "file"


def sweep_orphans(now: dt.datetime) -> int:
    """Delete uploads no message took. Returns how many."""
    count = 0
    for row in Attachment.objects.filter(message__isnull=True, created_at__lt=now - ORPHAN_AFTER)[:500]:
        with transaction.atomic():
            mine = Attachment.objects.select_for_update().filter(pk=row.pk, message__isnull=True)
            if not mine.exists():
                continue
            mine.delete()
        if row.file:
            row.file.delete(save=False)
        count += 1
    return count


# -- fetching --------------------------------------------------------------------------------------


def fetch_due(now: dt.datetime, *, limit: int = 50) -> list[uuid.UUID]:
    """Ids of attachments whose fetch is due: their first hint was lost, or the next try's time has come."""
    late = now - dt.timedelta(seconds=1)
    rows = Attachment.objects.filter(state=_State.PENDING, due_at__lte=late).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def fetch(attachment_id: uuid.UUID, *, now: dt.datetime) -> bool:
    """Fetch one inbound file. True when it is stored now; a failure is written down and tried again later."""
    mine = Attachment.objects.filter(pk=attachment_id, state=_State.PENDING, due_at__lte=now)
    row = mine.select_related("message__channel__connection").first()
    # The claim is a conditional update: of two workers one moves ``due_at``.
    if row is None or row.message is None or not mine.filter(due_at=row.due_at).update(due_at=now + LEASE):
        return False
    row.attempts += 1
    try:
        with tempfile.TemporaryFile() as file:
            _download(row, file, now=now)
            _keep(row, file)
    except FetchFailed as error:
        _not_fetched(row, error.message, is_final=error.is_final, now=now)
        return False
    except Exception as error:
        log.exception("media.fetch_crashed", attachment=row.sid)
        _not_fetched(row, f"{type(error).__name__}", is_final=False, now=now)
        return False
    return True


def _download(row: Attachment, file: IO[bytes], *, now: dt.datetime) -> None:
    assert row.message is not None
    channel = row.message.channel
    with channels.context(channel, now=now) as context:
        url, headers = channels.adapter(channel).media_request(row.source_url, context)
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    try:
        for _hop in range(REDIRECTS + 1):
            following = _get(url, headers, file, deadline)
            if following is None:
                return
            # Whatever the adapter gave to be let in is for the first host alone.
            headers = headers if httpx.URL(following).host == httpx.URL(url).host else {}
            url = following
    except egress.AddressRefused as error:
        raise FetchFailed(_("The file's address is not one we fetch from."), is_final=True) from error
    except egress.AnswerTooLarge as error:
        raise FetchFailed(_("The file is too large, or takes too long."), is_final=True) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise FetchFailed(_("The file's address cannot be used."), is_final=True) from error
    except httpx.HTTPError as error:
        raise FetchFailed(_("The file's server cannot be reached.")) from error
    raise FetchFailed(_("The file's address leads in circles."), is_final=True)


def _get(url: str, headers: Mapping[str, str], file: IO[bytes], deadline: float) -> str | None:
    """One request into ``file``. Returns where it redirects to, or None when the file is there."""
    extensions = {"max_bytes": max_bytes(), "total_timeout": max(1.0, deadline - time.monotonic())}
    with egress.client().stream("GET", url, headers=dict(headers), extensions=extensions) as response:
        if response.is_redirect and "location" in response.headers:
            return str(response.url.join(response.headers["location"]))
        if response.status_code in (401, 403, 404, 410):
            raise FetchFailed(_("The file is gone, or its address has expired."), is_final=True)
        if response.status_code != 200:
            raise FetchFailed(_("The file's server answered with %d.") % response.status_code)
        for chunk in response.iter_bytes():
            file.write(chunk)
    return None


def _keep(row: Attachment, file: IO[bytes]) -> None:
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise FetchFailed(_("The file is empty."), is_final=True)
    _extension, content_type = sniff(file, claimed=row.content_type)
    row.content_type, row.size, row.state, row.error, row.due_at = content_type, size, _State.STORED, "", None
    if row.kind in ("image", "video", "audio", "file"):
        row.kind = kind_of(content_type)
    row.file.save(_storage_name(), File(file), save=False)
    _write(row)


def _not_fetched(row: Attachment, reason: str, *, is_final: bool, now: dt.datetime) -> None:
    row.error = reason
    if is_final or row.attempts > len(BACKOFF):
        row.state, row.due_at = _State.FAILED, None
    else:
        row.due_at = now + dt.timedelta(seconds=BACKOFF[row.attempts - 1])
    _write(row)


def _write(row: Attachment) -> None:
    """Save a fetch's outcome and tell the conversation."""
    assert row.message is not None
    with transaction.atomic():
        conversation = stream.lock(row.message.conversation_id)
        row.save(update_fields=["content_type", "size", "state", "error", "due_at", "kind", "file", "attempts"])
        message = Message.objects.get(pk=row.message.pk)
        if row.state != _State.PENDING:
            thread.changed(conversation, message)


def retry(attachment: Attachment, *, now: dt.datetime) -> None:
    """Fetch a FAILED file again. Raises ``Refused`` when there is nothing to fetch from."""
    if attachment.state != _State.FAILED or not attachment.source_url or attachment.message_id is None:
        raise Refused(_("This file cannot be fetched again."), code="media.no_source")
    key = str(attachment.pk)
    with transaction.atomic():
        message = Message.objects.get(pk=attachment.message_id)
        conversation = stream.lock(message.conversation_id)
        Attachment.objects.filter(pk=attachment.pk).update(state=_State.PENDING, error="", attempts=0, due_at=now)
        thread.changed(conversation, message)
        transaction.on_commit(lambda: _fetch_later(key), robust=True)


def _fetch_later(key: str) -> None:
    from conversations import jobs

    jobs.fetch_media.delay(attachment_id=key)


# -- showing ---------------------------------------------------------------------------------------


def open_for(user: Any, key: str) -> Attachment:
    """A stored file for one of us: of a conversation they may see, or their own upload. Raises ``NotVisible``."""
    rows = Attachment.objects.filter(key=scrub(key), state=_State.STORED).exclude(file="")
    own = Q(message__isnull=True, user__isnull=False, user_id=getattr(user, "pk", None))
    seen = Q(message__conversation__in=visibility.visible_to(user), message__deleted_at__isnull=True)
    found = rows.filter(own | seen).first() if getattr(user, "is_active", False) else None
    if found is None:
        raise NotVisible(_("There is no such file, or it is not yours to see."))
    return found
