"""API keys in the admin: the secret is seen once, a key can be revoked, nothing else about it changes."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from agents.models import User
from conversations.models import ApiKey

pytestmark = pytest.mark.django_db
URL = "/admin/conversations/apikey/"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser(username="root", password="x"))
    return client


def test_the_secret_is_shown_once_and_works(admin: Client) -> None:
    answer = admin.post(f"{URL}add/", {"name": "Shop", "scopes": ["routing"]}, follow=True)

    key = ApiKey.objects.get()
    page = answer.content.decode()
    assert key.secret() in page
    assert key.account.sid in page
    assert (key.name, key.scopes) == ("Shop", ["routing"])
    again = admin.get(f"{URL}{key.pk}/change/").content.decode()
    assert key.sid in again
    assert key.secret() not in again


def test_a_key_without_a_scope_is_not_made(admin: Client) -> None:
    admin.post(f"{URL}add/", {"name": "Shop"})

    assert not ApiKey.objects.exists()


def test_a_key_is_revoked_not_deleted_and_not_changed(admin: Client) -> None:
    admin.post(f"{URL}add/", {"name": "Shop", "scopes": ["routing"]})
    key = ApiKey.objects.get()

    admin.post(f"{URL}{key.pk}/change/", {"name": "Other", "scopes": ["routing.read"]})
    admin.post(f"{URL}{key.pk}/delete/", {"post": "yes"})
    key.refresh_from_db()
    assert (key.name, key.scopes, key.revoked_at) == ("Shop", ["routing"], None)
    found = re.search(rf'href="([^"]*{key.pk}/revoke[^"]*)"', admin.get(f"{URL}{key.pk}/change/").content.decode())
    assert found
    assert admin.get(found[1]).status_code == 302
    key.refresh_from_db()
    assert key.revoked_at is not None
