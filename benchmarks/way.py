"""One way, alone in its process: a child of `benchmarks.turns`, which gives it its turns.

It prepares its step, says "ready", and blocks. For each line "turn" it works in a steady loop, as
training does, and says what it measured; for "judge" it compares its results with float64. Nothing
else ever happened in the process, so that no other library shapes its heap.
"""

import argparse
import json
import os
import sys
import time
from itertools import takewhile

import numpy as np

from benchmarks import limit, machine
from benchmarks.peers import LIMIT, WAYS, Case, as_numpy

SAMPLE = 2e-3  # seconds; a quick step is repeated until a sample takes about that long
AGREE = 3e-4  # relative, with float64: sums of 200,000 float32 rows cost half that, no eps 1e-3


def right_results(case, kind):
    """Return what a step must give, from float64."""
    from bnlib import layers

    x, dout, running = (
        case.x.astype(np.float64),
        case.dout.astype(np.float64),
        (case.mean, case.var),
    )
    if kind == "inference":
        return (layers.batchnorm_inference(x, case.gamma, case.beta, *running),)
    if kind == "backward in evaluation":
        return layers.batchnorm_inference_backward(dout, x, case.gamma, *running)
    y, cache = layers.batchnorm_forward(x, case.gamma, case.beta)
    return y, *layers.batchnorm_backward(dout, cache)


def error(results, right):
    """Return the largest error of a step's results, each relative to the largest value."""
    shapes = [tuple(a.shape) for a in results]
    if shapes != [a.shape for a in right]:
        return f"shapes {shapes}"
    errors = [
        np.abs(as_numpy(a) - b).max() / np.abs(b).max() for a, b in zip(results, right, strict=True)
    ]
    return float(np.max(errors))  # NaN, too


def steps_for(step, seconds):
    """Return how many steps take about this long; the steps before the answer warm up."""
    number = 1
    while True:
        took = time_of(step, number)
        if took > seconds / 2:
            return max(1, round(number * seconds / took))
        number *= 2


def time_of(step, number):
    """Return the seconds that this number of steps takes."""
    start = time.perf_counter()
    for _ in range(number):
        step()
    return time.perf_counter() - start


def turn(step, number, seconds):
    """Work for a third of the time without a watch, then with one; return what was seen."""
    cpu, start = cpu_seconds(), time.perf_counter()
    while time.perf_counter() - start < seconds / 3:
        step()
    faults, times, begin = page_faults(), [], time.perf_counter()
    while time.perf_counter() - begin < seconds or len(times) < 3:
        times.append(time_of(step, number) / number)
    faults = page_faults() - faults
    per_step = None if np.isnan(faults) else faults / (number * len(times))
    return {"times": times, "faults": per_step, "cpu": cpu_seconds() - cpu}


def cpu_seconds():
    """Return the processor time of all threads of this process."""
    return time.process_time()


def page_faults():
    """Return how often this process has touched a page that the system had to provide, or NaN."""
    try:
        import resource
    except ImportError:  # Windows
        return np.nan
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def judged(step, name, case, kind):
    """Return the error of the step's results and its peak memory."""
    sweep = name.startswith(LIMIT)
    right = limit.right(case, kind == "training") if sweep else right_results(case, kind)
    return {"error": error(step(), right), "peak": machine.peak(step)}


def main():
    """Answer the lines of the parent until they end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--kind", choices=WAYS, required=True)
    parser.add_argument("--shape", type=json.loads, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="of one turn")
    given = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
    way = WAYS[given.kind][given.name]
    if hasattr(os, "sched_setaffinity") and not way.own_threads:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.threads])
    case = Case.random(tuple(given.shape), way.channels_last)
    try:
        step = way.setup(case, given.threads)
        number = steps_for(step, SAMPLE)
    except Exception as reason:  # a missing package or compiler must not end the run
        said = (str(reason).splitlines() or [""])[0]
        print(
            json.dumps({"left out": f"{type(reason).__name__}: {said}"}), file=answers, flush=True
        )
        return
    print(json.dumps({"ready": number}), file=answers, flush=True)
    for line in takewhile(str.strip, sys.stdin):
        if line.strip() == "turn":
            answer = turn(step, number, given.seconds)
        else:
            answer = judged(step, given.name, case, given.kind)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
