"""Addresses that are none."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from routing.api import base, errors


class Lost(base.WireView):
    """404 in the wire's form, whatever the method."""

    schema = None  # type: ignore[assignment]  # not an operation anybody should know

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise errors.not_found(request.path)
