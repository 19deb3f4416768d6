"""Commands on instances and plans: their effect, their output and their exit status."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
from support.command import KUDO, kudo
from support.objects import pod
from support.outcomes import until_step
from support.plans import (
    CONFIG_MAP,
    HANGING_POD,
    NAMESPACE,
    Installer,
    apply,
    delete,
    dummy,
    phase,
    plan,
    write_package,
)
from support.waiting import until

from kudo import __version__
from kudo.cli.session import whoami
from kudo.model import yaml
from kudo.model.objects import ObjectRef
from kudo.model.resources import API_VERSION
from kudo.model.status import ExecutionStatus
from kudo.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("worker")

PARAMETRIZED = CONFIG_MAP + "  size: {{ Params.SIZE | quote }}\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(
        tmp_path,
        tasks=[apply("config", "config.yaml"), delete("gone", "config.yaml"), dummy("fails", wantErr=True, fatal=True)],
        plans={
            "deploy": plan(phase("main", ("everything", ["config"]))),
            "resize": plan(phase("main", ("everything", ["config"]))),
            "broken": plan(phase("main", ("everything", ["fails"]))),
            "cleanup": plan(phase("main", ("everything", ["gone"]))),
        },
        params=[{"name": "SIZE", "default": "small", "trigger": "resize"}, {"name": "OTHER", "default": "x"}],
        templates={"config.yaml": PARAMETRIZED},
    )


async def test_install_runs_plan_and_status_shows_it(package: Path, installer: Installer) -> None:
    result = await kudo("install", package, "--instance", "it", "-p", "SIZE=large", "--wait")
    lines = result.out.splitlines()
    assert (result.status, result.err) == (0, "")
    assert lines[:2] == [
        "The instance it of tested-1.0.0 was installed in the namespace default.",
        "The plan deploy has started.",
    ]
    assert lines[-2].endswith("plan deploy COMPLETE")
    assert lines[-1] == "The plan deploy is COMPLETE."
    config = await installer.get("v1", "ConfigMap", "it-config")
    assert config is not None
    assert config.text("data", "size") == "large"
    status = await kudo("plan", "status", "--instance", "it")
    assert status.out.splitlines() == [
        "└── it",
        "   ├── Plan broken [NEVER_RUN]",
        "   ├── Plan cleanup [NEVER_RUN]",
        "   ├── Plan resize [NEVER_RUN]",
        "   └── Plan deploy (serial strategy) [COMPLETE]",
        "      └── Phase main [COMPLETE]",
        "         └── Step everything (COMPLETE)",
    ]
    only = await kudo("plan", "status", "it", "--plan", "cleanup")
    assert only.out.splitlines() == ["└── it", "   └── Plan cleanup [NEVER_RUN]"]
    unknown = await kudo("plan", "status", "it", "--plan", "deplyo")
    assert unknown.err.startswith(
        "Error: The instance it has no plan 'deplyo'; did you mean deploy? Its plans: broken, "
    )


async def test_failed_plan_fails_command_and_names_step(package: Path, installer: Installer) -> None:
    await installer.install(package, "it")
    result = await kudo("plan", "trigger", "--instance", "it", "--name", "broken", "--wait")
    assert result.status == 1
    assert result.err == (
        "Error: The plan broken ended FATAL_ERROR:\n"
        "  main.everything: The Dummy task fails failed, as specified (fatal).\n"
    )
    waited = await kudo("plan", "wait", "--instance", "it")
    assert (waited.status, waited.err) == (1, result.err)


@pytest.mark.parametrize(("output", "load"), [("json", json.loads), ("yaml", yaml.load)])
async def test_status_is_printed_as_json_and_yaml(package: Path, installer: Installer, output: str, load) -> None:  # type: ignore[no-untyped-def]
    outcome = await (await installer.deploy(package, "it")).outcome()
    result = await kudo("plan", "status", "--instance", "it", "-o", output)
    status = load(result.out)["planStatus"]["deploy"]
    for part in (status, status["phases"][0], status["phases"][0]["steps"][0]):
        assert part.pop("startTime") <= part.pop("completionTime")
    assert status == {
        "name": "deploy",
        "status": "COMPLETE",
        "strategy": "serial",
        "uid": outcome.status.uid,
        "lastUpdatedTimestamp": status["lastUpdatedTimestamp"],
        "sequence": status["sequence"],
        "phases": [
            {
                "name": "main",
                "status": "COMPLETE",
                "strategy": "serial",
                "steps": [{"name": "everything", "status": "COMPLETE"}],
            }
        ],
    }


async def test_update_of_parameter_runs_the_plan_that_it_triggers(package: Path, installer: Installer) -> None:
    await (await installer.deploy(package, "it")).outcome()
    resized = await kudo("update", "--instance", "it", "-p", "SIZE=large", "--wait")
    assert "The plan resize is COMPLETE." in resized.out
    other = await kudo("update", "--instance", "it", "-p", "OTHER=y", "--wait")
    assert "The plan deploy is COMPLETE." in other.out
    same = await kudo("update", "--instance", "it", "-p", "OTHER=y")
    assert same.out == "No parameter of the instance it changes, so no plan runs.\n"
    config = await installer.get("v1", "ConfigMap", "it-config")
    assert config is not None
    assert config.text("data", "size") == "large"


async def test_parameter_option_overrides_parameter_file(package: Path, installer: Installer, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("SIZE: medium\nOTHER: 7\n")
    await kudo("install", package, "--instance", "it", "-P", values, "-p", "OTHER=8", "--wait")
    listed = await kudo("get", "instances", "-o", "json")
    assert json.loads(listed.out)[0]["spec"]["parameters"] == {"SIZE": "medium", "OTHER": "8"}


async def test_parameters_of_one_run_are_not_stored(package: Path, installer: Installer) -> None:
    await (await installer.deploy(package, "it")).outcome()
    result = await kudo("plan", "trigger", "--instance", "it", "--name", "resize", "-p", "SIZE=huge", "--wait")
    assert result.status == 0
    config = await installer.get("v1", "ConfigMap", "it-config")
    assert config is not None
    assert config.text("data", "size") == "huge"
    listed = await kudo("get", "instances", "-o", "json")
    assert "parameters" not in json.loads(listed.out)[0]["spec"] or not json.loads(listed.out)[0]["spec"]["parameters"]


async def test_uninstall_runs_cleanup_and_deletes_owned_objects(package: Path, installer: Installer) -> None:
    await (await installer.deploy(package, "it")).outcome()
    result = await kudo("uninstall", "--instance", "it")
    assert (result.status, result.out.splitlines()[-1]) == (0, "The instance it was deleted.")
    assert await installer.get("v1", "ConfigMap", "it-config") is None
    assert (await kudo("get", "instances")).out == "There are no instances in the namespace default.\n"


async def test_cancel_stops_plan_and_shows_reason(installer: Installer, tmp_path: Path) -> None:
    package = write_package(tmp_path, tasks=[dummy("never")], plans={"deploy": plan(phase("main", ("a", ["never"])))})
    await until_step(await installer.deploy(package, "it"), ExecutionStatus.IN_PROGRESS)
    result = await kudo("plan", "cancel", "--instance", "it", "--reason", "enough", "--wait")
    assert result.out.splitlines() == [
        "Cancelling plan deploy.",
        "└── it",
        "   └── Plan deploy (serial strategy) [CANCELLED]",
        f"      ├── cancelled by {whoami()}: enough",
        "      └── Phase main [CANCELLED]",
        "         └── Step a (CANCELLED)",
    ]


async def test_wait_that_times_out_fails_and_plan_continues(installer: Installer, tmp_path: Path) -> None:
    package = write_package(tmp_path, tasks=[dummy("never")], plans={"deploy": plan(phase("main", ("a", ["never"])))})
    result = await kudo("install", package, "--instance", "it", "--wait", "--wait-time", "0.5")
    assert result.status == 1
    assert "The plan deploy has not ended after 0.5 s, and continues." in result.err


async def test_status_shows_object_that_step_waits_for(installer: Installer, tmp_path: Path) -> None:
    package = write_package(
        tmp_path,
        tasks=[apply("pod", "pod.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["pod"])))},
        templates={"pod.yaml": HANGING_POD},
    )
    await installer.deploy(package, "it")

    async def is_shown() -> bool:
        return "Pod default/it-pod: Unschedulable" in (await kudo("plan", "status", "--instance", "it")).out

    await until(is_shown)
    waited = await kudo("plan", "wait", "--instance", "it", "--wait-time", "1")
    assert "has not ended after 1 s" in waited.err


async def test_update_reports_parameters_that_its_plan_does_not_use(package: Path, installer: Installer) -> None:
    await (await installer.deploy(package, "it")).outcome()
    result = await kudo("update", "--instance", "it", "-p", "SIZE=large", "-p", "OTHER=y", "--wait")
    assert "The plan resize does not apply OTHER; the next plan that uses it does." in result.out


async def test_plan_that_cannot_be_loaded_is_listed_as_failed(installer: Installer, tmp_path: Path) -> None:
    package = write_package(
        tmp_path, tasks=[dummy("done", done=True)], plans={"deploy": plan(phase("main", ("a", ["done"])))}
    )
    await installer.install(package, "it")
    version = ObjectRef(API_VERSION, "OperatorVersion", NAMESPACE, "tested-1.0.0")
    await installer.cluster.patch(version, {"spec": {"tasks": []}})
    assert not (await (await installer.start("it")).outcome()).complete
    listed = await kudo("get", "instances")
    assert re.search(r"it\s+tested-1\.0\.0\s+deploy\s+FATAL_ERROR", listed.out)


async def test_resume_skips_complete_steps_and_needs_a_failed_plan(
    installer: Installer, tmp_path: Path, sandbox: Sandbox
) -> None:
    package = write_package(
        tmp_path,
        tasks=[apply("config", "config.yaml"), apply("other", "other.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["config"]), ("b", ["other"])))},
        templates={"config.yaml": CONFIG_MAP, "other.yaml": CONFIG_MAP.replace("-config", "-other")},
    )
    sandbox.faults.fail(1, status=422, reason="Invalid", path_contains="/configmaps/it-other")
    assert not (await (await installer.deploy(package, "it")).outcome()).complete
    sandbox.requests.clear()
    resumed = await kudo("plan", "resume", "--instance", "it", "--wait")
    assert (resumed.status, resumed.out.splitlines()[-1]) == (0, "The plan deploy is COMPLETE.")
    assert not [path for method, path, _ in sandbox.requests if method == "PATCH" and "it-config" in path]
    for verb in ("resume", "retry"):
        nothing = await kudo("plan", verb, "--instance", "it")
        assert (nothing.status, nothing.err) == (
            1,
            "Error: The instance it has no plan to rerun: its last plan, deploy, is COMPLETE.\n",
        )


async def test_worker_check_succeeds_while_worker_runs() -> None:
    async def check_succeeds() -> bool:
        return (await kudo("worker", "--check")).status == 0

    await until(check_succeeds)


async def test_instance_is_an_argument_or_an_option(package: Path, installer: Installer) -> None:
    await installer.install(package, "it")
    assert (await kudo("plan", "status", "it")).out == (await kudo("plan", "status", "--instance", "it")).out
    assert (await kudo("update", "it", "-p", "SIZE=huge", "--wait")).status == 0
    for arguments in (("plan", "status"), ("plan", "status", "it", "--instance", "other"), ("uninstall", "")):
        refused = await kudo(*arguments)
        assert refused.status == 2
        assert "name the instance" in refused.err


async def test_link_to_the_web_ui_is_printed(package: Path, installer: Installer) -> None:
    await installer.install(package, "it")
    ui = {"KUDO_TEMPORAL_UI": "http://localhost:8233/"}
    started = await kudo("plan", "trigger", "it", "--name", "deploy", "--wait", **ui)
    link = r"Web UI: http://localhost:8233/namespaces/default/workflows/default%2Fit/[-0-9a-f]{36}/history"
    assert re.fullmatch(link, started.out.splitlines()[1])
    listed = await kudo("plan", "history", "it", **ui)
    query = "WorkflowType = 'Plan' AND KudoNamespace = 'default' AND KudoInstance = 'it'"
    address = f"http://localhost:8233/namespaces/default/workflows?query={quote(query)}"
    assert listed.out.splitlines()[-1] == f"Web UI: {address}"
    assert "Web UI" not in (await kudo("plan", "history", "it")).out
    assert "Web UI" not in (await kudo("plan", "trigger", "it", "--name", "deploy")).out


async def test_logs_of_pods_that_are_not_ready_are_printed(installer: Installer, tmp_path: Path) -> None:
    template = yaml.dump(pod("waiting", rollout="hang").manifest) + "---\n" + yaml.dump(pod("ready").manifest)
    package = write_package(
        tmp_path,
        tasks=[apply("pods", "pods.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["pods"])))},
        templates={"pods.yaml": template},
    )
    await installer.deploy(package, "it")

    async def ready() -> bool:
        shown = await kudo("logs", "it", "--all")
        # kwok keeps no logs.
        logs = "ready: the sandbox runs no containers", 'no logs found for container "main" in pod "default/ready"'
        return "==> ready main <==" in shown.out and any(text in shown.out + shown.err for text in logs)

    await until(ready)
    refused = await kudo("logs", "nobody")
    assert "There is no instance nobody in the namespace default. Instances in it: it." in refused.err
    await installer.plans.cancel("default", "it", "")


async def test_version_is_that_of_package() -> None:
    for argument in ("version", "--version"):
        assert (await kudo(argument)).out == f"kudo {__version__}\n"


def test_kubectl_plugin_is_installed_beside_kudo() -> None:
    assert shutil.which("kubectl-kudo", path=str(KUDO.parent))
