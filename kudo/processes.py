"""Child processes that end with their parent, and how they are stopped before."""

import asyncio
import ctypes
import signal
import sys


def die_with_parent() -> None:
    """End this process when its parent ends, even if that is killed; on Linux alone."""
    if sys.platform == "linux":
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


async def stop(process: asyncio.subprocess.Process, timeout: float) -> None:
    """Ask a process to end, and kill it where it has not after so many seconds."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), timeout)
        except TimeoutError:
            process.kill()
            await process.wait()
