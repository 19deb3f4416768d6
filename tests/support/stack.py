"""`kudo dev` as a process, and the processes below it."""

import asyncio
import re
from pathlib import Path

from kudo.devstack.ports import free_port


def children(pid: int) -> set[int]:
    """Return the IDs of all processes below a process."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    direct = {int(child) for child in listed}
    return direct.union(*(children(child) for child in direct))


def alive(pids: set[int]) -> set[int]:
    """Return the IDs of those processes that still run."""
    return {pid for pid in pids if Path(f"/proc/{pid}").exists() and not is_zombie(pid)}


def is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def dev_arguments(data_dir: Path) -> list[object]:
    ports = {name: free_port(0) for name in ("temporal", "ui", "cluster")}
    options = [part for name, port in ports.items() for part in (f"--{name}-port", port)]
    return ["dev", *options, "--data-dir", data_dir, "--rollout", "0.1"]


async def exports(started: asyncio.subprocess.Process) -> dict[str, str]:
    """Return the environment variables that `kudo dev` prints for another shell."""
    assert started.stdout is not None
    async for line in started.stdout:
        if b"export " in line:
            return dict(re.findall(r"(\w+)=(\S+)", line.decode()))
    raise AssertionError("kudo dev ended")
