"""What a process may use that runs a student's code: the system holds it to that.

A process with these limits starts no other process and no thread, so none is left behind.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time

from bnlib.exercises.checker.sandbox import MEMORY, address_space

try:
    import resource
except ImportError:  # Windows, where nothing is graded, but notebooks are exported
    resource = None  # type: ignore[assignment]

CALL_SECONDS = 2  # of the processor, for one call; a check in a notebook allows 0.3 for all
ALL_SECONDS = 20  # of the processor, for all that one exercise needs
COMPILE_SECONDS = 60  # more, where Numba compiles
FILE_BYTES = 2**20
FILES = 64
FIRST_USER, USERS = 61000, 4000
# Linux's PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, _LINUX_CAPABILITY_VERSION_3, CAP_DAC_READ_SEARCH
END_WITH_PARENT, KEEP_CAPABILITIES = 1, 8
CAPABILITY_VERSION, READ_EVERYTHING = 0x20080522, 2


def take_limits():
    """Limit this process, for good."""
    become_nobody()
    end_with_parent()
    hard = ALL_SECONDS + COMPILE_SECONDS
    wanted = {
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_FSIZE": (FILE_BYTES, FILE_BYTES),
        "RLIMIT_NOFILE": (FILES, FILES),
        "RLIMIT_NPROC": (0, 0),
        "RLIMIT_CPU": (hard, hard),
        "RLIMIT_AS": (memory(), memory()),
    }
    for name, pair in wanted.items():
        with contextlib.suppress(ValueError, OSError, AttributeError):  # macOS lacks some
            resource.setrlimit(getattr(resource, name), pair)


def memory():
    """Return how much address space this process may have."""
    in_use = address_space()
    return resource.RLIM_INFINITY if in_use is None else in_use + MEMORY


def allow_a_call():
    """Set the clock for the next call, or for the statements that lead to the first."""
    compiles = COMPILE_SECONDS if "numba" in sys.modules else 0
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = min(int(time.process_time()) + CALL_SECONDS + compiles, ALL_SECONDS + compiles)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def become_nobody():
    """As root, become a user to whom nothing belongs: limits do not hold root.

    On Linux it may still read what root may, since Python itself may lie where only root reads.
    """
    if os.geteuid() != 0:
        return
    user = FIRST_USER + os.getppid() % USERS
    libc = ctypes.CDLL(None)
    linux = sys.platform == "linux"
    if linux:
        libc.prctl(KEEP_CAPABILITIES, 1)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    if linux:
        for kept in (1 << READ_EVERYTHING, 0):  # in a container even root may not have the first
            head, sets = (
                (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0),
                (ctypes.c_uint32 * 6)(kept, kept),
            )
            if libc.capset(head, sets) == 0:
                break


def end_with_parent():
    """Let the system end this process when its parent ends, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGKILL)
