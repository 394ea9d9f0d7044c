"""A real Chromium, through Playwright.

Playwright's synchronous interface leaves an event loop running in this thread, so a journey talks to the live process
over HTTP and never touches the database; the browser ends with the module, for the sake of the tests after it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright


def find_chromium() -> str | None:
    """The system's browser; Playwright's own download is not reachable everywhere."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    assert path, "Chromium is not installed. On Debian and Ubuntu:  apt install chromium fonts-noto-core"
    # Chromium's sandbox refuses root. /dev/shm is tiny in containers.
    flags = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=flags)
        yield started
        started.close()


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """``browser_page(locale="ar", color_scheme="dark", viewport=(390, 844), base_url=live.url)`` -> a page in a
    context of its own (further options go to Playwright's ``new_context``). At the end of the test, errors on any of
    its consoles, uncaught exceptions and violations of the content security policy fail it; a test that provokes
    them on purpose takes them out of ``page.problems``."""
    pages: list[Page] = []

    def open_page(
        *,
        locale: str = "en",
        color_scheme: str = "light",
        viewport: tuple[int, int] = (1440, 900),
        permissions: tuple[str, ...] = (),
        **options: Any,
    ) -> Page:
        width, height = viewport
        context = browser.new_context(
            locale=locale,
            color_scheme=color_scheme,  # type: ignore[arg-type]
            viewport={"width": width, "height": height},
            permissions=list(permissions),
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.problems = []  # type: ignore[attr-defined]
        watch(page)
        pages.append(page)
        return page

    yield open_page

    problems = [problem for page in pages for problem in page.problems]  # type: ignore[attr-defined]
    for page in pages:
        page.context.close()
    assert problems == []


def watch(page: Page) -> None:
    """Collect what goes wrong on a page into ``page.problems``. Call it on popups too."""

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            page.problems.append(f"{message.text} ({message.location.get('url', '')})")  # type: ignore[attr-defined]

    page.on("console", on_console)

    def on_error(error: Error) -> None:
        page.problems.append(str(error))  # type: ignore[attr-defined]

    page.on("pageerror", on_error)
