from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    """The floor of ``bench intake``: read the body, answer. Mounted only when a benchmark starts the server."""
    return HttpResponse(b"EVENT_RECEIVED" if request.body else b"", content_type="text/plain")
