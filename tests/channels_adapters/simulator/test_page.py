"""The simulator page in a real browser, against the demo as shipped."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.live import Live

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


def test_a_newcomer_is_a_customer(live_process: Callable[..., Live], browser_page: Callable[..., Page]) -> None:
    live = live_process("demo")
    page = browser_page(base_url=live.url)
    page.goto("/simulator/")
    chat, composer = page.get_by_test_id("chat"), page.get_by_test_id("composer")
    ours = chat.locator("[data-mine=false]")
    expect(page.get_by_test_id("persona")).to_have_count(4)

    # She writes, the bot answers.
    composer.fill("Hello!")
    composer.press("Enter")
    expect(chat.locator("[data-mine=true]")).to_have_text(re.compile("Hello!"))
    expect(ours.first).to_be_visible()

    # A picture, a sticker, an edit.
    page.get_by_test_id("attach").click()
    page.get_by_role("menuitem", name="A photo of a damaged parcel").click()
    expect(chat.locator("[data-mine=true] img")).to_have_count(1)
    page.get_by_test_id("like").click()
    expect(chat.locator("img.sticker")).to_have_count(1)

    # A forged webhook is refused; the phone says so.
    page.get_by_test_id("bad-signature").click()
    expect(page.get_by_test_id("told")).to_contain_text("403")
    expect(chat.get_by_text("Not accepted")).to_be_visible()

    # The wire is in the open.
    page.get_by_role("button", name=re.compile("bad signature")).click()
    expect(page.get_by_label("What went over the wire").get_by_text("x-hub-signature-256")).to_be_visible()

    # The same on a phone, from right to left, in the dark.
    phone = browser_page(base_url=live.url, locale="ar", color_scheme="dark", viewport=(390, 844))
    phone.goto("/simulator/")
    phone.get_by_test_id("persona").nth(1).click()
    phone.get_by_test_id("composer").fill("مرحباً، order 573؟")
    phone.get_by_test_id("send").click()
    expect(phone.locator("html")).to_have_attribute("dir", "rtl")
    expect(phone.locator("[data-mine=true] .text")).to_have_css("direction", "rtl")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
