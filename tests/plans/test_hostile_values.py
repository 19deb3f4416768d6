"""Parameter values that would block or kill a worker fail the plan, and the worker goes on."""

import asyncio
import os
from typing import Any

import pytest
from support.plans import CONFIG_MAP, NAMESPACE, Installer, apply, dummy, phase, plan, write_package

from kudo.instances.resources import instance_ref
from kudo.templates import Renderer

pytestmark = pytest.mark.usefixtures("worker")

ALIASES = "[&a '" + "x" * 300_000 + "'" + ", *a" * 60_000 + "]"


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("number", "1" * 40_000 + "x", "A: must be a number"),
        ("array", ALIASES, "A: must be a YAML list"),
        ("map", "{" * 50_000, "A: must be a YAML map"),
        ("array", "0b" + "1" * 300_000 + "x", "A: must be a YAML list"),
    ],
    ids=["digits", "aliases", "depth", "binary"],
)
async def test_value_that_is_expensive_to_parse_fails_the_plan(
    installer: Installer, kind: str, value: str, message: str
) -> None:
    """The value is written past the command line, which would refuse it."""
    package = write_package(
        installer.directory,
        tasks=[dummy("done", done=True)],
        plans={"deploy": plan(phase("main", ("a", ["done"])))},
        params=[{"name": "A", "type": kind, "required": False}],
    )
    await installer.install(package)
    await installer.cluster.patch(instance_ref(NAMESPACE, "test"), {"spec": {"parameters": {"A": value}}})
    outcome = await asyncio.wait_for((await installer.start()).outcome(), 60)
    assert outcome.status.status == "FATAL_ERROR"
    assert message in outcome.message
    assert len(outcome.message) < 1000


async def test_template_that_kills_three_renderers_fails_the_plan(
    installer: Installer, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = []

    async def render(renderer: Renderer, *_: Any) -> Any:
        killed.append(renderer)
        return await renderer.run("templates/config.yaml", os._exit, 9)

    monkeypatch.setattr("kudo.activities.resources.render_objects", render)
    package = write_package(
        installer.directory,
        tasks=[apply("config", "config.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["config"])))},
        templates={"config.yaml": CONFIG_MAP},
    )
    outcome = await asyncio.wait_for((await installer.deploy(package)).outcome(), 60)
    assert outcome.status.phases[0].steps[0].message == "templates/config.yaml: the rendering process was killed"
    assert outcome.status.status == "FATAL_ERROR"
    assert len(killed) == 3
