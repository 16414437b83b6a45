"""The exercises of notebook 06 on an average without its start, and on a whole layer."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np

from bnlib import conventions, layers
from bnlib.exercises import variants
from bnlib.exercises.checker.batches import AXES, image_domain
from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges import faults
from bnlib.judges.faults.recipes import channel_sums, column
from bnlib.running import RunningStatistics


def _as_vector(step, v):
    """Return a statistic with its axes of size 1 dropped, from a step that keeps them."""
    keeping = SimpleNamespace(**{**vars(v), "mu": column(getattr(v, "mu", v.running_mean))})
    return np.ravel(step(keeping))


def _with_divisor(divisor, mode, v):
    """Return y with another divisor: in training, in evaluation, or where mode is None in both."""
    wrong = mode is None or mode is v.training
    var = column(v.used_var)
    return (v.x - column(v.used_mean)) / (divisor(var, v.eps) if wrong else np.sqrt(var + v.eps))


MORE = variants.of(
    "running",
    (
        "both replaced",
        "The running statistics are the last batch's; they are averages over many.",
        {
            "new_mean": lambda v: v.mu if v.training else v.running_mean,
            "new_var": lambda v: v.var if v.training else v.running_var,
        },
    ),
    (
        "neither updated",
        "The running statistics are returned as they came; training must update them.",
        {"new_mean": lambda v: v.running_mean, "new_var": lambda v: v.running_var},
    ),
    (
        "training and evaluation exchanged",
        "Training and evaluation have changed places.",
        {
            "old": lambda v: 1.0 if v.training else v.momentum,
            "used_mean": lambda v: v.running_mean if v.training else v.mu,
            "used_var": lambda v: v.running_var if v.training else v.var,
        },
    ),
    (
        "updating in evaluation, before normalizing",
        "Evaluation updates the running statistics and normalizes by the new ones; it must "
        "leave them as they are.",
        {
            "old": lambda v: v.momentum,
            "used_mean": lambda v: v.mu if v.training else v.new_mean,
            "used_var": lambda v: v.var if v.training else v.new_var,
        },
    ),
    (
        "evaluation divides by the variance",
        "Evaluation divides by the running variance; divide by np.sqrt(running_var + eps).",
        {
            "y": lambda v: (
                (v.x - column(v.used_mean))
                / (np.sqrt(column(v.var) + v.eps) if v.training else column(v.running_var))
            )
        },
    ),
    (
        "root of the standard deviation in evaluation",
        "Evaluation takes the root of running_var twice; it is a variance already.",
        {"used_var": lambda v: v.var if v.training else np.sqrt(v.running_var)},
    ),
    (
        "both variances divided by m - 1",
        "The variance is divided by m - 1, for both its uses; it must be divided by m.",
        {"var": lambda v: np.var(v.x, axis=AXES, ddof=1)},
    ),
    (
        "variance that normalizes divided by m - 1",
        "The variance that x is divided by has m - 1; training must normalize by that with m.",
        {"used_var": lambda v: v.var * v.m / (v.m - 1) if v.training else v.running_var},
    ),
    (
        "eps in the running variance",
        "The running variance gets var + eps; it must get the variance alone.",
        {"new_var": lambda v: v.old * v.running_var + v.new * (v.var + v.eps)},
    ),
    (
        "PyTorch's convention",
        "That is PyTorch's convention; momentum weighs the old value here, and the variance is "
        "biased.",
        {
            "old": lambda v: 1 - v.momentum if v.training else 1.0,
            "new_var": lambda v: v.old * v.running_var + v.new * v.var * v.m / (v.m - 1),
        },
    ),
    (
        "one-pass variance",
        "The variance subtracts large numbers, as E[x^2] - E[x]^2 does, and loses their digits.",
        {"var": lambda v: channel_sums(v.x**2) / v.m - v.mu**2},
    ),
    *(
        (name, sentence, {key: partial(_as_vector, step) for key, step in steps.items()})
        for name, sentence, steps in variants.STATISTICS
    ),
    *(
        (f"eps {name} {where}", f"{said}{sentence}", {"y": partial(_with_divisor, divisor, mode)})
        for name, sentence, divisor in (
            (
                "forgotten",
                "eps is missing; add it to the variance, under the root.",
                lambda var, eps: np.sqrt(var),
            ),
            ("outside the root", variants.EPS_OUTSIDE, lambda var, eps: np.sqrt(var) + eps),
            (
                "always 1e-5",
                "eps is written in as 1e-5; use the argument.",
                lambda var, eps: np.sqrt(var + 1e-5),
            ),
        )
        for where, said, mode in (
            ("", "", None),
            ("in evaluation", "In evaluation, ", False),
            ("in training", "In training, ", True),
        )
    ),
)


def _history(C, momentum, k, scale, dtype, layout, seed):
    """Return an average that started from 0, k batches ago."""
    value = scale * np.random.default_rng(seed).uniform(-9, 9, C).round(1)
    running = (value * (1 - momentum**k)).astype(dtype)
    label = f"{C} channels, momentum {momentum}, {k} batch{'es' * (k > 1)}, {dtype}, size {scale:g}"
    return Case(label, {"running": running, "momentum": momentum, "k": k}, None, layout)


KNOWN = (  # momentum and k
    (0.9, 1),
    (0.9, 10),
    (0.5, 3),
    (0.99, 60),
    (0.0, 1),
    (0.02, 2),
    (0.999, 1),
    (0.999, 1000),
    (0.9999, 10**4),
    (1e-4, 1),
)
HISTORIES = Domain(
    _history,
    {
        f"momentum {momentum}, {k} batch{'es' * (k > 1)}": {"C": 3, "momentum": momentum, "k": k}
        for momentum, k in KNOWN
    },
    crossed=("k", "momentum"),
    C=(1, 2, 3, 5, 75),
    momentum=(0.9, 0.5, 0.02, 0.99, 0.0, 0.999),
    k=(1, 2, 3, 10, 61, 100, 1000),
    scale=(1.0, 1e-8, 1e8),
    dtype=("float64", "float32"),
    layout=("C order", "every second number of a larger array", "reversed in memory"),
)


def _with_mode(case, momentum, training, **parameters):
    """Return a batch for a whole layer, in training or in evaluation."""
    mode = "training" if training else "evaluation"
    values = {**case.values, "momentum": momentum, "training": training}
    return case._replace(label=f"{mode}, momentum {momentum}: {case.label}", values=values)


PASSES = image_domain(
    _with_mode,
    {
        f"{mode}, momentum {momentum}": {
            **{"N": 2, "C": 3, "H": 4, "W": 5, "eps": 1e-3},
            "training": mode == "training",
            "momentum": momentum,
        }
        for mode, momentum in (("training", 0.9), ("evaluation", 0.9), ("training", 0.3))
    }
    | {"numbers far from zero": {"N": 4, "C": 2, "H": 3, "W": 5, "offset": "far"}},
    training=(True, False),
    momentum=(0.9, 0.3, 0.1, 0.9999, 1e-4, 0.0, 1.0),
)


@exercise(
    notebook="06",
    domain=HISTORIES,
    returns="debiased",
    hints=(
        "How much does the zero at the start still weigh after k batches?",
        "It weighs momentum ** k, so the batches together weigh 1 - momentum ** k.",
        "running / (1 - momentum**k)",
    ),
    mistakes=(
        Mistake(
            "multiplied",
            "It is multiplied by 1 - momentum ** k; divide by that factor.",
            lambda running, momentum, k: running * (1 - momentum**k),
        ),
        Mistake(
            "divided by the start's weight",
            "momentum ** k is what the start weighs; divide by what the batches weigh.",
            lambda running, momentum, k: running / momentum**k,
        ),
        Mistake(
            "one batch only",
            "It is divided by 1 - momentum; after k batches the start weighs momentum ** k.",
            lambda running, momentum, k: running / (1 - momentum),
        ),
        Mistake(
            "one batch too few",
            "The power is k - 1; after k batches the start weighs momentum ** k.",
            lambda running, momentum, k: running / (1 - momentum ** (k - 1)),
        ),
        Mistake(
            "one batch too many",
            "The power is k + 1; after k batches the start weighs momentum ** k.",
            lambda running, momentum, k: running / (1 - momentum ** (k + 1)),
        ),
        Mistake(
            "the power outside",
            "The whole bracket has the power; it belongs to momentum alone, 1 - momentum ** k.",
            lambda running, momentum, k: running / (1 - momentum) ** k,
        ),
        Mistake(
            "added",
            "It is divided by 1 + momentum ** k; the batches weigh what the start does not.",
            lambda running, momentum, k: running / (1 + momentum**k),
        ),
        Mistake(
            "subtracted",
            "momentum ** k is subtracted from the average; divide by (1 - momentum ** k).",
            lambda running, momentum, k: running - momentum**k,
        ),
        Mistake(
            "momentum times k",
            "momentum is multiplied by k; the start's weight is multiplied by momentum at each "
            "update.",
            lambda running, momentum, k: running / (1 - momentum * k),
        ),
        Mistake(
            "the new value's weight",
            "1 - momentum stands for momentum; it weighs the old value, and the start keeps "
            "momentum ** k.",
            lambda running, momentum, k: running / (1 - (1 - momentum) ** k),
        ),
    ),
    shows=(RunningStatistics.debiased,),
)
def debias(running, momentum, k):
    """Return an average without its start: it began at 0 and has seen k batches."""
    course = replace(conventions.CS231N, momentum=momentum)
    now = RunningStatistics(running, np.zeros_like(running), k, momentum**k)
    return now.debiased(course).mean


@exercise(
    notebook="06",
    domain=PASSES,
    updates=("running_mean", "running_var"),
    returns="y running_mean running_var",
    hints=(
        "Two cases: in training, the batch's statistics; in evaluation, the running ones.",
        "Training also updates the running statistics, where momentum weighs the old value.",
        "Evaluation returns the running statistics as they came.",
    ),
    mistakes=(*faults.of_task("running"), *MORE),
    shows=(RunningStatistics.update,),
)
def running_layer(x, running_mean, running_var, momentum, training, eps):
    """Return y (gamma 1, beta 0) and the running mean and variance, by CS231n's convention."""
    ones, zeros = np.ones(x.shape[1]), np.zeros(x.shape[1])
    if not training:
        y = layers.batchnorm_inference(x, ones, zeros, running_mean, running_var, eps=eps)
        return y, running_mean, running_var
    y, cache = layers.batchnorm_forward(x, ones, zeros, eps=eps)
    convention = replace(conventions.CS231N, momentum=momentum)
    now = RunningStatistics(running_mean, running_var)
    after = now.update(cache.statistics, convention)
    return y, after.mean, after.var
