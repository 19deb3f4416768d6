"""What the verbs of the command line import: `kudo` is a new process each time; imports take most of its time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import contextlib, io, json, sys

with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    from kudo.cli import completion, main
    completion.register_shells()
    try:
        main.app(sys.argv[1:], prog_name="kudo")
    except SystemExit:
        pass
print(json.dumps(sorted(sys.modules)))
"""

DECLARATIONS = {
    "kudo",
    "kudo.cli",
    "kudo.cli.command",
    "kudo.cli.completion",
    "kudo.cli.delete",
    "kudo.cli.dev",
    "kudo.cli.get",
    "kudo.cli.instance",
    "kudo.cli.instance_argument",
    "kudo.cli.logs",
    "kudo.cli.main",
    "kudo.cli.options",
    "kudo.cli.package",
    "kudo.cli.plan",
    "kudo.cli.repo",
    "kudo.devstack",
    "kudo.devstack.ports",
    "kudo.errors",
    "kudo.model",
    "kudo.model.kubernetes",
    "kudo.model.parameter_types",
}
"""The modules that declare commands and their options."""

HEAVY = {
    "aiohttp", "asyncio", "gotpl", "jinja2", "kubernetes", "pebble", "pydantic", "rich", "ruamel", "temporalio", "yaml",
}  # fmt: skip
"""Packages that take long to import."""

TEMPLATES = {"gotpl", "jinja2", "pebble", "ruamel"}


def imported(*arguments: str, **environment: str) -> set[str]:
    """Return the modules that a call of `kudo` has imported; whether it succeeds does not matter."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env={**os.environ, "KUBECONFIG": "/does/not/exist", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(run.stdout))


def own(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == "kudo"}


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("arguments", [["version"], ["--version"], ["--help"], ["plan", "--help"], ["install", "-h"]])
def test_version_and_help_import_only_declarations(arguments: list[str]) -> None:
    modules = imported(*arguments)
    assert own(modules) == DECLARATIONS
    assert not packages(modules) & HEAVY


@pytest.mark.parametrize("words", ["kudo ", "kudo plan ", "kudo install --"])
def test_completion_imports_only_declarations(words: str) -> None:
    modules = imported(_KUDO_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1))
    assert own(modules) == DECLARATIONS
    assert not packages(modules) & HEAVY


@pytest.mark.parametrize("arguments", [["get", "instances"], ["get", "all"]])
def test_get_imports_neither_temporal_nor_templates(arguments: list[str]) -> None:
    modules = imported(*arguments)
    assert "kubernetes" in packages(modules)
    assert not packages(modules) & {"temporalio", *TEMPLATES}


@pytest.mark.parametrize("verb", ["status", "history", "wait", "cancel", "pause", "approve"])
def test_plan_imports_no_templates(verb: str) -> None:
    modules = imported("plan", verb, "it")
    assert "temporalio" in packages(modules)
    assert not packages(modules) & TEMPLATES


@pytest.mark.parametrize("arguments", [["package", "verify"], ["render"], ["package", "list", "parameters"]])
def test_work_on_a_package_imports_neither_temporal_nor_kubernetes(arguments: list[str]) -> None:
    modules = imported(*arguments, "examples/guestbook")
    assert "pydantic" in packages(modules)
    assert not packages(modules) & {"aiohttp", "kubernetes", "temporalio"}
