"""A supervisor at the live view: sees customers and agents come and go, and puts things right without a reload."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.people import Agent, Visitor
from tests.journeys.test_a_shift import AXE
from tests.support import browser

pytestmark = pytest.mark.journey

OpenPage = Callable[..., Page]


class Supervisor:
    """Somebody signed in at ``/admin/live/``."""

    def __init__(self, open_page: OpenPage, url: str, username: str = "supervisor", **options: object) -> None:
        self.page = open_page(base_url=url, **options)
        self.page.goto("/admin/login/?next=/admin/live/")
        self.page.locator("input[name=username]").fill(username)
        self.page.locator("input[name=password]").fill(f"demo-{username}")
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_test_id("live")).to_have_attribute("data-line", "live")

    def speak(self, language: str) -> None:
        """Choose the language, as the admin's menu does."""
        self.page.evaluate(
            """language => fetch("/api/me/", {method: "POST", body: JSON.stringify({language}), headers: {
                "Content-Type": "application/json",
                "X-CSRFToken": JSON.parse(document.getElementById("live-config").textContent).csrf}})""",
            language,
        )
        self.page.reload()
        expect(self.page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")

    def task(self, customer: str) -> Locator:
        return self.page.get_by_test_id("tasks").get_by_test_id("task").filter(has_text=customer)

    def agent(self, name: str) -> Locator:
        return self.page.get_by_test_id("agent").filter(has_text=name)

    @property
    def dialog(self) -> Locator:
        return self.page.locator("dialog[open]")


def test_a_supervisor_puts_things_right(demo: str, browser_page: OpenPage) -> None:
    supervisor = Supervisor(browser_page, demo)
    amira, chen = Agent(browser_page, demo, "amira"), Agent(browser_page, demo, "chen")
    amira.be("Break")
    chen.be("Break")
    expect(supervisor.agent("Amira Nasser")).to_contain_text("Break")

    # A customer comes, and nobody is there.
    grace = Visitor(browser_page, demo, "Grace")
    grace.ask_for_a_person("live agent", "Support")
    expect(supervisor.task("Grace")).to_be_visible()
    supervisor.task("Grace").click()
    expect(supervisor.dialog).to_contain_text("English support")
    supervisor.dialog.get_by_test_id("task-priority").fill("7")
    supervisor.dialog.get_by_role("button", name="Save").click()
    expect(supervisor.task("Grace")).to_contain_text("priority 7")

    # The supervisor calls Amira back from her break: she is asked at once.
    supervisor.agent("Amira Nasser").get_by_role("button").first.click()
    supervisor.dialog.get_by_test_id("agent-activity").select_option(label="Available")
    supervisor.dialog.get_by_test_id("agent-skills").fill("copper, glass")
    supervisor.dialog.get_by_test_id("agent-save").click()
    expect(supervisor.dialog).to_have_count(0)
    amira.accept("Grace")
    expect(supervisor.task("Grace")).to_have_count(0)
    expect(supervisor.agent("Amira Nasser")).to_contain_text("Grace")
    expect(supervisor.agent("Amira Nasser")).to_contain_text("copper, glass")

    # Chen knows more: the task goes to him, whoever had it.
    chen.be("Available")
    expect(supervisor.agent("Chen Wei")).to_contain_text("Available")
    supervisor.agent("Amira Nasser").get_by_role("button", name="Grace").click()
    supervisor.dialog.get_by_test_id("task-goal").select_option(label="Chen Wei, Available")
    supervisor.dialog.get_by_test_id("task-move").click()
    chen.accept("Grace")
    expect(supervisor.agent("Chen Wei")).to_contain_text("Grace")
    expect(amira.conversation("Grace")).to_have_count(0)

    # And the supervisor reads along.
    supervisor.agent("Chen Wei").get_by_role("button", name="Grace").click()
    with supervisor.page.context.expect_page() as opened:
        supervisor.dialog.get_by_test_id("watch").click()
    watching = opened.value
    watching.problems = supervisor.page.problems  # type: ignore[attr-defined]
    browser.watch(watching)
    expect(watching.get_by_test_id("conversation-header")).to_contain_text("Grace")


def test_a_supervisor_cancels_a_task_and_asks_why_nobody_took_it(demo: str, browser_page: OpenPage) -> None:
    supervisor = Supervisor(browser_page, demo, "admin")
    noor = Visitor(browser_page, demo, "Noor")
    noor.ask_for_a_person("live agent", "Billing")
    supervisor.task("Noor").click()
    supervisor.dialog.get_by_test_id("explain").click()

    expect(supervisor.page.get_by_test_id("step").first).to_contain_text(re.compile("Not offered"))
    expect(supervisor.page.get_by_test_id("step").first).to_contain_text("Bob Miller")

    supervisor.page.goto("/admin/live/")
    supervisor.task("Noor").click()
    supervisor.dialog.get_by_test_id("task-cancel").click()
    supervisor.dialog.get_by_test_id("task-cancel-sure").click()
    expect(supervisor.task("Noor")).to_have_count(0)


@pytest.mark.parametrize(
    ("viewport", "locale", "scheme"),
    [
        ((390, 844), "en", "light"),
        ((390, 844), "ar", "dark"),
        ((1440, 900), "ar", "light"),
        ((820, 1100), "en", "dark"),
    ],
)
def test_the_live_view_fits_every_screen(
    demo: str, browser_page: OpenPage, viewport: tuple[int, int], locale: str, scheme: str
) -> None:
    supervisor = Supervisor(browser_page, demo, viewport=viewport, locale=locale, color_scheme=scheme, bypass_csp=True)
    supervisor.speak(locale)

    expect(supervisor.page.get_by_test_id("queues")).to_be_visible()
    overflow = supervisor.page.evaluate(
        "() => [...document.querySelectorAll('#live *')].filter(one => {"
        " const box = one.getBoundingClientRect();"
        " return box.width && (box.right > innerWidth + 1 || box.left < -1); }).map(one => one.outerHTML.slice(0, 80))"
    )
    assert overflow == []
    supervisor.agent("Amira Nasser").get_by_role("button").first.click()
    expect(supervisor.dialog).to_be_visible()
    supervisor.page.evaluate(AXE)
    result = supervisor.page.evaluate("axe.run('#live', {resultTypes: ['violations']})")
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in result["violations"]] == []
    box = supervisor.dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= viewport[0]
