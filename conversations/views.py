"""Files of messages, for the people who may see them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from contactcenter.lib.errors import NotVisible
from conversations.services import media


@login_required
@require_safe
def attachment(request: HttpRequest, key: str) -> HttpResponse:
    """A stored file: images of four harmless kinds inline, everything else as a download, all of it sandboxed."""
    try:
        found = media.open_for(request.user, key)
    except NotVisible as error:
        return HttpResponse(error.message, status=404, content_type="text/plain; charset=utf-8")
    is_inline = found.content_type in media.INLINE_TYPES and "download" not in request.GET
    content_type = found.content_type if is_inline else "application/octet-stream"
    with found.file.open("rb") as file:
        response = HttpResponse(file.read(), content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(not is_inline, found.name or "file") or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, max-age=300"
    return response
