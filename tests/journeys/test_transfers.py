"""Two agents and one customer: asked to join, handed over, declined; each as the other sees it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.people import Agent, Visitor

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]
OpenPage = Callable[..., Page]


def transfer(agent: Agent, to: str, *, how: str, note: str = "") -> None:
    agent.page.get_by_test_id("transfer").click()
    form = agent.page.get_by_test_id("transfer-form")
    form.locator("label").filter(has=agent.page.get_by_test_id(f"transfer-{how}")).click()
    form.get_by_test_id("transfer-search").fill(to)
    form.get_by_test_id("transfer-target").filter(has_text=to).first.click()
    form.get_by_test_id("transfer-note").fill(note)
    form.get_by_test_id("transfer-confirm").click()
    expect(form).to_have_count(0)


def test_a_colleague_is_asked_joins_answers_and_keeps_the_conversation(demo: str, browser_page: OpenPage) -> None:
    elena = Agent(browser_page, demo, "elena")
    elena.be("Available")
    visitor = Visitor(browser_page, demo, "Noor")
    visitor.ask_for_a_person("live agent", "Sales")
    elena.accept("Noor")
    elena.open("Noor")
    bob = Agent(browser_page, demo, "bob")
    bob.be("Available")

    transfer(elena, "Bob", how="warm", note="Is this model in stock?")
    expect(elena.page.get_by_test_id("transfer-status")).to_be_visible()
    offer = bob.offers.filter(has_text="Noor")
    expect(offer.get_by_test_id("offer-transfer")).to_contain_text("asks you to join")
    expect(offer.get_by_test_id("offer-note")).to_have_text("Is this model in stock?")
    bob.accept("Noor")
    bob.open("Noor")

    expect(elena.page.get_by_test_id("transfer-status")).to_have_count(0)
    expect(elena.page.get_by_test_id("system-line").filter(has_text="joined the conversation")).to_be_visible()
    expect(bob.page.get_by_test_id("wrapup")).to_have_count(0)
    elena.write("My colleague knows.")
    expect(bob.message("My colleague knows.")).to_be_visible()
    bob.write("It is in stock.")
    visitor.sees("My colleague knows.")
    visitor.sees("It is in stock.")

    elena.page.get_by_test_id("leave").click()
    expect(elena.conversation("Noor")).to_have_count(0)
    expect(bob.page.get_by_test_id("wrapup")).to_be_visible()
    expect(bob.page.get_by_test_id("system-line").filter(has_text="took over from")).to_be_visible()
    bob.write("Anything else?")
    visitor.sees("Anything else?")
    bob.be("Offline")
    elena.be("Offline")


def test_a_colleague_declines_and_then_takes_it_over(demo: str, browser_page: OpenPage) -> None:
    elena = Agent(browser_page, demo, "elena")
    elena.be("Available")
    visitor = Visitor(browser_page, demo, "Omar")
    visitor.ask_for_a_person("live agent", "Sales")
    elena.accept("Omar")
    elena.open("Omar")
    chen = Agent(browser_page, demo, "chen")
    chen.be("Available")

    transfer(elena, "Chen", how="cold")
    chen.reject("Omar")
    expect(elena.page.get_by_text("cannot take the conversation now")).to_be_visible()
    transfer(elena, "Chen", how="cold", note="Angry, be kind")
    expect(chen.offers.filter(has_text="Omar").get_by_test_id("offer-transfer")).to_contain_text("hands this over")
    chen.accept("Omar")

    expect(elena.conversation("Omar")).to_have_count(0)
    chen.open("Omar")
    expect(chen.message("Angry, be kind")).to_be_visible()
    chen.write("Now I am here.")
    visitor.sees("Now I am here.")
    chen.be("Offline")
    elena.be("Offline")
