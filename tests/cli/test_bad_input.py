"""Invalid input is reported in a sentence, with exit status 1 (2 for usage errors), and nothing is half-written."""

from pathlib import Path

import pytest
from support.command import kudo
from support.plans import CONFIG_MAP, NAMESPACE, Installer, apply, dummy, phase, plan, write_package

from kudo.instances.resources import read_instance
from kudo.kubernetes import Cluster
from kudo.model.resources import API_VERSION
from kudo.sandbox import Sandbox

PARAMS = [
    {"name": "REPLICAS", "type": "integer", "default": 1},
    {"name": "COLOUR", "enum": ["red", "green"], "default": "red"},
    {"name": "REQUIRED", "description": "What nobody can guess"},
    {"name": "FIXED", "default": "1", "immutable": True},
]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(
        tmp_path,
        tasks=[apply("config", "config.yaml"), dummy("never")],
        plans={"deploy": plan(phase("main", ("a", ["config"]))), "stuck": plan(phase("main", ("a", ["never"])))},
        params=PARAMS,
        templates={"config.yaml": CONFIG_MAP},
    )


async def nothing_written(cluster: Cluster) -> bool:
    kinds = ("Operator", "OperatorVersion", "Instance")
    return not any([await cluster.list(API_VERSION, kind, NAMESPACE) for kind in kinds])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-p", "REQUIRED=x", "-p", "REPLICA=2"], "REPLICA: there is no such parameter; did you mean REPLICAS?"),
        (["-p", "REQUIRED=x", "-p", "REPLICAS=two"], "REPLICAS: must be an integer"),
        (["-p", "REQUIRED=x", "-p", "COLOUR=blue"], "COLOUR: must be one of red, green"),
        ([], "REQUIRED: is required and has no default (What nobody can guess)"),
        (
            ["-p", "REQUIRED=x", "-P", "nowhere.yaml"],
            "The parameter file nowhere.yaml cannot be read: No such file or directory.",
        ),
        (["-p", "REQUIRED=x", "-n", "nowhere"], "There is no namespace nowhere."),
        (["-p", "REQUIRED=x", "--instance", "Big_Name"], "'Big_Name' is not a valid name for an instance"),
    ],
)
async def test_install_with_invalid_options_is_refused(
    package: Path, cluster: Cluster, client: object, arguments: list[str], sentence: str
) -> None:
    result = await kudo("install", package, *arguments)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("Error: ")
    assert sentence in result.err
    assert await nothing_written(cluster)


async def test_install_of_invalid_package_lists_every_problem(tmp_path: Path, cluster: Cluster, client: object) -> None:
    package = write_package(
        tmp_path,
        tasks=[apply("config", "missing.yaml"), {"name": "odd", "kind": "Aply", "spec": {}}],
        plans={"deploy": {"strategy": "sideways", "phases": [phase("main", ("a", ["nothing"]))]}},
        params=[{"name": "N", "type": "integer", "default": "many"}],
    )
    result = await kudo("install", package)
    assert result.status == 1
    assert result.err.splitlines() == [
        f"Error: The package {package} has 5 problems:",
        "  - operator.yaml: tasks.odd: unknown task kind 'Aply'; did you mean Apply?",
        "  - operator.yaml: plans.deploy.strategy: Input should be 'serial' or 'parallel'",
        "  - operator.yaml: plans.deploy.main.a: there is no task 'nothing'",
        "  - operator.yaml: tasks.config: there is no template templates/missing.yaml",
        "  - params.yaml: parameters.N.default: must be an integer, not 'many'",
    ]
    assert await nothing_written(cluster)


async def test_install_of_missing_path_is_refused() -> None:
    result = await kudo("install", "./nowhere")
    assert (result.status, result.err) == (
        1,
        "Error: ./nowhere does not exist.\n",
    )


async def test_install_from_unreachable_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "repositories.yaml").write_text(
        "context: mine\nrepositories: [{name: mine, url: 'http://127.0.0.1:1'}]\n"
    )
    result = await kudo("install", "kafka", KUDO_HOME=str(tmp_path))
    assert result.status == 1
    assert result.err.startswith(
        "Error: kafka is not a path, and the index of the repository mine cannot be used: "
        "http://127.0.0.1:1/index.yaml cannot be read: Cannot connect"
    )


async def test_install_with_malformed_templates_is_refused(tmp_path: Path, cluster: Cluster, client: object) -> None:
    package = write_package(
        tmp_path,
        tasks=[apply("config", "config.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["config"])))},
        templates={"config.yaml": "a:\n{% if %}", "other.yaml": "{{ x | nofilter }}"},
    )
    result = await kudo("install", package)
    assert (result.status, result.err) == (
        1,
        "Error: The package tested-1.0.0 has 2 problems:\n"
        "  - templates/config.yaml:2: Expected an expression, got 'end of statement block'\n"
        "  - templates/other.yaml:1: No filter named 'nofilter'.\n",
    )
    assert await nothing_written(cluster)


@pytest.mark.only_on("sandbox", "a control plane keeps the definitions for all tests")
@pytest.mark.usefixtures("client")
async def test_install_without_crds_suggests_init(package: Path, kubeconfig: Path) -> None:
    result = await kudo("install", package, "-p", "REQUIRED=x")
    assert result.status == 1
    assert "does not serve KUDO's resources. Install them with `kudo init`." in result.err
    for outcome in ("created", "unchanged"):
        init = await kudo("init")
        assert (init.status, init.out) == (
            0,
            f"operators.kudo.dev {outcome}\noperatorversions.kudo.dev {outcome}\ninstances.kudo.dev {outcome}\n",
        )
    assert (await kudo("install", package, "-p", "REQUIRED=x")).status == 0


async def test_install_without_temporal_writes_nothing(package: Path, cluster: Cluster) -> None:
    result = await kudo("install", package, "-p", "REQUIRED=x", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert result.status == 1
    assert "Temporal at 127.0.0.1:1 cannot be reached (connection refused). Start a server" in result.err
    assert await nothing_written(cluster)


async def test_install_without_cluster_names_api_server(package: Path, kubeconfig: Path, sandbox: Sandbox) -> None:
    kubeconfig.write_text(kubeconfig.read_text().replace(sandbox.url, "http://127.0.0.1:1"))
    result = await kudo("install", package, "-p", "REQUIRED=x")
    assert result.status == 1
    assert "the Kubernetes API at http://127.0.0.1:1 cannot be reached" in result.err


async def test_missing_kubeconfig_is_reported(package: Path, tmp_path: Path) -> None:
    result = await kudo("get", "instances", KUBECONFIG=str(tmp_path / "nowhere"))
    assert result.status == 1
    assert "There is no kubeconfig" in result.err


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "current-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n"
        "clusters: [{name: a, cluster: {server: 5}}]\nusers: [{name: a, user: {}}]\n",
    ],
)
async def test_invalid_kubeconfig_is_reported(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken"
    file.write_text(text)
    result = await kudo("get", "instances", KUBECONFIG=str(file))
    assert result.status == 1
    assert f"The kubeconfig {file} cannot be used" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("command", ["plan status", "plan trigger --name deploy", "update -p A=1", "uninstall"])
async def test_unknown_instance_is_reported_with_existing_ones(
    installer: Installer, package: Path, command: str
) -> None:
    await installer.install(package, "there", REQUIRED="x")
    result = await kudo(*command.split(), "--instance", "nobody")
    assert (result.status, result.err) == (
        1,
        "Error: There is no instance nobody in the namespace default. Instances in it: there.\n",
    )


async def test_trigger_of_unknown_plan_lists_plans(installer: Installer, package: Path) -> None:
    await installer.install(package, "there", REQUIRED="x")
    result = await kudo("plan", "trigger", "--instance", "there", "--name", "destroy")
    assert (result.status, result.err) == (
        1,
        "Error: tested-1.0.0 has no plan 'destroy'. Its plans: deploy, stuck.\n",
    )


async def test_cancel_without_running_plan_is_refused(installer: Installer, package: Path) -> None:
    await installer.install(package, "there", REQUIRED="x")
    result = await kudo("plan", "cancel", "--instance", "there")
    assert (result.status, result.err) == (
        1,
        "Error: No plan of the instance there in the namespace default is running.\n",
    )


@pytest.mark.usefixtures("worker")
async def test_commands_are_refused_while_plan_runs(installer: Installer, package: Path) -> None:
    await installer.install(package, "there", REQUIRED="x")
    await installer.start("there", "stuck")
    for command in ("plan trigger --name deploy", "update -p REPLICAS=2"):
        result = await kudo(*command.split(), "--instance", "there")
        assert result.status == 1
        assert result.err.startswith("Error: The plan stuck of the instance there in the namespace default is running")
    assert "REPLICAS" not in (await read_instance(installer.cluster, NAMESPACE, "there")).spec.parameters


async def test_install_of_existing_instance_is_refused(installer: Installer, package: Path) -> None:
    await installer.install(package, "there", REQUIRED="x")
    result = await kudo("install", package, "--instance", "there", "-p", "REQUIRED=y")
    assert result.status == 1
    assert "The instance there already exists in the namespace default." in result.err
    instance = await read_instance(installer.cluster, NAMESPACE, "there")
    assert instance.spec.parameters == {"REQUIRED": "x", "FIXED": "1"}


async def test_install_of_changed_package_with_same_version_is_refused(installer: Installer, package: Path) -> None:
    await installer.install(package, "there", REQUIRED="x")
    (package / "templates" / "config.yaml").write_text(CONFIG_MAP + "  more: data\n")
    result = await kudo("install", package, "--instance", "other", "-p", "REQUIRED=y")
    assert result.status == 1
    assert "differs from this package, and these instances use it: there. Change the operatorVersion" in result.err


async def test_update_of_immutable_parameter_is_refused(installer: Installer, package: Path) -> None:
    await installer.install(package, "there", REQUIRED="x")
    result = await kudo("update", "--instance", "there", "-p", "FIXED=2")
    assert (result.status, result.err) == (1, "Error: FIXED cannot be changed once an instance is installed.\n")


@pytest.mark.parametrize(
    "command",
    [
        "install",
        "install x -p nonsense",
        "plan",
        "plan trigger --instance x",
        "update --instance x",
        "uninstall --instance=",
        "no-such-command",
    ],
)
async def test_usage_errors_exit_with_status_2(command: str) -> None:
    result = await kudo(*command.split())
    assert result.status == 2
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("install", "./x", "--skip-instance", "-p", "A=b"), "--skip-instance cannot be combined"),
        (("plan", "status", "--instance", "it", "--watch", "-o", "json"), "--watch cannot be combined"),
        (("repo", "add", "", "https://example.com"), "A repository needs a name and a URL."),
        (("package", "verify", "x" * 5000), "x"),
        (("install", "x" * 5000), "is not a path"),
    ],
)
async def test_invalid_arguments_are_reported_as_user_errors(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "index.yaml").write_text("apiVersion: v1\n")
    home = tmp_path / "home"
    assert (await kudo("repo", "add", "mine", tmp_path, KUDO_HOME=str(home))).status == 0
    assert (await kudo("repo", "context", "mine", KUDO_HOME=str(home))).status == 0
    result = await kudo(*arguments, KUDO_HOME=str(home))
    assert result.status != 0
    assert words in " ".join(result.err.split())
    assert "defect" not in result.err
