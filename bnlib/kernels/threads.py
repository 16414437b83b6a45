"""How many threads share a batch, and what each of them takes."""

import os
from threading import RLock

import numba

SERIAL = 2**16  # numbers; for fewer, waking threads costs as much as it saves
SHARED_CACHE = 2**24  # bytes; more than this is read from memory again in a second walk
OWN_CACHE = 2**21  # bytes; more than this no core keeps to itself
RUN, SHORT_RUN = 2**15, 2**12  # bytes that a block of channels should cover in one piece
BLOCK = 2**18  # bytes of a block that a core keeps to itself between two walks
ONE_AT_A_TIME = RLock()  # not every threading layer of Numba can be entered twice at once
FORKED: list[bool] = []  # not empty in a forked process


def run(loops, view, *arguments):
    """Run compiled loops in as many threads as the batch deserves."""
    threads, block, shards = plan(view)
    alone, together = loops
    if threads == 1:
        alone(view, block, shards, *arguments)
        return
    with ONE_AT_A_TIME:
        together(view, block, shards, *arguments)


def plan(view):
    """Return how many threads, how many channels in a block, and how many shards of its images.

    The quickest walk is straight through memory: all channels in a block, a shard for each thread.
    In a batch that no cache holds, small blocks are better, one after the other, since the result
    finds in the cache what the sums have read. They must be wide, or memory is slow to follow. The
    same holds, with smaller blocks, for images that fit into the shared cache alone. In a table a
    block would be a piece of every row, and that is slower.
    """
    images, channels = view.shape[:2]
    if view.size < SERIAL:
        return 1, channels, 1
    threads, rounds = 1 if FORKED else numba.get_num_threads(), 0  # of all threads, a block each
    if view.nbytes > SHARED_CACHE:
        rounds = view.nbytes // images // RUN // threads
    elif view.nbytes > OWN_CACHE and view.ndim == 3:
        rounds = min(view.nbytes // BLOCK, view.nbytes // images // SHORT_RUN) // threads
    if rounds:
        block = -(-channels // (threads * rounds))  # rounded up, here and below
        blocks = -(-channels // block)
        if blocks % threads == 0 or blocks >= 4 * threads:  # each thread gets about the same
            return threads, block, 1
    shards = min(threads, images)
    return threads, -(-channels // -(-threads // shards)), shards


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: FORKED.append(True))
