"""Child processes: tie them to the life of their parent, and stop them."""

import asyncio
import ctypes
import signal
import sys


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, even if the parent is killed; Linux only."""
    if sys.platform == "linux":
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


async def stop(process: asyncio.subprocess.Process, timeout: float) -> None:
    """Terminate a process, and kill it if it has not ended after `timeout` seconds."""
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(timeout):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
