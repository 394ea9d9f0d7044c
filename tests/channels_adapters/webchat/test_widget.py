"""The widget in a real browser, on the demo's shop page, against our real process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.people import Agent
from tests.support import live
from tests.support.live import Live

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]

AXE = Path(__file__).resolve().parents[3] / "node_modules" / "axe-core" / "axe.min.js"
OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def demo() -> Iterator[Live]:
    with live.running("demo") as process:
        yield process


class Chat:
    """The widget on a page."""

    def __init__(self, page: Page, *, language: str = "en") -> None:
        self.page = page
        page.goto(f"/shop/?lang={language}")
        expect(self.launcher).to_be_visible()

    def start(self, name: str) -> Chat:
        """Open it and answer the form."""
        self.launcher.click()
        self.page.locator(".form input[name=name]").fill(name)
        self.page.locator(".form button").click()
        expect(self.box).to_be_focused()
        return self

    def write(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    @property
    def launcher(self) -> Locator:
        return self.page.locator("button.launcher")

    @property
    def badge(self) -> Locator:
        return self.page.locator(".badge")

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def box(self) -> Locator:
        return self.page.locator(".field textarea")

    @property
    def bubbles(self) -> Locator:
        return self.page.get_by_role("log").locator(".bubble")

    def mine(self, text: str) -> Locator:
        return self.page.locator(".row.mine").filter(has_text=text)

    def theirs(self, text: str) -> Locator:
        return self.page.locator(".row.theirs").filter(has_text=text)


@pytest.fixture
def visit(browser_page: OpenPage, demo: Live) -> Callable[..., Page]:
    def open_shop(**options: Any) -> Page:
        return browser_page(base_url=demo.url, **options)

    return open_shop


def again(page: Page) -> Page:
    """Another tab of the same browser."""
    from tests.support.browser import watch

    tab = page.context.new_page()
    tab.problems = page.problems  # type: ignore[attr-defined]
    watch(tab)
    return tab


def provoked(page: Page, words: str) -> None:
    """Take errors the test made on purpose out of the page's problems."""
    page.problems[:] = [one for one in page.problems if words not in one]  # type: ignore[attr-defined]


def test_a_question_is_answered_and_survives_a_reload(visit: Callable[..., Page]) -> None:
    chat = Chat(visit()).start("Layla")

    chat.write("What are your opening hours?")

    expect(chat.theirs("Sunday")).to_be_visible()
    expect(chat.mine("opening hours").get_by_title("Delivered")).to_be_visible()
    before = chat.bubbles.all_inner_texts()
    chat.page.reload()
    expect(chat.panel).to_be_visible()
    expect(chat.bubbles).to_have_count(len(before))
    assert chat.bubbles.all_inner_texts() == before


def test_a_message_sent_as_the_page_goes_away_is_not_lost_and_not_doubled(visit: Callable[..., Page]) -> None:
    chat = Chat(visit()).start("Layla")
    chat.write("first")
    expect(chat.theirs("sorry").first).to_be_visible()

    chat.write("said while leaving")
    chat.page.reload()

    expect(chat.mine("said while leaving")).to_have_count(1)
    expect(chat.mine("said while leaving").get_by_title("Delivered")).to_be_visible()
    chat.page.wait_for_timeout(1500)
    expect(chat.mine("said while leaving")).to_have_count(1)


def test_what_is_written_offline_leaves_when_the_network_is_back(visit: Callable[..., Page]) -> None:
    page = visit()
    chat = Chat(page).start("Layla")
    page.context.set_offline(True)
    for text in ("one", "two", "three"):
        chat.write(text)

    expect(page.get_by_text("No connection.")).to_be_visible()
    expect(chat.mine("three").get_by_title("Sending")).to_be_visible()
    page.context.set_offline(False)

    for text in ("one", "two", "three"):
        expect(chat.mine(text).get_by_title("Delivered")).to_be_visible()
    expect(page.get_by_text("No connection.")).to_be_hidden()
    mine = page.locator(".row.mine .bubble").all_inner_texts()
    assert [text.splitlines()[-1] for text in mine] == ["one", "two", "three"]
    provoked(page, "WebSocket connection")


def test_two_tabs_show_the_same_and_count_unread_together(visit: Callable[..., Page]) -> None:
    page = visit()
    first = Chat(page).start("Layla")
    first.write("opening hours")
    expect(first.theirs("Sunday")).to_be_visible()
    second = Chat(again(page))
    second.launcher.click()

    second.write("from the second tab")

    expect(first.mine("from the second tab")).to_be_visible()
    expect(second.badge).to_be_hidden()
    page.wait_for_function("!Object.keys(localStorage).some(key => key.includes(':out:'))")


def test_a_file_is_sent_by_button_and_shown(visit: Callable[..., Page], tmp_path: Path) -> None:
    from tests.factories.conversations import PNG

    (tmp_path / "photo.png").write_bytes(PNG)
    (tmp_path / "\u202enotes.txt").write_text("plain")
    chat = Chat(visit()).start("Layla")

    chat.page.locator("input[type=file]").set_input_files([tmp_path / "photo.png", tmp_path / "\u202enotes.txt"])
    expect(chat.page.locator(".upload progress")).to_have_count(0)
    chat.page.get_by_role("button", name="Send").click()

    picture = chat.page.locator(".row .picture img")
    expect(picture).to_be_visible()
    chat.page.wait_for_function("image => image.complete && image.naturalWidth === 1", arg=picture.element_handle())
    link = chat.page.locator(".doc")
    assert link.inner_text().splitlines()[0] == "notes.txt"
    answer = httpx.get(link.evaluate("a => a.href"), trust_env=False)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.text == "plain"


def test_text_is_shown_as_text(visit: Callable[..., Page]) -> None:
    chat = Chat(visit()).start("Layla")

    chat.write("<img src=x onerror=alert(1)> javascript:alert(1) https://shop.example/a?b=c.")

    links = chat.mine("onerror").locator("a")
    expect(links).to_have_count(1)
    assert links.evaluate("a => [a.href, a.rel]") == [
        "https://shop.example/a?b=c",
        "noopener noreferrer nofollow ugc",
    ]
    expect(chat.mine("<img src=x onerror=alert(1)>").locator("img")).to_have_count(0)


def test_it_can_be_used_by_keyboard_alone(visit: Callable[..., Page]) -> None:
    page = visit()
    chat = Chat(page)
    chat.launcher.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Layla")
    page.keyboard.press("Enter")
    expect(chat.box).to_be_focused()
    page.keyboard.type("live agent")
    page.keyboard.press("Enter")
    sales = page.get_by_role("button", name="Sales")
    expect(sales).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(sales).to_be_focused()
    page.keyboard.press("Enter")
    expect(chat.mine("Sales")).to_be_visible()

    page.keyboard.press("Escape")

    expect(chat.panel).to_be_hidden()
    expect(chat.launcher).to_be_focused()


def test_on_a_phone_it_fills_the_screen_and_keeps_the_focus(visit: Callable[..., Page]) -> None:
    page = visit(viewport=(390, 844))
    chat = Chat(page).start("Layla")

    assert chat.panel.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    expect(chat.launcher).to_be_hidden()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "contact-center-widget"


def test_in_arabic_everything_is_mirrored(visit: Callable[..., Page]) -> None:
    page = visit(locale="ar")
    chat = Chat(page, language="ar").start("ليلى")

    chat.write("ما هي ساعات العمل؟")

    expect(chat.theirs("من الأحد")).to_be_visible()
    launcher, mine, theirs = (
        one.bounding_box()
        for one in (chat.launcher, chat.mine("ساعات").locator(".bubble"), chat.theirs("الأحد").locator(".bubble"))
    )
    assert launcher
    assert mine
    assert theirs
    assert launcher["x"] < 100
    assert mine["x"] < theirs["x"]
    assert page.locator(".cc").get_attribute("dir") == "rtl"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_assistive_technology(visit: Callable[..., Page], scheme: str) -> None:
    page = visit(color_scheme=scheme, bypass_csp=True)
    chat = Chat(page)

    def look(state: str) -> None:
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(result => result.violations)")
        told = [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]
        assert told == [], f"{state}: {json.dumps(told)}"

    look("closed")
    chat.launcher.click()
    look("form")
    page.keyboard.press("Escape")
    chat.start("Layla")
    look("empty")
    chat.write("live agent")
    expect(page.locator(".chip").first).to_be_visible()
    look("talking")


def test_a_page_the_site_does_not_know_shows_no_chat(visit: Callable[..., Page], demo: Live) -> None:
    page = visit()
    Chat(page)
    host = "http://localhost:" + demo.url.rpartition(":")[2]  # the same server under a name that is not on the list

    answer = httpx.get(f"{demo.url}/channels/webchat/config/?site=demo-shop", headers={"Origin": host}, trust_env=False)

    assert answer.status_code == 403


def test_an_agent_is_seen_typing_reading_and_by_name(
    visit: Callable[..., Page], browser_page: OpenPage, demo: Live
) -> None:
    chat = Chat(visit()).start("Grace")
    agent = Agent(browser_page, demo.url, "amira")
    agent.be("Available")
    chat.write("live agent")
    chat.page.locator(".chips").get_by_role("button", name="Support").click()
    agent.accept("Grace")
    agent.open("Grace")

    expect(chat.panel).to_contain_text("Amira")
    expect(chat.mine("Support").get_by_text("Read", exact=True)).to_be_visible()
    agent.page.get_by_test_id("composer-text").press_sequentially("Hello")
    expect(chat.page.locator(".typing")).to_be_visible()
    chat.page.keyboard.press("Escape")
    agent.write("Hello Grace")

    expect(chat.badge).to_have_text("1")
    expect(chat.page.locator(".teaser")).to_contain_text("Hello Grace")
    chat.page.locator(".teaser-open").click()
    expect(chat.page.locator(".new")).to_be_visible()
    expect(chat.badge).to_be_hidden()
    expect(agent.page.get_by_test_id("messages")).to_contain_text("Hello Grace")


def test_who_waits_sees_their_place_live(visit: Callable[..., Page]) -> None:
    chats = [Chat(visit()).start(name) for name in ("Rana", "Sami")]
    for chat in chats:
        chat.write("live agent")
        chat.page.locator(".chips").get_by_role("button", name="Billing").click()
        expect(chat.page.locator(".banner.queue")).to_be_visible()
    first, second = chats

    expect(second.page.locator(".banner.queue")).to_contain_text("You are number")
    place = int(second.page.locator(".place").inner_text())
    assert int(first.page.locator(".place").inner_text()) == place - 1
