"""Every page opens in a real browser, in both languages, without an error and without bending the policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support import live
from tests.support.live import Live

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def demo() -> Iterator[Live]:
    with live.running("demo") as running:
        yield running


@pytest.mark.parametrize("path", ["/shop/", "/simulator/", "/accounts/login/", "/admin/login/"])
@pytest.mark.parametrize("locale", ["en", "ar"])
def test_a_page_for_everybody_opens(demo: Live, browser_page: Callable[..., Page], path: str, locale: str) -> None:
    page = browser_page(locale=locale, base_url=demo.url)

    response = page.goto(path)

    assert response is not None
    assert response.status == 200
    if path != "/shop/":  # somebody else's site, in English
        expect(page.locator("html")).to_have_attribute("dir", "rtl" if locale == "ar" else "ltr")


def test_a_supervisor_walks_through_the_admin(demo: Live, browser_page: Callable[..., Page]) -> None:
    page = browser_page(base_url=demo.url)
    page.goto("/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("demo-admin")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{demo.url}/admin/")

    paths = page.locator("a[href^='/admin/']").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    lists = sorted({path for path in paths if path and path.count("/") == 4 and "logout" not in path})
    for path in lists:
        response = page.goto(path)
        assert response is not None
        assert response.status == 200, path

    assert len(lists) >= 8
