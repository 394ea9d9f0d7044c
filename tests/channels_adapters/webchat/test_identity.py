from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from channels_adapters.webchat.identity import proven_id
from channels_adapters.webchat.parse import User

SECRET = "test-identity-secret"
NOW = 1_790_000_000.0


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _jwt(claims: object, *, header: object = None, secret: str = SECRET) -> str:
    signed = f"{_part(header or {'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_the_right_hash_proves_the_id() -> None:
    digest = "87617d4627a2cbfe71795ce7248f76ab255619cc778b3f5d7428fc0dfc8faf98"

    assert proven_id(User(id="cust-77", hash=digest), SECRET, now=NOW) == "cust-77"


@pytest.mark.parametrize(
    "user",
    [
        None,
        User(),
        User(id="cust-77"),
        User(id="cust-77", hash="é" * 64),
        User(id="cust-78", hash="87617d4627a2cbfe71795ce7248f76ab255619cc778b3f5d7428fc0dfc8faf98"),
    ],
)
def test_anything_else_proves_nothing(user: User | None) -> None:
    assert proven_id(user, SECRET, now=NOW) == ""


def test_without_a_secret_nobody_is_proven() -> None:
    digest = hmac.new(b"", b"cust-77", hashlib.sha256).hexdigest()

    assert proven_id(User(id="cust-77", hash=digest), "", now=NOW) == ""
    assert proven_id(User(jwt=_jwt({"sub": "a", "exp": NOW + 60}, secret="")), "", now=NOW) == ""


def test_a_signed_token_proves_its_subject_until_it_expires() -> None:
    token = _jwt({"sub": "cust-77", "exp": NOW + 60})

    assert proven_id(User(id="somebody else", jwt=token), SECRET, now=NOW) == "cust-77"
    assert proven_id(User(jwt=token), SECRET, now=NOW + 61) == ""


@pytest.mark.parametrize(
    "token",
    [
        _jwt({"sub": "a", "exp": NOW + 60}, secret="other"),
        _jwt({"sub": "a", "exp": NOW + 60}, header={"alg": "none"}),
        _jwt({"sub": "a"}),
        _jwt({"exp": NOW + 60}),
        _jwt({"sub": "a", "exp": "soon"}),
        _jwt([]),
        _part({"alg": "none"}) + "." + _part({"sub": "a", "exp": NOW + 60}) + ".",
        "a.b",
        "é.é.é",
        "." * 4000,
    ],
)
def test_a_token_that_is_wrong_anywhere_proves_nothing(token: str) -> None:
    assert proven_id(User(jwt=token), SECRET, now=NOW) == ""
