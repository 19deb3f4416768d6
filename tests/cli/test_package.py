"""`kudo package`: new, verify, create, schema, list."""

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest
from support.command import kudo
from support.plans import apply, dummy, phase, plan, write_package

from kudo.packages import SCHEMA_NAMES, SchemaName, read_package, schema, write_archive

EXAMPLE = Path(__file__).parents[2] / "examples" / "guestbook"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    long = [f"a-rather-long-name-of-a-template-{number}.yaml" for number in range(6)]
    return write_package(
        tmp_path,
        tasks=[apply("many", *long), dummy("done", done=True)],
        plans={"deploy": plan(phase("one", ("a", ["many"]), ("b", ["done"]), strategy="parallel"))},
        params=[
            {"name": "SIZE", "type": "integer", "default": 3, "description": "How\nmany"},
            {"name": "WORD"},
            {"name": "MAYBE", "required": False},
        ],
        templates=dict.fromkeys(long, "{{ Params.SIZE }}{{ Params.WORD }}{{ Params.MAYBE }}"),
    )


async def test_new_package_is_valid(tmp_path: Path) -> None:
    created = await kudo("package", "new", "shop", "--directory", tmp_path / "shop")
    assert (created.status, len(created.out.splitlines())) == (0, 6)
    verified = await kudo("package", "verify", tmp_path / "shop")
    assert (verified.status, verified.out, verified.err) == (0, "The package shop-1.0.0-0.1.0 is valid.\n", "")
    again = await kudo("package", "new", "shop", "--directory", tmp_path / "shop")
    assert (again.status, again.err) == (
        1,
        f"Error: {tmp_path / 'shop'} already exists and is not an empty directory.\n",
    )
    bad = await kudo("package", "new", "Shop!", "--directory", tmp_path / "other")
    assert (bad.status, (tmp_path / "other").exists()) == (1, False)


async def test_schemas_of_a_new_package_are_not_in_its_archive(tmp_path: Path) -> None:
    assert (await kudo("package", "new", "shop", "--directory", tmp_path / "shop")).status == 0
    added = await kudo("package", "add", "maintainer", "Ann", "ann@example.com", "--directory", tmp_path / "shop")
    assert added.status == 0, added.err
    first = (tmp_path / "shop" / "operator.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=.schemas/operator.json"
    assert (await kudo("package", "create", tmp_path / "shop", "--destination", tmp_path)).status == 0
    with tarfile.open(tmp_path / "shop-1.0.0-0.1.0.tgz") as archive:
        assert [name for name in archive.getnames() if name.startswith(".")] == []


@pytest.mark.parametrize("name", SCHEMA_NAMES)
async def test_schema_is_printed_as_it_is(name: SchemaName) -> None:
    printed = await kudo("package", "schema", name, COLUMNS="40")
    assert printed.status == 0, printed.err
    assert json.loads(printed.out) == schema(name)


async def test_invalid_package_fails_verify_and_create(package: Path) -> None:
    (package / "templates" / "a-rather-long-name-of-a-template-0.yaml").write_text("{{ Params.NONE }}")
    result = await kudo("package", "verify", package)
    assert (result.status, result.out) == (1, "")
    assert "Error: templates/a-rather-long-name-of-a-template-0.yaml:1: there is no parameter 'NONE'" in result.err
    assert result.err.splitlines()[-1] == "The package tested-1.0.0 has 6 errors."
    assert (await kudo("package", "create", package, "-d", package.parent)).status == 1
    assert not list(package.parent.glob("*.tgz"))


async def test_archive_is_reproducible(tmp_path: Path) -> None:
    digests = set()
    for number in range(2):
        result = await kudo("package", "create", EXAMPLE, "--destination", tmp_path / str(number))
        assert result.status == 0, result.err
        (archive,) = (tmp_path / str(number)).iterdir()
        digests.add(hashlib.sha256(archive.read_bytes()).hexdigest())
        os.utime(EXAMPLE / "operator.yaml")
    assert len(digests) == 1
    assert archive.name == "guestbook-1.27.3-0.1.0.tgz"
    assert read_package(archive) == read_package(EXAMPLE)


async def test_existing_archive_is_replaced_only_with_overwrite(tmp_path: Path) -> None:
    arguments = ("package", "create", EXAMPLE, "-d", tmp_path)
    assert (await kudo(*arguments)).status == 0
    refused = await kudo(*arguments)
    assert refused.status == 1
    assert "already exists. Replace it with --overwrite." in refused.err
    assert (await kudo(*arguments, "--overwrite")).status == 0
    assert [file.name for file in tmp_path.iterdir()] == ["guestbook-1.27.3-0.1.0.tgz"]


async def test_parameters_are_listed(package: Path) -> None:
    listed = await kudo("package", "list", "parameters", package, "-d")
    assert [line.split() for line in listed.out.splitlines()] == [
        ["NAME", "TYPE", "DEFAULT", "REQUIRED", "DESCRIPTION"],
        ["SIZE", "integer", "3", "yes", "How", "many"],
        ["WORD", "string", "yes"],
        ["MAYBE", "string", "no"],
    ]
    assert (await kudo("package", "list", "parameters", package, "-r", "--names")).out == "WORD\n"


async def test_list_of_tasks_is_not_cut_to_terminal_width(package: Path) -> None:
    listed = await kudo("package", "list", "tasks", package, COLUMNS="40")
    assert "a-rather-long-name-of-a-template-5.yaml" in listed.out.splitlines()[1]


async def test_plans_are_listed_as_tree(package: Path) -> None:
    assert (await kudo("package", "list", "plans", package)).out.splitlines() == [
        "└── tested",
        "   └── Plan deploy (serial strategy)",
        "      └── Phase one (parallel strategy)",
        "         ├── Step a",
        "         │  └── many",
        "         └── Step b",
        "            └── done",
    ]


async def test_large_file_outside_templates_is_archived(tmp_path: Path) -> None:
    root = write_package(
        tmp_path, tasks=[dummy("done", done=True)], plans={"deploy": plan(phase("a", ("b", ["done"])))}
    )
    (root / "docs").mkdir()
    (root / "docs" / "picture.png").write_bytes(os.urandom(2 * 1024 * 1024))
    assert (await kudo("package", "create", root, "--destination", tmp_path)).status == 0
    assert (await kudo("package", "verify", tmp_path / "tested-1.0.0.tgz")).status == 0


@pytest.mark.parametrize(
    ("needed", "words"),
    [
        ("../other", "../other points outside the archive"),
        ("./other.tgz", "./other.tgz is an archive inside an archive"),
    ],
)
async def test_package_with_unusable_child_is_not_archived(tmp_path: Path, needed: str, words: str) -> None:
    deploy = {"deploy": plan(phase("a", ("b", ["done"])))}
    root = write_package(
        tmp_path,
        name="above",
        tasks=[dummy("done", done=True), {"name": "other", "kind": "KudoOperator", "spec": {"package": needed}}],
        plans={"deploy": plan(phase("a", ("b", ["done", "other"])))},
    )
    other = write_package(tmp_path, name="other", tasks=[dummy("done", done=True)], plans=deploy)
    await write_archive(other, read_package(other), root)
    (root / "other-1.0.0.tgz").rename(root / "other.tgz")
    result = await kudo("package", "create", root, "--destination", tmp_path / "made")
    assert result.status == 1
    assert words in result.err
    assert not (tmp_path / "made").exists()
