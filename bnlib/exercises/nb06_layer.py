"""The exercises of notebook 06 on an average without its start, and on a whole layer."""

from dataclasses import replace

import numpy as np

from bnlib import conventions, layers
from bnlib.exercises import variants
from bnlib.exercises.checker.cases import Case, image_case
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


def _histories():
    """Return cases of an average that started from 0, k batches ago."""
    rng = np.random.default_rng(8)
    for momentum, k in ((0.9, 1), (0.9, 10), (0.5, 3), (0.99, 60)):
        value = rng.uniform(1, 9, 3) * (1 - momentum**k)
        label = f"momentum {momentum}, {k} batch{'es' if k > 1 else ''}"
        yield Case(label, {"running": value, "momentum": momentum, "k": k}, 1e-9)


def _passes():
    """Return cases of a whole layer, in training and in evaluation."""
    for seed, (training, momentum) in enumerate(((True, 0.9), (False, 0.9), (True, 0.3)), 20):
        extra = {"training": training, "momentum": momentum}
        mode = "training" if training else "evaluation"
        yield image_case(f"{mode}, momentum {momentum}", (2, 3, 4, 5), seed, extra, eps=1e-3)


@exercise(
    notebook="06",
    cases=lambda: tuple(_histories()),
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
    cases=lambda: tuple(_passes()),
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
