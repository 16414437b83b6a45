"""What notebook 06 says of the frameworks' variance is what they did when they were recorded."""

import ast
import json

import nbformat
import numpy as np
import pytest

from tests.golden import offsets
from tools.nbfiles import find

STORED = json.loads(offsets.TARGET.read_text(encoding="utf-8"))
LAYERS = STORED["layers"]
AT_1E4 = STORED["offsets"].index(1e4)


def cells():
    return nbformat.read(find("06")[0], as_version=4).cells


def written(name):
    """Return the mapping of that name that notebook 06 writes out."""
    code = [cell.source for cell in cells() if cell.cell_type == "code"]
    nodes = [node for source in code for node in ast.parse(source).body]
    (found,) = [n for n in nodes if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == name]
    return ast.literal_eval(found.value)


def test_numbers_of_the_notebook_are_those_recorded():
    assert written("recorded") == {
        name: LAYERS[name]["errors"] for name in ("PyTorch", "PyTorch, channels_last")
    }
    assert written("others") == {
        name: row["errors"][: AT_1E4 + 1]
        for name, row in LAYERS.items()
        if not name.startswith("PyTorch")
    }


def test_versions_of_the_notebook_are_those_recorded():
    prose = "\n".join(cell.source for cell in cells() if cell.cell_type == "markdown")
    for row in LAYERS.values():
        versions = row["versions"]
        said = {"torch": "PyTorch", "flax": "Flax", "keras": "Keras"}
        for package in said.keys() & versions:
            assert f"{said[package]} {versions[package].split('+')[0]}" in prose


@pytest.mark.parametrize("label", LAYERS)
def test_one_pass_is_told_by_its_error(label):
    error = LAYERS[label]["errors"][AT_1E4]
    one_pass = label in ("Flax", "Keras 3 on PyTorch")
    assert one_pass == (error is None or error > 1)


def test_one_pass_in_numpy_fails_as_theirs_does():
    x = offsets.batch(1e4)
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    var = (x * x).mean(axis=(0, 2, 3), keepdims=True) - mean * mean
    assert np.all(np.abs(var - 1) > 0.5)


def test_truth_of_the_record_is_batch_norm():
    x = np.random.default_rng(1).normal(size=(2, 3, 2, 2)).astype(np.float32)
    mean, var = x.astype(float).mean((0, 2, 3)), x.astype(float).var((0, 2, 3))
    expected = (x - mean.reshape(3, 1, 1)) / np.sqrt(var.reshape(3, 1, 1) + offsets.EPS)
    np.testing.assert_allclose(offsets.exact(x), expected, atol=1e-12)
