"""The tour of the README works command by command as written, at any typing speed."""

import asyncio
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from support.command import KUDO, kudo, process
from support.plans import Content
from support.stack import dev_arguments, exports

from kudo.cli.session import whoami

ROOT = Path(__file__).parents[2]

Commands = list[tuple[str, list[str]]]


def tour() -> Commands:
    """Return the commands of the tour, each with the lines of output below it."""
    text = (ROOT / "README.md").read_text()
    block = text.partition("try the commands:\n\n```console\n")[2].partition("\n```")[0]
    found: Commands = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def pattern(lines: list[str]) -> str:
    """Return a regular expression for output: an ellipsis is any number of lines; times and persons differ."""
    return "".join("(?:.*\n)*" if line.strip() == "…" else _pattern_of_line(line) for line in lines)


def _pattern_of_line(line: str) -> str:
    words = re.split(r"( {2,})", line.rstrip().replace("ann@laptop", whoami()))
    found = [
        " +"
        if not word.strip()
        else TIME
        if re.fullmatch("2026-.*", word)
        else ELAPSED
        if word[:1].isdigit()
        else re.escape(word)
        for word in words
    ]
    return "".join(found) + "\n"


TIME, ELAPSED = r"[-0-9]{10} [:0-9]{8}", r"[0-9.hm]+s"


@pytest.mark.parametrize("pause", [0.0, 1.5], ids=["at once", "slowly"])
async def test_tour_works_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pause: float) -> None:
    monkeypatch.chdir(ROOT)
    assert len(tour()) > 12
    async with process(KUDO, *dev_arguments(tmp_path / "data")) as started:
        variables = await exports(started)
        for command, expected in tour():
            program, *arguments = shlex.split(command, comments=True)
            if program == "kubectl":
                if shutil.which("kubectl") is None:
                    continue
                environment = {**os.environ, **variables, "KUBECACHEDIR": str(tmp_path / "cache")}
                kubectl = await asyncio.create_subprocess_exec("kubectl", *arguments, env=environment)
                assert await kubectl.wait() == 0
                continue
            assert program == "kudo"
            result = await kudo(*arguments, **variables)
            assert (result.status, result.err) == (0, ""), command
            if expected:
                printed = "".join(f"{line.rstrip()}\n" for line in result.out.splitlines())
                assert re.fullmatch(pattern(expected), printed), f"{command}\n{printed}\n{pattern(expected)}"
            await asyncio.sleep(pause)


def test_first_commands_are_those_of_the_makefile() -> None:
    text = (ROOT / "README.md").read_text()
    targets: Content = {"targets": re.findall(r"^make ([a-z-]+)$", text, re.MULTILINE)}
    assert targets == {"targets": ["demo", "test"]}
