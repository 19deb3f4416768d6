"""`kudo render`: the objects that a plan would apply, without a cluster."""

import json
from pathlib import Path

import pytest
from support.command import Result, kudo
from support.plans import CONFIG_MAP, apply, delete, dummy, phase, plan, step, toggle, write_package

from kudo.model import yaml
from kudo.model.objects import Object

EXAMPLE = Path(__file__).parents[2] / "examples" / "guestbook"

CLUSTER_ROLE = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {{ Name }}-role\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(
        tmp_path,
        tasks=[
            apply("config", "config.yaml"),
            apply("role", "role.yaml"),
            delete("clear", "config.yaml"),
            toggle("maybe", "ON", "config.yaml"),
            toggle("worded", "WORD", "config.yaml"),
            dummy("nothing", done=True),
        ],
        plans={
            "deploy": plan(
                phase("one", ("a", ["config", "role"]), ("b", ["nothing"])),
                phase("two", step("c", "maybe"), step("d", "clear", when="Params.WORD == 'other'")),
            ),
            "worded": plan(phase("one", ("a", ["worded"]))),
        },
        params=[
            {"name": "ON", "type": "boolean", "default": True},
            {"name": "WORD", "default": "value"},
        ],
        templates={
            "config.yaml": CONFIG_MAP.replace("key: value", "key: {{ Params.WORD }}"),
            "role.yaml": CLUSTER_ROLE,
        },
    )


async def render(*arguments: object) -> Result:
    """Run `kudo render` without a cluster and without Temporal."""
    return await kudo("render", *arguments, KUBECONFIG="/nowhere", TEMPORAL_ADDRESS="127.0.0.1:1")


def objects(result: Result) -> list[Object]:
    assert (result.status, result.err) == (0, "")
    return [Object(document) for _, document in yaml.load_documents(result.out) if isinstance(document, dict)]


def comments(result: Result) -> list[str]:
    return [line for line in result.out.splitlines() if line.startswith("#")]


async def test_objects_are_rendered_in_order_of_plan(package: Path) -> None:
    result = await render(package, "--instance", "mine", "-n", "there")
    assert [str(item.ref) for item in objects(result)] == [
        "ConfigMap there/mine-config",
        "ClusterRole mine-role",
        "ConfigMap there/mine-config",
    ]
    assert comments(result) == ["# one.a.config", "# one.a.role", "# two.c.maybe"]
    assert objects(result)[0].labels["kudo.dev/instance"] == "mine"


async def test_parameters_select_rendered_objects(package: Path) -> None:
    result = await render(package, "-p", "ON=false", "-p", "WORD=other")
    assert objects(result)[0].strings("data") == {"key": "other"}
    assert comments(result)[2:] == [
        "# two.c.maybe: deletes",
        "#   ConfigMap default/tested-instance-config",
        "# two.d.clear: deletes",
        "#   ConfigMap default/tested-instance-config",
    ]


async def test_example_is_rendered_without_servers() -> None:
    kinds = [item.kind for item in objects(await render(EXAMPLE))]
    assert sorted(kinds) == ["ConfigMap", "Deployment", "Job", "Service"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--plan", "none"], "has no plan 'none'"),
        (["-p", "NONE=1"], "NONE: there is no such parameter"),
        (["-p", "ON=maybe"], "ON: must be true or false"),
        (["--plan", "worded"], "The parameter WORD, which toggles the task worded, is neither true nor false."),
    ],
)
async def test_invalid_render_request_is_refused(package: Path, arguments: list[str], words: str) -> None:
    result = await render(package, *arguments)
    assert (result.status, result.out) == (1, "")
    assert words in result.err


async def test_pipe_task_renders_pod_and_artifact_names(tmp_path: Path) -> None:
    spec = {
        "initContainers": [{"name": "i", "image": "x", "volumeMounts": [{"name": "v", "mountPath": "/tmp"}]}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    }
    package = write_package(
        tmp_path,
        tasks=[
            {
                "name": "pipe",
                "kind": "Pipe",
                "spec": {"pod": "pod.yaml", "pipe": [{"file": "/tmp/a", "kind": "Secret", "key": "a"}]},
            },
            apply("use", "use.yaml"),
        ],
        plans={"deploy": plan(phase("one", ("a", ["pipe"]), ("b", ["use"])))},
        templates={
            "pod.yaml": yaml.dump({"apiVersion": "v1", "kind": "Pod", "spec": spec}),
            "use.yaml": CONFIG_MAP.replace("value", "{{ Pipes.a }}"),
        },
    )
    result = await render(package, "--instance", "mine")
    pod, user = objects(result)
    assert pod.name == "mine.deploy.one.a.pipe.pipepod"
    assert [item.text("name") for item in pod.children("spec", "containers")] == ["waiter"]
    assert comments(result)[:2] == [
        "# one.a.pipe",
        "# one.a.pipe: creates Secret mine.deploy.one.a.pipe.a from /tmp/a",
    ]
    assert user.strings("data") == {"key": "mine.deploy.one.a.pipe.a"}


async def test_markup_in_output_is_printed_literally(tmp_path: Path) -> None:
    texts = {"route": "fd00:1234:5678::/48", "key": "user:key:x", "list": "[a, b]", "path": "see [/etc/x] \\\\[/x]"}
    data = "".join(f"  {key}: {json.dumps(text)}\n" for key, text in texts.items())
    package = write_package(
        tmp_path,
        tasks=[apply("config", "config.yaml")],
        plans={"deploy": plan(phase("one", ("a", ["config"])))},
        params=[{"name": "ODD", "default": " ".join(texts.values()), "description": "one [or] two :key:"}],
        templates={"config.yaml": CONFIG_MAP.replace("  key: value\n", data)},
    )
    result = await render(package)
    (document,) = [item for _, item in yaml.load_documents(result.out) if isinstance(item, dict)]
    assert document["data"] == texts
    listed = await kudo("package", "list", "parameters", package, "-d")
    assert "fd00:1234:5678::/48 user:key:x [a, b] see [/etc/x]" in listed.out
    assert "one [or] two :key:" in listed.out
    missing = await kudo("package", "verify", tmp_path / "[/foo]:key:")
    assert "[/foo]:key:" in missing.err
    assert "defect" not in missing.err
