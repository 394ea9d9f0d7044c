"""Files of messages, for the people who may see them."""

from __future__ import annotations

import structlog
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contactcenter.lib.errors import NotVisible
from conversations.services import media

log = structlog.get_logger(__name__)


@login_required
@require_safe
def attachment(request: HttpRequest, key: str) -> HttpResponse:
    """A stored file: images of four harmless kinds inline, everything else as a download, all of it sandboxed."""
    try:
        found = media.open_for(request.user, key)
        with found.file.open("rb") as file:
            content = file.read()
    except NotVisible as error:
        return HttpResponse(error.message, status=404, content_type="text/plain; charset=utf-8")
    except FileNotFoundError:
        log.error("attachment.file_missing", attachment=found.sid)
        return HttpResponse(_("This file is no longer stored."), status=404, content_type="text/plain; charset=utf-8")
    is_inline = found.content_type in media.INLINE_TYPES and "download" not in request.GET
    response = HttpResponse(content, content_type=found.content_type if is_inline else "application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(not is_inline, found.name or "file") or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, max-age=300"
    return response
