"""An installation with a second workspace, made over the REST API: supervisors choose which one they look at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_a_shift import AXE
from tests.journeys.test_supervisor import Supervisor
from tests.routing.api.conftest import Site, site_of
from tests.support import live

pytestmark = pytest.mark.journey

OpenPage = Callable[..., Page]
DOCUMENT = {"task_routing": {"filters": [], "default_filter": {"queue": "Night"}}}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with live.running("demo") as server:
        yield site_of(server)


@pytest.fixture(scope="module")
def elsewhere(site: Site) -> str:
    """The second workspace's sid."""
    made = site.client().taskrouter.v1.workspaces.create(friendly_name="Elsewhere", template="FIFO")
    return str(made.sid)


def test_a_supervisor_turns_to_another_workspace_and_the_address_remembers_it(
    site: Site, elsewhere: str, browser_page: OpenPage
) -> None:
    supervisor = Supervisor(browser_page, site.url, "admin")
    page = supervisor.page
    expect(supervisor.agent("Amira Nasser")).to_be_visible()
    expect(page.get_by_label("Workspace")).to_be_visible()

    page.get_by_label("Workspace").select_option(label="Elsewhere")
    expect(page.get_by_test_id("queues")).to_contain_text("Sample Queue")
    expect(supervisor.agent("Amira Nasser")).to_have_count(0)
    expect(page).to_have_url(f"{site.url}/admin/live/?workspace={elsewhere}")

    # What happens there is told there, and the address opens it again.
    tasks = site.client().taskrouter.v1.workspaces(elsewhere).tasks
    tasks.create(attributes=json.dumps({"name": "Noor"}), task_channel="chat")
    expect(supervisor.task("Noor")).to_be_visible()
    page.reload()
    expect(supervisor.task("Noor")).to_be_visible()

    page.get_by_label("Workspace").select_option(label="Default")
    expect(supervisor.agent("Amira Nasser")).to_be_visible()
    expect(supervisor.task("Noor")).to_have_count(0)


@pytest.mark.usefixtures("elsewhere")
def test_an_address_of_no_workspace_is_refused_and_another_can_be_chosen(site: Site, browser_page: OpenPage) -> None:
    supervisor = Supervisor(browser_page, site.url)
    page = supervisor.page
    page.goto(f"/admin/live/?workspace=WS{'0' * 32}")

    expect(page.get_by_test_id("live")).to_have_attribute("data-line", "refused")
    expect(page.get_by_role("status")).to_contain_text("There is no such workspace")
    page.get_by_label("Workspace").select_option(label="Default")
    expect(supervisor.agent("Amira Nasser")).to_be_visible()
    page.problems = [one for one in page.problems if "404" not in one]  # type: ignore[attr-defined]  # the page's own


def test_a_document_is_imported_into_the_workspace_chosen(site: Site, elsewhere: str, browser_page: OpenPage) -> None:
    page = Supervisor(browser_page, site.url, "admin").page
    page.goto("/admin/routing/workflow/import/")
    page.get_by_label("Workspace").select_option(label="Elsewhere")
    page.get_by_label("or the document itself").fill(json.dumps(DOCUMENT))
    page.get_by_label("Name", exact=True).fill("Nights")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_test_id("outcome")).to_contain_text("Nights")
    page.get_by_role("button", name="Check again").click()
    expect(page).to_have_url(f"{site.url}/admin/routing/workflow/import/?workspace={elsewhere}")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("The workflow Nights was imported.")).to_be_visible()

    made = site.client().taskrouter.v1.workspaces(elsewhere).workflows.list(friendly_name="Nights")
    assert len(made) == 1


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("viewport", "locale", "scheme"),
    [
        ((1440, 900), "en", "light"),
        ((390, 844), "ar", "dark"),
        ((390, 844), "en", "light"),
        ((1440, 900), "ar", "dark"),
    ],
)
def test_the_choice_fits_every_screen(
    site: Site, browser_page: OpenPage, viewport: tuple[int, int], locale: str, scheme: str
) -> None:
    supervisor = Supervisor(
        browser_page, site.url, viewport=viewport, locale=locale, color_scheme=scheme, bypass_csp=True
    )
    supervisor.speak(locale)
    choice = supervisor.page.get_by_test_id("workspace")

    expect(choice).to_be_visible()
    box = choice.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= viewport[0]
    supervisor.page.evaluate(AXE)
    result = supervisor.page.evaluate("axe.run('#live', {resultTypes: ['violations']})")
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in result["violations"]] == []
