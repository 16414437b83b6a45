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


def literals(name):
    """Return the mappings of that name that notebook 06 writes out."""
    cells = nbformat.read(find("06")[0], as_version=4).cells
    for source in (cell.source for cell in cells if cell.cell_type == "code"):
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
                yield ast.literal_eval(node.value)


def version(label):
    """Return a framework's name as the notebook writes it, with the version that was recorded."""
    framework = label.split(",")[0].split(" on ")[0]
    package = {"PyTorch": "torch", "Flax": "flax", "Keras 3": "keras"}[framework]
    number = LAYERS[label]["versions"][package].split("+")[0]
    return f"{framework.split()[0]} {number}"


def test_recorded_curves_are_those_of_the_notebook():
    (written,) = literals("recorded")
    assert written == {name: LAYERS[name]["errors"] for name in written}


def test_table_of_the_notebook_is_as_recorded():
    (written,) = literals("others")
    labels = [label for label in LAYERS if not label.startswith("PyTorch")]
    assert [row[: AT_1E4 + 1] for row in map(errors_of, sorted(labels))] == [
        row for _, row in sorted(written.items(), key=lambda pair: by_label(pair[0], labels))
    ]
    assert all(any(version(label) in name for name in written) for label in labels)


def errors_of(label):
    return LAYERS[label]["errors"]


def by_label(written, labels):
    """Return the recorded label that a name of the notebook stands for."""
    (label,) = [
        label
        for label in labels
        if label in {written, written.replace(version(label), plain(label))}
    ]
    return label


def plain(label):
    return label.split(",")[0].split(" on ")[0]


@pytest.mark.parametrize("label", LAYERS)
def test_one_pass_is_told_by_its_error(label):
    error = errors_of(label)[AT_1E4]
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
