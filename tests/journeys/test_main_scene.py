"""The scene the product is about: several customers on two channels, one agent, a refusal, the next agent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.people import Agent, OnMessenger, Visitor
from tests.support.live import Live

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def test_an_agent_holds_a_messenger_conversation_and_two_chats_and_what_she_rejects_goes_to_the_next_who_speaks_arabic(
    live_process: Callable[..., Live], browser_page: Callable[..., Page]
) -> None:
    url = live_process("demo").url
    amira = Agent(browser_page, url, "amira")
    amira.be("Available")

    omar = OnMessenger(browser_page, url, "عمر حداد")
    omar.write("ما هي ساعات العمل؟")
    omar.sees("من الأحد إلى الخميس")
    omar.ask_for_a_person("وكيل مباشر", "الدعم")
    amira.accept("عمر حداد")

    salma = Visitor(browser_page, url, "سلمى", language="ar")
    salma.ask_for_a_person("وكيل مباشر", "الدعم")
    amira.accept("سلمى")

    grace = Visitor(browser_page, url, "Grace")
    grace.write("what are your opening hours?")
    grace.sees("Sunday to Thursday")
    grace.ask_for_a_person("live agent", "Support")
    amira.accept("Grace")

    amira.open("Grace")
    amira.write("Hello Grace, how can I help?")
    grace.sees("Hello Grace, how can I help?")
    amira.open("عمر حداد")
    amira.write("أهلا عمر")
    omar.sees("أهلا عمر")
    amira.open("سلمى")
    amira.write("أهلا سلمى")
    salma.sees("أهلا سلمى")
    salma.write("شكرا لك")
    expect(amira.message("شكرا لك")).to_be_visible()
    grace.write("Where is my order?")
    expect(amira.conversation("Grace").get_by_test_id("unread-badge")).to_contain_text("1")

    # A fourth customer; two more agents come: one speaks Arabic, one does not.
    noor = Visitor(browser_page, url, "نور", language="ar")
    noor.ask_for_a_person("وكيل مباشر", "الدعم")
    expect(amira.offers.filter(has_text="نور")).to_be_visible()
    next_one = Agent(browser_page, url, "omar")
    english = Agent(browser_page, url, "elena")
    next_one.be("Available")
    english.be("Available")

    amira.reject("نور")

    next_one.accept("نور")
    expect(english.offers).to_have_count(0)
    next_one.open("نور")
    next_one.write("مرحبا نور")
    noor.sees("مرحبا نور")
    expect(amira.page.get_by_test_id("my-conversations").get_by_test_id("conversation-item")).to_have_count(3)
