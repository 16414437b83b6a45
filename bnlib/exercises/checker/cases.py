"""The batches on which exercises are checked, each with what a wrong answer would trip over."""

from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

AXES = (0, 2, 3)
WRONG_AXES = [
    axes for size in (1, 2, 3, 4) for axes in combinations(range(4), size) if axes != AXES
]
COMPARE = 1e-5  # loose enough for arithmetic in float32, far below what any mistake changes
COARSE = 3e-3  # float32 at an offset of 1000: its spacing there is 6e-5, and sums collect more


class Case(NamedTuple):
    """A label for the student, values by name, and the tolerance of the comparison."""

    label: str
    values: dict
    tolerance: float = COMPARE

    def arguments(self, names):
        """Return fresh copies of the values of these names, in this order."""
        return [_copy(self.values[name]) for name in names]

    def wide(self, names):
        """Return the same in float64, for the expected answer."""
        return [_wide(value) for value in self.arguments(names)]


@lru_cache(maxsize=1)
def images():
    """Return the cases for x (N, C, H, W), with what forward and backward passes need."""
    return (
        image_case("all axes different", (2, 3, 4, 5), seed=1),
        image_case("a large eps", (3, 2, 5, 4), seed=2, eps=0.5),
        image_case("C equal to W", (2, 4, 3, 4), seed=3),
        image_case("all axes equal", (3, 3, 3, 3), seed=4, eps=1e-3),
        image_case("gamma negative and zero", (2, 3, 5, 4), seed=5, gamma=(-1.5, 0.0, 2.0)),
        image_case("numbers far from zero", (4, 2, 3, 5), seed=6, offset=1e3, tolerance=COARSE),
        image_case("float32", (4, 2, 3, 5), seed=7, offset=1e3, dtype=np.float32, tolerance=COARSE),
        image_case("one image, one channel", (1, 1, 5, 4), seed=8),
    )


@lru_cache(maxsize=1)
def tables():
    """Return the cases for x (N, D)."""
    return (
        table_case("N and D different", (7, 3), seed=1),
        table_case("a large eps", (5, 2), seed=2, eps=0.5),
        table_case("N equal to D", (4, 4), seed=3),
        table_case("numbers far from zero", (9, 2), seed=4, offset=1e3, tolerance=COARSE),
        table_case("float32", (9, 2), 5, offset=1e3, dtype=np.float32, tolerance=COARSE),
    )


def image_case(label, shape, seed, extra=(), **options):
    """Return a case for x of this shape (N, C, H, W); extra holds further values by name."""
    x, values, dtype, tolerance = _batch(shape, seed, **options)
    N, C, H, W = shape
    mean, var = x.mean(axis=AXES), x.var(axis=AXES)
    inv_std = 1 / np.sqrt(var + values["eps"])
    column = (1, C, 1, 1)
    xhat = (x - mean.reshape(column)) * inv_std.reshape(column)
    values |= {
        "xhat": xhat,
        "inv_std": inv_std,
        "dxhat": values["gamma"].reshape(column) * values["dout"],
        "mean": mean,
        "var": var,
        "table": x.transpose(0, 2, 3, 1).reshape(-1, C),
        "shape": shape,
        "m": N * H * W,
        **dict(extra),
    }
    return Case(f"{label}: x {shape}", _as_type(values, dtype), tolerance)


def table_case(label, shape, seed, **options):
    """Return a case for x of this shape (N, D)."""
    _, values, dtype, tolerance = _batch(shape, seed, **options)
    return Case(f"{label}: x {shape}", _as_type(values, dtype), tolerance)


def _batch(shape, seed, eps=1e-5, offset=10.0, gamma=None, dtype=np.float64, tolerance=COMPARE):
    """Return a batch whose channels differ in mean and in spread, all of it random."""
    rng = np.random.default_rng(seed)
    C = shape[1]
    column = (1, C) + (1,) * (len(shape) - 2)
    spread = np.linspace(0.7, 2.2, C).reshape(column)
    x = offset * (1 + np.arange(C).reshape(column) / C) + spread * rng.standard_normal(shape)
    x = x.astype(dtype).astype(np.float64)
    values = {
        "x": x,
        "gamma": np.array(gamma) if gamma else rng.uniform(0.5, 3, C),
        "beta": rng.uniform(-2, 2, C),
        "dout": rng.standard_normal(shape),
        "eps": eps,
        "running_mean": rng.uniform(5, 15, C),
        "running_var": rng.uniform(1, 9, C),
        "dmean": rng.standard_normal(C),
        "dinv_std": rng.standard_normal(C),
    }
    return x, values, dtype, tolerance


def _as_type(values, dtype):
    return {
        name: value.astype(dtype) if isinstance(value, np.ndarray) else value
        for name, value in values.items()
    }


def _copy(value):
    return value.copy() if isinstance(value, np.ndarray) else value


def _wide(value):
    floating = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.astype(np.float64) if floating else value
