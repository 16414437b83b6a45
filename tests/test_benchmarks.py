"""The benchmark must refuse wrong peers, leave out missing ones, and write what it measured."""

import json
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from benchmarks import memory, numpy_peers, report
from benchmarks.__main__ import ROOT, shape
from benchmarks.measure import AGREE, LIMIT, error, interleaved, prepare, right_results
from benchmarks.peers import INFERENCE, TRAINING, Case

CASE = Case.random((4, 3, 5, 2))
TABLE = Case.random((7, 5))
HERE = {"bnlib.graph", "bnlib.layers", "bnlib.kernels", "bnlib.kernels, out=", "HIPS autograd"}


@pytest.mark.parametrize("case", [CASE, TABLE], ids=["images", "table"])
@pytest.mark.parametrize("way", [numpy_peers.staged, numpy_peers.transposed])
def test_the_peers_in_numpy_are_right(way, case):
    right, _ = right_results(case)
    assert error(way(case.x, case.gamma, case.beta, case.dout), right) < AGREE


@pytest.mark.parametrize("case", [CASE, TABLE], ids=["images", "table"])
def test_every_installed_peer_passes_the_check(case):
    training, inference = right_results(case)
    steps, left_out, _ = prepare(TRAINING, case, 2, training)
    assert steps.keys() >= HERE
    assert not any("wrong" in reason for reason in left_out.values())
    steps, left_out, _ = prepare(INFERENCE, case, 2, inference)
    assert {"bnlib.layers", "bnlib.kernels, out="} <= steps.keys()
    assert not any("wrong" in reason for reason in left_out.values())


@pytest.mark.parametrize("position", range(4), ids=["y", "dx", "dgamma", "dbeta"])
def test_a_wrong_peer_is_not_timed(position):
    training, _ = right_results(CASE)

    def wrong(case, threads):
        results = list(numpy_peers.staged(case.x, case.gamma, case.beta, case.dout))
        results[position] = results[position] * (1 + 2 * AGREE)
        return lambda: results

    steps, left_out, _ = prepare({"wrong": wrong}, CASE, 2, training)
    assert steps == {}
    assert left_out["wrong"].startswith(f"wrong: relative error {2 * AGREE:.1e}")


@pytest.mark.parametrize("position", range(4), ids=["y", "dx", "dgamma", "dbeta"])
def test_a_peer_that_gives_nan_is_not_timed(position):
    training, _ = right_results(CASE)

    def wrong(case, threads):
        results = list(numpy_peers.staged(case.x, case.gamma, case.beta, case.dout))
        results[position] = results[position] * np.nan
        return lambda: results

    steps, left_out, _ = prepare({"wrong": wrong}, CASE, 2, training)
    assert steps == {}
    assert "wrong" in left_out


def test_a_peer_without_eps_is_not_timed(monkeypatch):
    monkeypatch.setattr(numpy_peers, "EPS", 0.0)
    steps, left_out, _ = prepare(
        {"no eps": TRAINING["original, staged"]}, CASE, 2, right_results(CASE)[0]
    )
    assert steps == {}
    assert "wrong" in left_out["no eps"]


def test_a_peer_of_another_shape_is_not_timed():
    def wrong(case, threads):
        return lambda: tuple(a[..., :1] for a in right_results(case)[0])

    steps, left_out, _ = prepare({"wrong": wrong}, CASE, 2, right_results(CASE)[0])
    assert steps == {}
    assert "shape" in left_out["wrong"]


def test_a_peer_that_is_not_installed_is_left_out():
    def missing(case, threads):
        import a_library_that_nobody_has  # noqa: F401

    steps, left_out, _ = prepare({"missing": missing}, CASE, 2, right_results(CASE)[0])
    assert steps == {}
    assert "a_library_that_nobody_has" in left_out["missing"]


def test_steps_are_timed_in_turns():
    order = []
    steps = {name: (lambda name=name: order.append(name)) for name in "ab"}
    times = interleaved(steps, 0.0, "test")
    assert len(times["a"]) == len(times["b"]) >= 7
    changes = sum(x != y for x, y in pairwise(order))
    assert changes >= 7  # at least one in each round


def test_the_memory_limit_reads_and_writes_what_it_says():
    x, dout, y, dx = CASE.x, CASE.dout, np.zeros_like(CASE.x), np.zeros_like(CASE.x)
    step = memory.limit(x, dout, y, dx)
    step()
    assert (y == x + 1).all()
    assert (dx == x + dout).all()


def test_peak_memory_counts_what_a_step_takes():
    def step():
        return np.ones(2**22), np.ones(2**22)

    assert memory.peak(step) == pytest.approx(2 * 8 * 2**22, rel=0.2)


def test_the_fastest_peer_is_not_ours_and_not_the_limit():
    names = (LIMIT, "bnlib.kernels", "JAX jit", "PyTorch")
    peers = {name: {"median": t} for name, t in zip(names, (1, 2, 4, 3), strict=True)}
    assert report.fastest_peer(peers) == "PyTorch"
    assert report.fastest_peer({LIMIT: peers[LIMIT]}) is None


@pytest.mark.parametrize("text", ["64,64,56", "a,b", "0,3", "1,5", "2,3,4,5,6", ""])
def test_a_shape_that_is_none_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - argparse turns it into a message
        shape(text)


@pytest.mark.slow  # starts every installed peer
def test_one_run_from_the_command_line(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--threads", "1", "--seconds", "0.01"]
    command += ["--shapes", "2,3,4,5", "--output", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    [result] = json.loads((tmp_path / "results.json").read_text())
    assert [measured["shape"] for measured in result["shapes"]] == [[2, 3, 4, 5]]
    for measured in result["shapes"]:
        for name, t in measured["training"]["peers"].items():
            assert 0 < t["low"] <= t["median"] <= t["high"], name
    text = (tmp_path / "results.md").read_text()
    assert "| bnlib.kernels, out= |" in text
    assert text in run.stdout
    assert "<svg" in (tmp_path / "results.svg").read_text()
