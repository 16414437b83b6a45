"""Batch norm of an array larger than the workers' memory: time, memory and bytes, measured.

    python -m benchmarks.many_machines --gigabytes 8 --folder FOLDER

makes x, float32 at an offset of 1e6, and dout as zarr in the folder, uncompressed, in chunks of
40 MB. Then a cluster of worker processes normalizes x, and takes the gradient, chunk by chunk and
back to disk; and before each of the two it reads and writes the same bytes, in the same order, and
computes nothing. Workers report the memory they took at most, the bytes they read and wrote, and
what Dask spilled. The folder needs three times the array; what was made is deleted.
"""

import argparse
import json
import os
import shutil
import time
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from dask.graph_manipulation import bind
from distributed import Client, LocalCluster

from bnlib.sharded import cluster

CHANNELS, SIDE = 64, 56
IMAGES = 50  # in a chunk: 40 MB of float32
RAW = {"compressors": None}  # noise does not compress, and the time is of reading and writing


def block(block_info=None, *, seed, offset):
    """Return one chunk of random numbers, float32."""
    where = block_info[None]
    rng = np.random.default_rng([seed, where["chunk-location"][0]])
    return rng.standard_normal(where["chunk-shape"], np.float32) + np.float32(offset)


def make(path, images, seed, offset):
    """Write a random array (images, C, H, W) as zarr."""
    chunks = ((IMAGES,) * (images // IMAGES), CHANNELS, SIDE, SIDE)
    da.map_blocks(
        block,
        seed=seed,
        offset=offset,
        chunks=chunks,
        dtype=np.float32,
        meta=np.empty((0,) * 4, "f4"),
    ).to_zarr(str(path), **RAW)


def touched(chunk):
    """Return next to nothing of a chunk that was read."""
    return np.ones((1,) * 4, bool)


def counters(dask_worker=None):
    """Return what this worker's process has read and written, its peak memory, what it spilled."""
    io = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    spilled = sum(
        value
        for key, value in dask_worker.digests_total.items()
        if "disk-write" in str(key) and "bytes" in str(key)
    )
    return int(io["rchar"]), int(io["wchar"]), int(peak.split()[1]) * 1024, spilled


def forget_peak():
    """Let the process's peak memory count from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def measured(client, name, task, array_bytes):
    """Compute a task; return its result and a row of what it took."""
    before = client.run(counters)
    client.run(forget_peak)
    start = time.perf_counter()
    result = dask.compute(task)[0]
    seconds = time.perf_counter() - start
    pairs = [(now, before[worker]) for worker, now in client.run(counters).items()]
    read, wrote, spilled = (sum(now[k] - old[k] for now, old in pairs) for k in (0, 1, 3))
    row = {
        "what": name,
        "seconds": round(seconds, 1),
        "read, in arrays": round(read / array_bytes, 3),
        "written, in arrays": round(wrote / array_bytes, 3),
        "peak of a worker, GiB": round(max(now[2] for now, _ in pairs) / 2**30, 3),
        "spilled, bytes": int(spilled),
    }
    print(json.dumps(row), flush=True)
    return result, row


def bare(*arrays):
    """Return the last array as it is read again, after one walk over all of them."""
    one = {"dtype": bool, "chunks": (1,) * 4, "meta": np.empty((0,) * 4, bool)}
    walked = sum(a.map_blocks(touched, **one).sum() for a in arrays)
    again = bind(list(arrays), walked)
    return da.map_blocks(lambda *chunks: chunks[-1], *again, dtype="f4", meta=arrays[0]._meta)


def both(client, folder, size, name, arrays, result, others):
    """Measure the bare walks and the pass itself, whose result is an array to write."""
    rows = []
    for what, array, more in ((f"bare {name}", bare(*arrays), []), (name, result, others)):
        os.sync()  # what was written before is on disk, and does not slow this
        task = [array.to_zarr(str(folder / "made"), compute=False, **RAW), more]
        (_, small), row = measured(client, what, task, size)
        rows.append(row)
        shutil.rmtree(folder / "made")
    print(f"{name}: {rows[1]['seconds'] / rows[0]['seconds']:.2f} times the bare pass", flush=True)
    return small


def run(client, folder, images):
    """Measure the forward and the backward pass."""
    size = images * CHANNELS * SIDE**2 * 4
    rng = np.random.default_rng(0)
    gamma, beta = rng.uniform(0.5, 2, CHANNELS), rng.standard_normal(CHANNELS)
    make(folder / "x", images, 0, 1e6)
    x = da.from_zarr(str(folder / "x"))
    y, cache = cluster.batchnorm_forward(x, gamma, beta)
    print(f"tasks for a chunk: {len(dask.optimize(y)[0].__dask_graph__()) / x.npartitions:.2f}")
    (moments,) = both(client, folder, size, "forward", [x], y, [cache.moments])
    make(folder / "dout", images, 1, 0)
    dout = da.from_zarr(str(folder / "dout"))
    dx, *sums = cluster.batchnorm_backward(dout, cache._replace(moments=moments))
    both(client, folder, size, "backward", [dout, x], dx, sums)


def main(arguments=None):
    """Make the data, measure, delete the data."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=8)
    parser.add_argument("--folder", type=Path, required=True, help="a new one, on the disk to use")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", default="1GiB", help="of each worker")
    options = parser.parse_args(arguments)
    chunk = IMAGES * CHANNELS * SIDE**2 * 4
    images = max(2, round(options.gigabytes * 1e9 / chunk)) * IMAGES
    options.folder.mkdir(parents=True)
    try:
        with (
            LocalCluster(
                n_workers=options.workers,
                threads_per_worker=1,
                memory_limit=options.memory,
                dashboard_address=":0",  # any free port
                host="127.0.0.1",
                local_directory=str(options.folder / "spill"),
            ) as local,
            Client(local) as client,
        ):
            run(client, options.folder, images)
    finally:
        shutil.rmtree(options.folder)
    print(f"{images // IMAGES} chunks, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
