"""The exercises of notebook 06 on an average without its start, and on a whole layer."""

from dataclasses import replace

import numpy as np

from bnlib import conventions, layers
from bnlib.exercises import variants
from bnlib.exercises.checker.batches import image_domain
from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges import faults
from bnlib.judges.faults.recipes import column
from bnlib.running import RunningStatistics

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
        "running_var is a variance already; here evaluation takes its root twice.",
        {"used_var": lambda v: v.var if v.training else np.sqrt(v.running_var)},
    ),
    *(
        (
            f"eps {name}",
            sentence,
            {
                "y": lambda v, eps=eps: (
                    (v.x - column(v.used_mean)) / np.sqrt(column(v.used_var) + eps)
                )
            },
        )
        for name, sentence, eps in (
            (
                "forgotten",
                "The argument eps is missing: add it to the variance, under the root.",
                0,
            ),
            ("always 1e-5", "eps is written in as 1e-5; use the argument.", 1e-5),
        )
    ),
)


def _history(C, momentum, k, scale, dtype, layout, seed):
    """Return an average that started from 0, k batches ago."""
    value = scale * np.random.default_rng(seed).uniform(-9, 9, C).round(1)
    running = (value * (1 - momentum**k)).astype(dtype)
    label = f"{C} channels, momentum {momentum}, {k} batch{'es' * (k > 1)}, {dtype}, size {scale:g}"
    return Case(label, {"running": running, "momentum": momentum, "k": k}, None, layout)


HISTORIES = Domain(
    _history,
    {
        f"momentum {momentum}, {k} batch{'es' * (k > 1)}": {"C": 3, "momentum": momentum, "k": k}
        for momentum, k in ((0.9, 1), (0.9, 10), (0.5, 3), (0.99, 60))
    },
    C=(1, 2, 3, 5),
    momentum=(0.9, 0.5, 0.1, 0.99, 0.0, 0.999),
    k=(1, 2, 3, 10, 61, 100, 1000),
    scale=(1.0, 1e-4, 1e4, 0.0),
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
    },
    training=(True, False),
    momentum=(0.9, 0.3, 0.1, 0.99, 0.01, 0.0, 1.0),
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
            "The start weighs momentum ** k after k batches.",
            lambda running, momentum, k: running / (1 - momentum),
        ),
        Mistake(
            "one batch too few",
            "After k batches the start weighs momentum ** k; here it is k - 1.",
            lambda running, momentum, k: running / (1 - momentum ** (k - 1)),
        ),
        Mistake(
            "one batch too many",
            "After k batches the start weighs momentum ** k; here it is k + 1.",
            lambda running, momentum, k: running / (1 - momentum ** (k + 1)),
        ),
        Mistake(
            "the power outside",
            "The power belongs to momentum alone: 1 - momentum ** k, not (1 - momentum) ** k.",
            lambda running, momentum, k: running / (1 - momentum) ** k,
        ),
        Mistake(
            "added",
            "The batches weigh what the start does not: 1 - momentum ** k; here it is 1 + ...",
            lambda running, momentum, k: running / (1 + momentum**k),
        ),
        Mistake(
            "subtracted",
            "momentum ** k is subtracted from the average; divide by (1 - momentum ** k).",
            lambda running, momentum, k: running - momentum**k,
        ),
        Mistake(
            "momentum times k",
            "The weight is multiplied by momentum at each update: momentum ** k.",
            lambda running, momentum, k: running / (1 - momentum * k),
        ),
        Mistake(
            "the new value's weight",
            "momentum weighs the old value: the start is left with momentum ** k.",
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
