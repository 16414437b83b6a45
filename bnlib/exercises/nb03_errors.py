"""The exercise of notebook 03 on the relative error of two arrays."""

import numpy as np

from bnlib.exercises.checker.cases import LAYOUTS, Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges import gradcheck


def _pair(shape, kind, scale, dtype, layout, seed):
    """Return two arrays to compare."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.5, 3, (2, *shape)).round(2)
    a, b = KINDS[kind](a, b)
    values = {"a": (scale * a).astype(dtype), "b": (scale * b).astype(dtype)}
    return Case(f"{kind}, shape {shape}, size {scale:g}, {dtype}", values, layout=layout)


def _with_zeros(a, b):
    a, b = a.copy(), b.copy()
    a.flat[0] = b.flat[0] = 0
    return a, b


def _last_alone(a, b):
    """Let the arrays differ in their last entry only, where b is the smaller one."""
    b = a.copy()
    b.flat[-1] = 0.5 * a.flat[-1]
    return a, b


KINDS = {  # of pairs
    "positive numbers": lambda a, b: (a, b),
    "opposite signs": lambda a, b: (a, -b),
    "negative numbers": lambda a, b: (-a, -b),
    "a sum of 0": lambda a, b: (a, -a),
    "both signs": lambda a, b: (a - 1.5, b - 1.5),
    "0 in both": _with_zeros,
    "0 in one": lambda a, b: (a * (a > 1.5), b),
    "equal numbers": lambda a, b: (a, a.copy()),
    "unequal at the end": _last_alone,
    "almost equal": lambda a, b: (a, a * (1 + 1e-5)),
}
PAIRS = Domain(
    _pair,
    {
        "random numbers": {"shape": (2, 3), "kind": "both signs"},
        "opposite signs": {"shape": (3,), "kind": "opposite signs"},
        "negative numbers": {"shape": (2,), "kind": "negative numbers"},
        "a small pair": {"shape": (2,), "kind": "both signs", "scale": 1e-9},
        "equal, with zeros": {"shape": (2,), "kind": "0 in both"},
        "unequal at the end": {"shape": (600,), "kind": "unequal at the end"},
    },
    crossed=("kind",),
    shape=((1,), (2,), (3,), (2, 3), (4, 1), (2, 3, 2), (1, 2, 1, 3), (150,)),
    kind=tuple(KINDS),
    scale=(1.0, 1e-9, 1e-3, 1e12, 3e-9),
    dtype=("float64", "float32"),
    layout=tuple(LAYOUTS),
)
SIZES = {
    "|a| alone": lambda a, b: a,
    "|b| alone": lambda a, b: b,
    "the larger of |a| and |b|": np.maximum,
}

WHOLE = (  # errors of whole arrays: name, sentence, error of a and b with a least denominator
    (
        "largest above and below",
        "Numerator and denominator have each their own largest; divide first, then take it.",
        lambda a, b, least: np.max(np.abs(a - b)) / max(least, np.max(np.abs(a) + np.abs(b))),
    ),
    (
        "sums",
        "It divides sums over all entries; divide entry by entry, and take the largest.",
        lambda a, b, least: np.sum(np.abs(a - b)) / max(least, np.sum(np.abs(a) + np.abs(b))),
    ),
    (
        "norms",
        "It divides norms; divide entry by entry, and take the largest.",
        lambda a, b, least: (
            np.linalg.norm(a - b) / max(least, np.linalg.norm(a) + np.linalg.norm(b))
        ),
    ),
    (
        "error of the whole array",
        "That compares whole arrays, by norms; divide entry by entry, and take the largest.",
        lambda a, b, least: (
            np.linalg.norm(a - b) / max(least, np.linalg.norm(a), np.linalg.norm(b))
        ),
    ),
    (
        "norm of the sum",
        "It divides norms, and a + b may cancel; divide |a - b| by |a| + |b| entry by entry.",
        lambda a, b, least: np.linalg.norm(a - b) / max(least, np.linalg.norm(a + b)),
    ),
)


@exercise(
    notebook="03",
    domain=PAIRS,
    returns="error",
    hints=(
        "One number comes out: the largest over all entries.",
        "The numerator is |a - b|; the denominator is |a| + |b|, but at least 1e-8.",
        "np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)))",
    ),
    mistakes=(
        Mistake(
            "no absolute value above",
            "The difference may be negative; take its absolute value.",
            lambda a, b: np.max((a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))),
        ),
        Mistake(
            "no absolute values below",
            "a + b may cancel; add the absolute values.",
            lambda a, b: np.max(np.abs(a - b) / np.maximum(1e-8, a + b)),
        ),
        Mistake(
            "absolute value of the sum",
            "|a + b| may cancel; add |a| and |b|.",
            lambda a, b: np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a + b))),
        ),
        Mistake(
            "no lower bound",
            "Where both are 0 this is 0/0; the denominator must be at least 1e-8.",
            lambda a, b: np.max(np.abs(a - b) / (np.abs(a) + np.abs(b))),
        ),
        Mistake(
            "1e-8 added",
            "1e-8 is added; it is a lower bound, by np.maximum.",
            lambda a, b: np.max(np.abs(a - b) / (1e-8 + np.abs(a) + np.abs(b))),
        ),
        *(
            Mistake(
                name,
                f"That is the {name} over the entries; the largest is wanted.",
                lambda a, b, reduced=reduced: reduced(
                    np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))
                ),
            )
            for name, reduced in (("mean", np.mean), ("sum", np.sum), ("smallest", np.min))
        ),
        Mistake(
            "at most 1e-8",
            "np.minimum makes the denominator at most 1e-8; np.maximum makes it at least that.",
            lambda a, b: np.max(np.abs(a - b) / np.minimum(1e-8, np.abs(a) + np.abs(b))),
        ),
        *(
            Mistake(
                f"divided by {size}",
                f"It divides by {size}; the denominator is |a| + |b|, and at least 1e-8.",
                lambda a, b, size_of=size_of, least=least: np.max(
                    np.abs(a - b) / np.maximum(least, size_of(np.abs(a), np.abs(b)))
                ),
            )
            for size, size_of in SIZES.items()
            for least in (1e-8, 0)
        ),
        *(
            Mistake(name, sentence, lambda a, b, error=error, least=least: error(a, b, least))
            for name, sentence, error in WHOLE
            for least in (0, 1e-8)
        ),
        Mistake(
            "absolute error",
            "That is the absolute error; divide by the size of the numbers.",
            lambda a, b: np.max(np.abs(a - b)),
        ),
    ),
    shows=(gradcheck.rel_error,),
)
def rel_error(a, b):
    """Return the largest |a - b| / max(1e-8, |a| + |b|) over all entries, as one number."""
    return gradcheck.rel_error(a, b)
