"""Measure every peer on every shape, in one process with one number of threads.

    python -m benchmarks.measure --threads 2 --seconds 10 --output FILE [SHAPE ...]

A child of ``python -m benchmarks``, which sets the libraries' thread counts before they load.
"""

import argparse
import json
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from random import Random

import numpy as np
from tqdm import tqdm

from benchmarks import memory
from benchmarks.peers import INFERENCE, TRAINING, Case, as_numpy
from bnlib import layers

SAMPLE = 2e-3  # seconds; a quick step is repeated until a sample takes about that long
PAUSE = 5e-3  # seconds, in which the threads of the peer before stop waiting for work
WARM_UP = 3  # steps
LEAST, MOST = 7, 200  # rounds
AGREE = 3e-4  # relative, with float64: sums of 200,000 float32 rows cost half that, no eps 1e-3
LIMIT = "memory limit"
PACKAGES = ("numpy", "numba", "autograd", "torch", "jax", "onnxruntime")


def right_results(case):
    """Return what a training step and an inference step must give, from float64."""
    x, dout = case.x.astype(np.float64), case.dout.astype(np.float64)
    y, cache = layers.batchnorm_forward(x, case.gamma, case.beta)
    inference = layers.batchnorm_inference(x, case.gamma, case.beta, case.mean, case.var)
    return (y, *layers.batchnorm_backward(dout, cache)), (inference,)


def error(results, right):
    """Return the largest error of a step's results, each relative to the largest value."""
    errors = [
        np.abs(as_numpy(a) - b).max() / np.abs(b).max() for a, b in zip(results, right, strict=True)
    ]
    return float(np.max(errors))  # NaN, too


def prepare(peers, case, threads, right):
    """Return a step for each peer that is installed and right, and a reason for each other."""
    steps, left_out, errors = {}, {}, {}
    for name, setup in peers.items():
        try:
            step = setup(case, threads)
            results = step()
        except Exception as reason:  # a missing package or compiler must not end the run
            left_out[name] = f"{type(reason).__name__}: {str(reason).splitlines()[0]}"
            continue
        shapes = [tuple(a.shape) for a in results]
        if shapes != [a.shape for a in right]:
            left_out[name] = f"wrong: shapes {shapes}"
            continue
        errors[name] = error(results, right)
        if errors[name] < AGREE:
            steps[name] = step
        else:
            left_out[name] = f"wrong: relative error {errors[name]:.1e}"
    return steps, left_out, errors


def seconds_of(step, number):
    """Return how long one step takes, from `number` of them after one that is not timed."""
    time.sleep(PAUSE)
    step()
    start = time.perf_counter()
    for _ in range(number):
        step()
    return (time.perf_counter() - start) / number


def interleaved(steps, budget, label):
    """Time the steps in turn, round by round, until the budget in seconds is spent."""
    number = {}
    for name, step in steps.items():
        for _ in range(WARM_UP):
            step()
        number[name] = max(1, int(SAMPLE / seconds_of(step, 1)))
    times, turns = {name: [] for name in steps}, Random(0)  # no one always follows another
    end = time.perf_counter() + budget
    with tqdm(total=MOST, desc=label, unit="round", leave=False) as bar:
        for done in range(MOST):
            if done >= LEAST and time.perf_counter() > end:
                break
            for name in turns.sample(list(steps), len(steps)):
                times[name].append(seconds_of(steps[name], number[name]))
            bar.update()
    return times


def measured(shape, threads, budget):
    """Return what was measured on one shape, ready for JSON."""
    case = Case.random(shape)
    result = {"shape": list(shape)}
    for kind, peers, right in zip(
        ("training", "inference"), (TRAINING, INFERENCE), right_results(case), strict=True
    ):
        steps, left_out, errors = prepare(peers, case, threads, right)
        if kind == "training":
            room = np.empty((2, *shape), np.float32)
            steps = {LIMIT: memory.limit(case.x, case.dout, *room), **steps}
        times = interleaved(steps, budget, f"{shape} {kind}")
        result[kind] = {
            "peers": {
                name: dict(
                    zip(("low", "median", "high"), np.percentile(t, (25, 50, 75)), strict=True),
                    rounds=len(t),
                    peak=memory.peak(steps[name]),
                    error=errors.get(name),
                )
                for name, t in times.items()
            },
            "left out": left_out,
        }
    return result


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


def main():
    """Measure, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("shapes", nargs="+", type=json.loads)
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))[: given.threads]
        os.sched_setaffinity(0, cores)
    shapes = tqdm(given.shapes, desc=f"{given.threads} threads", unit="shape")
    result = {
        "threads": given.threads,
        "processor": processor(),
        "huge pages": huge_pages(),
        "versions": versions(),
        "shapes": [measured(tuple(shape), given.threads, given.seconds) for shape in shapes],
    }
    with open(given.output, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
