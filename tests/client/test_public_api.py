"""The public API: the exports of `kudo.client`, and the program in examples/python that uses them."""

import sys
from pathlib import Path

import pytest
from support.command import execute
from support.plans import Installer, dummy, phase, plan, step, write_package

import kudo.client

PROGRAM = Path(__file__).parents[2] / "examples" / "python" / "backup.py"


def test_all_lists_the_members_of_the_client() -> None:
    members = [name for name in vars(kudo.client) if not name.startswith("_")]
    modules = {"connection", "history", "origin", "plans", "rpc", "run", "search_attributes"}
    exported = sorted((name for name in members if name not in modules), key=str.lower)
    assert exported == sorted(kudo.client.__all__, key=str.lower)


def test_every_public_name_has_a_docstring() -> None:
    undocumented = [
        name
        for name in kudo.client.__all__
        if not isinstance(member := getattr(kudo.client, name), str) and not member.__doc__
    ]
    assert not undocumented


@pytest.mark.usefixtures("worker")
async def test_example_starts_follows_and_approves_a_plan(installer: Installer) -> None:
    await installer.install(package(installer, step("wait", "done", approval=True)))
    result = await execute(sys.executable, PROGRAM, "test", "monday")
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines()[-1] == "backup ended COMPLETE."
    assert "backup is IN_PROGRESS" in result.out


@pytest.mark.usefixtures("worker")
async def test_example_cancels_a_plan_that_takes_too_long(installer: Installer) -> None:
    await installer.install(package(installer, step("hang", "never")))
    result = await execute(sys.executable, PROGRAM, "test", "monday", 1)
    assert (result.status, result.err) == (1, "")
    assert result.out.splitlines()[-1] == "backup ended CANCELLED. not done after 1 s"


@pytest.mark.usefixtures("client")
async def test_example_prints_an_error_as_a_sentence() -> None:
    result = await execute(sys.executable, PROGRAM, "test", "monday", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("Error: Temporal at 127.0.0.1:1 cannot be reached")
    assert "Traceback" not in result.err


def package(installer: Installer, backup_step: object) -> Path:
    return write_package(
        installer.directory,
        tasks=[dummy("done", done=True), dummy("never")],
        plans={"deploy": plan(phase("main", ("a", ["done"]))), "backup": plan(phase("main", backup_step))},  # type: ignore[arg-type]
        params=[{"name": "BACKUP_NAME", "default": "none"}],
    )
