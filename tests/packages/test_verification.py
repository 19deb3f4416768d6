"""Findings of `kudo package verify`; test_package_problems has the problems that reading a package reports."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.plans import CONFIG_MAP, Content, apply, dummy, phase, plan, step, toggle, write_package

from kudo.model import yaml
from kudo.packages import read_package
from kudo.verification import Finding, verify

ROOT = Path(__file__).parents[2]
OPERATORS = ROOT.parent / "shared" / "operators"


async def found(
    directory: Path,
    *,
    template: str = CONFIG_MAP,
    parameters: list[Content] | None = None,
    tasks: list[Content] | None = None,
    plans: Mapping[str, Content] | None = None,
    templates: Mapping[str, str] | None = None,
    api_version: str = "kudo.dev/v1",
    groups: list[Content] | None = None,
    **fields: str,
) -> list[str]:
    """Return the findings for a package with these parts, each with its severity."""
    root = write_package(
        directory,
        tasks=[apply("config", "config.yaml"), *(tasks or [])],
        plans=plans or {"deploy": plan(phase("main", ("config", ["config"])))},
        params=parameters,
        templates={"config.yaml": template, **(templates or {})},
        api_version=api_version,
    )
    for file, extra in (("operator.yaml", fields), ("params.yaml", {"groups": groups or []})):
        content = yaml.load((root / file).read_text())
        assert isinstance(content, dict)
        (root / file).write_text(yaml.dump({**content, **extra}))
    return list(map(with_severity, await verify(read_package(root))))


def with_severity(finding: Finding) -> str:
    return f"{finding.severity}: {finding}"


def config(value: str) -> str:
    return CONFIG_MAP.replace("key: value", f"key: {value}")


async def test_valid_package_has_no_findings(tmp_path: Path) -> None:
    assert await found(tmp_path) == []


async def test_missing_plans_are_warnings(tmp_path: Path) -> None:
    plans = {"upgrade": plan(phase("main", ("config", ["config"])))}
    parameters = [{"name": "P", "trigger": "none", "default": "a"}]
    assert await found(tmp_path, plans=plans, parameters=parameters) == [
        "warning: operator.yaml: plans: there is no plan 'deploy', without which no instance can be installed",
        "warning: params.yaml: parameters.P.trigger: there is no plan 'none', so the parameter cannot be changed",
    ]


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ({"name": "A;B", "trigger": "deploy"}, "parameters.A;B: a name must not contain ';' or ','"),
        (
            {"immutable": True, "required": False},
            "parameters.P: an immutable parameter must have a default or be required",
        ),
        ({"advanced": True}, "parameters.P: an advanced parameter that is required must have a default"),
        ({"enum": []}, "parameters.P.enum: must not be empty"),
        ({"type": "integer", "enum": [1, "x"]}, "parameters.P.enum: must be an integer, not 'x'"),
        ({"group": "g"}, "parameters.P.group: there is no group 'g'"),
    ],
)
async def test_invalid_parameter_is_reported(tmp_path: Path, parameter: Content, words: str) -> None:
    parameters = [{"name": "P", "trigger": "deploy", **parameter}]
    assert await found(tmp_path, parameters=parameters) == [f"error: params.yaml: {words}"]


async def test_invalid_groups_are_reported(tmp_path: Path) -> None:
    groups: list[Content] = [{"name": "a/b"}, {"name": "c"}, {"name": "c"}]
    assert await found(tmp_path, groups=groups) == [
        "error: params.yaml: groups.a/b: a name must not contain '/'",
        "error: params.yaml: groups: the name 'c' occurs 2 times",
    ]


@pytest.mark.parametrize("field", ["operatorVersion", "kubernetesVersion", "appVersion", "kudoVersion"])
async def test_malformed_version_is_reported(tmp_path: Path, field: str) -> None:
    assert await found(tmp_path, **{field: "one"}) == [
        f"error: operator.yaml: {field}: must be a version such as 1.2.3, not 'one'"
    ]


async def test_unused_parts_are_reported(tmp_path: Path) -> None:
    parameters: list[Content] = [{"name": "IDLE", "default": "x"}, {"name": "TRIGGER", "trigger": "deploy"}]
    assert await found(
        tmp_path, parameters=parameters, tasks=[dummy("idle", done=True)], templates={"idle.yaml": CONFIG_MAP}
    ) == [
        "warning: operator.yaml: tasks.idle: no plan uses it",
        "warning: params.yaml: parameters.IDLE: nothing uses it",
        "warning: templates/idle.yaml: no task uses it",
    ]


@pytest.mark.parametrize(
    ("api_version", "use"),
    [
        ("kudo.dev/v1", "{{ Params.P }}"),
        ("kudo.dev/v1", "{{ Params['P'] }}"),
        ("kudo.dev/v1", "{{ Params | length }}"),
        ("kudo.dev/v1beta1", "{{ .Params.P }}"),
        ("kudo.dev/v1beta1", '{{ index .Params "P" }}'),
        ("kudo.dev/v1beta1", "{{ range (list 1) }}{{ $.Params.P }}{{ end }}"),
        ("kudo.dev/v1beta1", '{{ define "x" }}{{ .Params.P }}{{ end }}{{ template "x" . }}'),
        ("kudo.dev/v1beta1", "{{ len .Params }}"),
    ],
)
async def test_parameter_in_a_template_is_used(tmp_path: Path, api_version: str, use: str) -> None:
    template = CONFIG_MAP.replace("{{ Name }}", "one").replace("key: value", f"key: x{use}")
    assert (
        await found(tmp_path, template=template, parameters=[{"name": "P", "default": "x"}], api_version=api_version)
        == []
    )


async def test_parameter_in_a_toggle_or_condition_is_used(tmp_path: Path) -> None:
    parameters: list[Content] = [
        {"name": "ON", "type": "boolean", "default": True},
        {"name": "MODE", "default": "a", "enum": ["a", "b"]},
    ]
    part = phase("main", ("config", ["config", "on"]), step("mode", "config", when="Params.MODE == 'b'"))
    plans = {"deploy": plan(part)}
    tasks = [toggle("on", "ON", "config.yaml")]
    assert await found(tmp_path, parameters=parameters, tasks=tasks, plans=plans) == []


@pytest.mark.parametrize(
    ("api_version", "template", "words"),
    [
        ("kudo.dev/v1", config("{{ Params.NONE }}"), "6: there is no parameter 'NONE'"),
        ("kudo.dev/v1", config("{{ Nmae }}"), "6: there is no variable 'Nmae'; did you mean Name?"),
        ("kudo.dev/v1", config("{{ Pipes.key }}"), "6: no Pipe task has the key 'key'"),
        (
            "kudo.dev/v1beta1",
            config("x").replace("{{ Name }}", "{{ .Params.NONE }}"),
            "4: there is no parameter 'NONE'",
        ),
        (
            "kudo.dev/v1beta1",
            config("x").replace("{{ Name }}", "{{ .Nmae }}"),
            "4: there is no variable 'Nmae'; did you mean Name?",
        ),
        (
            "kudo.dev/v1beta1",
            config("x").replace("{{ Name }}", "{{ .Pipes.key }}"),
            "4: no Pipe task has the key 'key'",
        ),
    ],
)
async def test_undefined_name_in_template_is_reported(
    tmp_path: Path, api_version: str, template: str, words: str
) -> None:
    assert await found(tmp_path, template=template, api_version=api_version) == [
        f"error: templates/config.yaml:{words}"
    ]


@pytest.mark.parametrize(
    ("api_version", "name", "use"),
    [
        ("kudo.dev/v1", "{{ Name }}", "{% if Params.ON %}a{% endif %}"),
        ("kudo.dev/v1", "{{ Name }}", "{{ 'a' if not Params.ON else 'b' }}"),
        ("kudo.dev/v1beta1", "one", "a{{ if .Params.ON }}b{{ end }}"),
        ("kudo.dev/v1beta1", "one", "a{{ if and .Params.ON true }}b{{ end }}"),
    ],
)
async def test_boolean_parameter_that_is_always_true_is_reported(
    tmp_path: Path, api_version: str, name: str, use: str
) -> None:
    template = config(use).replace("{{ Name }}", name)
    parameters: list[Content] = [{"name": "ON", "type": "boolean", "default": False}]
    assert await found(tmp_path, template=template, parameters=parameters, api_version=api_version) == [
        "warning: templates/config.yaml:6: ON is a string here, so 'false' is true as well: compare it with 'true'"
    ]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("kind: ConfigMap\n", "templates/config.yaml"),
        ("{{ 1 / 0 }}", "templates/config.yaml:1: "),
        (
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
            "only the namespaceManifest may be a Namespace",
        ),
    ],
)
async def test_template_that_renders_no_valid_object_is_reported(tmp_path: Path, template: str, words: str) -> None:
    (finding,) = await found(tmp_path, template=template)
    assert finding.startswith("error: ")
    assert words in finding


async def test_parameter_without_default_is_rendered_with_a_sample(tmp_path: Path) -> None:
    parameters: list[Content] = [{"name": "LIST", "type": "array"}, {"name": "SIZE", "type": "integer"}]
    template = config("x{{ Params.LIST | length + Params.SIZE | int }}")
    assert await found(tmp_path, template=template, parameters=parameters) == []


async def test_namespace_manifest_of_another_kind_is_reported(tmp_path: Path) -> None:
    assert await found(tmp_path, namespaceManifest="config.yaml") == [
        "error: templates/config.yaml: the namespaceManifest must be one Namespace"
    ]


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("Params.NONE | bool", "error: operator.yaml: plans.deploy.main.config.when: there is no parameter 'NONE'"),
        ("not Params.ON", "every parameter is a string"),
        ("Params.ON", None),
        ("Params.ON | bool and Params.MODE == 'c'", "never holds"),
        ("Params.ON | bool and not (Params.ON | bool)", "never holds"),
        ("false", "never holds"),
    ],
)
async def test_invalid_or_unsatisfiable_condition_is_reported(tmp_path: Path, when: str, words: str | None) -> None:
    parameters: list[Content] = [
        {"name": "ON", "type": "boolean", "default": True, "trigger": "deploy"},
        {"name": "MODE", "default": "a", "enum": ["a", "b"], "trigger": "deploy"},
    ]
    plans = {"deploy": plan(phase("main", step("config", "config", when=when)))}
    result = await found(tmp_path, parameters=parameters, plans=plans)
    if words:
        assert len(result) == 1
        assert words in result[0]
    else:
        assert result == []


@pytest.mark.parametrize("example", ["guestbook", "valkey"])
async def test_examples_have_no_findings(example: str) -> None:
    assert await verify(read_package(ROOT / "examples" / example)) == []


@pytest.mark.skipif(
    not OPERATORS.is_dir(), reason=f"the packages of the public operator collection are not at {OPERATORS}"
)
@pytest.mark.parametrize("operator", ["cowsay", "first-operator", "kafka", "mysql", "redis", "zookeeper"])
async def test_public_packages_have_no_findings(operator: str) -> None:
    # They were written for clusters that served policy/v1beta1. Plans of kafka that make no certificate may use one.
    found = await verify(read_package(OPERATORS / operator), "1.24")
    assert [finding for finding in found if "has no Pipe task" not in finding.text or operator != "kafka"] == []
    assert not [finding for finding in found if finding.severity == "error"]


def pipe(name: str, *files: Content) -> Content:
    return {"name": name, "kind": "Pipe", "spec": {"pod": "pod.yaml", "pipe": list(files)}}


SECRET_FILE: Content = {"file": "/tmp/a", "kind": "Secret", "key": "a"}

PIPED = {"deploy": plan(phase("main", ("config", ["config"]), ("pipe", ["pipe"])))}

PIPE_POD = """\
apiVersion: v1
kind: Pod
spec:
  volumes: [{name: files, emptyDir: {}}]
  initContainers: [{name: init, image: busybox, volumeMounts: [{name: files, mountPath: /tmp}]}]
"""


async def test_valid_pipe_has_no_findings(tmp_path: Path) -> None:
    tasks = [pipe("pipe", SECRET_FILE)]
    assert await found(tmp_path, tasks=tasks, plans=PIPED, templates={"pod.yaml": PIPE_POD}) == []


async def test_unsuitable_pod_of_a_pipe_is_reported(tmp_path: Path) -> None:
    tasks, pod = [pipe("pipe", {**SECRET_FILE, "file": "/data/a"})], PIPE_POD + "  restartPolicy: Never\n"
    assert await found(tmp_path, tasks=tasks, plans=PIPED, templates={"pod.yaml": pod}) == [
        "error: templates/pod.yaml: its restartPolicy must be OnFailure",
        "error: templates/pod.yaml: the file /data/a must be below /tmp, where the volume is mounted",
    ]


async def test_duplicate_key_of_a_pipe_is_reported(tmp_path: Path) -> None:
    tasks = [pipe("pipe", SECRET_FILE, {**SECRET_FILE, "file": "/tmp/b"})]
    assert await found(tmp_path, tasks=tasks, plans=PIPED, templates={"pod.yaml": PIPE_POD}) == [
        "error: operator.yaml: plans.deploy: defines the pipe 'a' more than once: the task pipe in main.pipe uses the "
        "key of an earlier one"
    ]
