"""The exercise of notebook 03 on the relative error of two arrays."""

import numpy as np

from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges import gradcheck


def random_arrays(seed, shape):
    """Return two arrays, one of numbers about 3 and one of numbers about 0."""
    rng = np.random.default_rng(seed)
    return 3 + rng.standard_normal(shape), rng.standard_normal(shape)


PAIRS = (
    Case("random numbers", dict(zip("ab", random_arrays(1, (2, 3)), strict=True)), 1e-12),
    Case(
        "opposite signs",
        {"a": np.array([1.0, -2.0, 3.0]), "b": np.array([1.1, 2.0, 3.0])},
        1e-12,
    ),
    Case("negative numbers", {"a": np.array([-1.0, 2.0]), "b": np.array([-3.0, 1.0])}, 1e-12),
    Case("a small pair", {"a": np.array([1.0, 1e-10]), "b": np.array([1.0, 3e-10])}, 1e-12),
    Case("equal, with zeros", {"a": np.array([0.0, 1.0]), "b": np.array([0.0, 1.0])}, 1e-12),
)
SIZES = {
    "|a| alone": lambda a, b: a,
    "|b| alone": lambda a, b: b,
    "the larger of |a| and |b|": np.maximum,
}


@exercise(
    notebook="03",
    cases=PAIRS,
    returns="error",
    hints=(
        "One number comes out: the largest over all entries.",
        "The numerator is |a - b|; the denominator is |a| + |b|, but at least 1e-8.",
        "np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)))",
    ),
    mistakes=(
        Mistake(
            "no absolute value above",
            "The difference may be negative: take its absolute value.",
            lambda a, b: np.max((a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))),
        ),
        Mistake(
            "no absolute values below",
            "a + b may cancel: add the absolute values.",
            lambda a, b: np.max(np.abs(a - b) / np.maximum(1e-8, a + b)),
        ),
        Mistake(
            "absolute value of the sum",
            "|a + b| may cancel: add |a| and |b|.",
            lambda a, b: np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a + b))),
        ),
        Mistake(
            "no lower bound",
            "Where both are 0 this is 0/0: the denominator must be at least 1e-8.",
            lambda a, b: np.max(np.abs(a - b) / (np.abs(a) + np.abs(b))),
        ),
        Mistake(
            "1e-8 added",
            "1e-8 is a lower bound, by np.maximum; here it is added.",
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
        Mistake(
            "largest above and below",
            "Numerator and denominator have each their own largest; divide first, then take it.",
            lambda a, b: np.max(np.abs(a - b)) / np.max(np.abs(a) + np.abs(b)),
        ),
        Mistake(
            "sums",
            "It divides sums over all entries; divide entry by entry, and take the largest.",
            lambda a, b: np.sum(np.abs(a - b)) / np.sum(np.abs(a) + np.abs(b)),
        ),
        Mistake(
            "norms",
            "It divides norms; divide entry by entry, and take the largest.",
            lambda a, b: np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b)),
        ),
        Mistake(
            "error of the whole array",
            "That compares whole arrays, by norms; divide entry by entry, and take the largest.",
            gradcheck.norm_error,
        ),
        Mistake(
            "norm of the sum",
            "It divides norms, and a + b may cancel; divide |a - b| by |a| + |b| entry by entry.",
            lambda a, b: np.linalg.norm(a - b) / np.linalg.norm(a + b),
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
