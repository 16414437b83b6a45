"""Memory of earlier results, handed out again once nothing refers to it.

New memory of some size comes from the system page by page, and each page is cleared first: a page
fault. In a step of a large layer that takes longer than the arithmetic. So the blocks in which
results lie are remembered here. A block is handed out again when no array, view or other object
refers to it any more. Blocks that nothing refers to are kept up to 256 MiB in all; `release` gives
them back.
"""

from collections import deque
from sys import getrefcount

import numpy as np

SMALL = 2**16  # bytes; the C library keeps less than that by itself
IDLE = 2**28  # bytes of blocks that nobody uses
LINE = 64  # bytes in a line of the cache, where a result begins
BLOCKS: deque[np.ndarray] = deque(maxlen=64)  # the last that was handed out stands at the end


def _alone():
    """Return the count of references to a block that one name refers to, seen from a function."""
    block = np.empty(0, np.uint8)
    return getrefcount(block)


ALONE = _alone()


def empty_like(a):
    """Return a new array of the shape, dtype and strides of `a`, which covers its memory."""
    if a.nbytes < SMALL:
        return np.empty_like(a, subok=False)
    block = _idle(a.nbytes + LINE)
    BLOCKS.append(block)
    start = -block.__array_interface__["data"][0] % LINE
    if a.flags.c_contiguous:
        return np.ndarray(a.shape, a.dtype, block, start)
    return np.ndarray(a.shape, a.dtype, block, start, a.strides)


def _idle(size):
    """Return a block of this many bytes that nothing refers to, an earlier one if there is one.

    A block is taken out of BLOCKS before it is looked at. So no two threads look at the same.
    """
    found, idle = None, 0
    for _ in range(len(BLOCKS)):
        block = BLOCKS.pop()
        if getrefcount(block) == ALONE:
            if found is None and block.size == size:
                found = block
                continue
            idle += block.size
            if idle > IDLE:
                continue
        BLOCKS.appendleft(block)
    return np.empty(size, np.uint8) if found is None else found


def release():
    """Give back the memory of earlier results that nothing refers to.

    >>> release()
    """
    BLOCKS.clear()
