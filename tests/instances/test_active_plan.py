"""Loading the plan of a run, and the errors that refuse the run before anything is applied."""

from datetime import UTC, datetime

import pytest
from support.plans import CONFIG_MAP, NAMESPACE, Installer, apply, dummy, phase, plan, write_package

from kudo.errors import (
    InstanceNotFound,
    InvalidOperatorVersion,
    InvalidParams,
    InvalidPlan,
    KudoError,
    PlanTooLarge,
    TaskBuildError,
    TaskRenderingError,
    UnknownTaskName,
)
from kudo.instances.active_plan import load_active_plan
from kudo.instances.report import report_status
from kudo.instances.resources import instance_ref, read_instance
from kudo.kubernetes import Cluster
from kudo.model.base import Manifest
from kudo.model.execution import PlanRequest
from kudo.model.objects import Object, ObjectRef
from kudo.model.report import StatusReport
from kudo.model.resources import API_VERSION
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.templates import Renderer

VERSION = ObjectRef(API_VERSION, "OperatorVersion", NAMESPACE, "tested-1.0.0")


def request(plan_name: str = "deploy", **options: object) -> PlanRequest:
    return PlanRequest.model_validate({"namespace": NAMESPACE, "instance": "test", "plan": plan_name, **options})


@pytest.fixture
async def installed(installer: Installer) -> Installer:
    package = write_package(
        installer.directory,
        tasks=[apply("config", "config.yaml"), apply("other", "other.yaml"), dummy("done", done=True)],
        plans={"deploy": plan(phase("one", ("a", ["config"]), ("b", ["done"])), phase("two", ("c", ["done"])))},
        params=[{"name": "SIZE", "default": "small"}, {"name": "LIST", "type": "array", "default": [1]}],
        templates={"config.yaml": CONFIG_MAP, "other.yaml": CONFIG_MAP},
    )
    await installer.install(package)
    return installer


async def test_active_plan_has_only_the_tasks_and_templates_of_the_plan(
    installed: Installer, renderer: Renderer
) -> None:
    active = await load_active_plan(installed.cluster, renderer, request(parameters={"SIZE": "large"}), "run-1")
    assert [task.name for task in active.tasks] == ["config", "done"]
    assert active.templates == {"config.yaml": CONFIG_MAP}
    assert active.params == {"SIZE": "large", "LIST": [1]}
    assert active.status.uid == active.metadata.plan_uid == "run-1"
    assert active.metadata.api_version == "kudo.dev/v1"
    assert {step.status for part in active.status.phases for step in part.steps} == {ExecutionStatus.PENDING}


async def test_resume_starts_from_the_recorded_status(installed: Installer, renderer: Renderer) -> None:
    first = await load_active_plan(installed.cluster, renderer, request(), "run-1")
    first.status.phases[0].steps[0].set(ExecutionStatus.COMPLETE)
    first.status.phases[0].steps[1].set(ExecutionStatus.FATAL_ERROR, "so it goes")
    assert await report_status(installed.cluster, StatusReport(request=request(), uid="run-1", status=first.status))
    again = await load_active_plan(installed.cluster, renderer, request(resume=True), "run-2")
    steps = [(step.status, step.message) for part in again.status.phases for step in part.steps]
    assert steps == [("COMPLETE", ""), ("PENDING", ""), ("PENDING", "")]
    fresh = await load_active_plan(installed.cluster, renderer, request(), "run-3")
    assert {step.status for part in fresh.status.phases for step in part.steps} == {ExecutionStatus.PENDING}


async def test_status_of_a_run_is_not_written_to_an_instance_that_was_made_anew(
    installed: Installer, renderer: Renderer
) -> None:
    """Otherwise `resume` would skip steps whose objects were deleted with the first Instance."""
    first = await load_active_plan(installed.cluster, renderer, request(), "run-1")
    first.status.phases[0].steps[0].set(ExecutionStatus.COMPLETE)
    late = StatusReport(request=request(), uid="run-1", instance_uid=first.metadata.instance_uid, status=first.status)
    ref = instance_ref(NAMESPACE, "test")
    before = await installed.cluster.get(ref)
    assert before is not None
    await installed.cluster.delete(ref)
    fields = {
        key: value for key, value in before.manifest["metadata"].items() if key in ("name", "namespace", "labels")
    }
    await installed.cluster.create(Object.of(API_VERSION, "Instance", fields, spec=before.manifest["spec"]))
    assert not await report_status(installed.cluster, late)
    again = await load_active_plan(installed.cluster, renderer, request(resume=True), "run-2")
    assert {step.status for part in again.status.phases for step in part.steps} == {ExecutionStatus.PENDING}


async def recorded(installed: Installer) -> PlanStatus:
    return (await read_instance(installed.cluster, NAMESPACE, "test")).status.plan_status["deploy"]


@pytest.mark.parametrize("has_sequence", [True, False], ids=["sequence", "older definition"])
async def test_late_report_of_the_same_run_is_dropped(
    installed: Installer, renderer: Renderer, has_sequence: bool
) -> None:
    """A worker that slept between reading and writing tries again when it wakes, after the final report."""
    early = (await load_active_plan(installed.cluster, renderer, request(), "run-1")).status
    final = early.model_copy(deep=True)
    for number, status in enumerate((early, final), start=1):
        status.sequence = number if has_sequence else 0
        status.last_updated_timestamp = datetime(2026, 1, 1, 0, 0, number, tzinfo=UTC)
    early.set(ExecutionStatus.IN_PROGRESS)
    final.set(ExecutionStatus.COMPLETE)
    for status in (final, early, final):
        assert await report_status(installed.cluster, StatusReport(request=request(), uid="run-1", status=status))
        assert (await recorded(installed)).status is ExecutionStatus.COMPLETE
    # Later runs are not held back, whatever their number is.
    again = (await load_active_plan(installed.cluster, renderer, request(), "run-2")).status
    again.sequence, again.last_updated_timestamp = 1, datetime(2026, 1, 2, tzinfo=UTC)
    await report_status(installed.cluster, StatusReport(request=request(), uid="run-2", status=again))
    assert (await recorded(installed)).uid == "run-2"


async def test_report_replaces_the_previous_report(installed: Installer, renderer: Renderer) -> None:
    active = await load_active_plan(installed.cluster, renderer, request(), "run-1")
    active.status.message = "cancelled for a reason"
    await report_status(installed.cluster, StatusReport(request=request(), uid="run-1", status=active.status))
    active.status.message = ""
    await report_status(installed.cluster, StatusReport(request=request(), uid="run-1", status=active.status))
    instance = await installed.get(API_VERSION, "Instance", "test")
    assert instance is not None
    assert "message" not in instance.child("status", "planStatus", "deploy").manifest


async def test_report_on_a_missing_instance_returns_false(cluster: Cluster) -> None:
    status = StatusReport.model_validate({"request": request(), "uid": "x", "status": {"name": "deploy"}})
    assert not await report_status(cluster, status)


def step(task: str) -> Manifest:
    return {"plans": {"deploy": {"strategy": "serial", "phases": [phase("one", ("a", [task]))]}}}


@pytest.mark.parametrize(
    ("patch", "error", "words"),
    [
        ({"plans": {"deploy": None}}, InvalidPlan, "has no plan 'deploy'"),
        ({"plans": {"deploy": {"strategy": "sideways"}}}, InvalidPlan, "strategy: Input should be 'serial' or"),
        ({"plans": {"deploy": {"phases": [phase("one"), phase("one")]}}}, InvalidPlan, "more than one phase"),
        (
            {"plans": {"deploy": {"phases": [phase("one", ("a", []), ("a", []))]}}},
            InvalidPlan,
            "more than one step of one",
        ),
        (step("nothing"), UnknownTaskName, "has no task 'nothing'"),
        ({"tasks": [{"name": "config", "kind": "Aply"}]}, TaskBuildError, "unknown task kind 'Aply'"),
        ({"tasks": [{"name": "config", "kind": "Apply", "spec": {}}]}, TaskBuildError, "spec.resources"),
        ({"templates": {"config.yaml": None}}, TaskRenderingError, "has no templates/config.yaml"),
        ({"parameters": [{"name": "NEEDED", "required": True}]}, InvalidParams, "NEEDED: is required"),
        ({"parameters": "nonsense"}, InvalidOperatorVersion, "parameters: Input should be a valid list"),
    ],
)
async def test_invalid_plan_task_or_parameter_is_refused(
    installed: Installer, patch: Manifest, error: type[KudoError], words: str, renderer: Renderer
) -> None:
    await installed.cluster.patch(VERSION, {"spec": patch})
    with pytest.raises(error, match=words):
        await load_active_plan(installed.cluster, renderer, request(), "run-1")


async def test_missing_instance_is_reported(cluster: Cluster, renderer: Renderer) -> None:
    with pytest.raises(InstanceNotFound, match="There is no instance test in the namespace default"):
        await load_active_plan(cluster, renderer, request(), "run-1")


async def test_missing_operator_version_is_reported(installed: Installer, renderer: Renderer) -> None:
    await installed.cluster.delete(VERSION, propagation="Background")
    with pytest.raises(InvalidOperatorVersion, match=r"uses the OperatorVersion tested-1\.0\.0, which does not exist"):
        await load_active_plan(installed.cluster, renderer, request(), "run-1")


async def test_unknown_parameter_is_refused(installed: Installer, renderer: Renderer) -> None:
    with pytest.raises(InvalidParams, match="SIZ: there is no such parameter; did you mean SIZE"):
        await load_active_plan(installed.cluster, renderer, request(parameters={"SIZ": "1"}), "run-1")


async def test_plan_larger_than_a_message_is_refused(
    installed: Installer, monkeypatch: pytest.MonkeyPatch, renderer: Renderer
) -> None:
    monkeypatch.setattr("kudo.model.limits.PLAN_BYTES", 1000)
    with pytest.raises(PlanTooLarge, match=r"of the plan deploy have 1,\d\d\d bytes; the limit is 1,000"):
        await load_active_plan(installed.cluster, renderer, request(), "run-1")


async def test_size_is_counted_in_bytes(installed: Installer, renderer: Renderer) -> None:
    """Temporal counts bytes, of which a character of Chinese has three."""
    with pytest.raises(PlanTooLarge, match=r"of the plan deploy have 1,9\d\d,\d\d\d bytes; the limit is 1,800,000"):
        await load_active_plan(installed.cluster, renderer, request(parameters={"SIZE": "語" * 640_000}), "run-1")


async def test_plan_with_a_too_large_history_is_refused(
    installed: Installer, monkeypatch: pytest.MonkeyPatch, renderer: Renderer
) -> None:
    monkeypatch.setattr("kudo.model.limits.PLAN_CONTENT_BYTES", 3000)
    with pytest.raises(
        PlanTooLarge, match=r"^tested-1\.0\.0: templates and parameters of all phases of the plan deploy have \d,\d+ b"
    ):
        await load_active_plan(installed.cluster, renderer, request(), "run-1")
