"""Run somebody else's function: silently, on a clock, and with a limit on memory.

What stops a function that never ends is a signal, which POSIX systems deliver to the main
thread: in a notebook, in a script, in pytest. On Windows and in other threads the limits are
absent. A function that catches every exception in an endless loop, or one that stays inside a
single call of compiled code, is beyond them everywhere. Memory is limited on Linux. Nothing
survives os._exit, which ends the kernel at once.
"""

import io
import os
import signal
import threading
import time
import warnings
from contextlib import ExitStack, contextmanager, redirect_stdout

import numpy as np

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

CPU_SECONDS = 0.3  # busy; what is slow only because the machine is busy elsewhere is not stopped
WALL_SECONDS = 3.0  # asleep or waiting
COMPILE_SECONDS = 60.0  # for Numba, which compiles for each type and layout of the arguments
TICK = 0.05
MEMORY = 2**30  # bytes beyond what the process has


class TookTooLong(BaseException):
    """The time is over. A BaseException, so that ``except Exception`` does not catch it."""


@contextmanager
def quiet():
    """Let no warning out: a wrong answer may well divide by zero."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def limits():
    """Silence what runs inside, and stop it with `TookTooLong` or MemoryError where possible."""
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(quiet())
        stack.enter_context(_limited_memory())
        stack.enter_context(_limited_time())
        yield


@contextmanager
def wider(seconds):
    """Give more time, for an answer that is stopped elsewhere: here only its results are read."""
    global CPU_SECONDS, WALL_SECONDS
    before = CPU_SECONDS, WALL_SECONDS
    CPU_SECONDS = WALL_SECONDS = seconds
    try:
        yield
    finally:
        CPU_SECONDS, WALL_SECONDS = before


@contextmanager
def _limited_time():
    if not (hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()):
        yield
        return
    clocks = (
        (signal.SIGVTALRM, signal.ITIMER_VIRTUAL, CPU_SECONDS),
        (signal.SIGALRM, signal.ITIMER_REAL, WALL_SECONDS),
    )
    before, running, left = [], [True], {number: seconds for number, _, seconds in clocks}
    deadline = time.monotonic() + COMPILE_SECONDS

    def stop(number, frame):
        left[number] -= 0 if time.monotonic() < deadline and _compiles(frame) else TICK
        if running and left[number] < TICK / 2:  # not while the clocks are being put back
            raise TookTooLong

    try:
        for number, timer, _ in clocks:
            handler = signal.signal(number, stop)
            before.append((number, handler, timer, signal.setitimer(timer, TICK, TICK)))
        yield
    finally:
        running.clear()
        for number, handler, timer, earlier in before:
            signal.setitimer(timer, 0)
            signal.signal(number, handler)
            signal.setitimer(timer, *earlier)


def _compiles(frame):
    """Return whether Numba is at work: a compiled answer's first calls take seconds."""
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] in ("numba", "llvmlite"):
            return True
        frame = frame.f_back
    return False


@contextmanager
def _limited_memory():
    in_use = address_space()
    if resource is None or in_use is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = in_use + MEMORY
    allowed = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([wanted, *allowed]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def address_space():
    """Return the bytes of address space in use, or None where /proc does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
