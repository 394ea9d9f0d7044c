"""Every address of the product against every kind of person: another team's conversation does not exist for you.

Default deny: an address without a rule here fails the first test.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from agents.models import Draft, User
from conversations.models import Attachment
from tests.agents import scenes
from tests.agents.console import Tab
from tests.agents.test_api import signed_in
from tests.factories import agents as factory

#: Addresses that prove the caller by other means (signature, visitor token), or are for everybody. Tested by owners.
ELSEWHERE = (
    *("admin/", "channels/", "hooks/", "simulator/", "shop/", "accounts/login/"),
    *("healthz", "metrics", "jsi18n/", "i18n/", "favicon.ico"),
    *("taskrouter/", "api/supervision/"),  # programs with keys; supervisors with permissions
)

#: Route -> (method, body) and what it is about: "object" = the secret conversation, "desk" = one's own things.
RULES: dict[str, tuple[str, dict[str, Any], str]] = {
    "": ("get", {}, "anybody"),
    "console/": ("get", {}, "page"),
    "accounts/logout/": ("post", {}, "anybody"),
    "attachments/<str:key>/": ("get", {}, "file"),
    "api/conversations/": ("get", {"q": "secret"}, "desk"),
    "api/conversations/<sid:sid>/": ("get", {}, "object"),
    "api/conversations/<sid:sid>/messages/": ("get", {}, "object"),
    "api/conversations/<sid:sid>/targets/": ("get", {}, "object"),
    "api/contacts/<sid:sid>/": ("get", {}, "object"),
    "api/contacts/<sid:sid>/timeline/": ("get", {}, "object"),
    "api/canned-replies/": ("get", {"q": "secret"}, "desk"),
    "api/drafts/": ("get", {}, "desk"),
    "api/uploads/": ("post", {}, "desk"),
    "api/me/": ("get", {}, "desk"),
}
#: Further methods of the same addresses.
WRITES = {"api/contacts/<sid:sid>/": ("patch", {"name": "Mallory"}, "object")}

#: Role -> may it see the secret conversation?
ROLES = {
    "nobody": False,
    "no desk": False,
    "inactive": False,
    "agent elsewhere": False,
    "supervisor elsewhere": False,
    "team member": True,
    "on it": True,
    "was on it": True,
    "superuser": True,
}


@dataclasses.dataclass
class Scene:
    people: dict[str, User | None]
    sids: dict[str, str]
    key: str


def routes() -> Iterator[str]:
    def walk(resolver: URLResolver, prefix: str) -> Iterator[str]:
        for pattern in resolver.url_patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield path
            else:
                yield from walk(pattern, path)

    for path in walk(get_resolver(), ""):
        if not path.startswith(ELSEWHERE):
            yield path


def test_every_address_has_a_rule() -> None:
    assert sorted(routes()) == sorted(RULES)


def build() -> Scene:
    from contactcenter.lib import clock

    owner = factory.agent()
    team = factory.team()
    conversation = scenes.conversation(owner=owner, team=team)
    was = factory.agent()
    scenes.hand_over(conversation, was)
    scenes.hand_over(conversation, owner)
    message = scenes.says(conversation, "the secret", now=clock.now())
    attachment = Attachment.objects.create(
        message=message, name="secret.txt", content_type="text/plain", state="stored", size=6,
        file=ContentFile(b"secret", name="secret.txt"),
    )  # fmt: skip
    factory.canned_reply(shortcut="secret", team=team)
    people = {
        "nobody": None,
        "no desk": factory.user(),
        "inactive": factory.agent(teams=[team], is_active=False),
        "agent elsewhere": factory.agent(teams=[factory.team()]),
        "supervisor elsewhere": factory.supervisor(teams=[factory.team()]),
        "team member": factory.agent(teams=[team]),
        "on it": owner,
        "was on it": was,
        "superuser": factory.user(is_superuser=True, is_staff=True),
    }
    for person in people.values():
        if person is not None:
            Draft.objects.create(user=person, conversation=conversation, text="my secret draft")
    return Scene(
        people, {"conversations": conversation.sid, "contacts": conversation.identity.contact.sid}, attachment.key
    )


def ask(scene: Scene, role: str, route: str, rule: tuple[str, dict[str, Any], str]) -> Any:
    person = scene.people[role]
    client = Client() if person is None else signed_in(person)
    sid = scene.sids.get(route.split("/")[1], "") if route.startswith("api/") else ""
    path = "/" + route.replace("<sid:sid>", sid).replace("<str:key>", scene.key)
    method, body, _about = rule
    if route == "api/uploads/":
        file = io.BytesIO(b"harmless")
        file.name = "note.txt"
        return client.post(path, {"file": file})
    kind = {"content_type": "application/json"} if method == "patch" else {}
    return getattr(client, method)(path, body, **kind)


def expected(role: str, about: str) -> set[int]:
    sees = ROLES[role]
    if about == "anybody":
        return {302}
    if role in ("nobody", "inactive"):
        return {302} if about in ("page", "file") else {401}
    if about == "file":
        return {200} if sees else {404}
    if role == "no desk":
        return {403}
    if about == "object":
        return {200} if sees else {404}
    return {200, 201}


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_every_address_answers_every_role_as_its_rule_says(
    role: str, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(
        "django_vite.core.asset_loader.DjangoViteAssetLoader.generate_vite_asset", lambda *args, **attrs: ""
    )
    scene = build()
    for route, rule in [*RULES.items(), *WRITES.items()]:
        response = ask(scene, role, route, rule)

        assert response.status_code in expected(role, rule[2]), (role, route, rule[0], response.status_code)
        if not ROLES[role]:
            assert b"the secret" not in response.content, (role, route)
            assert b"secret draft" not in response.content, (role, route)
            assert scene.sids["conversations"].encode() not in response.content, (role, route)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ROLES)
async def test_the_socket_says_the_same(role: str, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    scene = await database_sync_to_async(build)()
    tab = Tab(scene.people[role])
    first = await tab.connect()
    if role in ("nobody", "no desk", "inactive"):
        assert first == {"type": "bye", "reason": "signed_out"}
    else:
        sid = scene.sids["conversations"]
        await tab.subscribe(sid)
        frame = next(frame for frame in tab.seen if frame.get("stream") == sid)
        assert frame["type"] == ("snapshot" if ROLES[role] else "gone")
        watched = await tab.ask("conversation.watch", conversation=sid)
        assert watched["type"] == ("ok" if ROLES[role] else "refused")
    await tab.disconnect()
