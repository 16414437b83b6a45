"""Memory of earlier results, handed out again once nothing refers to it.

New memory of some size comes from the system page by page, and each page is cleared first: a page
fault. In a step of a large layer that takes longer than the arithmetic. So the last blocks in which
results were laid are remembered here, up to 300 MB in all. A block is handed out again when no
array, view or other object refers to it any more. `release` forgets them, which gives back those
that nothing refers to.
"""

import sys
from collections import deque
from sys import getrefcount

import numpy as np

SMALL = 2**16  # bytes; the C library keeps less than that by itself
KEPT = 300_000_000  # bytes of all blocks that are remembered
LINE = 64  # bytes in a line of the cache, where a result begins
BLOCKS: deque[np.ndarray] = deque(maxlen=64)  # the last that was handed out stands at the end


def _alone():
    """Return the count of references to a block that one name refers to, seen from a function."""
    block = np.empty(0, np.uint8)
    return getrefcount(block)


# The name and the argument; from Python 3.14 on the name alone. A tracer that reads the names of a
# function while this is measured adds one, and so much would not be alone.
ALONE = min(_alone(), 2 if sys.version_info < (3, 14) else 1)


def empty_like(a):
    """Return a new array of the shape, dtype and strides of `a`, which covers its memory."""
    size = a.nbytes + LINE
    if not SMALL <= size <= KEPT:
        return np.empty_like(a, subok=False)
    block = _idle(size)
    BLOCKS.append(block)
    start = -block.__array_interface__["data"][0] % LINE
    if a.flags.c_contiguous:
        return np.ndarray(a.shape, a.dtype, block, start)
    return np.ndarray(a.shape, a.dtype, block, start, a.strides)


def _idle(size):
    """Return a block of this many bytes that nothing refers to, an earlier one if there is one.

    A block is taken out of BLOCKS before it is looked at. So no two threads look at the same. The
    oldest are forgotten where all that is remembered would pass KEPT.
    """
    found, kept = None, size
    for _ in range(len(BLOCKS)):
        try:
            block = BLOCKS.pop()
        except IndexError:  # another thread looks at the rest
            break
        idle = getrefcount(block) <= ALONE and block.flags.writeable
        if idle and found is None and block.size == size:
            found = block
            continue
        kept += block.size
        if kept <= KEPT:
            BLOCKS.appendleft(block)
    return np.empty(size, np.uint8) if found is None else found


def release():
    """Give back the memory of earlier results that nothing refers to.

    >>> release()
    """
    BLOCKS.clear()
