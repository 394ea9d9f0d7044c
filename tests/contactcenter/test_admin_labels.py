"""Every label the admin shows has an Arabic translation: a field without a verbose_name is English everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten, label_for_field
from django.test import RequestFactory
from django.utils.translation import override

from agents.models import User
from routing.models import Workspace

OTHERS = {"axes", "auth"}  # with translations of their own


def shown(options: Any, request: Any) -> list[str]:
    """The names an admin or an inline shows, as columns or as fields."""
    columns = options.get_list_display(request) if isinstance(options, admin.ModelAdmin) else []
    fields = [name for _title, fieldset in options.get_fieldsets(request) for name in flatten(fieldset["fields"])]
    of_the_form = set(options.form.base_fields)  # labelled in the form
    own = {field.name for field in options.model._meta.get_fields()}
    return [name for name in dict.fromkeys([*columns, *fields]) if name not in of_the_form - own]


@pytest.mark.django_db
def test_every_label_of_the_admin_is_translated(rf: RequestFactory) -> None:
    for name in ("Default", "Elsewhere"):  # with one, lists do not say which
        Workspace.objects.get_or_create(friendly_name=name)
    request = rf.get("/")
    request.user = User(is_superuser=True, is_active=True)

    def labels() -> dict[str, str]:
        return {
            f"{type(options).__name__}.{name}": str(label_for_field(name, options.model, options))
            for model, of_model in admin.site._registry.items()
            if model._meta.app_label not in OTHERS
            for options in [of_model, *of_model.get_inline_instances(request)]
            for name in shown(options, request)
            if hasattr(options.model, name) or hasattr(options, name)
        }

    with override("en"):
        english = labels()
    with override("ar"):
        arabic = labels()

    assert len(english) > 100
    assert {where: label for where, label in english.items() if arabic[where] == label} == {}
