"""Memory is handed out again only when nothing refers to it, and no more is kept than is said."""

import os
import subprocess
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from bnlib import kernels
from bnlib.kernels import memory

LIKE = np.zeros((4, 16, 32, 31), np.float32)  # 248 KiB, for one thread
ONE = np.ones(LIKE.shape[1], np.float32)


@pytest.fixture(autouse=True)
def nothing_kept():
    memory.release()
    yield
    memory.release()


def place(a):
    return a.__array_interface__["data"][0]


def normalized(x, gamma=1.0):
    return kernels.batchnorm_forward(x, gamma * ONE, 0 * ONE)


def test_memory_that_nothing_refers_to_is_handed_out_again():
    first = memory.empty_like(LIKE)
    where = place(first)
    del first
    assert place(memory.empty_like(LIKE)) == where


HOLDERS = {
    "the array": lambda a: a,
    "a view": lambda a: a[1:],
    "a view of a view": lambda a: a[1:].T[::2],
    "one row": lambda a: a[0, 0, 0],
    "a list of rows": lambda a: list(a),
    "an iterator": lambda a: (row for row in a),
    "a memoryview": memoryview,
    "its bytes": lambda a: a.view(np.uint8),
    "another dtype": lambda a: a.view(np.int32),
    "a subclass": lambda a: a.view(np.recarray),
    "a buffer's array": lambda a: np.frombuffer(a, np.float32),
    "a record": lambda a: SimpleNamespace(y=a),
}


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
def test_memory_that_something_refers_to_is_left_alone(holder):
    first = memory.empty_like(LIKE)
    where = place(first)
    held = holder(first)
    del first
    others = [memory.empty_like(LIKE) for _ in range(3)]
    assert where not in map(place, others)
    del held, others
    assert where in {place(a) for a in [memory.empty_like(LIKE) for _ in range(4)]}


def test_results_keep_their_numbers_while_later_steps_run():
    rng = np.random.default_rng(3)
    x = rng.normal(size=LIKE.shape).astype(np.float32)
    y, cache = normalized(x)
    dx, _, _ = kernels.batchnorm_backward(x, cache)
    kept = y.copy(), dx.copy()
    for gamma in (2.0, 3.0, 4.0):
        other, again = normalized(x, gamma)
        kernels.batchnorm_backward(other, again)
    np.testing.assert_array_equal(y, kept[0])
    np.testing.assert_array_equal(dx, kept[1])


def test_the_batch_of_a_cache_is_not_handed_out():
    x = normalized(np.random.default_rng(5).normal(size=LIKE.shape).astype(np.float32))[0]
    y, cache = normalized(x)
    expected = kernels.batchnorm_backward(y, cache)[0].copy()
    del x  # the cache alone holds it
    results = [normalized(LIKE + k)[0] for k in range(3)]
    np.testing.assert_array_equal(kernels.batchnorm_backward(y, cache)[0], expected)
    assert len(results) == 3


def test_steady_training_takes_no_new_memory():
    x = np.random.default_rng(7).normal(size=LIKE.shape).astype(np.float32)
    places = set()
    for _ in range(5):
        y, cache = normalized(x)
        dx = kernels.batchnorm_backward(y, cache)[0]
        places |= {place(y), place(dx)}
    assert len(places) <= 4  # two of this step, and two of the step before, whose names hold them


@pytest.mark.parametrize("last", [False, True], ids=["C order", "channels last"])
def test_shape_dtype_and_order_are_those_of_the_array(last):
    like = np.moveaxis(np.zeros((4, 32, 32, 16)), -1, 1) if last else LIKE
    got, wanted = memory.empty_like(like), np.empty_like(like)
    described = [(a.shape, a.dtype, a.strides) for a in (got, wanted)]
    assert described[0] == described[1]
    assert got.flags.writeable
    assert place(got) % memory.LINE == 0


def test_all_numbers_of_an_array_lie_in_its_block():
    got = memory.empty_like(LIKE)
    block = memory.BLOCKS[-1]
    assert place(block) <= place(got) < place(got) + got.nbytes <= place(block) + block.size


def test_small_arrays_are_left_to_the_c_library():
    assert memory.empty_like(LIKE[:1, :1]).base is None
    assert not memory.BLOCKS


def test_blocks_are_remembered_up_to_a_limit_in_use_or_not(monkeypatch):
    monkeypatch.setattr(memory, "KEPT", 4 * LIKE.nbytes)
    arrays = [memory.empty_like(np.zeros(LIKE.size + 16 * k, np.float32)) for k in range(8)]
    sizes = [block.size for block in memory.BLOCKS]
    assert len(sizes) == 3
    assert sizes[-1] == arrays[-1].nbytes + memory.LINE
    assert memory.empty_like(np.zeros(5 * LIKE.size, np.float32)).base is None  # more than all


def test_no_more_than_64_blocks_are_remembered():
    arrays = [memory.empty_like(LIKE) for _ in range(70)]
    assert len(memory.BLOCKS) == 64
    assert len({place(a) for a in arrays}) == 70


def test_release_gives_back_what_is_idle_and_spares_what_is_used():
    used = memory.empty_like(LIKE)
    used[:] = 3
    kernels.release_memory()
    assert not memory.BLOCKS
    assert (used == 3).all()


def test_threads_never_share_a_block_nor_run_out_of_them(monkeypatch):
    before = sys.getswitchinterval()

    def work(number):
        for k in range(2000):
            mine = memory.empty_like(LIKE)
            mine[0, 0, 0] = number
            if k % 50 == 0:
                memory.release()
            if (mine[0, 0, 0] != number).any():
                return False
        return True

    try:
        sys.setswitchinterval(1e-5)
        with ThreadPoolExecutor(4) as workers:
            assert all(workers.map(work, range(4)))
    finally:
        sys.setswitchinterval(before)


def test_another_thread_may_take_the_last_block(monkeypatch):
    class Emptied(deque):
        def __len__(self):
            return 3

    monkeypatch.setattr(memory, "BLOCKS", Emptied())
    assert memory.empty_like(LIKE).shape == LIKE.shape


def test_a_block_that_somebody_froze_is_not_handed_out():
    first = memory.empty_like(LIKE)
    first.base.flags.writeable = False
    del first
    assert memory.empty_like(LIKE).flags.writeable


TRACED = """
import sys
def trace(frame, event, argument):
    frame.f_locals  # the names of the function, with a reference to each value
    return trace
sys.settrace(trace)
from bnlib.kernels import memory
sys.settrace(None)
import numpy as np
like = np.zeros(2**17)
first = memory.empty_like(like)
place = lambda a: a.__array_interface__["data"][0]
print(place(first) == place(memory.empty_like(like)))
"""


@pytest.mark.slow  # an interpreter of its own, traced
def test_a_tracer_at_the_import_does_not_make_held_memory_idle():
    run = subprocess.run([sys.executable, "-c", TRACED], capture_output=True, text=True)
    assert run.stdout == "False\n", run.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_writes_into_memory_of_its_own():
    first = memory.empty_like(LIKE)
    first[:] = 1
    del first
    child = os.fork()
    if child == 0:
        memory.empty_like(LIKE)[:] = 2
        os._exit(0)
    os.waitpid(child, 0)
    assert (memory.empty_like(LIKE) == 1).all()  # the same block, as the parent left it


def test_a_count_of_references_that_misses_one_would_be_seen(monkeypatch):
    monkeypatch.setattr(memory, "ALONE", memory.ALONE + 1)  # the planted fault: held once is free
    first = memory.empty_like(LIKE)
    assert place(memory.empty_like(LIKE)) == place(first)
