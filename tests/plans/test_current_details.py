"""The details of a plan that Temporal's Web UI shows while it runs."""

from pathlib import Path

import pytest
from support.details import details_with
from support.plans import Content, Installer, dummy, phase, plan, write_package
from temporalio.client import Client

pytestmark = pytest.mark.usefixtures("worker")


def package(root: Path, name: str, *tasks: Content) -> Path:
    names = [str(task["name"]) for task in tasks]
    return write_package(root, name=name, tasks=[*tasks], plans={"deploy": plan(phase("main", ("run", names)))})


async def test_details_have_attempts_of_a_task_that_is_retried(installer: Installer, client: Client) -> None:
    run = await installer.deploy(package(installer.directory, "own", dummy("fails", wantErr=True)))
    lines = await details_with(client, run, "task fails: attempt 2 or later")
    assert lines[4].startswith("         └── Step run (ERROR) since ")
    assert lines[5] == "            ├── The Dummy task fails failed, as"
    assert lines[7] == "            └── task fails: attempt 2 or later"


async def test_details_have_the_tree_of_a_child(installer: Installer, client: Client) -> None:
    """Also of the child of a child, and of what its task waits for."""
    operator = {"kind": "KudoOperator"}
    parent = package(installer.directory, "parent", {"name": "middle", **operator, "spec": {"package": "./middle"}})
    middle = package(parent, "middle", {"name": "leaf", **operator, "spec": {"package": "./leaf"}})
    package(middle, "leaf", dummy("fails", wantErr=True))
    run = await installer.deploy(parent)
    lines = await details_with(client, run, "(ERROR)")
    branches = [line for line in lines if "──" in line]
    assert [line.partition(" since")[0].rstrip() for line in branches[:12]] == [
        "└── test",
        "   └── Plan deploy [IN_PROGRESS]",
        "      └── Phase main [IN_PROGRESS]",
        "         └── Step run (IN_PROGRESS)",
        "            └── Instance test-middle",
        "               └── Plan deploy [IN_PROGRESS]",
        "                  └── Phase main [IN_PROGRESS]",
        "                     └── Step run (IN_PROGRESS)",
        "                        └── Instance test-middle-leaf",
        "                           └── Plan deploy [IN_PROGRESS]",
        "                              └── Phase main",
        "                                 └── Step run (ERROR)",
    ]
    # The wrapped lines have the rest.
    assert "fails failed, as" in " ".join(lines)
