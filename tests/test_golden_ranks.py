"""What notebook 12 says of PyTorch on two ranks is what it did when it was recorded."""

import json
import re

import nbformat
import numpy as np
import pytest

from tests.golden import ranks
from tools.nbfiles import find

RECORD = json.loads(ranks.TARGET.read_text(encoding="utf-8"))
FIRST, SECOND = RECORD["ranks"]


def each(name):
    return [rank[name] for rank in RECORD["ranks"]]


def row(beginning):
    """Return what the notebook's table says in the row that begins so."""
    cells = nbformat.read(find("12")[0], as_version=4).cells
    (found,) = [
        line.split("|")[2]
        for cell in cells
        for line in cell.source.splitlines()
        if line.startswith(f"| {beginning}")
    ]
    return found


def numbers(text):
    return [float(number) for number in re.findall(r"\d+\.\d+", text)]


def test_version_of_the_notebook_is_the_one_recorded():
    cells = nbformat.read(find("12")[0], as_version=4).cells
    (said,) = [
        match[1] for c in cells if (match := re.search(r"What PyTorch (\S+) does", c.source))
    ]
    assert RECORD["versions"]["torch"].startswith(f"{said}.")


def test_ranks_normalized_alone_and_the_next_pass_began_with_rank_0():
    alone = [0.1 * np.mean(rows) for rows in ranks.ROWS]  # momentum 0.1, from 0
    assert each("running mean after one step") == pytest.approx(alone)
    assert each("running mean that the next forward pass begins with") == pytest.approx(
        [alone[0]] * 2
    )
    twice = 0.9 * alone[0] + alone[0]
    assert each("running mean that evaluation begins with") == pytest.approx([twice] * 2)
    assert numbers(row("running means")) == pytest.approx([*alone, alone[0]])


def test_gradients_became_the_mean_over_ranks():
    own = [np.mean(upstream) for upstream in ranks.UPSTREAM]
    assert each("dbeta of this rank") == pytest.approx(own)
    assert each("dbeta after the backward pass") == pytest.approx([np.mean(own)] * 2)
    assert numbers(row("gradients")) == pytest.approx([*own, np.mean(own)], abs=0.005)


def test_mean_over_unequal_ranks_is_not_the_batchs_gradient():
    of_the_batch = np.mean(np.concatenate(ranks.UPSTREAM))
    assert numbers(row("the same, of unequal shards")) == pytest.approx([of_the_batch])
    assert abs(FIRST["dbeta after the backward pass"] - of_the_batch) > 0.5


def test_sync_batch_norm_is_refused_on_a_cpu():
    for rank in (FIRST, SECOND):
        assert "to be on GPU" in rank["SyncBatchNorm"]
        assert "only work with GPU" in rank["DistributedDataParallel of SyncBatchNorm"]
    assert "raises a ValueError" in row("SyncBatchNorm")
