"""`kudo dev` and `kudo demo`, as a user starts and stops them."""

import asyncio
import re
import shutil
import signal
from pathlib import Path

import aiohttp
import pytest
from support.command import KUDO, kudo, process
from support.plans import CONFIG_MAP, apply, phase, plan, write_package
from support.stack import alive, children, dev_arguments, exports
from support.waiting import until

ROOT = Path(__file__).parents[2]
GUESTBOOK = ROOT / "examples" / "guestbook"


async def test_demo_runs_plan_and_stops_all_processes() -> None:
    async with process(KUDO, "demo", GUESTBOOK, "--rollout", "0.1") as started:
        below = await until(lambda: asyncio.to_thread(children, started.pid))
        out, err = await asyncio.wait_for(started.communicate(), 60)
    lines = out.decode().splitlines()
    assert (started.returncode, err.decode()) == (0, "")
    assert lines[:2] == [
        "Starting Temporal, a sandbox cluster and a worker …",
        "Installed the instance guestbook of guestbook-1.27.3-0.1.0.",
    ]
    assert re.fullmatch(
        r"Watch it at http://127\.0\.0\.1:\d+/namespaces/default/workflows/default%2Fguestbook/[-0-9a-f]+/history",
        lines[2],
    )
    assert lines[-1] == "The plan deploy is COMPLETE."
    assert not alive(below)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_dev_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    async with process(KUDO, *dev_arguments(tmp_path / "data")) as started:
        await exports(started)
        below = await asyncio.to_thread(children, started.pid)
        assert below
        started.send_signal(number)
        _, err = await asyncio.wait_for(started.communicate(), 30)
    assert (started.returncode, err.decode()) == (0, "")
    assert not alive(below)


async def test_killed_dev_leaves_no_process_behind(tmp_path: Path) -> None:
    async with process(KUDO, *dev_arguments(tmp_path / "data")) as started:
        await exports(started)
        below = await asyncio.to_thread(children, started.pid)
        started.kill()
        await started.wait()

        async def all_gone() -> bool:
            return not alive(below)

        await until(all_gone)


async def test_dev_serves_other_shells_and_keeps_data_over_restart(tmp_path: Path) -> None:
    arguments = dev_arguments(tmp_path / "data")
    async with process(KUDO, *arguments) as started:
        shell = await exports(started)
        installed = await kudo("install", GUESTBOOK, "--instance", "mine", "--wait", **shell)
        assert (installed.status, installed.err) == (0, "")
        assert installed.out.endswith("The plan deploy is COMPLETE.\n")
        await check_pods_with_kubectl(shell)
        files = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
        assert {file.name for file in files} >= {"temporal.db", "kubeconfig"}
        assert [file for file in files if file.stat().st_mode & 0o077] == []
        started.send_signal(signal.SIGTERM)
        await asyncio.wait_for(started.communicate(), 30)
    # A second run with the same data directory keeps the instance and its plan.
    async with process(KUDO, *arguments) as started:
        shell = await exports(started)
        listed = await kudo("get", "instances", **shell)
        assert re.search(r"mine\s+guestbook-1\.27\.3-0\.1\.0\s+deploy\s+COMPLETE", listed.out)
        again = await kudo("plan", "trigger", "--instance", "mine", "--name", "deploy", "--wait", **shell)
        assert again.status == 0


async def check_pods_with_kubectl(shell: dict[str, str]) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return
    async with process(kubectl, "get", "pods", "--no-headers", **shell) as started:
        out, _ = await asyncio.wait_for(started.communicate(), 30)
    assert len([line for line in out.decode().splitlines() if "Running" in line]) == 2


async def test_dev_serves_web_ui(tmp_path: Path) -> None:
    async with process(KUDO, *dev_arguments(tmp_path / "data")) as started:
        assert started.stdout is not None
        await started.stdout.readline()
        ui = (await started.stdout.readline()).decode().split()[-1]
        async with aiohttp.ClientSession() as session, session.get(ui) as response:
            assert response.status == 200
            assert "<html" in (await response.text()).lower()


async def test_port_in_use_is_reported(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        result = await kudo(*dev_arguments(tmp_path / "data"), "--temporal-port", port)
    assert (result.status, result.err) == (
        1,
        f"Error: The port {port} is in use. Choose another with --temporal-port.\n",
    )


async def test_package_is_applied_whenever_it_is_saved(tmp_path: Path) -> None:
    root = write_package(
        tmp_path,
        name="shop",
        tasks=[apply("config", "config.yaml")],
        plans={"deploy": plan(phase("main", ("a", ["config"])))},
        templates={"config.yaml": CONFIG_MAP},
    )
    template = root / "templates" / "config.yaml"
    async with process(KUDO, *dev_arguments(tmp_path / "data"), "--rollout", "0.1", "--package", root) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        await until_printed(started.stdout, "Waiting for changes")
        template.write_text("{{ nonsense")
        await until_printed(started.stderr, "Error: ")
        template.write_text(CONFIG_MAP.replace("value", "edited"))
        await until_printed(started.stdout, "Applied shop-1.0.0 to the instance shop.")
        await until_printed(started.stdout, "plan deploy COMPLETE")


async def until_printed(stream: asyncio.StreamReader, words: str) -> None:
    async with asyncio.timeout(60):
        while words not in (line := (await stream.readline()).decode()):
            assert line, f"the process has ended without printing {words!r}"
