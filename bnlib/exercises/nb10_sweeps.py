"""The exercises of notebook 10: count walks over memory, predict a time, and save a half."""

import numpy as np

from bnlib import layout
from bnlib.exercises.checker.batches import ANY_IMAGES
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.prediction import prediction
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges.faults.recipes import column
from bnlib.judges.sweeps import count_sweeps

SHAPE = (2, 3, 4, 5)
ENOUGH = 4


@prediction(
    notebook="10",
    hints=(
        "NumPy carries out one operation at a time. How many operations are there?",
        "Four: each reads one array of full size and writes one. Values per channel are small.",
        "4 * 2.",
    ),
    mistakes=(
        (2, "2 is the least possible; NumPy carries out one operation at a time."),
        (4, "4 counts the operations; each reads an array of full size and writes another."),
        (5, "Only the last result is kept, but each one is written and read again."),
        (12, "An operation with a value per channel reads one array of full size, not two."),
    ),
)
def sweeps_of_the_line():
    """Say how many sweeps gamma * (x - mean) * inv_std + beta takes, given mean and inv_std."""
    vectors = np.ones((4, 1, SHAPE[1], 1, 1))
    return count_sweeps(_as_the_formula, np.ones(SHAPE), *vectors).total


def _as_the_formula(x, mean, inv_std, gamma, beta):
    return gamma * (x - mean) * inv_std + beta


@prediction(
    notebook="10",
    hints=(
        "How many bytes has one array? A float32 has four.",
        "32 * 64 * 28 * 28 are 6.4 million, times 4 bytes. Multiply by the sweeps.",
        "29 * 6,422,528 / 20e9 seconds, times 1000.",
    ),
    mistakes=(
        (18.62533, "That takes 8 bytes for a number; a float32 has 4."),
        (2.328166, "That counts numbers; the bandwidth counts bytes, 4 for each."),
        (0.3211264, "That is one sweep; there are 29."),
        (9.312666e-3, "That is in seconds; the answer is asked for in milliseconds."),
        (74.50132, "That counts bits; the bandwidth is in bytes for each second."),
    ),
)
def predicted_milliseconds():
    """Say how long 29 sweeps take, in ms: float32, (32, 64, 28, 28), at 20 GB/s."""
    array = np.empty((32, 64, 28, 28), np.float32)
    return 1e3 * 29 * array.nbytes / 20e9


def _too_many(answer):
    """Say what is wrong with a right answer that walks over memory too often, or return None."""
    vectors = [np.linspace(0.5, 1.5, SHAPE[1])] * 4
    taken = count_sweeps(answer, np.ones(SHAPE), *vectors).total
    if taken > ENOUGH:
        return (
            f"y is right, and costs {taken} sweeps over arrays of x's size; {ENOUGH} are enough. "
            "What can be computed from the vectors, before x is touched?"
        )


def _y(x, mean, inv_std, gamma, beta):
    return column(gamma) * (x - column(mean)) * column(inv_std) + column(beta)


def _wrong(name, sentence, y):
    """Return a mistake, a function of x and of the vectors as (1, C, 1, 1)."""
    return Mistake(name, sentence, lambda x, *vectors: y(x, *map(column, vectors)))


@exercise(
    notebook="10",
    domain=ANY_IMAGES,
    witness=_y,
    returns="y",
    demand=_too_many,
    hints=(
        "Write y as x times something, plus something. Both are one value per channel.",
        "scale = gamma * inv_std, as (C,). What is left once x * scale is taken away from y?",
        "shift = beta - mean * scale; y = x * scale + shift, both as (1, C, 1, 1).",
    ),
    mistakes=(
        _wrong(
            "mean not scaled",
            "The mean is subtracted as it is; it is multiplied by gamma * inv_std, like x.",
            lambda x, mean, s, gamma, beta: x * (gamma * s) + (beta - mean),
        ),
        _wrong(
            "mean scaled by inv_std alone",
            "The mean is multiplied by inv_std alone; gamma multiplies it, too.",
            lambda x, mean, s, gamma, beta: x * (gamma * s) + (beta - mean * s),
        ),
        _wrong(
            "mean added",
            "The mean is added; it is subtracted from x.",
            lambda x, mean, s, gamma, beta: x * (gamma * s) + (beta + mean * gamma * s),
        ),
        _wrong(
            "beta scaled",
            "beta is multiplied by gamma * inv_std; it is added as it is.",
            lambda x, mean, s, gamma, beta: (x - mean + beta) * (gamma * s),
        ),
        _wrong(
            "gamma forgotten",
            "gamma is missing.",
            lambda x, mean, s, gamma, beta: x * s + (beta - mean * s),
        ),
        _wrong(
            "beta forgotten",
            "beta is missing.",
            lambda x, mean, s, gamma, beta: x * (gamma * s) - mean * gamma * s,
        ),
        _wrong(
            "divided by inv_std",
            "It divides by inv_std; inv_std is 1 / sqrt(var + eps) already, so multiply.",
            lambda x, mean, s, gamma, beta: x * (gamma / s) + (beta - mean * gamma / s),
        ),
    ),
    shows=(layout.per_channel,),
)
def scale_and_shift(x, mean, inv_std, gamma, beta):
    """Return y = gamma * (x - mean) * inv_std + beta, x (N, C, H, W), in four sweeps or fewer."""
    scale = gamma * inv_std
    shift = beta - mean * scale
    return x * layout.per_channel(scale, x.ndim) + layout.per_channel(shift, x.ndim)
