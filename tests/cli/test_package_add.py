"""`kudo package add`: existing content, comments included, is kept."""

from pathlib import Path

import pytest
from support.command import kudo

from kudo.packages import read_package, write_skeleton


@pytest.fixture
def package(tmp_path: Path) -> Path:
    write_skeleton("shop", tmp_path / "shop")
    return tmp_path / "shop"


async def add(package: Path, *arguments: object) -> str:
    result = await kudo("package", "add", *arguments, "--directory", package)
    assert (result.status, result.err) == (0, "")
    return result.out


async def test_add_extends_package_and_keeps_its_lines(package: Path) -> None:
    before = {name: (package / name).read_text() for name in ("operator.yaml", "params.yaml")}
    await add(package, "maintainer", "Ann", "ann@example.com")
    await add(package, "parameter", "SIZE", "--type", "integer", "--default", "3", "--description", "How many")
    output = await add(package, "task", "extra", "-r", "configmap.yaml", "-r", "extra/role.yaml")
    assert output.splitlines() == [
        "The task extra was added to operator.yaml.",
        f"The empty file {package}/templates/extra/role.yaml was created.",
    ]
    await add(package, "plan", "backup", "-t", "extra", "--strategy", "parallel")
    await add(package, "parameter", "MODE", "--optional", "--trigger", "backup")
    await add(package, "parameter", "ANSWER", "--default", "yes")
    assert read_package(package).params.parameters.pop().default == "yes"
    read = read_package(package)
    assert [(item.name, item.email) for item in read.operator.maintainers] == [("Ann", "ann@example.com")]
    assert read.operator.plans["backup"].task_names() == ["extra"]
    size, mode = read.params.parameters[-3:-1]
    assert (size.name, size.type, size.default, size.description) == ("SIZE", "integer", 3, "How many")
    assert (mode.name, mode.required, mode.trigger) == ("MODE", False, "backup")
    for name, text in before.items():
        # No existing line is lost, comments included.
        assert set(text.splitlines()) <= set((package / name).read_text().splitlines())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("parameter", "GREETING"), "the name 'greeting' occurs 2 times"),
        (("parameter", "X", "--type", "integer", "--default", "abc"), "must be an integer"),
        (("parameter", "X", "--type", "integer", "--default", "["), "--default is not valid YAML"),
        (("task", "extra", "--kind", "Toggle", "-r", "a.yaml", "-r", "a.yaml"), "Field required"),
        (("parameter", "X", "--trigger", "none"), "there is no plan 'none'"),
        (("task", "extra", "--kind", "Toggle", "-r", "new.yaml"), "tasks.extra.spec.parameter: Field required"),
        (("plan", "deploy", "-t", "config"), "The plan deploy already exists."),
        (("plan", "backup", "-t", "none"), "there is no task 'none'"),
    ],
)
async def test_invalid_addition_is_refused_and_changes_nothing(
    package: Path, arguments: tuple[str, ...], words: str
) -> None:
    before = {file: file.read_bytes() for file in package.rglob("*") if file.is_file()}
    result = await kudo("package", "add", *arguments, "--directory", package)
    assert result.status == 1
    assert words in result.err
    assert {file: file.read_bytes() for file in package.rglob("*") if file.is_file()} == before


async def test_add_to_missing_package_is_refused(tmp_path: Path) -> None:
    result = await kudo("package", "add", "maintainer", "Ann", "x", "--directory", tmp_path / "none")
    assert (result.status, "no such file or directory" in result.err) == (1, True)
