"""Check the benchmark with plain loops that share no code with it.

    python -m benchmarks.independent build/benchmarks/results.json

For each way here, a short program of its own makes a batch, works for a second, then times single
steps for two. Its median is compared with the benchmark's of the same number of threads.
"""

import argparse
import json
import os
import subprocess
import sys

HEAD = """
import time, statistics
import numpy as np
shape, last = {shape}, {last}
rng = np.random.default_rng(1)
x, dout = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
if last:
    x, dout = (np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) for a in (x, dout))
g, b = np.ones((2, shape[1]), np.float32)
"""
LOOP = """
end = time.perf_counter() + 1
while time.perf_counter() < end:
    step()
times, end = [], time.perf_counter() + 2
while time.perf_counter() < end:
    start = time.perf_counter()
    step()
    times.append(time.perf_counter() - start)
print(statistics.median(times))
"""
KERNELS = """
from bnlib import kernels
def step():
    y, cache = kernels.batchnorm_forward(x, g, b)
    kernels.batchnorm_backward(dout, cache)
"""
OUT = """
from bnlib import kernels
y, dx = np.zeros_like(x), np.zeros_like(x)
def step():
    _, cache = kernels.batchnorm_forward(x, g, b, out=y)
    kernels.batchnorm_backward(dout, cache, out=dx)
"""
TORCH = """
import torch
torch.set_num_threads({threads})
x, g, b = (torch.from_numpy(a).requires_grad_() for a in (x, g, b))
dout = torch.from_numpy(dout)
def step():
    y = torch.nn.functional.batch_norm(x, None, None, g, b, training=True)
    torch.autograd.grad(y, (x, g, b), dout)
"""
PROGRAMS = {"bnlib.kernels": KERNELS, "bnlib.kernels, out=": OUT, "PyTorch": TORCH}
LAST, FAR = ", channels_last", 0.15
VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def median(name, shape, threads):
    """Return the median seconds of a step in a process of its own, or None if it fails."""
    values = {"shape": tuple(shape), "last": name.endswith(LAST), "threads": threads}
    program = (HEAD + PROGRAMS[name.removesuffix(LAST)]).format(**values) + LOOP
    environment = os.environ | dict.fromkeys(VARIABLES, str(threads))
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    return float(run.stdout) if run.returncode == 0 else None


def main():
    """Compare, print a line for each way, and fail if one is far off."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("results", type=argparse.FileType(encoding="utf-8"))
    far = []
    for result in json.load(parser.parse_args().results):
        for measured in result["shapes"]:
            shape, ways = measured["shape"], measured["kinds"]["training"]["ways"]
            for name in (n for n in ways if n.removesuffix(LAST) in PROGRAMS):
                here, there = median(name, shape, result["threads"]), ways[name]["median"]
                ratio = here / there if here else float("nan")
                print(f"{shape} {name}: {1e3 * there:.4g} ms, here {ratio:.2f} of it", flush=True)
                if not abs(ratio - 1) < FAR:
                    far.append(name)
    print(f"{len(far)} differ by more than {FAR:.0%}")
    return bool(far)


if __name__ == "__main__":
    sys.exit(main())
