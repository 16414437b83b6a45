"""What memory allows: sweeps over as many arrays as a step must read and write at least.

Training reads x and writes y, then reads x and dout and writes dx. Inference reads x and writes y.
The fastest of several ways is the limit: NumPy or compiled, with stores through the cache or past
it, into memory that is there already or into new memory.
"""

import numpy as np


def by_numpy(x, dout, y, dx):
    """Sweep with NumPy, in one thread."""
    np.add(x, 1, out=y)
    if dout is not None:
        np.add(x, dout, out=dx)


def compiled(x, dout, y, dx):
    """Sweep with Numba's threads."""
    from benchmarks.compiled_limit import sweep, sweep_two

    sweep(_flat(x), _flat(y))
    if dout is not None:
        sweep_two(_flat(x), _flat(dout), _flat(dx))


def past_the_cache(x, dout, y, dx):
    """Sweep with Numba's threads and stores that do not read the line they write into."""
    from benchmarks.compiled_limit import stream, stream_two

    stream(_flat(x), _flat(y))
    if dout is not None:
        stream_two(_flat(x), _flat(dout), _flat(dx))


def _flat(a):
    return a.reshape(-1)


SWEEPS = {"NumPy": by_numpy, "compiled": compiled, "past the cache": past_the_cache}


def way(sweep, new_memory, training):
    """Return a setup, as those in `benchmarks.peers`: of a case and a number of threads, a step."""

    def setup(case, threads):
        x, dout = case.x, case.dout if training else None
        place = None if new_memory else [np.zeros_like(x) for _ in range(1 + training)]

        def step():
            y, *dx = place or [np.empty_like(x) for _ in range(1 + training)]
            sweep(x, dout, y, *dx or [None])
            return y, *dx

        return step

    return setup


def right(case, training):
    """Return what a sweep must give."""
    return (case.x + 1, case.x + case.dout) if training else (case.x + 1,)
