"""The exercises of notebook 06 on running statistics."""

from dataclasses import replace

import numpy as np

from bnlib import conventions, faults, layers, statistics
from bnlib.exercises.cases import Case, image_case
from bnlib.exercises.checking import exercise
from bnlib.exercises.slips import Mistake
from bnlib.running import RunningStatistics


def _updates():
    """Return cases of an update: what was running, and a batch's statistics."""
    rng = np.random.default_rng(7)
    for channels, m, momentum in ((3, 40, 0.9), (2, 4, 0.1), (4, 12, 0.7)):
        old, new = rng.uniform(1, 9, (2, 2, channels))
        values = dict(
            zip(("running_mean", "running_var", "mean", "var"), (*old, *new), strict=True)
        )
        label = f"{channels} channels, m = {m}, momentum {momentum}"
        yield Case(label, {**values, "m": m, "momentum": momentum}, 1e-9)


def _histories():
    """Return cases of an average that started from 0, k batches ago."""
    rng = np.random.default_rng(8)
    for momentum, k in ((0.9, 1), (0.9, 10), (0.5, 3), (0.99, 60)):
        value = rng.uniform(1, 9, 3) * (1 - momentum**k)
        label = f"momentum {momentum}, {k} batches"
        yield Case(label, {"running": value, "momentum": momentum, "k": k}, 1e-9)


def _passes():
    """Return cases of a whole layer, in training and in evaluation."""
    for seed, (training, momentum) in enumerate(((True, 0.9), (False, 0.9), (True, 0.3)), 20):
        extra = {"training": training, "momentum": momentum}
        mode = "training" if training else "evaluation"
        yield image_case(f"{mode}, momentum {momentum}", (2, 3, 4, 5), seed, extra, eps=1e-3)


def _wrong_update(name, sentence, old, factor, var=lambda var, m: var):
    """Return a mistake of an update: the weights by momentum, and the variance that enters."""

    def function(running_mean, running_var, mean, var_, m, momentum):
        a, b = old(momentum), factor(momentum)
        return a * running_mean + b * mean, a * running_var + b * var(var_, m)

    return Mistake(name, sentence, function)


def _keep(momentum):
    return momentum


def _rest(momentum):
    return 1 - momentum


def _unbiased(var, m):
    return var * m / (m - 1)


@exercise(
    notebook="06",
    cases=lambda: tuple(_updates()),
    returns="running_mean running_var",
    hints=(
        "momentum is the weight of the old value here.",
        "The new value has the weight 1 - momentum. The variance enters as it is, biased.",
        "momentum * running_mean + (1 - momentum) * mean, and the variance alike.",
    ),
    mistakes=(
        _wrong_update("momentum flipped", "momentum weighs the old value here.", _rest, _keep),
        _wrong_update(
            "running variance divided by m - 1",
            "The course keeps the biased variance; here it is the unbiased one.",
            _keep,
            _rest,
            _unbiased,
        ),
        _wrong_update(
            "weights that do not sum to 1",
            "The new value has the weight 1 - momentum; here it has 1.",
            _keep,
            lambda momentum: 1,
        ),
    ),
    shows=(RunningStatistics.update,),
)
def update_course(running_mean, running_var, mean, var, m, momentum):
    """Return the running mean and variance after one more batch, by CS231n's convention."""
    batch = statistics.BatchStatistics(mean, var, count=None)  # a biased variance needs no m
    convention = replace(conventions.CS231N, momentum=momentum)
    after = RunningStatistics(running_mean, running_var).update(batch, convention)
    return after.mean, after.var


@exercise(
    notebook="06",
    cases=lambda: tuple(_updates()),
    returns="running_mean running_var",
    hints=(
        "momentum is the weight of the new value here.",
        "The running variance gets the unbiased variance of the batch.",
        "(1 - momentum) * running_var + momentum * var * m / (m - 1)",
    ),
    mistakes=(
        _wrong_update(
            "momentum flipped", "momentum weighs the new value here.", _keep, _rest, _unbiased
        ),
        _wrong_update(
            "biased running variance",
            "PyTorch remembers the unbiased variance: multiply var by m / (m - 1).",
            _rest,
            _keep,
        ),
        _wrong_update(
            "the course's convention",
            "That is the course's convention: momentum weighs the new value here, and the "
            "variance is unbiased.",
            _keep,
            _rest,
        ),
        _wrong_update(
            "the inverse factor",
            "The factor of the variance is upside down: it is m / (m - 1).",
            _rest,
            _keep,
            lambda var, m: var * (m - 1) / m,
        ),
    ),
    shows=(RunningStatistics.update,),
)
def update_pytorch(running_mean, running_var, mean, var, m, momentum):
    """Return the running mean and variance after one more batch, by PyTorch's convention."""
    batch = statistics.BatchStatistics(mean, var, m)
    convention = replace(conventions.PYTORCH, momentum=momentum)
    after = RunningStatistics(running_mean, running_var).update(batch, convention)
    return after.mean, after.var


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
    mistakes=faults.of_task("running"),
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
