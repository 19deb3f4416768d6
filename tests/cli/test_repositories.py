"""`kudo repo`, `kudo search`, and installation by name and by URL."""

import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from support.command import Result, kudo
from support.plans import CONFIG_MAP, NAMESPACE, Installer, apply, phase, plan, write_package

from kudo.devstack.ports import free_port
from kudo.model import yaml
from kudo.model.resources import API_VERSION
from kudo.packages import read_package, write_archive

pytestmark = pytest.mark.only_on("sandbox", "it does not depend on the cluster")


def package(directory: Path, version: str, app_version: str = "", *, name: str = "shop") -> Path:
    return write_package(
        directory / f"{name}-{app_version}-{version}",
        name=name,
        operatorVersion=version,
        description=f"A {name}",
        **({"appVersion": app_version} if app_version else {}),
        tasks=[apply("config", "config.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["config"])))},
        templates={"config.yaml": CONFIG_MAP.replace("value", version)},
    )


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUDO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A folder of packages, with its index."""
    folder = tmp_path / "packages"
    for root in (
        package(tmp_path, "0.9.0", "2.0"),
        package(tmp_path, "0.10.0", "2.0"),
        package(tmp_path, "1.0.0", "1.10"),
        package(tmp_path, "0.1.0", name="bookshop"),
    ):
        await write_archive(root, read_package(root), folder)
    assert (await kudo("repo", "index", folder)).out == f"{folder / 'index.yaml'} has 4 packages.\n"
    return folder


@pytest.fixture
async def url(folder: Path) -> AsyncIterator[str]:
    """The URL of an HTTP server that serves the folder."""
    application = web.Application()
    application.router.add_static("/charts", folder)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port(0)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}/charts"
    await runner.cleanup()


async def test_index_contains_versions_and_digests(folder: Path) -> None:
    index = yaml.load((folder / "index.yaml").read_text())
    assert isinstance(index, dict)
    assert index["apiVersion"] == "v1"
    shop = index["entries"]["shop"]  # type: ignore[index, call-overload]
    assert [(item["appVersion"], item["operatorVersion"]) for item in shop] == [  # type: ignore[index, call-overload, union-attr]
        ("2.0", "0.10.0"),
        ("2.0", "0.9.0"),
        ("1.10", "1.0.0"),
    ]
    archive = folder / "shop-2.0-0.10.0.tgz"
    assert shop[0]["urls"] == [archive.name]  # type: ignore[index, call-overload]
    assert shop[0]["digest"] == hashlib.sha256(archive.read_bytes()).hexdigest()  # type: ignore[index, call-overload]


async def test_existing_index_is_not_replaced_without_overwrite(folder: Path) -> None:
    before = (folder / "index.yaml").read_text()
    refused = await kudo("repo", "index", folder)
    assert (refused.status, refused.err) == (
        1,
        f"Error: {folder / 'index.yaml'} already exists. Replace it with --overwrite.\n",
    )
    assert (folder / "index.yaml").read_text() == before


async def test_index_is_merged_with_another(folder: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    await kudo("package", "create", package(tmp_path, "2.0.0", "2.0"), "--destination", more)
    merged = await kudo("repo", "index", more, "--url", "https://example.com/kudo", "--merge", folder)
    assert merged.out == f"{more / 'index.yaml'} has 5 packages.\n"
    text = (more / "index.yaml").read_text()
    assert "https://example.com/kudo/shop-2.0-2.0.0.tgz" in text
    assert str(folder / "shop-2.0-0.9.0.tgz") in text


async def test_repositories_are_added_selected_and_removed(folder: Path, home: Path) -> None:
    listed = (await kudo("repo", "list")).out
    assert "community" in listed
    assert (await kudo("repo", "add", "mine", folder)).status == 0
    assert (await kudo("repo", "context", "mine")).out == "The repository mine is now the default.\n"
    rows = [line.split() for line in (await kudo("repo", "list")).out.splitlines()[1:]]
    assert ["*", "mine", str(folder)] in rows
    again = await kudo("repo", "add", "mine", folder)
    assert "The repository mine already exists." in again.err
    in_use = await kudo("repo", "remove", "mine")
    assert (in_use.status, "is the default repository" in in_use.err) == (1, True)
    assert (await kudo("repo", "remove", "community")).status == 0
    assert yaml.load((home / "repository" / "repositories.yaml").read_text()) == {
        "repoVersion": "v1",
        "context": "mine",
        "repositories": [{"name": "mine", "url": str(folder)}],
    }


async def test_missing_repository_is_not_added(tmp_path: Path, home: Path) -> None:
    result = await kudo("repo", "add", "mine", tmp_path / "nothing")
    assert (result.status, result.err) == (
        1,
        f"Error: {tmp_path / 'nothing' / 'index.yaml'} cannot be read: No such file or directory.\n",
    )
    assert not home.exists()
    assert (await kudo("repo", "add", "mine", tmp_path / "nothing", "--skip-check")).status == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "is not valid YAML"),
        ("entries: {}", "is not a repository index:\n  - apiVersion: Field required"),
        ("apiVersion: v1\nentries: {a: [{name: a}]}", "entries.a.a.operatorVersion: Field required"),
    ],
)
async def test_malformed_index_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "index.yaml").write_text(text)
    result = await kudo("repo", "add", "mine", tmp_path)
    assert result.status == 1
    assert words in result.err


async def rows(*arguments: object) -> list[list[str]]:
    result = await kudo(*arguments)
    assert result.status == 0, result.err
    return [line.split() for line in result.out.splitlines()[1:]]


async def test_search_finds_packages_by_part_of_name(url: str) -> None:
    await kudo("repo", "add", "mine", url)
    assert await rows("search", "shop", "--repo", "mine") == [
        ["bookshop", "0.1.0", "A", "bookshop"],
        ["shop", "0.10.0", "2.0", "A", "shop"],
    ]
    assert [row[1] for row in await rows("search", "SHOP", "--repo", "mine", "-a")] == [
        "0.1.0",
        "0.10.0",
        "0.9.0",
        "1.0.0",
    ]
    none = await kudo("search", "kafka", "--repo", "mine")
    assert none.out == "The repository mine has no package with 'kafka' in its name.\n"
    unknown = await kudo("search", "kafka", "--repo", "other")
    assert unknown.err == "Error: There is no repository other. Repositories: community, mine.\n"


async def installed(installer: Installer) -> set[str]:
    found = await installer.cluster.list(API_VERSION, "OperatorVersion", NAMESPACE)
    return {item.name for item in found}


async def install(*arguments: object) -> Result:
    return await kudo("install", *arguments, "--skip-instance")


async def test_install_by_name_resolves_version(installer: Installer, url: str) -> None:
    await kudo("repo", "add", "mine", url)
    await kudo("repo", "context", "mine")
    assert (await install("shop")).out == "The package shop-2.0-0.10.0 was installed.\n"
    await install("shop", "--app-version", "1.10")
    await install("shop", "--operator-version", "0.9.0")
    assert await installed(installer) == {"shop-2.0-0.10.0", "shop-1.10-1.0.0", "shop-2.0-0.9.0"}
    missing = await install("shop", "--operator-version", "3.0.0")
    assert missing.err == (
        "Error: The repository mine has no shop 3.0.0. "
        "Available versions: 0.10.0 (app 2.0), 0.9.0 (app 2.0), 1.0.0 (app 1.10).\n"
    )
    unknown = await install("kafka")
    assert unknown.err == (
        "Error: kafka is not a path, and the repository mine has no package of this name. "
        "List its packages with `kudo search --repo mine`.\n"
    )


async def test_install_by_url_downloads_package(installer: Installer, url: str) -> None:
    assert (await install(f"{url}/shop-2.0-0.9.0.tgz")).status == 0
    assert await installed(installer) == {"shop-2.0-0.9.0"}
    missing = await install(f"{url}/none.tgz")
    assert missing.err == f"Error: {url}/none.tgz cannot be read: the server returned 404 Not Found.\n"
    unreachable = await install("http://127.0.0.1:1/none.tgz")
    assert unreachable.status == 1
    assert unreachable.err.startswith("Error: http://127.0.0.1:1/none.tgz cannot be read: Cannot connect")
    unsupported = await install("ftp://example.com/none.tgz")
    assert "a URL must begin with https://, http:// or file://" in unsupported.err


async def test_archive_with_other_digest_than_in_index_is_refused(
    installer: Installer, folder: Path, url: str, tmp_path: Path
) -> None:
    await kudo("repo", "add", "mine", url)
    archive = folder / "shop-2.0-0.10.0.tgz"
    expected = hashlib.sha256(archive.read_bytes()).hexdigest()
    shutil.copy(folder / "shop-2.0-0.9.0.tgz", archive)
    actual = hashlib.sha256(archive.read_bytes()).hexdigest()
    result = await install("shop", "--repo", "mine")
    assert (result.status, result.err) == (
        1,
        f"Error: The package {url}/{archive.name} has a problem:\n"
        f"  - its SHA-256 is {actual}, but the index of the repository has {expected}\n",
    )
    assert await installed(installer) == set()


async def test_required_package_is_resolved_from_same_repository(
    installer: Installer, folder: Path, url: str, tmp_path: Path
) -> None:
    tasks = [{"name": "child", "kind": "KudoOperator", "spec": {"package": "shop", "appVersion": "2.0"}}]
    root = write_package(tmp_path, name="mall", tasks=tasks, plans={"deploy": plan(phase("main", ("a", ["child"])))})
    await kudo("package", "create", root, "--destination", folder)
    await kudo("repo", "index", folder, "--overwrite")
    await kudo("repo", "add", "mine", url)
    assert (await install("mall", "--repo", "mine")).status == 0
    assert await installed(installer) == {"mall-1.0.0", "shop-2.0-0.10.0"}
    assert read_package(root).operator.tasks[0].name == "child"


async def test_index_with_local_file_url_is_refused(installer: Installer, folder: Path, url: str) -> None:
    await kudo("repo", "index", folder, "--url", f"FILE://{folder}", "--overwrite")
    await kudo("repo", "add", "mine", url)
    result = await install("shop", "--repo", "mine")
    assert (result.status, "is a local file. The index of " in result.err) == (1, True)
    await kudo("repo", "add", "local", folder)
    assert (await install("shop", "--repo", "local")).status == 0


@pytest.mark.parametrize("scheme", ["file", "FILE", " file"])
async def test_package_with_local_file_url_is_refused(
    installer: Installer, folder: Path, tmp_path: Path, scheme: str
) -> None:
    spec = {"package": f"{scheme}://{folder}/shop-2.0-0.9.0.tgz"}
    tasks = [{"name": "child", "kind": "KudoOperator", "spec": spec}]
    root = write_package(tmp_path, name="mall", tasks=tasks, plans={"deploy": plan(phase("main", ("a", ["child"])))})
    result = await install(root)
    assert (result.status, "A package must not refer to local files by URL." in result.err) == (1, True)


async def test_repo_option_takes_precedence_over_folder(
    installer: Installer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    package(tmp_path / "here", "7.0.0").rename(tmp_path / "here" / "shop")
    monkeypatch.chdir(tmp_path / "here")
    # A relative path that is valid only in this directory.
    await kudo("repo", "add", "mine", "../packages")
    assert (await install("shop", "--repo", "mine")).out == "The package shop-2.0-0.10.0 was installed.\n"
    assert (await install("shop", "--operator-version", "0.9.0")).err == (
        "Error: shop has operator version 7.0.0, not 0.9.0.\n"
    )
    assert (await install("shop")).out == "The package shop-7.0.0 was installed.\n"
    monkeypatch.chdir(tmp_path)
    assert (await kudo("search", "--repo", "mine")).status == 0


async def test_index_with_invalid_url_is_refused(tmp_path: Path) -> None:
    entry = "{name: a, operatorVersion: 1.0.0, urls: ['http://[bad']}"
    (tmp_path / "index.yaml").write_text(f"apiVersion: v1\nentries: {{a: [{entry}]}}\n")
    result = await kudo("repo", "add", "mine", f"file://{tmp_path}")
    assert result.status == 1
    assert "index.yaml: the URL of a 1.0.0 is invalid: Invalid IPv6 URL." in result.err


async def test_archive_that_is_not_the_one_of_the_index_is_refused(
    installer: Installer, folder: Path, url: str
) -> None:
    index = folder / "index.yaml"
    wrong = index.read_text().replace("operatorVersion: 0.10.0", "operatorVersion: 0.11.0")
    assert wrong != index.read_text()
    index.write_text(wrong)
    await kudo("repo", "add", "mine", url)
    result = await install("shop", "--repo", "mine")
    assert result.status == 1
    assert "its operatorVersion is 0.10.0, but the index of the repository has 0.11.0" in result.err
    assert await installed(installer) == set()


async def test_url_may_have_a_digest_and_that_of_a_dependency_must(
    installer: Installer, folder: Path, url: str, tmp_path: Path
) -> None:
    digest = hashlib.sha256((folder / "shop-2.0-0.9.0.tgz").read_bytes()).hexdigest()
    archive = f"{url}/shop-2.0-0.9.0.tgz"
    assert (await install(f"{archive}#sha256={digest}")).status == 0
    refused = await install(f"{archive}#sha256={'0' * 64}")
    assert f"its SHA-256 is {digest}, but its URL has {'0' * 64}" in refused.err

    def parent(package: str) -> Path:
        return write_package(
            tmp_path,
            name="parent",
            tasks=[{"name": "shop", "kind": "KudoOperator", "spec": {"package": package}}],
            plans={"deploy": plan(phase("main", ("a", ["shop"])))},
        )

    without = await install(parent(archive))
    assert without.status == 1
    assert f"{archive} has no digest. A package must name the content of another one that it gets by URL" in without.err
    assert (await install(parent(f"{archive}#sha256={digest}"))).status == 0
