"""What is known of the machine: its processor, the packages, and who else is working on it."""

import os
import platform
import re
import tracemalloc
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "numba", "autograd", "torch", "jax", "onnxruntime")
STAT, STATUS, RESET = Path("/proc/stat"), Path("/proc/self/status"), Path("/proc/self/clear_refs")


def busy_seconds():
    """Return how long the processors have worked since the start, all together; None if unknown.

    Time that a virtual machine's host gave to others counts as work of others.
    """
    try:
        user, nice, system, _, _, *rest = STAT.read_text().split("\n", 1)[0].split()[1:9]
    except (OSError, ValueError):
        return None
    return sum(map(int, (user, nice, system, *rest))) / os.sysconf("SC_CLK_TCK")


def peak(step):
    """Return how many bytes a step takes at most, beyond what was there before.

    Read from Linux, which counts every library's memory; elsewhere from tracemalloc, which sees
    NumPy's alone.
    """
    step()
    try:
        RESET.write_text("5")  # the peak starts from now
    except OSError:
        tracemalloc.start()
        step()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most
    before = _status("VmRSS")
    result = step()  # held, so that what a step returns is counted
    most = _status("VmHWM")
    del result
    return max(most - before, 0)


def _status(name):
    kilobytes = re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())
    return 1024 * int(kilobytes[1])


def versions():
    """Return the versions of what is installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def processor():
    """Return the processor's name, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def huge_pages():
    """Return Linux's setting for large pages, which decides what new memory costs, or None."""
    try:
        with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="utf-8") as file:
            return file.read().split("[")[1].split("]")[0]
    except (OSError, IndexError):
        return None
