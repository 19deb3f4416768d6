"""Plans in Temporal's Web UI, in a browser: list, details and cancellation."""

import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect
from support.details import details_with
from support.outcomes import recorded, tree, until_step
from support.plans import HANGING_POD, NAMESPACE, Installer, apply, dummy, phase, plan, write_package
from support.rollouts import release_pod
from support.waiting import PATIENCE, until
from temporalio.client import Client

from kudo.activities import attempt
from kudo.client import Run
from kudo.devstack.temporal import TemporalServer
from kudo.errors import PlanNotRunning
from kudo.kubernetes import Cluster
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.model.tree import wrapped
from kudo.workflows.status_tree import COLUMNS

pytestmark = pytest.mark.usefixtures("worker")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    # The UI requests news from Temporal's site; a test sends no request outside this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("No Chromium is on the path; install one, on Debian with `apt-get install chromium`.")
    expect.set_options(timeout=PATIENCE * 1000)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        async with launched:
            yield launched


class WebUI:
    """The Web UI in a page of the browser."""

    def __init__(self, page: Page, temporal: TemporalServer) -> None:
        self.page = page
        self.main = page.get_by_role("main")
        self._temporal = temporal

    async def search(self, query: str) -> None:
        await self.page.goto(f"{self._temporal.ui}/namespaces/default/workflows?{urlencode({'query': query})}")

    async def open(self, workflow_id: str, run_id: str) -> None:
        """Open a workflow at the URL that `kudo` prints."""
        await self.page.goto(self._temporal.ui_of(workflow_id, run_id))
        await expect(self.main.get_by_role("heading", level=1)).to_contain_text(workflow_id)

    async def tab(self, name: str) -> None:
        tab = self.main.get_by_role("tab", name=name)
        await tab.click()
        await expect(tab).to_have_attribute("aria-selected", "true")

    @property
    def summary(self) -> Locator:
        """The summary in the tab User Metadata, which is rendered in a frame, like the details."""
        return self.main.frame_locator("iframe").first.locator("body")

    @property
    def current_details(self) -> Locator:
        return self.main.frame_locator("iframe").last.locator("pre")


@pytest.fixture
async def ui(browser: Browser, temporal: TemporalServer) -> AsyncIterator[WebUI]:
    async with await browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        context.set_default_timeout(PATIENCE * 1000)
        yield WebUI(await context.new_page(), temporal)


@pytest.fixture
async def run(installer: Installer) -> AsyncIterator[Run]:
    """A plan with a step that waits for health, and one that fails and is retried."""
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True), dummy("fails", wantErr=True), apply("pod", "pod.yaml")],
        plans={
            "deploy": plan(
                phase("one", ("a", ["done"]), ("b", ["pod"]), ("c", ["done"])),
                phase("two", ("d", ["fails"])),
                strategy="parallel",
            )
        },
        templates={"pod.yaml": HANGING_POD},
    )
    started = await installer.deploy(package)
    await until_step(started, ExecutionStatus.ERROR)
    await until_waiting(started)
    yield started
    # A worker waits long for the tasks of a terminated plan when it stops.
    with suppress(PlanNotRunning):
        await installer.plans.cancel(NAMESPACE, "test", "")
    await started.outcome()


async def until_waiting(run: Run) -> None:
    """Wait until the heartbeat of the task reports the Pod that it waits for."""

    async def pod_is_reported() -> bool:
        return "Pod" in (await run.explained()).phases[0].steps[1].message

    await until(pod_is_reported)


async def test_list_finds_plan_by_its_search_attributes(ui: WebUI, run: Run, client: Client) -> None:
    query = "KudoInstance = 'test' AND KudoOperator = 'tested' AND KudoPlan = 'deploy' AND KudoStatus = 'IN_PROGRESS'"

    async def is_listed() -> bool:
        return run.run_id in [item.run_id async for item in client.list_workflows(query)]

    # The list is delayed, and the UI requests it once.
    await until(is_listed)
    await ui.search(query)
    row = ui.main.get_by_role("row").filter(has_text=run.run_id)
    await expect(row.get_by_role("cell", name="Running")).to_be_visible()
    await expect(row.get_by_role("link", name="Plan", exact=True)).to_be_visible()
    await row.get_by_role("link", name="default/test", exact=True).click()
    await ui.tab("Search Attributes")
    attributes = ui.main.get_by_role("textbox", name="Search Attributes")
    await expect(attributes).to_contain_text("KudoStatus")
    shown = json.loads(await attributes.inner_text())
    assert {name: value for name, value in shown.items() if name.startswith("Kudo")} == {
        "KudoNamespace": "default",
        "KudoInstance": "test",
        "KudoOperator": "tested",
        "KudoPlan": "deploy",
        "KudoStatus": "IN_PROGRESS",
    }


async def details(ui: WebUI) -> list[str]:
    """Return the lines of the current details, without the times of their parts and the numbers of attempts."""
    lines = (await ui.current_details.inner_text()).splitlines()
    timed = [line for line in lines if TIME.search(line)]
    assert len(timed) >= 4, lines
    return [ATTEMPT.sub("attempt …", TIME.sub("", line)) for line in lines]


def shown_in_details(status: PlanStatus) -> list[str]:
    """Return the lines of the tree as they fit the column."""
    return wrapped("\n".join(tree(status)).replace(" (parallel strategy)", ""), COLUMNS).splitlines()


ATTEMPT = re.compile(r"attempt [0-9]+")
TIME = re.compile(r" (since [0-9]{2}:[0-9]{2}:[0-9]{2} UTC|[0-9.hm]+s)$")


async def test_page_of_plan_shows_its_tree(
    monkeypatch: pytest.MonkeyPatch, ui: WebUI, run: Run, cluster: Cluster, installer: Installer, client: Client
) -> None:
    # On a slow machine, the details would have the wait as well.
    monkeypatch.setattr(attempt, "LONG_WAIT", 1000)
    await details_with(client, run, "attempt")
    await ui.open(run.workflow_id, run.run_id)
    await ui.tab("User Metadata")
    await expect(ui.summary).to_have_text("Plan deploy of test")
    await expect(ui.current_details).to_contain_text("test")
    assert await details(ui) == [
        "└── test",
        "   └── Plan deploy [IN_PROGRESS]",
        "      ├── Phase one [IN_PROGRESS]",
        "      │  ├── Step a (COMPLETE)",
        "      │  ├── Step b (IN_PROGRESS)",
        "      │  └── Step c (PENDING)",
        "      └── Phase two [IN_PROGRESS]",
        "         └── Step d (ERROR)",
        "            ├── The Dummy task fails failed, as",
        "            │   specified.",
        "            └── task fails: attempt … or later",
    ]
    pod = await installer.get("v1", "Pod", "test-pod")
    assert pod is not None
    await release_pod(cluster, pod.ref)

    async def first_phase_is_complete() -> PlanStatus | None:
        status = await run.status()
        return status if status.phases[0].status is ExecutionStatus.COMPLETE else None

    status = await until(first_phase_is_complete)
    # The UI documents the key: "Press the R for freshness".
    await ui.page.keyboard.press("r")
    await expect(ui.current_details).to_contain_text("Phase one [COMPLETE]")
    # Only the details have the attempts.
    status.phases[1].steps[0].message += "\ntask fails: attempt … or later"
    assert await details(ui) == shown_in_details(status)


async def test_page_of_phase_shows_object_that_task_waits_for(ui: WebUI, run: Run, client: Client) -> None:
    one = f"{run.workflow_id}/one"
    await ui.open(one, (await client.get_workflow_handle(one).describe()).run_id)
    await ui.tab("Pending Activities")
    await expect(ui.main.get_by_role("heading", name="apply")).to_be_visible()
    await expect(ui.main.get_by_text("one.b.pod", exact=True)).to_be_visible()
    heartbeat = ui.main.get_by_role("textbox", name="Heartbeat Details")
    await expect(heartbeat).to_contain_text('"waiting": "Pod default/test-pod')
    await ui.tab("Timeline")
    await expect(ui.main.get_by_text("Apply pod: 1 resource")).to_be_visible()
    await ui.tab("User Metadata")
    await expect(ui.summary).to_have_text("Phase one of plan deploy of test")
    await expect(ui.current_details).to_contain_text("Step b (IN_PROGRESS)")


async def test_plan_is_cancelled_in_web_ui(ui: WebUI, run: Run, installer: Installer) -> None:
    await ui.open(run.workflow_id, run.run_id)
    await ui.main.get_by_role("button", name="Request Cancellation").click()
    await ui.main.get_by_role("dialog").get_by_role("button", name="Confirm").click()
    outcome = await run.outcome()
    assert (outcome.failure, outcome.status.status) == ("Cancelled", ExecutionStatus.CANCELLED)
    assert await recorded(installer) == outcome.status
    # An open page shows the end only after about ten seconds.
    await ui.open(run.workflow_id, run.run_id)
    await expect(ui.main.get_by_role("status").filter(has_text="Canceled")).to_be_visible()
    await ui.tab("User Metadata")
    await expect(ui.current_details).to_contain_text("Plan deploy [CANCELLED]")
    assert await details(ui) == shown_in_details(outcome.status)
