"""Batch norm of a Dask array: as one machine's, lazy, two reads, few tasks, whatever the chunks."""

import os
import signal
import threading
import time
from itertools import pairwise
from math import log

import dask
import dask.array as da
import numpy as np
import pytest
import shards
from hypothesis import given
from strategies import examples

from bnlib import layers
from bnlib.conventions import KERAS, PYTORCH
from bnlib.running import RunningStatistics
from bnlib.sharded import cluster, npy, shard
from bnlib.statistics import Moments


@pytest.fixture(autouse=True)
def one_thread():
    """Compute in this thread unless a cluster is asked for: nothing to start, the same graph."""
    with dask.config.set(scheduler="synchronous"):
        yield


def chunked(case):
    """Return x and dout as Dask arrays, cut along N as the case says, and along each position."""
    edges = [0, *case.cuts, len(case.x)]
    images = tuple(b - a for a, b in pairwise(edges))
    positions = [(1, size - 1) if size > 1 else (1,) for size in case.x.shape[2:]]
    chunks = (images, 2, *positions)
    return da.from_array(case.x, chunks=chunks), da.from_array(case.dout, chunks=chunks)


def run(case, x, dout):
    y, cache = cluster.batchnorm_forward(x, case.gamma, case.beta)
    return dask.compute(y, *cluster.batchnorm_backward(dout, cache))


@examples(40)
@given(shards.partitions(most=8))
def test_any_chunks_give_what_one_machine_gives(case):
    assert max(shards.errors(run(case, *chunked(case)), case)) < 1e-12


@examples(20)
@given(shards.partitions(np.float32, most=8))
def test_any_chunks_of_float32_far_from_zero_do_too(case):
    found = run(case, *chunked(case))
    assert found[0].dtype == found[1].dtype == np.float32
    assert max(shards.errors(found, case)) < 1e-6


CASE = shards.batch(23, (3, 2), [1, 1, 4, 9, 10], seed=5)


def test_chunks_of_unknown_size_give_the_same():
    keep = np.arange(23) % 3 > 0
    kept = CASE._replace(x=CASE.x[keep], dout=CASE.dout[keep], cuts=[])
    x, dout = chunked(CASE)
    mask = da.from_array(keep, chunks=x.chunks[:1])
    assert np.isnan(x[mask].shape[0])
    assert max(shards.errors(run(kept, x[mask], dout[mask]), kept)) < 1e-12


def test_chunks_of_dout_need_not_be_those_of_x():
    x, dout = chunked(CASE)
    found = run(CASE, x, dout.rechunk((7, 2, 3, 2)))
    assert max(shards.errors(found, CASE)) < 1e-12


@pytest.mark.parametrize("fault", ["averaged", "variances_averaged", "without_counts"])
def test_wrong_merge_is_seen(monkeypatch, fault):
    import test_sharded_shard as faulty

    monkeypatch.setattr(cluster, "merge", getattr(faulty, fault))
    case = CASE._replace(cuts=[1, 4, 9, 10])
    assert max(shards.errors(run(case, *chunked(case)), case)) > 1e-3


def test_running_statistics_move_as_on_one_machine():
    x, _ = chunked(CASE)
    _, cache = cluster.batchnorm_forward(x, CASE.gamma, CASE.beta)
    before = RunningStatistics.initial(2, PYTORCH)
    now = cluster.update_running(before, cache, PYTORCH).compute()
    expected = before.update(CASE.x, PYTORCH)
    np.testing.assert_allclose(now.mean, expected.mean, rtol=1e-14)
    np.testing.assert_allclose(now.var, expected.var, rtol=1e-12)


def test_statistics_of_float32_are_right_where_dasks_own_variance_is_not():
    rng = np.random.default_rng(0)
    x = (1e6 + rng.standard_normal((4000, 2))).astype(np.float32)
    lazy = da.from_array(x, chunks=(500, 2))
    exact = x.astype(np.float64).var(axis=0)
    _, cache = cluster.batchnorm_forward(lazy, [1, 1], [0, 0])
    np.testing.assert_allclose(cache.statistics.compute().var, exact, rtol=1e-9)
    assert np.max(np.abs(lazy.var(axis=0).compute() / exact - 1)) > 1e-4


class Counting:
    """An array that counts how often each chunk of it is read, and what else happens meanwhile."""

    def __init__(self, array):
        self.array, self.reads = array, []
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __getitem__(self, index):
        self.reads.append(index[0].start)
        return self.array[index]

    def __dask_tokenize__(self):
        return id(self)


def counting(array):
    source = Counting(array)
    chunks = (2, *array.shape[1:])
    return source, da.from_array(source, chunks=chunks, asarray=False, fancy=False, meta=array[:0])


def test_nothing_is_read_before_it_is_asked_for_and_then_each_chunk_twice():
    (x_source, x), (dout_source, dout) = counting(CASE.x), counting(CASE.dout)
    y, cache = cluster.batchnorm_forward(x, CASE.gamma, CASE.beta)
    dx, _, _ = cluster.batchnorm_backward(dout, cache)
    cluster.update_running(RunningStatistics.initial(2, KERAS), cache, KERAS)
    assert x_source.reads == dout_source.reads == []
    _, moments = dask.compute(y, cache.moments)
    firsts = sorted(range(0, 23, 2))
    assert sorted(x_source.reads) == sorted(2 * firsts)
    assert sorted(x_source.reads[:12]) == firsts  # all of the first pass, then the second
    x_source.reads.clear()
    dx, *_ = cluster.batchnorm_backward(dout, cache._replace(moments=moments))
    dx.compute()
    for source in (x_source, dout_source):
        assert sorted(source.reads) == sorted(2 * firsts)


def test_kept_moments_are_numbers_and_spare_the_backward_pass_a_third_read():
    source, x = counting(CASE.x)
    _, cache = cluster.batchnorm_forward(x, CASE.gamma, CASE.beta)
    cache = cache.kept()
    assert isinstance(cache.moments, Moments)
    source.reads.clear()
    cluster.batchnorm_backward(counting(CASE.dout)[1], cache)[0].compute()
    assert len(source.reads) == 2 * 12


def lazy(chunks):
    """Return x and dout of so many chunks; there is no data behind them."""
    shape = (2 * chunks, 8, 4, 4)
    return [da.zeros(shape, chunks=(2, 8, 4, 4), dtype="f4", name=n) for n in ("x", "dout")]


def test_graph_of_ten_thousand_chunks_is_soon_there_with_few_tasks_for_each():
    start = time.process_time()
    x, dout = lazy(10_000)
    y, cache = cluster.batchnorm_forward(x, np.ones(8), np.zeros(8))
    whole = Moments(20_000 * 16, np.zeros(8), np.zeros(8), np.ones(8))
    dx, _, _ = cluster.batchnorm_backward(dout, cache._replace(moments=whole))
    assert time.process_time() - start < 5
    assert len(y.__dask_graph__()) < 6 * 10_000
    assert len(dx.__dask_graph__()) < 8.2 * 10_000  # with four reads, which the optimizer fuses


def test_engine_gets_at_most_six_tasks_for_each_chunk():
    x, dout = lazy(200)
    y, cache = cluster.batchnorm_forward(x, np.ones(8), np.zeros(8))
    results = y, *cluster.batchnorm_backward(dout, cache)
    (optimized,) = dask.optimize(results)
    tasks = {key for array in optimized for key in array.__dask_graph__()}
    assert len(tasks) <= 6 * 200  # forward and backward together


def test_tree_of_merges_is_logarithmic():
    heights = []
    for chunks in (8, 64, 512):
        _, cache = cluster.batchnorm_forward(lazy(chunks)[0], np.ones(8), np.zeros(8))
        below = cache.moments.__dask_graph__().get_all_dependencies()
        heights.append(depth(below, cache.moments.key))
        assert max(map(len, below.values())) <= cluster.FAN_IN
    assert heights[1] - heights[0] == heights[2] - heights[1] == 1
    assert log(512, cluster.FAN_IN) == pytest.approx(3)


def depth(below, key):
    """Return the number of tasks on the longest way to a key."""
    return 1 + max((depth(below, k) for k in below[key]), default=0)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (CASE.x, TypeError, "^x must be a Dask array; got ndarray"),
        (
            da.ones((6, 4), chunks=(2, 2)),
            ValueError,
            r"^x must have all channels .* rechunk\({1: -1}\)",
        ),
        (da.ones((1, 2), chunks=-1), ValueError, "^x has one value per channel"),
        (da.ones((0, 2), chunks=-1), ValueError, "^x is an empty batch"),
        (da.ones(6, chunks=2), ValueError, r"^x must be \(N, C\)"),
        (da.ones((6, 2), chunks=2, dtype=complex), TypeError, "^x must hold real numbers"),
        (da.ones((6, 3), chunks=-1), ValueError, "^gamma must have shape"),
    ],
)
def test_what_does_not_fit_is_named_before_anything_is_computed(x, error, message):
    with pytest.raises(error, match=message):
        cluster.batchnorm_forward(x, [1, 1], [0, 0])


def test_dout_that_does_not_fit_is_named():
    x, dout = chunked(CASE)
    _, cache = cluster.batchnorm_forward(x, CASE.gamma, CASE.beta)
    with pytest.raises(ValueError, match=r"^dout must have the shape of y"):
        cluster.batchnorm_backward(dout[1:], cache)
    with pytest.raises(TypeError, match=r"^cache must come from batchnorm_forward"):
        cluster.batchnorm_backward(dout, layers.batchnorm_forward(CASE.x, CASE.gamma, CASE.beta)[1])
    unknown = dout.rechunk((5, 2, 3, 2))[da.ones(23, chunks=5, dtype=bool)]
    with pytest.raises(ValueError, match=r"^dout must have as many chunks as x"):
        cluster.batchnorm_backward(unknown, cache)


def test_unknown_sizes_that_hold_too_few_values_are_an_error_once_computed():
    x = da.ones((4, 2), chunks=(1, 2))[da.from_array(np.array([1, 0, 0, 0], bool), chunks=1)]
    y, _ = cluster.batchnorm_forward(x, [1, 1], [0, 0])
    with pytest.raises(ValueError, match="at least two values per channel; got 1"):
        y.compute()


# The layers and Moments themselves, given a Dask array


def test_layers_refuse_chunks_of_unknown_size_and_say_what_to_call():
    x = da.ones((4, 2), chunks=2)
    x = x[x[:, 0] > 0]
    for function in (Moments.of, lambda x: layers.batchnorm_forward(x, [1, 1], [0, 0])):
        with pytest.raises(ValueError, match=r"^x has unknown .*: call x.compute_chunk_sizes\(\)"):
            function(x)
    x.compute_chunk_sizes()
    assert Moments.of(x).count == 4


def test_negative_running_variance_of_dask_is_refused_when_it_is_computed():
    x = np.ones((3, 2))
    var = da.from_array(np.array([1.0, -2.0]), chunks=2)
    arguments = [1, 1], [0, 0], [0, 0]
    y = layers.batchnorm_inference(da.from_array(x, chunks=2), *arguments, var)
    with pytest.raises(ValueError, match=r"^running_var must not be negative.*channel 1 has -2"):
        y.compute()
    good = layers.batchnorm_inference(da.from_array(x, chunks=2), *arguments, abs(var))
    np.testing.assert_allclose(good, layers.batchnorm_inference(x, *arguments, [1, 2]))


# On disk


def test_npy_files_are_source_and_target(tmp_path):
    np.save(tmp_path / "x.npy", CASE.x)
    x = npy.read(tmp_path / "x.npy", chunks=(4, -1, -1, -1))
    y, _ = cluster.batchnorm_forward(x, CASE.gamma, CASE.beta)
    npy.write(y, tmp_path / "y.npy").compute()
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), shards.one_machine(CASE)[0], atol=1e-12)


def test_npy_file_that_changes_is_another_array(tmp_path):
    np.save(tmp_path / "x.npy", CASE.x)
    first = npy.read(tmp_path / "x.npy", chunks=4).name
    assert npy.read(tmp_path / "x.npy", chunks=4).name == first
    os.utime(tmp_path / "x.npy", ns=(1, 1))
    assert npy.read(tmp_path / "x.npy", chunks=4).name != first


def test_npy_file_cannot_be_made_for_an_unknown_size(tmp_path):
    x = da.ones((4, 2), chunks=2)
    with pytest.raises(ValueError, match=r"^y has unknown chunk sizes"):
        npy.write(x[x[:, 0] > 0], tmp_path / "y.npy")


def test_zarr_is_source_and_target(tmp_path):
    pytest.importorskip("zarr")
    x, _ = chunked(CASE._replace(cuts=[8, 16]))
    x.rechunk((8, 2, 3, 2)).to_zarr(str(tmp_path / "x"))
    x = da.from_zarr(str(tmp_path / "x"))
    y, _ = cluster.batchnorm_forward(x, CASE.gamma, CASE.beta)
    y.to_zarr(str(tmp_path / "y"))
    expected, *_ = shards.one_machine(CASE)
    np.testing.assert_allclose(da.from_zarr(str(tmp_path / "y")), expected, atol=1e-12)


# Worker processes


SLOW_CASE = shards.batch(160, (4, 4), list(range(4, 160, 4)), seed=3)


class Slow(Counting):
    """An array of which each read takes a moment, and leaves a mark in a folder."""

    def __init__(self, array, folder):
        super().__init__(array)
        self.folder = folder

    def __getitem__(self, index):
        time.sleep(0.1)
        (self.folder / f"{time.time_ns()}").touch()
        return self.array[index]


def two_workers():
    """Return a cluster of two processes, on this machine alone."""
    distributed = pytest.importorskip("distributed")
    settings = {"dashboard_address": ":0", "host": "127.0.0.1", "silence_logs": 50}
    return distributed.LocalCluster(n_workers=2, threads_per_worker=1, **settings)


@pytest.mark.slow
def test_two_processes_write_one_npy_file(tmp_path):
    np.save(tmp_path / "x.npy", CASE.x)
    x = npy.read(tmp_path / "x.npy", chunks=(4, -1, 1, -1))
    y, _ = cluster.batchnorm_forward(x, CASE.gamma, CASE.beta)
    written = npy.write(y, tmp_path / "y.npy")
    with two_workers() as local, local.get_client() as client:
        client.compute(written).result()
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), shards.one_machine(CASE)[0], atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["forward", "backward"])
def test_worker_killed_in_the_middle_does_not_change_the_result(what, tmp_path):
    source = Slow(SLOW_CASE.x, tmp_path)
    x = da.from_array(source, chunks=(4, 2, 4, 4), asarray=False, fancy=False)
    with (
        two_workers() as local,
        local.get_client() as client,
        dask.config.set(scheduler=client),
    ):
        y, cache = cluster.batchnorm_forward(x, SLOW_CASE.gamma, SLOW_CASE.beta)
        dout = da.from_array(SLOW_CASE.dout, chunks=x.chunks)
        tasks = [y]
        if what == "backward":
            cache = cache._replace(moments=shard.local_moments(SLOW_CASE.x))
            tasks = cluster.batchnorm_backward(dout, cache)
        victim = next(iter(client.run(os.getpid).values()))
        killed = []

        def kill():
            while len(list(tmp_path.iterdir())) < 50:  # of 80: in the second pass
                time.sleep(0.02)
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

        killer = threading.Thread(target=kill)
        killer.start()
        found = dask.compute(*tasks)
        killer.join()
        assert killed
        assert victim not in client.run(os.getpid).values()
    expected = shards.one_machine(SLOW_CASE)[slice(0, 1) if what == "forward" else slice(1, 4)]
    for got, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-11, atol=1e-11)
