"""requirements/ has the exact versions, with hashes, of everything in pyproject.toml; `make lock` writes it."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]
FILES = sorted((ROOT / "requirements").glob("*.txt"))

SETS: dict[str, list[str]] = {
    "runtime": PROJECT["dependencies"],
    "setup": [
        *PROJECT["dependencies"],
        *PROJECT["optional-dependencies"]["dev"],
        *GROUPS["test"],
        *GROUPS["build"],
    ],
} | {name: group for name, group in GROUPS.items() if name != "test"}
"""The requirements in pyproject.toml that each file of requirements/ locks."""


@dataclass(frozen=True)
class Pin:
    """One exact version."""

    requirement: Requirement
    hashes: int
    is_direct: bool

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        return str(self.requirement.specifier).removeprefix("==")


def pins(name: str) -> Iterator[Pin]:
    """Yield the pins in a file of requirements/: each starts a line, its hashes and uv's comments are indented."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    for entry in re.findall(r"^[^\s#].*\n(?:[ ].*\n)*", text, re.MULTILINE):
        requirement = Requirement(entry.splitlines()[0].removesuffix("\\"))
        yield Pin(requirement, entry.count("--hash=sha256:"), "kudo-temporal (pyproject.toml" in entry)


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(requirement).name) for requirement in requirements}


def test_every_set_has_a_file() -> None:
    assert [file.stem for file in FILES] == sorted(SETS)


@pytest.mark.parametrize("name", SETS)
def test_every_requirement_is_locked_to_a_version_in_its_range(name: str) -> None:
    versions = defaultdict(list)
    for pin in pins(name):
        versions[pin.name].append(pin.version)
    for requirement in map(Requirement, SETS[name]):
        locked = versions[canonicalize_name(requirement.name)]
        assert locked, f"{requirement} is not locked. Run `make lock`."
        assert all(map(requirement.specifier.contains, locked)), f"{requirement}: locked is {locked}. Run `make lock`."


@pytest.mark.parametrize("name", SETS)
def test_requirement_dropped_from_pyproject_is_not_locked(name: str) -> None:
    assert {pin.name for pin in pins(name) if pin.is_direct} == names(SETS[name])


@pytest.mark.parametrize("name", SETS)
def test_every_pin_is_exact_and_has_hashes(name: str) -> None:
    assert all(re.fullmatch(r"==[\w.!+]+", str(pin.requirement.specifier)) and pin.hashes for pin in pins(name))


def test_all_sets_have_the_same_version_of_a_package() -> None:
    versions = defaultdict(set)
    for name in SETS:
        for pin in pins(name):
            versions[pin.name].add(pin.version)
    assert not {name: found for name, found in versions.items() if len(found) > 1}


def test_no_index_is_named() -> None:
    """The user who installs chooses the package index."""
    assert not [file.name for file in FILES if "://" in file.read_text() or "index-url" in file.read_text()]


def test_build_requirements_are_in_the_group_build() -> None:
    assert set(PYPROJECT["build-system"]["requires"]) <= set(GROUPS["build"])
