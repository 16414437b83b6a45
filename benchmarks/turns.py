"""Let each way work alone: a process for each, one at a time, all others blocked in a read."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np
from tqdm import tqdm

from benchmarks.machine import busy_seconds
from benchmarks.peers import WAYS
from benchmarks.way import AGREE

ROOT = Path(__file__).parent.parent
LIMITS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
QUIET = 0.05  # processors that may work for others; more, and times are no ranking


class Way:
    """A way in a process of its own; it waits in a read until it is asked."""

    def __init__(self, name, kind, shape, threads, seconds):
        command = [sys.executable, "-m", "benchmarks.way", "--name", name, "--kind", kind]
        command += ["--shape", json.dumps(shape), "--threads", str(threads)]
        command += ["--seconds", str(seconds)]
        own = WAYS[kind][name].own_threads
        limits = {} if own else dict.fromkeys(LIMITS, str(threads))
        self.child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | limits,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.times, self.faults, self.judged = [], [], {}
        self.wall = self.others = 0.0  # seconds of its turns, and of processors for others in them
        self.left_out = self._answer().get("left out")

    def _answer(self):
        line = self.child.stdout.readline()
        return json.loads(line) if line else {"left out": "its process ended"}

    def ask(self, what):
        """Send a line, and return the answer; a process that has ended is left out from now on."""
        try:
            self.child.stdin.write(f"{what}\n")
            self.child.stdin.flush()
        except OSError:
            self.left_out = "its process ended"
            return {}
        answer = self._answer()
        self.left_out = answer.get("left out")
        return {} if self.left_out else answer

    def take_turn(self):
        """Let the way work, and keep what it measured."""
        start, before = time.perf_counter(), busy_seconds()
        answer = self.ask("turn")
        wall, after = time.perf_counter() - start, busy_seconds()
        if answer:
            self.times += answer["times"]
            self.faults.append(answer["faults"])
            self.wall += wall
            self.others += np.nan if after is None else after - before - answer["cpu"]

    def judge(self):
        """Compare the results with float64; a wrong way is left out."""
        self.judged = self.ask("judge")
        wrong = self.judged.get("error")
        if isinstance(wrong, str):
            self.left_out = f"wrong: {wrong}"
        elif wrong is not None and not wrong < AGREE:
            self.left_out = f"wrong: relative error {wrong:.1e}"

    def end(self):
        """End the process."""
        self.child.stdin.close()
        self.child.stdout.close()
        try:
            self.child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.child.kill()

    def summary(self):
        """Return what is written down: seconds, page faults a step, others' processors."""
        low, median, high = np.percentile(self.times, (25, 50, 75))
        return {
            "least": min(self.times),
            "low": low,
            "median": median,
            "high": high,
            "samples": len(self.times),
            "faults": None if None in self.faults else float(np.median(self.faults)),
            "others": None if np.isnan(self.others) else max(0.0, self.others / self.wall),
            **self.judged,
        }


def measured(kind, shape, threads, turns, seconds, names=None):
    """Return what each way took on one shape, all or those named, and why others were left out."""
    label, random = f"{kind} {shape}, {threads} threads", Random(0)  # no one always follows another
    names = tqdm(names or WAYS[kind], desc=f"{label}: start", unit="way", leave=False)
    ways = {}
    try:
        for name in names:
            ways[name] = Way(name, kind, shape, threads, seconds)
        for _ in tqdm(range(turns), desc=label, unit="turn", leave=False):
            there = [way for way in ways.values() if not way.left_out]
            for way in random.sample(there, len(there)):
                way.take_turn()
        for way in ways.values():
            if not way.left_out:
                way.judge()
    finally:
        for way in ways.values():
            way.end()
    return {
        "ways": {name: way.summary() for name, way in ways.items() if not way.left_out},
        "left out": {name: way.left_out for name, way in ways.items() if way.left_out},
    }


def was_quiet(ways):
    """Say if nobody else worked on the machine meanwhile, as far as the system tells."""
    shares = [way["others"] for way in ways.values()]
    return None not in shares and max(shares, default=0.0) < QUIET
