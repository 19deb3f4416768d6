"""The health of a worker process."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kudo import health
from kudo.errors import RendererUnavailable, WorkerUnhealthy
from kudo.health import Health, check_processes


@pytest.fixture(autouse=True)
def own_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUDO_RUN_DIR", str(tmp_path))
    # The watchdog must not end the tests on a machine that is busy.
    monkeypatch.setattr(health, "BLOCKED", 1_000_000)


async def works() -> None:
    """A probe that succeeds."""


async def test_worker_that_makes_progress_is_healthy(tmp_path: Path) -> None:
    assert not check_processes()
    async with Health(works).watched():
        await asyncio.sleep(0.1)
        assert check_processes()
        assert [file.name for file in tmp_path.iterdir()] == [f"worker-{os.getpid()}.json"]
    assert not list(tmp_path.iterdir())


async def test_blocked_event_loop_is_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SLOW", 0.2)
    async with Health(works).watched():
        await asyncio.sleep(0.1)
        time.sleep(0.5)  # noqa: ASYNC251
        with pytest.raises(WorkerUnhealthy, match=f"The worker {os.getpid()} makes no progress: its event loop is"):
            check_processes()


async def test_renderer_that_fails_is_unhealthy_and_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBE", 0.01)
    monkeypatch.setattr(health, "BEAT", 0.01)

    async def fails() -> None:
        raise RendererUnavailable("no process can be started")

    watched = Health(fails)
    async with watched.watched():
        await asyncio.wait_for(watched.failed.wait(), 10)
        await asyncio.sleep(0.1)
        with pytest.raises(WorkerUnhealthy, match="no template can be rendered: no process can be started"):
            check_processes()


async def test_renderer_that_works_again_is_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBE", 0.01)
    monkeypatch.setattr(health, "BEAT", 0.01)
    probes = 0

    async def fails_twice() -> None:
        nonlocal probes
        probes += 1
        if probes <= 2:
            raise RendererUnavailable("no process can be started")

    watched = Health(fails_twice)
    async with watched.watched():
        while probes < 5:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert check_processes()
        assert not watched.failed.is_set()


async def test_probes_end_whenever_the_worker_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Python 3.11, `asyncio.wait_for` loses a cancel that arrives together with a result."""
    monkeypatch.setattr(health, "PROBE", 0)
    for turns in range(20):
        async with asyncio.timeout(10), Health(works).watched():
            for _ in range(turns):
                await asyncio.sleep(0)


def test_file_that_a_killed_worker_left_is_ignored(tmp_path: Path) -> None:
    """Also if another process has its PID now."""
    (tmp_path / f"worker-{os.getpid()}.json").write_text('{"beat": 0, "problem": ""}')
    assert not check_processes()


async def test_file_that_a_killed_worker_left_is_used_again(tmp_path: Path) -> None:
    (tmp_path / f"worker-{os.getpid()}.json").write_text('{"beat": 0, "problem": "none"}')
    async with Health(works).watched():
        await asyncio.sleep(0.1)
        assert check_processes()


async def test_two_workers_of_one_process_share_its_file(tmp_path: Path) -> None:
    async with Health(works).watched(), Health(works).watched():
        await asyncio.sleep(0.1)
        assert check_processes()
        assert [file.name for file in tmp_path.iterdir()] == [f"worker-{os.getpid()}.json"]


async def test_long_problem_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBE", 0.01)
    monkeypatch.setattr(health, "BEAT", 0.01)

    async def fails() -> None:
        raise RendererUnavailable("\N{SNOWMAN}" * 10_000)

    async with Health(fails).watched():
        await asyncio.sleep(0.2)
        with pytest.raises(WorkerUnhealthy, match="no template can be rendered: \N{SNOWMAN}"):
            check_processes()


async def test_worker_without_a_place_for_its_file_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("KUDO_RUN_DIR", str(tmp_path / "file" / "folder"))
    async with Health(works).watched():
        await asyncio.sleep(0)
        assert not check_processes()


def test_watchdog_ends_a_process_whose_event_loop_is_blocked() -> None:
    program = """
import asyncio, time
from kudo import health

async def main():
    health.BEAT, health.BLOCKED = 0.05, 4
    async with health.Health(lambda: asyncio.sleep(0)).watched():
        await asyncio.sleep(0.2)
        time.sleep(30)

asyncio.run(main())
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == health.EXIT_BLOCKED
    assert "The event loop was blocked for 4 s; the worker ends." in run.stderr
    assert 'File "<string>", line 9 in main' in run.stderr
