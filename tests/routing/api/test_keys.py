"""API keys: who gets in, with what scopes, how often; and that secrets stay secret."""

from __future__ import annotations

import base64
import datetime as dt
import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from contactcenter.lib.errors import Refused
from conversations.models import Account, ApiKey
from conversations.services import api_keys
from routing.api import auth
from tests.conftest import NOW
from tests.factories import routing as make

pytestmark = pytest.mark.django_db
URL = "/taskrouter/v1/Workspaces"


def basic(user: str, secret: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def ask(user: str, secret: str, *, method: str = "get", url: str = URL) -> Any:
    answer = getattr(Client(), method)(url, **basic(user, secret))
    return answer


def test_a_key_is_known_by_its_sid_or_by_the_account() -> None:
    key, secret = api_keys.create(name="Shop", scopes=["routing"], now=NOW)

    assert ask(key.sid, secret).status_code == 200
    assert ask(key.account.sid, secret).status_code == 200
    assert key.secret() == secret
    assert secret not in key.sealed + key.digest


@pytest.mark.parametrize("what", ["secret", "sid", "account", "nothing", "scheme", "no colon", "no base64"])
def test_whatever_is_wrong_gets_the_same_answer(what: str) -> None:
    key, secret = api_keys.create(name="Shop", scopes=["routing"], now=NOW)
    other = Account(pk=ApiKey().pk)
    headers = {
        "secret": basic(key.sid, secret + "x"),
        "sid": basic("SK" + "0" * 32, secret),
        "account": basic(other.sid, secret),
        "nothing": {},
        "scheme": {"HTTP_AUTHORIZATION": f"Bearer {secret}"},
        "no colon": {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(key.sid.encode()).decode()},
        "no base64": {"HTTP_AUTHORIZATION": "Basic %%%"},
    }[what]

    answer = Client().get(URL, **headers)  # type: ignore[arg-type]  # Django's headers are keywords too

    assert answer.status_code == 401
    assert (answer.json()["code"], answer.json()["status"]) == (20003, 401)
    assert answer["WWW-Authenticate"] == 'Basic realm="taskrouter"'


def test_a_revoked_key_opens_nothing() -> None:
    key, secret = api_keys.create(name="Shop", scopes=["routing"], now=NOW)
    api_keys.revoke(key, now=NOW)

    assert ask(key.sid, secret).status_code == 401
    assert ask(key.account.sid, secret).status_code == 401


def test_a_reading_key_cannot_write() -> None:
    key, secret = api_keys.create(name="Report", scopes=["routing.read"], now=NOW)

    assert ask(key.sid, secret).status_code == 200
    refused = ask(key.sid, secret, method="post")
    assert (refused.status_code, refused.json()["code"]) == (403, 20008)


def test_a_key_needs_a_name_and_known_scopes() -> None:
    for name, scopes in (("", ["routing"]), ("Shop", []), ("Shop", ["everything"])):
        with pytest.raises(Refused):
            api_keys.create(name=name, scopes=scopes, now=NOW)
    assert ApiKey.objects.count() == 0


def test_use_is_noted_at_most_once_a_minute() -> None:
    key, secret = api_keys.create(name="Shop", scopes=["routing"], now=NOW)

    assert api_keys.authenticate(key.sid, secret, now=NOW) is not None
    api_keys.authenticate(key.sid, secret, now=NOW + dt.timedelta(seconds=59))
    assert ApiKey.objects.get().last_used_at == NOW
    later = NOW + dt.timedelta(seconds=61)
    api_keys.authenticate(key.sid, secret, now=later)
    assert ApiKey.objects.get().last_used_at == later


@pytest.fixture
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second and no minute turns while a test counts."""
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: 1_000.0))
    cache.clear()


@pytest.mark.usefixtures("standing_clock")
def test_too_many_requests_of_one_key_do_not_hold_up_another(settings: Any) -> None:
    settings.API_RATE = 3
    greedy, secret = api_keys.create(name="Greedy", scopes=["routing"], now=NOW)
    modest, other = api_keys.create(name="Modest", scopes=["routing"], now=NOW)

    codes = [ask(greedy.sid, secret).status_code for _ in range(5)]

    assert codes == [200, 200, 200, 429, 429]
    refused = ask(greedy.sid, secret)
    assert refused.json()["code"] == 20429
    assert int(refused["Retry-After"]) == 20
    assert ask(modest.sid, other).status_code == 200


@pytest.mark.usefixtures("standing_clock")
def test_expressions_over_many_rows_have_a_limit_of_their_own() -> None:
    key, secret = api_keys.create(name="Shop", scopes=["routing"], now=NOW)
    url = f"{URL}/{make.workspace().sid}"

    codes = [ask(key.sid, secret, url=f"{url}/Workers?TargetWorkersExpression=1==1").status_code for _ in range(5)]

    assert codes == [200, 200, 200, 429, 429]
    assert ask(key.sid, secret, url=f"{url}/Workers").status_code == 200
    assert ask(key.sid, secret, url=f"{url}/Tasks?EvaluateTaskAttributes=1==1").status_code == 200


def test_without_a_cache_to_count_in_requests_are_answered(settings: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    key, secret = api_keys.create(name="Shop", scopes=["routing"], now=NOW)

    assert ask(key.sid, secret).status_code == 200


def test_the_command_prints_what_a_client_needs(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_api_key", "Shop", "--scope", "routing")

    lines = dict(line.split() for line in capsys.readouterr().out.strip().splitlines())
    key = ApiKey.objects.get()
    assert lines == {"account": Account.objects.get().sid, "key": key.sid, "secret": key.secret()}
    assert json.loads(ask(lines["key"], lines["secret"]).content)["meta"]["key"] == "workspaces"
