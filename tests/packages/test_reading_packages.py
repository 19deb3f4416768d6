"""Reading packages from directories and archives."""

import tarfile
from pathlib import Path

import pytest
from support.plans import CONFIG_MAP, apply, dummy, phase, plan, write_package

from kudo.errors import PackageError
from kudo.model import yaml
from kudo.packages import parameter_of, read_package

REPOSITORY = Path(__file__).parents[2]
OPERATORS = REPOSITORY.parent / "shared" / "operators"
PUBLIC = ["cowsay", "first-operator", "kafka", "mysql", "redis", "zookeeper"]

DEPLOY = {"deploy": plan(phase("main", ("everything", ["config"])))}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(
        tmp_path,
        tasks=[apply("config", "config.yaml")],
        plans=DEPLOY,
        params=[{"name": "A", "default": 1}],
        templates={"config.yaml": CONFIG_MAP},
    )


def pack(package: Path, prefix: str = "") -> Path:
    archive = package.parent / "package.tgz"
    with tarfile.open(archive, "w:gz") as writer:
        for part in sorted(package.iterdir()):
            writer.add(part, prefix + part.name)
    return archive


def test_package_is_read_from_a_directory(package: Path) -> None:
    read = read_package(package)
    assert read.operator.name == "tested"
    assert read.operator.plans["deploy"].task_names() == ["config"]
    assert [parameter.name for parameter in read.params.parameters] == ["A"]
    assert read.templates == {"config.yaml": CONFIG_MAP}
    assert read.operator_version_name == "tested-1.0.0"


@pytest.mark.parametrize("prefix", ["", "./"])
def test_archive_is_read_like_a_directory(package: Path, prefix: str) -> None:
    assert read_package(pack(package, prefix)) == read_package(package)


def test_template_in_subdirectory_is_named_by_its_path(package: Path) -> None:
    (package / "templates" / "sub" / "deep").mkdir(parents=True)
    (package / "templates" / "sub" / "deep" / "a.yml").write_text("a: 1")
    (package / "templates" / "notes.txt").write_text("no template")
    (package / "docs").mkdir()
    (package / "docs" / "operator.yaml").write_text("free text")
    assert sorted(read_package(package).templates) == ["config.yaml", "sub/deep/a.yml"]
    assert read_package(pack(package)) == read_package(package)


def test_numeric_versions_are_read_as_strings(package: Path) -> None:
    text = (package / "operator.yaml").read_text()
    (package / "operator.yaml").write_text(text.replace("1.0.0", "3") + "appVersion: 5.7\nkudoVersion: 0.19\n")
    operator = read_package(package)
    assert (operator.operator.app_version, operator.operator.kudo_version) == ("5.7", "0.19")
    assert operator.operator_version_name == "tested-5.7-3"


def test_package_without_api_version_is_v1beta1(package: Path) -> None:
    for file in ("operator.yaml", "params.yaml"):
        text = (package / file).read_text()
        (package / file).write_text(text.replace("apiVersion: kudo.dev/v1\n", "unknown: 1\n"))
    assert read_package(package).operator.api_version == "kudo.dev/v1beta1"


def test_tasks_of_different_kinds_are_read(tmp_path: Path) -> None:
    tasks = [dummy("d", done=True), {"name": "k", "kind": "KudoOperator", "spec": {"package": "zookeeper"}}]
    package = write_package(tmp_path, tasks=tasks, plans={"deploy": plan(phase("main", ("a", ["d", "k"])))})
    assert [task.kind for task in read_package(package).operator.tasks] == ["Dummy", "KudoOperator"]


@pytest.mark.parametrize(
    ("definition", "wrapped"),
    [
        ({"default": 5.7}, "5.7"),
        ({"default": True}, "true"),
        ({"default": "yes"}, "yes"),
        ({"default": ""}, ""),
        ({}, None),
        ({"type": "integer", "default": 3}, "3"),
        ({"type": "integer", "default": "3"}, "3"),
        ({"type": "boolean", "default": False}, "false"),
        ({"type": "array", "default": [1, "a"]}, "- 1\n- a\n"),
        ({"type": "array", "default": "[1, a]"}, "[1, a]"),
        ({"type": "map", "default": {"b": {"a": 1}}}, "b:\n  a: 1\n"),
    ],
)
def test_defaults_are_wrapped_as_in_kudo(tmp_path: Path, definition: dict[str, object], wrapped: str | None) -> None:
    package = write_package(
        tmp_path,
        tasks=[dummy("config")],
        plans=DEPLOY,
        params=[{"name": "A", **definition}],
        api_version="kudo.dev/v1beta1",
    )
    (parameter,) = map(parameter_of, read_package(package).params.parameters)
    assert parameter.default == wrapped


def test_enums_are_wrapped_like_defaults(tmp_path: Path) -> None:
    params = [{"name": "A", "type": "integer", "default": 1, "enum": [1, 2]}]
    package = write_package(tmp_path, tasks=[dummy("config")], plans=DEPLOY, params=params)
    (parameter,) = map(parameter_of, read_package(package).params.parameters)
    assert parameter.enum == ["1", "2"]


@pytest.mark.parametrize("name", PUBLIC)
def test_public_package_is_read(name: str) -> None:
    if not OPERATORS.is_dir():
        pytest.skip(f"the packages of the public operator collection are not at {OPERATORS}")
    read = read_package(OPERATORS / name)
    assert read.operator.name == name
    assert read.operator.api_version == "kudo.dev/v1beta1"
    templates = {template for task in read.operator.tasks for template in task.template_names()}
    assert templates <= read.templates.keys()


EXAMPLES = sorted(file.parent for file in (REPOSITORY / "examples").glob("*/operator.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_is_read(example: Path) -> None:
    read = read_package(example)
    assert read.operator.name == example.name
    used = {template for task in read.operator.tasks for template in task.template_names()}
    assert used == read.templates.keys()


def test_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError) as error:
        read_package(tmp_path / "nothing")
    assert error.value.problems == ("no such file or directory",)


def test_hidden_files_and_leftovers_of_editors_are_ignored(package: Path) -> None:
    for name in ("._config.yaml", ".#config.yaml", "config.yaml~", "#config.yaml#", ".config.yaml.swp"):
        (package / "templates" / name).write_bytes(b"\x00\xff")
    (package / "templates" / ".git").mkdir()
    (package / "templates" / ".git" / "a.yaml").write_bytes(b"\xff")
    (package / "._operator.yaml").write_bytes(b"\xff")
    assert read_package(package).templates == {"config.yaml": CONFIG_MAP}
    assert read_package(pack(package)) == read_package(package)


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "null\n"])
@pytest.mark.parametrize("api_version", ["kudo.dev/v1beta1", "kudo.dev/v1"])
def test_empty_params_yaml_has_no_parameters(tmp_path: Path, text: str, api_version: str) -> None:
    root = write_package(tmp_path, tasks=[dummy("a")], plans={"deploy": plan()}, api_version=api_version)
    (root / "params.yaml").write_text(text)
    assert read_package(root).params.parameters == []


def with_duplicate(package: Path, api_version: str) -> Path:
    file = package / "operator.yaml"
    text = file.read_text().replace("kudo.dev/v1beta1", api_version).replace("kudo.dev/v1\n", f"{api_version}\n")
    file.write_text(f"operatorVersion: 9.9.9\n{text}")
    params = package / "params.yaml"
    params.write_text(f"apiVersion: {api_version}\nparameters: []\n")
    return package


def test_last_of_two_equal_keys_counts(package: Path) -> None:
    read = read_package(with_duplicate(package, "kudo.dev/v1beta1"))
    assert read.operator.operator_version == "1.0.0"
    (found,) = read.duplicate_keys
    assert found.startswith("operator.yaml: line ")
    assert found.endswith(": duplicate key 'operatorVersion'")


def test_two_equal_keys_are_refused_in_the_new_dialect(package: Path) -> None:
    with pytest.raises(PackageError, match="duplicate key 'operatorVersion'"):
        read_package(with_duplicate(package, "kudo.dev/v1"))


@pytest.mark.parametrize(("kind", "default"), [("array", "[]\n"), ("map", "{}\n")])
def test_array_or_map_without_a_default_is_empty_in_the_dialect_of_kudo(
    tmp_path: Path, kind: str, default: str
) -> None:
    for api_version, expected in (("kudo.dev/v1beta1", default), ("kudo.dev/v1", None)):
        root = write_package(
            tmp_path / api_version,
            tasks=[dummy("a")],
            plans={"deploy": plan()},
            params=[{"name": "A", "type": kind}],
            api_version=api_version,
        )
        (definition,) = read_package(root).params.parameters
        assert parameter_of(definition).default == expected


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("name", "o" * 64, "name: must have at most 63 characters"),
        ("name", "a..b", "name: must consist of lower case letters"),
        ("name", "a.-b", "name: must consist of lower case letters"),
        ("operatorVersion", "1.0.0+build", "operatorVersion: '1.0.0+build' must consist of"),
        ("operatorVersion", "1.0.0-RC1", "operatorVersion: '1.0.0-RC1' must consist of"),
        ("appVersion", "5_7", "appVersion: '5_7' must consist of"),
        ("appVersion", "5" * 250, "but a name has at most 253 characters"),
    ],
)
def test_what_the_api_would_refuse_is_refused(package: Path, field: str, value: str, problem: str) -> None:
    content = yaml.load((package / "operator.yaml").read_text())
    assert isinstance(content, dict)
    (package / "operator.yaml").write_text(yaml.dump({**content, field: value}))
    with pytest.raises(PackageError) as error:
        read_package(package)
    assert problem in str(error.value)


@pytest.mark.parametrize("part", ["plan", "phase", "step", "task"])
def test_long_names_are_refused(tmp_path: Path, part: str) -> None:
    """Temporal's IDs consist of the names of a phase, a step and a task."""
    names = dict.fromkeys(("plan", "phase", "step", "task"), "a") | {part: "a" * 254}
    root = write_package(
        tmp_path,
        tasks=[dummy(names["task"])],
        plans={"deploy": plan(), names["plan"]: plan(phase(names["phase"], (names["step"], [names["task"]])))},
    )
    with pytest.raises(PackageError, match="should have at most 253 characters"):
        read_package(root)
