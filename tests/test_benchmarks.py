"""The benchmark must refuse wrong ways, leave out missing ones, and rank where it is quiet."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import growth, independent, limit, machine, numpy_peers, report, turns, way
from benchmarks.__main__ import shape
from benchmarks.peers import LAST, LIMIT, WAYS, Case
from benchmarks.turns import ROOT, Way, was_quiet
from benchmarks.way import AGREE, error, judged, right_results

CASE = Case.random((4, 3, 5, 2))
TABLE = Case.random((7, 5))
SEEN = {
    "least": 1.0,
    "low": 1.0,
    "median": 2.0,
    "high": 3.0,
    "faults": 7.2,
    "peak": 0,
    "error": 0.0,
}
QUIET, BUSY = {"others": 0.01}, {"others": 0.4}


@pytest.mark.parametrize("case", [CASE, TABLE], ids=["images", "table"])
@pytest.mark.parametrize("peer", [numpy_peers.staged, numpy_peers.transposed])
def test_the_peers_in_numpy_are_right(peer, case):
    right = right_results(case, "training")
    assert error(peer(case.x, case.gamma, case.beta, case.dout), right) < AGREE


@pytest.mark.slow  # compiles
@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("size", [(4, 3, 5, 2), (7, 5)], ids=["images", "table"])
def test_every_installed_way_passes_the_check(kind, size):
    done = 0
    for name, described in WAYS[kind].items():
        case = Case.random(size, described.channels_last)
        try:
            step = described.setup(case, 1)
        except ImportError:
            continue
        done += 1
        assert judged(step, name, case, kind)["error"] < AGREE, name
    assert done >= 5


@pytest.mark.parametrize("position", range(4), ids=["y", "dx", "dgamma", "dbeta"])
@pytest.mark.parametrize("factor", [1 + 2 * AGREE, np.nan])
def test_a_wrong_way_is_noticed(position, factor):
    results = list(numpy_peers.staged(CASE.x, CASE.gamma, CASE.beta, CASE.dout))
    results[position] = results[position] * factor
    assert not error(results, right_results(CASE, "training")) < AGREE


def test_a_way_without_eps_is_noticed(monkeypatch):
    monkeypatch.setattr(numpy_peers, "EPS", 0.0)
    step = WAYS["training"]["original, staged"].setup(CASE, 1)
    assert judged(step, "no eps", CASE, "training")["error"] > AGREE


def test_a_way_of_another_shape_is_noticed():
    right = right_results(CASE, "inference")
    assert error([right[0][..., :1]], right) == "shapes [(4, 3, 5, 1)]"


@pytest.mark.parametrize("sweep", limit.SWEEPS)
@pytest.mark.parametrize("new", [False, True])
def test_the_memory_limit_reads_and_writes_what_it_says(sweep, new):
    y, dx = limit.way(limit.SWEEPS[sweep], new, True)(CASE, 1)()
    assert (y == CASE.x + 1).all()
    assert (dx == CASE.x + CASE.dout).all()
    [y] = limit.way(limit.SWEEPS[sweep], new, False)(CASE, 1)()
    assert (y == CASE.x + 1).all()


def test_images_with_channels_last_hold_the_same_numbers():
    last = Case.random((4, 3, 5, 2), channels_last=True)
    assert (last.x == CASE.x).all()
    assert last.x.strides[1] == last.x.itemsize
    assert last.gamma.tolist() == CASE.gamma.tolist()


def test_a_turn_counts_steps_faults_and_processor_time():
    calls = []
    seen = way.turn(lambda: calls.append(np.ones(2**20)) or calls.clear(), 3, 0.02)
    assert len(seen["times"]) >= 3
    assert min(seen["times"]) > 0
    assert seen["cpu"] > 0  # less than the time, where others work


def test_peak_memory_counts_what_a_step_takes():
    def step():
        return np.ones(2**22), np.ones(2**22)

    assert machine.peak(step) == pytest.approx(2 * 8 * 2**22, rel=0.2)


@pytest.mark.slow  # starts a process, which imports what it needs
def test_a_way_waits_in_its_own_process_until_it_is_asked():
    alone = Way("original, staged", "training", (2, 3, 4, 5), 1, 0.02)
    assert alone.left_out is None
    alone.take_turn()
    alone.judge()
    alone.end()
    assert alone.summary()["error"] < AGREE
    assert alone.summary()["samples"] >= 3
    assert alone.child.returncode == 0


def test_the_fastest_peer_has_the_same_layout_and_is_not_ours_or_the_limit():
    names = (f"{LIMIT}, new memory", "bnlib.kernels", "JAX jit", "PyTorch", f"PyTorch{LAST}")
    ways = {name: {"median": t} for name, t in zip(names, (1, 2, 4, 3, 2.5), strict=True)}
    assert report.fastest_peer(ways, channels_last=False) == "PyTorch"
    assert report.fastest_peer(ways, channels_last=True) == f"PyTorch{LAST}"
    assert report.fastest_peer({"bnlib.kernels": ways["bnlib.kernels"]}, False) is None


def test_the_limit_is_the_fastest_sweep_into_the_same_kind_of_memory():
    times = {"a, new memory": 5, "b, new memory": 4, "a, old memory": 3, "b, old memory": 2}
    ways = {f"{LIMIT}, {name}": {"median": t} for name, t in times.items()}
    assert report.limit_of(ways, "bnlib.kernels") == 4
    assert report.limit_of(ways, "bnlib.kernels, out=") == 2


@pytest.mark.parametrize(
    ("load", "ranked"), [(QUIET, True), (BUSY, False), ({"others": None}, False)]
)
def test_no_ranking_where_others_worked(load, ranked):
    ways = dict.fromkeys((f"{LIMIT}, new memory", "PyTorch", "bnlib.kernels"), SEEN | load)
    ways["bnlib.kernels"] = ways["bnlib.kernels"] | {"median": 1.0}
    written = report.table({"ways": ways, "left out": {"JAX": "ImportError: none"}}, (2, 3))
    assert was_quiet(ways) == ranked
    assert ("no ranking" in written) == (not ranked)
    assert ("| 0.50 |" in written) == ranked
    assert "JAX left out: ImportError: none" in written
    assert (written.index("bnlib") < written.index("PyTorch")) == ranked


def test_a_process_that_ends_is_left_out(monkeypatch):
    class Dead:
        stdin, stdout = io.StringIO(), io.StringIO()

    monkeypatch.setattr(turns.subprocess, "Popen", lambda *_, **__: Dead())
    assert Way("PyTorch", "training", (2, 3), 1, 0.1).left_out == "its process ended"


@pytest.mark.parametrize("text", ["64,64,56", "a,b", "0,3", "1,5", "2,3,4,5,6", ""])
def test_a_shape_that_is_none_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - argparse turns it into a message
        shape(text)


def test_each_axis_grows_alone_and_over_four_orders_of_magnitude():
    assert growth.STEPS[-1] == 10**4 * growth.STEPS[0]
    for axis, of in growth.AXES.items():
        shapes = [of(k) for k in growth.STEPS]
        moving = {place for place in range(4) if len({shape[place] for shape in shapes}) > 1}
        assert moving == {"N": {0}, "C": {1}, "H W": {2, 3}}[axis]
        assert np.prod(shapes[-1]) == 10**4 * np.prod(shapes[0]), axis


def test_growth_has_a_row_and_a_mark_for_each_size_and_the_lowest_limit():
    def row(axis, k):
        names = [name for name in (*growth.NAMES, *growth.LOWEST) if name != "PyTorch"]
        ways = {name: SEEN | QUIET | {"median": 1e-3 * (2 + n)} for n, name in enumerate(names)}
        return {"axis": axis, "size": k, "shape": growth.AXES[axis](k), "ways": ways}

    found = [row(axis, k) for axis in growth.AXES for k in (1, 10)]
    result = {"threads": 2, "processor": "any", "found": found}
    lowest = min(found[0]["ways"][name]["median"] for name in growth.LOWEST)
    assert growth.nanoseconds(found[0], LIMIT) == pytest.approx(1e9 * lowest / 3136)
    assert growth.nanoseconds(found[0], "PyTorch") is None
    assert growth.text(result).count("| (") == len(found)
    assert "meanwhile" not in growth.text(result)
    assert [len(ax.lines) for ax in growth.figure(result).axes] == [4, 4, 4]


def test_only_the_ways_that_are_named_are_measured(monkeypatch):
    asked = []

    class Fake:
        left_out = "fake"

        def __init__(self, name, *_):
            asked.append(name)

        def end(self):
            pass

    monkeypatch.setattr(turns, "Way", Fake)
    turns.measured("training", (2, 3), 1, 1, 0.1, names=["PyTorch"])
    turns.measured("inference", (2, 3), 1, 1, 0.1)
    assert asked == ["PyTorch", *WAYS["inference"]]


@pytest.mark.slow  # starts every installed way
def test_one_run_from_the_command_line(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--threads", "1", "--seconds", "0.01"]
    command += ["--turns", "1", "--shapes", "2,3,4,5", "--output", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    [result] = json.loads((tmp_path / "results.json").read_text())
    assert [measured["shape"] for measured in result["shapes"]] == [[2, 3, 4, 5]]
    for kind, found in result["shapes"][0]["kinds"].items():
        assert f"bnlib.kernels, out={LAST}" in found["ways"], found["left out"]
        assert not any("wrong" in why for why in found["left out"].values()), kind
        for name, t in found["ways"].items():
            assert 0 < t["least"] <= t["low"] <= t["median"] <= t["high"], name
    text = (tmp_path / "results.md").read_text()
    assert "| bnlib.kernels, out= |" in text
    assert text in run.stdout
    assert "<svg" in (tmp_path / "results.svg").read_text()


@pytest.mark.slow  # works for seconds, in a process of its own
def test_the_independent_check_runs_each_of_its_programs():
    for name in ("bnlib.kernels", f"bnlib.kernels, out={LAST}"):
        assert 0 < independent.median(name, (4, 3, 5, 2), 1) < 1
