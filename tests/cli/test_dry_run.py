"""`--dry-run`: the changes that a plan would make, as the API server computes them."""

from pathlib import Path

import pytest
from support.command import kudo
from support.plans import CONFIG_MAP, Installer, apply, delete, phase, plan, toggle, write_package

from kudo.model import yaml
from kudo.model.objects import Object
from kudo.model.resources import API_VERSION

pytestmark = pytest.mark.usefixtures("worker")

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: {{ Name }}-secret
stringData:
  same: hunter1
  changed: hunter{{ Params.SIZE }}
"""

JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ Name }}-job
  annotations: {kudo.dev/recreate: {{ Params.ANEW }}}
spec:
  template:
    metadata:
      labels: {size: {{ Params.SIZE | quote }}}
    spec:
      restartPolicy: Never
      containers: [{name: main, image: busybox}]
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(
        tmp_path,
        tasks=[
            apply("config", "config.yaml", "same.yaml", "secret.yaml"),
            apply("job", "job.yaml"),
            toggle("extra", "EXTRA", "extra.yaml"),
            delete("gone", "same.yaml"),
        ],
        plans={
            "deploy": plan(phase("main", ("config", ["config"]), ("extra", ["extra"]))),
            "jobs": plan(phase("main", ("a", ["job"]))),
            "tidy": plan(phase("main", ("a", ["gone"]))),
        },
        params=[
            {"name": "SIZE", "default": "2"},
            {"name": "EXTRA", "default": "true"},
            {"name": "ANEW", "default": "Never"},
        ],
        templates={
            "config.yaml": CONFIG_MAP.replace("key: value", "key: x{{ Params.SIZE }}"),
            "same.yaml": CONFIG_MAP.replace("-config", "-same"),
            "extra.yaml": CONFIG_MAP.replace("-config", "-extra"),
            "secret.yaml": SECRET,
            "job.yaml": JOB,
        },
    )


async def test_dry_run_of_install_shows_diff_and_writes_nothing(package: Path, installer: Installer) -> None:
    result = await kudo("install", package, "--instance", "it", "-p", "SIZE=3", "--dry-run", "diff")
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[:5] == [
        "# main.config.config",
        "  ConfigMap default/it-config: created",
        "+apiVersion: v1",
        "+kind: ConfigMap",
        "+metadata:",
    ]
    assert "+  key: x3" in lines
    assert "hunter" not in result.out
    assert lines[-1] == "Dry run of the plan deploy: nothing was changed."
    assert await installer.get("v1", "ConfigMap", "it-config") is None
    assert await installer.get(API_VERSION, "Instance", "it") is None
    assert await installer.get(API_VERSION, "OperatorVersion", "tested-1.0.0") is None
    shown = await kudo("install", package, "--instance", "it", "--dry-run", "yaml")
    documents = [document for _, document in yaml.load_documents(shown.out) if isinstance(document, dict)]
    assert [Object(document).name for document in documents] == ["it-config", "it-same", "it-secret", "it-extra"]


async def test_dry_run_of_update_shows_diff_and_hides_secrets(package: Path, installer: Installer) -> None:
    assert (await (await installer.deploy(package)).outcome()).complete
    result = await kudo("update", "--instance", "test", "-p", "SIZE=3", "-p", "EXTRA=false", "--dry-run", "diff")
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[:2] == ["# main.config.config", "  ConfigMap default/test-config: changed"]
    assert {"-  key: x2", "+  key: x3"} <= set(lines)
    assert "  ConfigMap default/test-same: unchanged" in lines
    assert {"-  changed: '*** (before)'", "+  changed: '*** (after)'", "   same: '***'"} <= set(lines)
    assert "hunter" not in result.out
    assert lines[-3:-1] == ["# main.extra.extra", "  ConfigMap default/test-extra: deleted"]
    found = await installer.get("v1", "ConfigMap", "test-config")
    instance = await installer.get(API_VERSION, "Instance", "test")
    assert found is not None
    assert instance is not None
    assert found.text("data", "key") == "x2"
    assert instance.strings("spec", "parameters") == {}
    assert await installer.get("v1", "ConfigMap", "test-extra") is not None
    none = await kudo("update", "--instance", "test", "-p", "SIZE=2", "--dry-run", "diff")
    assert none.out == "No parameter of the instance test changes, so no plan would run.\n"


async def test_dry_run_reports_objects_that_the_api_refuses(package: Path, installer: Installer) -> None:
    await installer.install(package)
    assert (await (await installer.start(plan="jobs")).outcome()).complete
    arguments = ("plan", "trigger", "--instance", "test", "--name", "jobs", "--dry-run", "diff")
    same = await kudo(*arguments)
    assert (same.status, same.out.splitlines()[:2]) == (0, ["# main.a.job", "  Job default/test-job: unchanged"])
    result = await kudo(*arguments, "-p", "SIZE=3")
    assert result.status == 1
    assert "  Job default/test-job: rejected: applying Job default/test-job:" in result.out
    assert result.err == "The plan jobs would fail: the API rejects 1 object.\n"
    recreated = await kudo(*arguments, "-p", "SIZE=3", "-p", "ANEW=IfImmutable")
    assert (recreated.status, recreated.err) == (0, "")
    assert recreated.out.splitlines()[1] == "  Job default/test-job: recreated"


async def test_dry_run_of_deleting_plan_deletes_nothing(package: Path, installer: Installer) -> None:
    assert (await (await installer.deploy(package)).outcome()).complete
    result = await kudo("plan", "trigger", "--instance", "test", "--name", "tidy", "--dry-run", "diff")
    assert result.out.splitlines()[:2] == ["# main.a.gone", "  ConfigMap default/test-same: deleted"]
    assert await installer.get("v1", "ConfigMap", "test-same") is not None


async def test_dry_run_shows_child_that_does_not_exist_yet(installer: Installer, tmp_path: Path) -> None:
    tasks = [{"name": "child", "kind": "KudoOperator", "spec": {"package": "./below"}}]
    root = write_package(tmp_path, name="above", tasks=tasks, plans={"deploy": plan(phase("main", ("a", ["child"])))})
    write_package(root, name="below", tasks=[], plans={"deploy": plan(phase("main"))})
    result = await kudo("install", root, "--instance", "it", "--dry-run", "diff")
    assert (result.status, result.err) == (0, "")
    assert "  Instance default/it-below: created" in result.out.splitlines()
    assert "pending-plan" not in result.out


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ Name }}-web
spec:
  replicas: 1
  strategy: {type: {{ Params.STRATEGY }}}
  selector: {matchLabels: {app: {{ Name }}}}
  template:
    metadata:
      labels: {app: {{ Name }}}
    spec:
      containers:
        - name: main
          image: busybox:{{ Params.TAG }}
          envFrom: [{configMapRef: {name: {{ Name }}-config}}]
"""


@pytest.fixture
async def installed_web(tmp_path: Path, installer: Installer) -> Installer:
    """An installer with an instance that has a ConfigMap and a Deployment that uses it."""
    package = write_package(
        tmp_path,
        tasks=[apply("config", "config.yaml"), apply("web", "web.yaml")],
        plans={"deploy": plan(phase("main", ("config", ["config"]), ("web", ["web"])))},
        params=[
            {"name": "SIZE", "default": "2"},
            {"name": "STRATEGY", "default": "RollingUpdate"},
            {"name": "TAG", "default": "1"},
        ],
        templates={"config.yaml": CONFIG_MAP.replace("key: value", "key: x{{ Params.SIZE }}"), "web.yaml": DEPLOYMENT},
    )
    assert (await (await installer.deploy(package)).outcome()).complete
    return installer


async def generation(installer: Installer) -> int:
    found = await installer.get("apps/v1", "Deployment", "test-web")
    assert found is not None
    return found.integer("metadata", "generation")


async def test_dry_run_shows_restart_caused_by_changed_config_map(installed_web: Installer) -> None:
    result = await kudo("update", "--instance", "test", "-p", "SIZE=3", "--dry-run", "diff")
    lines = result.out.splitlines()
    assert "  Deployment default/test-web: changed" in lines
    (shown,) = (line for line in lines if line.startswith("+") and "dependencies-hash" in line)
    assert (await kudo("update", "--instance", "test", "-p", "SIZE=3", "--wait")).status == 0
    found = await installed_web.get("apps/v1", "Deployment", "test-web")
    assert found is not None
    annotations = found.strings("spec", "template", "metadata", "annotations")
    assert annotations["kudo.dev/dependencies-hash"] in shown
    again = await kudo("plan", "trigger", "--instance", "test", "--name", "deploy", "--dry-run", "diff")
    assert "  Deployment default/test-web: unchanged" in again.out.splitlines()


async def test_dry_run_of_other_deployment_strategy_is_accepted(installed_web: Installer) -> None:
    """The API refuses the new strategy while the defaults of the old one are set; the plan removes them first."""
    before = await generation(installed_web)
    arguments = ("update", "--instance", "test", "-p", "STRATEGY=Recreate", "-p", "TAG=2")
    result = await kudo(*arguments, "--dry-run", "diff")
    assert (result.status, result.err) == (0, "")
    lines = {line.replace(" ", "") for line in result.out.splitlines()}
    assert {"-type:RollingUpdate", "+type:Recreate", "-image:busybox:1", "+image:busybox:2"} <= lines
    assert await generation(installed_web) == before
    assert (await kudo(*arguments, "--wait")).status == 0
