from __future__ import annotations

from typing import Any

import pytest

from flows.values import SendMessage
from tests.factories.flows import after_trigger, state
from tests.flows.walk import Walk

PROPERTIES = {
    "from": "Bot",
    "answers": [
        {
            "id": "hours",
            "phrases": {"en": ["opening hours", "when are you open"], "ar": ["أوقات العمل"]},
            "answer": {"en": "9 to 6, {{contact.name}}", "ar": "من 9 إلى 6"},
            "quick_replies": {"en": ["More"], "ar": ["المزيد"]},
        },
        {"id": "silent", "phrases": ["just noticing"]},
    ],
    "handoff": {"en": ["live agent", "=agent"], "ar": ["وكيل مباشر"]},
}


def asking(body: str, language: str = "en", **changes: Any) -> Walk:
    bot = state("bot", "answer-from-list", {**PROPERTIES, **changes}, answered="", noMatch="", handoff="", failed="")
    return Walk(after_trigger("bot", bot)).begin(body, contact={"language": language})


def test_a_known_question_is_answered_in_the_customers_language() -> None:
    assert asking("opening hours?").of(SendMessage) == [
        SendMessage(visit=2, text="9 to 6, Layla", author_name="Bot", quick_replies=("More",))
    ]
    assert asking("opening hours?", "ar").said == ["من 9 إلى 6"]
    assert asking("اوقات العمل", "ar").said == ["من 9 إلى 6"]
    assert asking("opening hours?", "fr").said == ["9 to 6, Layla"]


def test_what_was_answered_is_left_behind() -> None:
    walk = asking("when are you open")

    assert walk.path[-1] == ("bot", "answered")
    assert walk.state["context"]["widgets"]["bot"]["answer_id"] == "hours"
    assert walk.state["context"]["widgets"]["bot"]["outbound"]["Sid"] == "IM2"


def test_an_entry_without_an_answer_is_only_recognised() -> None:
    walk = asking("just noticing")

    assert walk.said == []
    assert walk.path[-1] == ("bot", "answered")
    assert walk.state["context"]["widgets"]["bot"]["answer_id"] == "silent"


@pytest.mark.parametrize("body", ["live agent", "LIVE AGENT please", "agent", "الوكيل المباشر", "أريد وكيلاً مباشراً"])
def test_who_asks_for_a_person_is_handed_over(body: str) -> None:
    walk = asking(body)

    assert walk.said == []
    assert walk.path[-1] == ("bot", "handoff")


def test_a_wish_for_a_person_comes_before_any_answer() -> None:
    assert asking("live agent, and what are your opening hours?").path[-1] == ("bot", "handoff")


@pytest.mark.parametrize("body", ["my travel agent is great", "why?", "", "😀"])
def test_what_it_does_not_know_it_says_so(body: str) -> None:
    assert asking(body).path[-1] == ("bot", "noMatch")


def test_another_text_may_be_looked_at() -> None:
    assert asking("nothing", input="opening hours {{missing}}").path[-1] == ("bot", "answered")


def test_an_answer_that_cannot_be_sent_fails() -> None:
    bot = state("bot", "answer-from-list", PROPERTIES, answered="", failed="")

    assert Walk(after_trigger("bot", bot), failing="send").begin("opening hours").path[-1] == ("bot", "failed")


@pytest.mark.parametrize(
    "changes",
    [{"answers": None}, {"answers": "x"}, {"answers": [1, {"phrases": 5}]}, {"handoff": 7}, {"threshold": "x"}],
)
def test_malformed_lists_do_no_harm(changes: dict[str, Any]) -> None:
    assert asking("why?", **changes).path[-1] == ("bot", "noMatch")
