"""What memory allows: the time of five arrays walked through, and how much a step takes."""

import re
import tracemalloc
from pathlib import Path

import numpy as np

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def limit(x, dout, y, dx):
    """Return a step that reads x, writes y, reads x and dout, writes dx: what a layer must do.

    With Numba's threads; without Numba, with NumPy on one thread.
    """
    try:
        from benchmarks.compiled_limit import walk
    except ImportError:

        def step():
            np.add(x, 1, out=y)
            np.add(x, dout, out=dx)

        return step
    arrays = [a.reshape(len(a), -1) for a in (x, dout, y, dx)]
    return lambda: walk(*arrays)


def peak(step):
    """Return how many bytes a step takes at most, beyond what was there before, or None.

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
