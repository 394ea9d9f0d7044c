"""The people of a journey, as page objects: an agent at the console, a visitor of the shop, someone on Messenger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

OpenPage = Callable[..., Page]


class Agent:
    """Somebody signed in at ``/console/``."""

    def __init__(self, open_page: OpenPage, url: str, username: str, **options: Any) -> None:
        self.page = open_page(base_url=url, **options)
        self.page.goto("/console/")
        self.page.locator("input[name=username]").fill(username)
        self.page.locator("input[name=password]").fill(f"demo-{username}")
        self.page.locator("form button[type=submit]").first.click()
        expect(self.page.get_by_test_id("top-bar")).to_be_visible()

    def another_tab(self) -> Agent:
        """The same person in a second tab of the same browser."""
        tab = object.__new__(Agent)
        tab.page = self.page.context.new_page()
        tab.page.goto("/console/")
        expect(tab.page.get_by_test_id("top-bar")).to_be_visible()
        return tab

    def be(self, activity: str) -> None:
        self.page.get_by_test_id("activity-menu").click()
        self.page.locator(f'[data-testid=activity-option][data-activity="{activity}"]').click()
        expect(self.page.locator('[data-testid="activity-option"]')).to_have_count(0)

    @property
    def offers(self) -> Locator:
        return self.page.get_by_test_id("offer")

    def accept(self, customer: str) -> None:
        offer = self.offers.filter(has_text=customer)
        offer.get_by_test_id("accept").click()
        expect(offer).to_have_count(0)
        expect(self.conversation(customer)).to_be_visible()

    def reject(self, customer: str) -> None:
        offer = self.offers.filter(has_text=customer)
        offer.get_by_test_id("reject").click()
        expect(offer).to_have_count(0)

    def conversation(self, customer: str) -> Locator:
        return (
            self.page.get_by_test_id("my-conversations").get_by_test_id("conversation-item").filter(has_text=customer)
        )

    def open(self, customer: str) -> None:
        self.conversation(customer).click()
        expect(self.page.get_by_test_id("conversation-header")).to_contain_text(customer)

    def write(self, text: str) -> None:
        box = self.page.get_by_test_id("composer-text")
        box.fill(text)
        box.press("Enter")
        expect(self.message(text)).to_be_visible()

    def message(self, text: str) -> Locator:
        return self.page.get_by_test_id("messages").get_by_text(text, exact=True)


class Visitor:
    """Somebody on the shop's page, in the chat widget."""

    def __init__(self, open_page: OpenPage, url: str, name: str, *, language: str = "en", **options: Any) -> None:
        self.page = open_page(base_url=url, locale=language, **options)
        self.page.goto(f"/shop/?lang={language}")
        self.launcher.click()
        field = self.page.locator("input[name=name]")
        field.fill(name)
        field.press("Enter")
        expect(self.box).to_be_visible()

    def show(self) -> None:
        """Open the chat unless it is open already."""
        if not self.box.is_visible():
            self.launcher.click()
        expect(self.box).to_be_visible()

    @property
    def launcher(self) -> Locator:
        return self.page.locator("button.launcher")

    @property
    def box(self) -> Locator:
        return self.page.locator(".field textarea")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    def write(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")
        self.sees(text)

    def sees(self, text: str) -> None:
        expect(self.log).to_contain_text(text)

    def ask_for_a_person(self, words: str, department: str) -> None:
        """Past the bot: ask for an agent, choose a department."""
        self.write(words)
        self.page.locator(".chips").get_by_role("button", name=department).click()


class OnMessenger:
    """One of the simulator's people, at ``/simulator/``."""

    def __init__(self, open_page: OpenPage, url: str, name: str, **options: Any) -> None:
        self.page = open_page(base_url=url, **options)
        self.page.goto("/simulator/")
        self.page.locator(".people").get_by_text(name, exact=True).click()
        expect(self.page.locator(".phone header")).to_contain_text(name)

    @property
    def chat(self) -> Locator:
        return self.page.get_by_test_id("chat")

    def write(self, text: str) -> None:
        box = self.page.locator(".phone").get_by_label("Message", exact=True)
        box.fill(text)
        box.press("Enter")
        expect(self.chat.get_by_text(text, exact=True)).to_be_visible()

    def sees(self, text: str) -> None:
        expect(self.chat).to_contain_text(text)

    def ask_for_a_person(self, words: str, department: str) -> None:
        self.write(words)
        self.page.get_by_test_id("quick-replies").get_by_role("button", name=department).click()
