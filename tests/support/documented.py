"""The examples of docs/packages.md, as a package."""

import re
from collections.abc import Iterator
from pathlib import Path

from kudo.model import yaml
from support.plans import CONFIG_MAP, Content, apply, phase, plan, write_package

PAGE = (Path(__file__).parents[2] / "docs" / "packages.md").read_text()

PARAMETERS: list[Content] = [
    {"name": "GREETING", "default": "hello"},
    {"name": "MONITORING", "type": "boolean", "default": True},
]


def blocks(info: str) -> Iterator[tuple[str, str]]:
    """Yield the code blocks of the page whose info string begins with `info`: the rest of that string, and the text."""
    for found in re.finditer(rf"^```yaml {re.escape(info)}(.*)\n((?:.*\n)*?)```$", PAGE, re.MULTILINE):
        yield found[1].strip(), found[2]


def tasks() -> list[Content]:
    found: list[Content] = []
    for _, text in blocks("tasks"):
        listed = yaml.load(text)
        assert isinstance(listed, list)
        found += [task for task in listed if isinstance(task, dict)]
    return found


def write_documented_package(directory: Path, dialect: str) -> Path:
    """Write a package of all examples, with one step for each task."""
    root = write_package(
        directory,
        name="shop",
        tasks=tasks(),
        plans={"deploy": plan(phase("main", *((str(task["name"]), [str(task["name"])]) for task in tasks())))},
        params=PARAMETERS,
        templates={name.removeprefix("templates/"): text for name, text in blocks(f"{dialect} ")},
        api_version=dialect,
    )
    write_package(
        root,
        name="zookeeper",
        tasks=[apply("config", "config.yaml")],
        plans={"deploy": plan(phase("main", ("config", ["config"])))},
        params=PARAMETERS[:1],
        templates={"config.yaml": CONFIG_MAP.replace("value", "{{ Params.GREETING }}")},
    )
    return root
