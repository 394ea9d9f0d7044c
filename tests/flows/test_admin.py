"""The supervisors' pages of flows: what is wrong with a document is said in the reader's language."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from flows import services
from flows.models import Flow, Revision
from tests.factories import agents
from tests.factories.flows import after_trigger, state

pytestmark = pytest.mark.django_db

GOOD = after_trigger("say", state("say", "send-message", {"body": "Hi"}, sent="", failed=""))
BAD = after_trigger("nowhere")
ENGLISH = "Trigger: 'incomingMessage' leads to 'nowhere', which is missing."
#: The language's isolates keep names inside a sentence from pulling its punctuation around.
ARABIC = "\u2068Trigger\u2069: يؤدي \u2068'incomingMessage'\u2069 إلى \u2068'nowhere'\u2069 وهو مفقود."


def sign_in(language: str) -> Client:
    client = Client()
    client.force_login(agents.user(is_staff=True, is_superuser=True, language=language))
    return client


def save(client: Client, flow: Flow, text: str) -> str:
    inline = {f"channel_flows-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    form: dict[str, Any] = {"friendly_name": "Shop", "definition": text, "commit_message": "", **inline}
    return client.post(f"/admin/flows/flow/{flow.pk}/change/", form, follow=True).content.decode()


@pytest.fixture
def flow() -> Flow:
    made = Flow.objects.create(friendly_name="Shop")
    services.save_draft(made, GOOD)
    return made


@pytest.mark.parametrize(("language", "said"), [("en", ENGLISH), ("ar", ARABIC)], ids=["English", "Arabic"])
def test_what_is_wrong_with_a_draft_is_said_wherever_it_is_shown(flow: Flow, language: str, said: str) -> None:
    client = sign_in(language)

    saved = save(client, flow, json.dumps(BAD))
    revision = Revision.objects.get(flow=flow, number=2)
    published = client.post(f"/admin/flows/flow/{flow.pk}/publish/", follow=True).content.decode()
    shown = client.get(f"/admin/flows/revision/{revision.pk}/change/").content.decode()

    prefix = "This flow cannot be published. " if language == "en" else "لا يمكن نشر هذا السيناريو. "
    assert escape(said) in saved
    assert escape(prefix + said) in published
    assert f"<p>{escape(said)}</p>" in shown
    assert revision.errors[0]["message"] == ENGLISH.removeprefix("Trigger: ")


def test_what_is_no_json_is_said_in_arabic(flow: Flow) -> None:
    assert "ليس JSON: السطر 1، العمود 2: اسم خاصية متوقع" in save(sign_in("ar"), flow, "{")
