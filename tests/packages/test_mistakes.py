"""Mistakes that authors make: `kudo package verify` finds each, names its place, and says what was probably meant."""

import json
from pathlib import Path

import pytest
from support.command import kudo
from support.plans import CONFIG_MAP, Content, apply, phase, plan, step, write_package

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: busybox
"""

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  restartPolicy: OnFailure
  initContainers: [{name: a, image: b, volumeMounts: [{name: files, mountPath: /tmp}]}]
  volumes: [{name: files, emptyDir: {}}]
"""


def operator_task(name: str, package: str, **spec: str) -> Content:
    return {"name": name, "kind": "KudoOperator", "spec": {"package": package, **spec}}


async def findings(root: Path, *options: str) -> list[str]:
    """Return the lines of `kudo package verify`, without the summary."""
    result = await kudo("package", "verify", str(root), *options)
    assert "bug in kudo" not in result.err
    return [line for line in result.err.splitlines() if not line.startswith("The package ")]


def package(directory: Path, template: str, *, api_version: str = "kudo.dev/v1", **parts: object) -> Path:
    fields: dict[str, object] = {
        "tasks": [apply("main", "main.yaml")],
        "plans": {"deploy": plan(phase("main", ("main", ["main"])))},
        "templates": {"main.yaml": template},
    }
    return write_package(directory, api_version=api_version, **{**fields, **parts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            DEPLOYMENT.replace("image: busybox", "imag: busybox"),
            "Deployment web: spec.template.spec.containers[main].imag: unknown field; did you mean image?",
        ),
        (
            DEPLOYMENT.replace("spec:\n  selector", "spec:\n  replicas: '3'\n  selector"),
            "Deployment web: spec.replicas: must be an integer, not a string",
        ),
        (
            DEPLOYMENT + "        env: [{name: A, value: 1}]\n",
            "Deployment web: spec.template.spec.containers[main].env[A].value: must be a string, not a number; quote ",
        ),
        (
            DEPLOYMENT + "        imagePullPolicy: allways\n",
            "Deployment web: spec.template.spec.containers[main].imagePullPolicy: must be one of Always, IfNotPresent, "
            "Never; did you mean Always?",
        ),
        (
            DEPLOYMENT + "        ports: 80\n",
            "Deployment web: spec.template.spec.containers[main].ports: must be a list",
        ),
        (
            DEPLOYMENT.replace("  selector: {matchLabels: {app: web}}\n", ""),
            "Deployment web: spec.selector: is missing",
        ),
        (
            DEPLOYMENT.replace("kind: Deployment", "kind: Deploymnt"),
            "Deploymnt web: kind: Kubernetes 1.37 has no kind 'Deploymnt' in apps/v1; did you mean Deployment?",
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: 'not base64!'}\n",
            "Secret a: data.password: must be encoded in base64; put plain text below stringData",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {port: 80, on: true}\n",
            "ConfigMap a: data.port: must be a string, not a number; quote it",
        ),
    ],
)
async def test_object_that_the_api_rejects_is_reported(tmp_path: Path, template: str, expected: str) -> None:
    found = await findings(package(tmp_path, template))
    assert [line for line in found if line.startswith(f"Error: templates/main.yaml: {expected}")], found


async def test_random_text_is_no_undefined_variable(tmp_path: Path) -> None:
    template = CONFIG_MAP.replace("key: value", "key: 'x{{ random_alphanumeric(8) }}'")
    assert await findings(package(tmp_path, template)) == []
    (found,) = await findings(package(tmp_path, template.replace("(8)", "(0)")))
    assert "random_alphanumeric: the length must be between 1 and 4096" in found


async def test_values_that_kubernetes_accepts_are_no_findings(tmp_path: Path) -> None:
    template = DEPLOYMENT + (
        "        resources: {limits: {cpu: 1, memory: 1Gi}}\n"
        "        livenessProbe: {httpGet: {port: http}, periodSeconds: 5}\n"
        "        readinessProbe: {tcpSocket: {port: 80}}\n"
        "        securityContext:\n"
    )
    crd = "---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {anything: [1]}\n"
    assert await findings(package(tmp_path, template + crd)) == []


@pytest.mark.parametrize(
    ("api_version", "template", "expected"),
    [
        ("kudo.dev/v1", "{{ .Params.SIZE }}", "1: unexpected '.'; this is the syntax of Go templates"),
        (
            "kudo.dev/v1",
            "{{ toYaml Params.SIZE }}",
            "1: expected token 'end of print statement', got 'Params'; this is",
        ),
        ("kudo.dev/v1", "{{ Params.SIZE | toYaml }}", "1: No filter named 'toYaml'; did you mean to_yaml?"),
        ("kudo.dev/v1", "{{ SIZE }}", "1: there is no variable 'SIZE'; did you mean Params.SIZE?"),
        ("kudo.dev/v1", "{{ Params.SIZ }}", "1: there is no parameter 'SIZ'; did you mean SIZE?"),
        ("kudo.dev/v1beta1", "{{ Params.SIZE }}", "1: function 'Params' not defined; did you mean .Params?"),
        ("kudo.dev/v1beta1", "{{ .Params.SIZE | to_yaml }}", "1: function 'to_yaml' not defined; did you mean toYaml?"),
        ("kudo.dev/v1beta1", "{{ if .Params.SIZE == '1' }}", "1: unexpected '='; this is the syntax of Jinja2"),
        ("kudo.dev/v1beta1", "{% if Params.SIZE %}", "1: this is the syntax of Jinja2, which stays as it is"),
    ],
)
async def test_syntax_of_the_other_dialect_is_explained(
    tmp_path: Path, api_version: str, template: str, expected: str
) -> None:
    parameters: list[Content] = [{"name": "SIZE", "default": "1"}]
    found = await findings(package(tmp_path, template, api_version=api_version, params=parameters))
    assert [line for line in found if line.partition(": ")[2].startswith(f"templates/main.yaml:{expected}")], found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "resources: [main.yaml]",
            "resource: [main.yaml]",
            "tasks.main.spec.resource: unknown field; did you mean resources?",
        ),
        (
            "spec: {resources: [main.yaml]}",
            "resources: [main.yaml]\n    spec: {resources: [main.yaml]}",
            "tasks.main.resources: unknown field; it is a field of the spec of an Apply or Delete task",
        ),
        (
            "    phases:\n",
            "    steps: []\n    phases:\n",
            "plans.deploy.steps: unknown field; it is a field of a phase",
        ),
        ("tasks: [main]", "tasks: [mian]", "plans.deploy.main.main: there is no task 'mian'; did you mean main?"),
        ("[main.yaml]", "[mian.yaml]", "tasks.main: there is no template templates/mian.yaml; did you mean main.yaml?"),
        ("[main.yaml]", "[../operator.yaml]", "tasks.main: there is no template templates/../operator.yaml"),
        ("kind: Apply", "kind: apply", "tasks.main: unknown task kind 'apply'; did you mean Apply?"),
    ],
)
async def test_wrong_name_in_operator_yaml_is_reported(tmp_path: Path, old: str, new: str, expected: str) -> None:
    root = package(tmp_path, CONFIG_MAP)
    text = """\
apiVersion: kudo.dev/v1
name: tested
operatorVersion: 1.0.0
tasks:
  - name: main
    kind: Apply
    spec: {resources: [main.yaml]}
plans:
  deploy:
    phases:
      - name: main
        steps:
          - name: main
            tasks: [main]
"""
    assert old in text
    (root / "operator.yaml").write_text(text.replace(old, new))
    result = await kudo("package", "verify", str(root))
    assert result.status == 1
    assert f"operator.yaml: {expected}" in result.err


@pytest.mark.parametrize("when", ["Params.SIZE ~ 'x'", "Params.SIZE | upper", "Params.SIZE | int + 1", "Name"])
async def test_condition_that_is_not_boolean_is_reported(tmp_path: Path, when: str) -> None:
    parameters: list[Content] = [{"name": "SIZE", "default": "a", "trigger": "deploy"}]
    plans = {"deploy": plan(phase("main", step("main", "main", when=when)))}
    (found,) = await findings(package(tmp_path, CONFIG_MAP, plans=plans, params=parameters))
    assert found.startswith("Error: operator.yaml: plans.deploy.main.main.when: ")


@pytest.mark.parametrize(
    ("parameter", "reason"),
    [
        ({"default": "yes"}, "the parameter 'ON' may be 'yes', which is neither true nor false"),
        ({"default": "true", "enum": ["true", "some"]}, "the parameter 'ON' may be 'some'"),
        ({"required": False}, "the parameter 'ON' has no default"),
    ],
)
async def test_toggle_by_a_parameter_that_is_not_boolean_is_reported(
    tmp_path: Path, parameter: Content, reason: str
) -> None:
    tasks: list[Content] = [{"name": "main", "kind": "Toggle", "spec": {"parameter": "ON", "resources": ["main.yaml"]}}]
    (found,) = await findings(package(tmp_path, CONFIG_MAP, tasks=tasks, params=[{"name": "ON", **parameter}]))
    assert found.startswith(f"Error: operator.yaml: tasks.main.spec.parameter: {reason}")


@pytest.mark.parametrize("conditional", [False, True])
async def test_key_of_a_pipe_that_a_plan_does_not_make_is_reported(tmp_path: Path, conditional: bool) -> None:
    use = "{{ Pipes.key }}"
    if conditional:
        use = "a{% if Params.ON == 'true' %}" + use + "{% endif %}"
    pipe: Content = {"file": "/tmp/a", "kind": "Secret", "key": "key"}
    tasks: list[Content] = [
        apply("main", "main.yaml"),
        {"name": "pipe", "kind": "Pipe", "spec": {"pod": "pod.yaml", "pipe": [pipe]}},
    ]
    root = package(
        tmp_path,
        CONFIG_MAP.replace("key: value", f"key: {use}"),
        tasks=tasks,
        templates={"main.yaml": CONFIG_MAP.replace("key: value", f"key: {use}"), "pod.yaml": POD},
        params=[{"name": "ON", "type": "boolean", "default": False}] if conditional else [],
        plans={
            "deploy": plan(phase("main", ("pipe", ["pipe"]), ("main", ["main"]))),
            "update": plan(phase("main", ("main", ["main"]))),
        },
    )
    (found,) = await findings(root)
    severity, more = ("Warning", ", which this template uses for other parameters") if conditional else ("Error", "")
    assert found == f"{severity}: templates/main.yaml:6: the plan 'update' has no Pipe task with the key 'key'{more}"


async def test_object_of_two_templates_is_reported(tmp_path: Path) -> None:
    tasks = [apply("main", "main.yaml"), apply("other", "other.yaml")]
    plans = {
        "deploy": plan(phase("main", ("main", ["main", "other"]))),
        "backup": plan(phase("main", ("main", ["main"]))),
    }
    templates = {"main.yaml": CONFIG_MAP, "other.yaml": f"{CONFIG_MAP}---\n{CONFIG_MAP}"}
    assert await findings(package(tmp_path, "", tasks=tasks, plans=plans, templates=templates)) == [
        "Warning: templates/other.yaml: ConfigMap tested-instance-config is in templates/main.yaml as well, and the "
        "plan 'deploy' applies both",
        "Warning: templates/other.yaml: ConfigMap tested-instance-config is in this template 2 times; the last one "
        "counts",
    ]


async def test_wrong_parameters_of_a_child_are_reported(tmp_path: Path) -> None:
    write_package(
        tmp_path / "tested",
        name="child",
        tasks=[apply("main", "main.yaml")],
        plans={"deploy": plan(phase("main", ("main", ["main"])))},
        templates={"main.yaml": CONFIG_MAP.replace("key: value", "key: '{{ Params.SIZE }}{{ Params.NEEDED }}'")},
        params=[{"name": "SIZE", "type": "integer", "default": 1}, {"name": "NEEDED"}],
        api_version="kudo.dev/v1",
    )
    write_package(
        tmp_path,
        tasks=[operator_task("child", "./child", parameterFile="child.yaml")],
        plans={"deploy": plan(phase("main", ("child", ["child"])))},
        templates={"child.yaml": "SIZ: 1\nSIZE: large\n"},
        api_version="kudo.dev/v1",
    )
    where = "Error: templates/child.yaml: the parameters of child-1.0.0"
    assert await findings(tmp_path / "tested") == [
        f"{where}: there is no parameter 'SIZ'; did you mean SIZE?",
        f"{where}: SIZE must be an integer",
        f"{where}: NEEDED is required and has no default",
    ]


async def test_child_outside_of_the_package_is_reported(tmp_path: Path) -> None:
    package(tmp_path, CONFIG_MAP, name="child")
    tasks = [operator_task("child", "../child")]
    plans = {"deploy": plan(phase("main", ("child", ["child"])))}
    assert await findings(package(tmp_path, "", tasks=tasks, plans=plans, templates={})) == [
        "Warning: operator.yaml: tasks.child.spec.package: ../child is outside of the package, so `kudo package "
        "create` cannot make an archive of it"
    ]


async def test_unknown_field_of_a_package_of_kudo_is_a_warning(tmp_path: Path) -> None:
    root = package(tmp_path, CONFIG_MAP.replace("{{ Name }}", "a"), api_version="kudo.dev/v1beta1")
    text = (root / "operator.yaml").read_text()
    (root / "operator.yaml").write_text(text + "desription: a\n")
    assert await findings(root) == [
        "Warning: operator.yaml: desription: unknown field; did you mean description?; KUDO ignores it"
    ]


async def test_findings_are_printed_for_programs(tmp_path: Path) -> None:
    template = "{{ Nmae }}\n"
    root = package(tmp_path, template, params=[{"name": "IDLE", "default": "1"}])
    listed = await kudo("package", "verify", str(root), "-o", "json")
    assert listed.status == 1
    assert json.loads(listed.out) == [
        {
            "severity": "error",
            "file": "templates/main.yaml",
            "line": 1,
            "message": "there is no variable 'Nmae'; did you mean Name?",
        },
        {"severity": "warning", "file": "params.yaml", "line": None, "message": "parameters.IDLE: nothing uses it"},
    ]
    (run,) = json.loads((await kudo("package", "verify", str(root), "-o", "sarif")).out)["runs"]
    location = {"artifactLocation": {"uri": f"{root}/templates/main.yaml"}, "region": {"startLine": 1}}
    assert run["results"][0]["level"] == "error"
    assert run["results"][0]["locations"] == [{"physicalLocation": location}]
    (root / "operator.yaml").write_text("name: [\n")
    (unreadable, *_) = json.loads((await kudo("package", "verify", str(root), "-o", "json")).out)
    assert unreadable["file"] == "operator.yaml"
    (root / "operator.yaml").unlink()
    assert (await kudo("package", "verify", str(root), "-o", "json")).status == 1


async def test_package_without_findings_is_an_empty_list(tmp_path: Path) -> None:
    result = await kudo("package", "verify", str(package(tmp_path, CONFIG_MAP)), "-o", "json")
    assert (result.status, json.loads(result.out)) == (0, [])
