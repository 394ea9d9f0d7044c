"""``python -m tests.journeys.screenshots``: take the pictures of docs/screenshots/ anew, from the running demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.journeys.people import Agent, OnMessenger, Visitor
from tests.support import live
from tests.support.browser import find_chromium

TO = live.ROOT / "docs/screenshots"


def _opener(browser: Browser) -> Any:
    def open_page(
        *, viewport: tuple[int, int] = (1440, 900), locale: str = "en", color_scheme: str = "light", **options: Any
    ) -> Page:
        context = browser.new_context(
            viewport={"width": viewport[0], "height": viewport[1]},
            locale=locale,
            color_scheme=color_scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(30_000)
        return context.new_page()

    return open_page


def _settings(page: Page, language: str, theme: str) -> None:
    """The signed-in person's language and theme, as their menu sets them."""
    page.evaluate(
        """async ([language, theme]) => {
            const token = document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? "";
            await fetch("/api/me/", {method: "POST", body: JSON.stringify({language, theme}),
                headers: {"Content-Type": "application/json", "X-CSRFToken": token}});
        }""",
        [language, theme],
    )


def take(browser: Browser, url: str, to: Path) -> None:
    open_page = _opener(browser)
    amira = Agent(open_page, url, "amira")
    amira.be("Available")
    omar = OnMessenger(open_page, url, "عمر حداد")
    omar.ask_for_a_person("وكيل مباشر", "الدعم")
    amira.accept("عمر حداد")
    salma = Visitor(open_page, url, "سلمى", language="ar")
    salma.ask_for_a_person("وكيل مباشر", "الدعم")
    amira.accept("سلمى")
    grace = Visitor(open_page, url, "Grace")
    grace.write("what are your opening hours?")
    grace.sees("Sunday to Thursday")
    grace.ask_for_a_person("live agent", "Support")
    amira.accept("Grace")
    amira.open("عمر حداد")
    amira.write("أهلا عمر، كيف يمكنني مساعدتك؟")
    amira.open("Grace")
    amira.write("Hello Grace, I am looking up your order now.")
    grace.sees("Hello Grace")
    grace.write("Thank you! It is number DS-1042, a copper pot.")
    expect(amira.message("Thank you! It is number DS-1042, a copper pot.")).to_be_visible()
    omar.write("وصل الطرد تالفًا")
    expect(amira.conversation("عمر حداد").get_by_test_id("unread-badge")).to_be_visible()
    noor = Visitor(open_page, url, "نور", language="ar")
    noor.ask_for_a_person("وكيل مباشر", "الدعم")
    expect(amira.offers.filter(has_text="نور")).to_be_visible()

    amira.page.screenshot(path=to / "console.png")
    grace.page.screenshot(path=to / "widget.png")
    omar.page.screenshot(path=to / "simulator.png")
    salma.page.screenshot(path=to / "widget-arabic.png")
    for name, language, theme in (("console-dark", "en", "dark"), ("console-arabic", "ar", "light")):
        _settings(amira.page, language, theme)
        amira.page.reload()
        expect(amira.conversation("Grace")).to_be_visible()
        amira.open("Grace" if language == "en" else "سلمى")
        amira.page.wait_for_timeout(500)
        amira.page.screenshot(path=to / f"{name}.png")
    phone = open_page(base_url=url, viewport=(390, 844), storage_state=amira.page.context.storage_state())
    _settings(amira.page, "en", "light")
    phone.goto("/console/")
    expect(phone.get_by_test_id("offer")).to_be_visible()
    phone.screenshot(path=to / "console-phone.png")

    admin = open_page(base_url=url)
    admin.goto("/admin/")
    admin.locator("input[name=username]").fill("admin")
    admin.locator("input[name=password]").fill("demo-admin")
    admin.locator("button[type=submit], input[type=submit]").first.click()
    expect(admin.get_by_text("Longest wait").first).to_be_visible()
    admin.screenshot(path=to / "admin.png")
    admin.goto("/admin/live/")
    expect(admin.get_by_test_id("queues")).to_be_visible()
    admin.screenshot(path=to / "admin-live.png")
    admin.goto("/admin/routing/worker/")
    admin.screenshot(path=to / "admin-agents.png")


def main() -> None:
    TO.mkdir(parents=True, exist_ok=True)
    with live.running("demo") as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        take(browser, demo.url, TO)
        browser.close()


if __name__ == "__main__":
    main()
