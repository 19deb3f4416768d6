"""Child processes that end with their parent."""

import ctypes
import signal
import sys


def die_with_parent() -> None:
    """End this process when its parent ends, even if that is killed; on Linux alone."""
    if sys.platform == "linux":
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
