"""What an agent does all day, in a real browser against the real process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.factories.conversations import PNG
from tests.journeys.people import Agent, OnMessenger, Visitor
from tests.support.live import ROOT

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]
OpenPage = Callable[..., Page]
AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text() if (ROOT / "node_modules/axe-core").exists() else ""


def accepted(
    agent: Agent, visitor: Visitor, name: str, *, words: str = "live agent", department: str = "Sales"
) -> None:
    """The visitor asks for a person; the agent takes it and has it open."""
    visitor.ask_for_a_person(words, department)
    agent.accept(name)
    agent.open(name)


def test_a_conversation_is_wrapped_up_with_an_outcome_and_the_next_message_opens_a_new_one(
    demo: str, browser_page: OpenPage
) -> None:
    bob = Agent(browser_page, demo, "bob")
    bob.be("Available")
    ivy = Visitor(browser_page, demo, "Ivy")
    accepted(bob, ivy, "Ivy")
    bob.write("Here you are.")
    ivy.sees("Here you are.")

    bob.page.get_by_test_id("wrapup").click()
    bob.page.locator("label").filter(has_text="Order placed").click()
    bob.page.get_by_test_id("complete").click()

    expect(bob.conversation("Ivy")).to_have_count(0)
    ivy.write("what are your opening hours?")
    ivy.sees("Sunday to Thursday")
    bob.be("Offline")


def test_what_is_typed_in_one_tab_is_there_in_the_other_and_both_show_the_same(
    demo: str, browser_page: OpenPage
) -> None:
    elena = Agent(browser_page, demo, "elena")
    elena.be("Available")
    kay = Visitor(browser_page, demo, "Kay")
    accepted(elena, kay, "Kay")
    second = elena.another_tab()
    second.open("Kay")

    elena.page.get_by_test_id("composer-text").fill("half a sent")
    expect(second.page.get_by_test_id("composer-text")).to_have_value("half a sent")
    second.page.get_by_test_id("composer-text").fill("a whole sentence")
    second.page.get_by_test_id("composer-text").press("Enter")

    expect(elena.message("a whole sentence")).to_be_visible()
    expect(elena.page.get_by_test_id("composer-text")).to_have_value("")
    kay.sees("a whole sentence")
    elena.be("Offline")


def test_a_message_facebook_refuses_says_why_and_goes_out_on_retry(demo: str, browser_page: OpenPage) -> None:
    chen = Agent(browser_page, demo, "chen")
    chen.be("Available")
    emma = OnMessenger(browser_page, demo, "Emma Clarke")
    emma.ask_for_a_person("live agent", "Support")
    chen.accept("Emma Clarke")
    chen.open("Emma Clarke")

    emma.page.get_by_test_id("arm").select_option(label="the content is refused (100)")
    chen.write("Is it this one?")
    failed = chen.page.get_by_test_id("message-failed")
    expect(failed).to_contain_text("Facebook refuses this message")
    chen.page.get_by_test_id("retry-message").click()

    emma.sees("Is it this one?")
    expect(failed).to_have_count(0)
    chen.be("Offline")


def test_files_go_both_ways_and_notes_stay_inside(demo: str, browser_page: OpenPage, tmp_path: Path) -> None:
    picture = tmp_path / "parcel.png"
    picture.write_bytes(PNG)
    bob = Agent(browser_page, demo, "bob")
    bob.be("Available")
    moe = Visitor(browser_page, demo, "Moe")
    accepted(bob, moe, "Moe")

    moe.page.locator("input[type=file]").set_input_files(picture)
    moe.page.locator("button.go").click()
    expect(bob.page.get_by_test_id("messages").locator("img")).to_be_visible()
    bob.page.get_by_test_id("file-input").set_input_files(picture)
    bob.page.get_by_test_id("send").click()
    expect(moe.log.locator("img")).to_have_count(2)
    bob.page.get_by_test_id("mode-note").click()
    bob.write("He is impatient.")

    expect(bob.page.get_by_test_id("messages")).to_contain_text("He is impatient.")
    bob.page.get_by_test_id("mode-reply").click()
    bob.write("Thank you.")
    moe.sees("Thank you.")
    expect(moe.log).not_to_contain_text("He is impatient.")
    bob.be("Offline")


def test_the_widget_survives_a_reload_and_a_cut_line(demo: str, browser_page: OpenPage) -> None:
    bob = Agent(browser_page, demo, "bob")
    bob.be("Available")
    una = Visitor(browser_page, demo, "Una")
    accepted(bob, una, "Una")
    bob.write("First answer")
    una.sees("First answer")

    una.page.reload()
    una.show()
    una.sees("First answer")
    una.page.context.set_offline(True)
    una.box.fill("written on the train")
    una.box.press("Enter")
    bob.write("Second answer")
    una.page.context.set_offline(False)

    una.sees("Second answer")
    expect(bob.message("written on the train")).to_have_count(1)
    una.page.problems.clear()  # type: ignore[attr-defined]  # a browser without a line says so
    bob.be("Offline")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_console_and_widget_have_no_barriers_axe_can_find(demo: str, browser_page: OpenPage, scheme: str) -> None:
    dalia = Agent(browser_page, demo, "dalia", color_scheme=scheme, locale="ar", bypass_csp=True)
    dalia.be("Available")
    guest = Visitor(browser_page, demo, f"زينب {scheme}", language="ar", color_scheme=scheme, bypass_csp=True)
    accepted(dalia, guest, f"زينب {scheme}", words="وكيل مباشر", department="المبيعات")
    dalia.write("أهلا")
    guest.sees("أهلا")

    found = {}
    for name, page in (("console", dalia.page), ("widget", guest.page)):
        page.evaluate(AXE)
        context = (
            "document"
            if name == "console"
            else "document.querySelector('[data-contact-center], contact-center') || document"
        )
        result = page.evaluate(f"axe.run({context}, {{resultTypes: ['violations']}})")
        found[name] = [(one["id"], [node["target"] for node in one["nodes"]]) for one in result["violations"]]

    assert found == {"console": [], "widget": []}, json.dumps(found, indent=1, ensure_ascii=False)
    dalia.be("Offline")


def test_on_a_phone_an_agent_accepts_and_answers(demo: str, browser_page: OpenPage) -> None:
    elena = Agent(browser_page, demo, "elena", viewport=(390, 844))
    elena.be("Available")
    lou = Visitor(browser_page, demo, "Lou", viewport=(390, 844))
    lou.ask_for_a_person("live agent", "Sales")
    elena.offers.filter(has_text="Lou").get_by_test_id("accept").click()

    expect(elena.page.get_by_test_id("conversation-header")).to_contain_text("Lou")
    elena.write("From my phone")

    lou.sees("From my phone")
    too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert elena.page.evaluate(too_wide) is False
    assert lou.page.evaluate(too_wide) is False
