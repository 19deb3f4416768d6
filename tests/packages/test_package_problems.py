"""All problems of a package are reported at once, with file and field."""

from pathlib import Path

import pytest

from kudo.errors import PackageError
from kudo.model.package import Package
from kudo.packages import read_package

OPERATOR = """\
name: tested
operatorVersion: 1.0.0
maintainers:
  - name: Ada
tasks:
  - name: config
    kind: Apply
    spec:
      resources: [config.yaml]
  - name: files
    kind: Pipe
    spec:
      pod: config.yaml
      pipe:
        - file: /tmp/a
          kind: Secret
          key: a
plans:
  deploy:
    strategy: serial
    phases:
      - name: main
        strategy: serial
        steps:
          - name: everything
            tasks: [config, files]
"""

PARAMS = """\
groups:
  - name: basic
parameters:
  - name: A
    default: a
"""


def read(directory: Path, operator: str = OPERATOR, params: str = PARAMS, api_version: str = "kudo.dev/v1") -> Package:
    (directory / "templates").mkdir()
    (directory / "templates" / "config.yaml").write_text("a: 1")
    (directory / "operator.yaml").write_text(f"apiVersion: {api_version}\n{operator}")
    (directory / "params.yaml").write_text(f"apiVersion: {api_version}\n{params}")
    return read_package(directory)


def problems(directory: Path, operator: str = OPERATOR, params: str = PARAMS) -> list[str]:
    with pytest.raises(PackageError) as error:
        read(directory, operator, params)
    return list(error.value.problems)


def test_five_different_problems_are_reported_at_once(tmp_path: Path) -> None:
    operator = (
        OPERATOR.replace("kind: Apply", "kind: Aply")
        .replace("operatorVersion: 1.0.0\n", "")
        .replace("pod: config.yaml", "pod: pod.yaml")
        .replace("[config, files]", "[config, missing]")
    )
    params = PARAMS.replace("default: a", "type: integer\n    default: a")
    with pytest.raises(PackageError) as error:
        read(tmp_path, operator, params)
    assert error.value.problems == (
        "operator.yaml: operatorVersion: Field required",
        "operator.yaml: tasks.config: unknown task kind 'Aply'; did you mean Apply?",
        "operator.yaml: plans.deploy.main.everything: there is no task 'missing'",
        "operator.yaml: tasks.files: there is no template templates/pod.yaml",
        "params.yaml: parameters.A.default: must be an integer, not 'a'",
    )
    assert str(error.value).startswith(f"The package {tmp_path} has 5 problems:\n  - operator.yaml: operatorVersion")


# The file, the line before the unknown field, its indentation, and its path in the report.
UNKNOWN = [
    ("operator.yaml", "name: tested\n", "", "extra"),
    ("operator.yaml", "- name: Ada\n", "    ", "maintainers.Ada.extra"),
    ("operator.yaml", "kind: Apply\n", "    ", "tasks.config.extra"),
    ("operator.yaml", "resources: [config.yaml]\n", "      ", "tasks.config.spec.extra"),
    ("operator.yaml", "key: a\n", "          ", "tasks.files.spec.pipe.0.extra"),
    ("operator.yaml", "deploy:\n", "    ", "plans.deploy.extra"),
    ("operator.yaml", "- name: main\n", "        ", "plans.deploy.phases.main.extra"),
    ("operator.yaml", "- name: everything\n", "            ", "plans.deploy.phases.main.steps.everything.extra"),
    ("params.yaml", "- name: basic\n", "    ", "groups.basic.extra"),
    ("params.yaml", "- name: A\n", "    ", "parameters.A.extra"),
]


@pytest.mark.parametrize(("file", "after", "indent", "field"), UNKNOWN, ids=[field for *_, field in UNKNOWN])
@pytest.mark.parametrize("api_version", ["kudo.dev/v1", "kudo.dev/v1beta1"])
def test_unknown_field_is_refused_in_v1_only(
    tmp_path: Path, api_version: str, file: str, after: str, indent: str, field: str
) -> None:
    operator, params = (
        text.replace(after, f"{after}{indent}extra: 1\n") if file == name else text
        for name, text in (("operator.yaml", OPERATOR), ("params.yaml", PARAMS))
    )
    if api_version == "kudo.dev/v1beta1":
        assert read(tmp_path, operator, params, api_version).operator.name == "tested"
        return
    with pytest.raises(PackageError) as error:
        read(tmp_path, operator, params, api_version)
    assert [problem.partition(" ")[2].partition(": ")[0] for problem in error.value.problems] == [field]
    assert error.value.problems[0].startswith(f"{file}: ")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: files", "name: config", "operator.yaml: tasks: the name 'config' occurs 2 times"),
        (
            "name: tested",
            "name: Tested!",
            "operator.yaml: name: must consist of lower case letters, digits, '-' and '.', ",
        ),
        ("strategy: serial", "strategy: random", "operator.yaml: plans.deploy.strategy: Input should be 'serial' or "),
        ("key: a", "key: a.b", "operator.yaml: tasks.files.spec.pipe.0.key: "),
        (
            "file: /tmp/a",
            "file: ''",
            "operator.yaml: tasks.files.spec.pipe.0: must have exactly one of file and envFile",
        ),
        ("resources: [config.yaml]", "resources: []", "operator.yaml: tasks.config.spec.resources: "),
        ("plans:\n", "plans:\nplans:\n", "operator.yaml: line 20: duplicate key 'plans'"),
        ("name: tested\n", "name: [a\n", "operator.yaml: line "),
    ],
)
def test_problem_in_operator_yaml_is_reported(tmp_path: Path, old: str, new: str, expected: str) -> None:
    found = problems(tmp_path, OPERATOR.replace(old, new, 1))
    assert [problem for problem in found if problem.startswith(expected)], found


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ("parameters: [{name: A}, {name: a}]", "parameters: the name 'a' occurs 2 times"),
        (
            "parameters: [{name: A, enum: [a, b], default: c}]",
            "parameters.A.default: must be one of a, b, not 'c'",
        ),
        ("parameters: [{name: A, type: array, default: {a: 1}}]", "parameters.A.default: must be a YAML list, not "),
        ("parameters: [{name: A, type: list}]", "parameters.A.type: Input should be 'string', 'integer', "),
        ("parameters: [{default: 1}]", "parameters.0.name: Field required"),
        ("parameters: {A: 1}", "parameters: Input should be a valid list"),
    ],
)
def test_problem_in_params_yaml_is_reported(tmp_path: Path, params: str, expected: str) -> None:
    (problem,) = problems(tmp_path, params=params)
    assert problem.startswith(f"params.yaml: {expected}")


def test_duplicate_step_name_is_refused(tmp_path: Path) -> None:
    step = "          - name: everything\n            tasks: [config]\n"
    assert problems(tmp_path, OPERATOR + step) == [
        "operator.yaml: plans.deploy.main.steps: the name 'everything' occurs 2 times"
    ]


def test_unknown_api_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"operator\.yaml: apiVersion: Input should be 'kudo\.dev/v1beta1' or"):
        read(tmp_path, api_version="kudo.dev/v2")


@pytest.mark.parametrize(
    ("after", "indent", "field", "where"),
    [
        ("  - name: config\n", "    ", "retry: {maxAttempts: 3}", "tasks.config.retry"),
        ("  - name: config\n", "    ", "timeout: 5m", "tasks.config.timeout"),
        ("  deploy:\n", "    ", "timeout: 5m", "plans.deploy.timeout"),
    ],
)
def test_fields_of_v1_are_refused_in_v1beta1(tmp_path: Path, after: str, indent: str, field: str, where: str) -> None:
    assert after in OPERATOR
    operator = OPERATOR.replace(after, f"{after}{indent}{field}\n")
    (tmp_path / "new").mkdir()
    read(tmp_path / "new", operator, PARAMS, "kudo.dev/v1")
    with pytest.raises(PackageError) as error:
        read(tmp_path, operator, PARAMS, "kudo.dev/v1beta1")
    assert f"operator.yaml: {where}: requires a package with apiVersion kudo.dev/v1" in error.value.problems
