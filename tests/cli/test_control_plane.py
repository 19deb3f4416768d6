"""`kudo dev --cluster control-plane`, and the errors that keep a control plane from starting."""

import asyncio
import fcntl
import os
import signal
from pathlib import Path

import pytest
from support.command import KUDO, kudo, process
from support.objects import pod
from support.stack import alive, children, dev_arguments, exports
from support.waiting import until

from kudo.devstack.control_plane import FOLLOWERS, REQUIRED, control_plane, find_binaries, missing_followers
from kudo.errors import ConfigurationError
from kudo.kubernetes import Cluster

GUESTBOOK = Path(__file__).parents[2] / "examples" / "guestbook"


def write_program(folder: Path, name: str, script: str = "exit 0") -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.mark.control_plane
async def test_dev_runs_package_on_control_plane_and_stops_all_processes(tmp_path: Path) -> None:
    arguments = [*dev_arguments(tmp_path / "data"), "--cluster", "control-plane"]
    for name in ("one", "two"):
        # The second run uses the data directory of the first.
        async with process(KUDO, *arguments) as started:
            shell = await exports(started)
            below = await asyncio.to_thread(children, started.pid)
            installed = await kudo("install", GUESTBOOK, "--instance", name, "--wait", **shell)
            assert (installed.status, installed.err) == (0, ""), installed
            listed = await kudo("get", "instances", **shell)
            started.send_signal(signal.SIGTERM)
            _, err = await asyncio.wait_for(started.communicate(), 60)
        assert (started.returncode, err.decode()) == (0, "")
        assert len(below) > len(REQUIRED + FOLLOWERS)
        assert not alive(below)
    assert [line.split()[0] for line in listed.out.splitlines()] == ["NAME", "one", "two"]
    assert (tmp_path / "data" / "kubeconfig").stat().st_mode & 0o077 == 0


def test_missing_binaries_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with pytest.raises(ConfigurationError, match=f"There is no etcd and no kube-apiserver in {tmp_path}. Install the"):
        find_binaries()
    for name in REQUIRED:
        write_program(tmp_path, name)
    assert missing_followers(find_binaries()) == list(FOLLOWERS)


async def test_component_that_exits_at_start_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    write_program(tmp_path, "etcd", "exec sleep 60")
    write_program(tmp_path, "kube-apiserver", "echo the disk is full >&2; exit 3")
    with pytest.raises(ConfigurationError, match="kube-apiserver ended with status 3: the disk is full"):
        async with control_plane(tmp_path):
            raise AssertionError("the control plane has started")


async def test_binary_for_another_platform_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    for name in REQUIRED:
        (tmp_path / name).write_bytes(b"\xcf\xfa\xed\xfe")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(ConfigurationError, match=r"etcd cannot be executed: Exec format error\."):
        async with control_plane(tmp_path):
            raise AssertionError("the control plane has started")


async def test_directory_of_running_control_plane_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    for name in REQUIRED:
        write_program(tmp_path, name)
    (tmp_path / "kubeconfig").write_text("of the other")
    with (tmp_path / "control-plane.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match="Another control plane runs in"):
            async with control_plane(tmp_path):
                raise AssertionError("the control plane has started")
    assert (tmp_path / "kubeconfig").read_text() == "of the other"


@pytest.mark.control_plane
async def test_api_server_without_controllers_accepts_pods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets, required = find_binaries(), tmp_path / "required"
    required.mkdir()
    for name in REQUIRED:
        (required / name).symlink_to(assets / name)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(required))
    async with control_plane(tmp_path) as started, await Cluster.connect(kubeconfig=started.kubeconfig) as cluster:
        assert started.parts == REQUIRED
        assert (await cluster.apply(pod())).text("spec", "schedulerName") == "default-scheduler"


@pytest.mark.control_plane
async def test_component_that_dies_later_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with control_plane(tmp_path) as started:
        assert started.parts == (*REQUIRED, *FOLLOWERS)
        # The control plane of the other tests also runs below this process.
        commands = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children(os.getpid())}
        (kwok,) = (
            pid for pid, command in commands.items() if "/kwok\0" in command and str(started.kubeconfig) in command
        )
        os.kill(kwok, signal.SIGKILL)

        async def is_logged() -> bool:
            return any("kwok ended with status -9" in record.getMessage() for record in caplog.records)

        await until(is_logged)


async def test_dev_reports_missing_binaries(tmp_path: Path) -> None:
    arguments = [*dev_arguments(tmp_path / "data"), "--cluster", "control-plane"]
    result = await kudo(*arguments, KUBEBUILDER_ASSETS=str(tmp_path))
    assert result.status == 1
    assert result.err.startswith(f"Error: There is no etcd and no kube-apiserver in {tmp_path}.")
