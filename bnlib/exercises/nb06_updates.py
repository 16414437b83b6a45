"""The exercises of notebook 06 on one update of running statistics, by two conventions."""

from dataclasses import replace

import numpy as np

from bnlib import conventions, statistics
from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.running import RunningStatistics


def _update_case(C, m, momentum, offset, spread, start, dtype, layout, seed):
    """Return what was running, and a batch's statistics."""
    rng = np.random.default_rng(seed)
    values = {
        "running_mean": spread * (offset + rng.standard_normal(C).round(1)) * (start == "running"),
        "running_var": spread**2 * rng.uniform(0.5, 4, C).round(1),
        "mean": spread * (offset + rng.standard_normal(C).round(1)),
        "var": spread**2 * rng.uniform(0.5, 4, C).round(1),
    }
    if start != "running":
        values["running_var"] = np.full(C, 1.0 * (start != "0"))
    values = {name: v.astype(dtype) for name, v in values.items()} | {"m": m, "momentum": momentum}
    label = f"{C} channels, m = {m}, momentum {momentum}, from {start}, {dtype}, {layout}"
    return Case(label, values, layout=layout)


def _comparable(parameters):
    """Return parameters in which the old variance is no 1 beside which the new one is rounded."""
    p = dict(parameters)
    return p | {"start": "running"} if p["start"] == "0 and 1" and p["spread"] < 1e-4 else p


UPDATES = Domain(
    _update_case,
    {
        f"{C} channels, m = {m}": {"C": C, "m": m, "momentum": momentum}
        for C, m, momentum in ((3, 40, 0.9), (2, 4, 0.1), (4, 12, 0.7), (75, 2, 0.2))
    },
    legal=_comparable,
    crossed=("start",),
    C=(1, 2, 3, 4, 7, 40),
    m=(2, 3, 4, 12, 40, 1000, 10**6, 10**9),
    momentum=(0.9, 0.1, 0.7, 0.5, 1e-4, 0.9999, 0.0, 1.0),
    offset=(2.0, 0.0, -3.0, 1000.0, -1e5),
    spread=(1.0, 0.01, 100.0, 1e-7, 1e6),
    start=("running", "0", "0 and 1"),
    dtype=("float64", "float32"),
    layout=("C order", "every second number of a larger array", "reversed in memory"),
)


def _as_it_is(value, m):
    return value


def _wrong_update(name, sentence, old, factor, var=_as_it_is, mean=_as_it_is):
    """Return a mistake of an update: the weights by momentum, and what enters with them."""

    def function(running_mean, running_var, mean_, var_, m, momentum):
        a, b = old(momentum), factor(momentum)
        return a * running_mean + b * mean(mean_, m), a * running_var + b * var(var_, m)

    return Mistake(name, sentence, function)


def _keep(momentum):
    return momentum


def _rest(momentum):
    return 1 - momentum


def _unbiased(var, m):
    return var * m / (m - 1)


def _by_course_steps(running_mean, running_var, mean, var, m, momentum):
    """Return the old values and a step towards the new ones, which may cancel."""
    step = 1 - momentum
    return running_mean - step * (running_mean - mean), running_var - step * (running_var - var)


def _by_pytorch_steps(running_mean, running_var, mean, var, m, momentum):
    return _by_course_steps(running_mean, running_var, mean, _unbiased(var, m), m, 1 - momentum)


@exercise(
    notebook="06",
    domain=UPDATES,
    witness=_by_course_steps,
    updates=("running_mean", "running_var"),
    returns="running_mean running_var",
    hints=(
        "momentum is the weight of the old value here.",
        "The new value has the weight 1 - momentum. The variance enters as it is, biased.",
        "momentum * running_mean + (1 - momentum) * mean, and the variance alike.",
    ),
    mistakes=(
        _wrong_update(
            "momentum flipped",
            "The weights have changed places; momentum weighs the old value here.",
            _rest,
            _keep,
        ),
        _wrong_update(
            "running variance divided by m - 1",
            "The variance is the unbiased one; the course keeps the biased variance.",
            _keep,
            _rest,
            _unbiased,
        ),
        _wrong_update(
            "running standard deviation",
            "The running variance gets a standard deviation; it is a variance.",
            _keep,
            _rest,
            lambda var, m: np.sqrt(var),
        ),
        _wrong_update(
            "weights that do not sum to 1",
            "The new value has the weight 1; it is 1 - momentum.",
            _keep,
            lambda momentum: 1,
        ),
        _wrong_update(
            "both by momentum",
            "Both values are multiplied by momentum; the new one has the weight 1 - momentum.",
            _keep,
            _keep,
        ),
        _wrong_update(
            "the old value whole",
            "The old value has the weight 1; it is momentum.",
            lambda momentum: 1,
            _rest,
        ),
        _wrong_update(
            "subtracted",
            "The new value is subtracted; add it, times 1 - momentum.",
            _keep,
            lambda momentum: momentum - 1,
        ),
        _wrong_update(
            "the new value alone",
            "The running values are replaced by the batch's; the old ones weigh momentum.",
            lambda momentum: 0,
            lambda momentum: 1,
        ),
        _wrong_update(
            "the inverse factor",
            "The variance is times (m - 1) / m; the course keeps the biased variance as it is.",
            _keep,
            _rest,
            lambda var, m: var * (m - 1) / m,
        ),
        _wrong_update(
            "the old values",
            "The running values are returned as they came; an update mixes in the batch's.",
            lambda momentum: 1,
            lambda momentum: 0,
        ),
        _wrong_update(
            "PyTorch's convention",
            "That is PyTorch's convention; momentum weighs the old value here, and the variance "
            "is biased.",
            _rest,
            _keep,
            _unbiased,
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
    domain=UPDATES,
    witness=_by_pytorch_steps,
    updates=("running_mean", "running_var"),
    returns="running_mean running_var",
    hints=(
        "momentum is the weight of the new value here.",
        "The running variance gets the unbiased variance of the batch.",
        "(1 - momentum) * running_var + momentum * var * m / (m - 1)",
    ),
    mistakes=(
        _wrong_update(
            "momentum flipped",
            "The weights have changed places; momentum weighs the new value here.",
            _keep,
            _rest,
            _unbiased,
        ),
        _wrong_update(
            "biased running variance",
            "The variance is the biased one; PyTorch remembers the unbiased one, var * m / (m - "
            "1).",
            _rest,
            _keep,
        ),
        _wrong_update(
            "the course's convention",
            "That is the course's convention; momentum weighs the new value here, and the "
            "variance is unbiased.",
            _keep,
            _rest,
        ),
        _wrong_update(
            "weights that do not sum to 1",
            "The old value has the weight 1; it is 1 - momentum.",
            lambda momentum: 1,
            _keep,
            _unbiased,
        ),
        _wrong_update(
            "running standard deviation",
            "The running variance gets a standard deviation; it is a variance.",
            _rest,
            _keep,
            lambda var, m: np.sqrt(_unbiased(var, m)),
        ),
        _wrong_update(
            "unbiased mean",
            "The mean has a factor m / (m - 1), too; it belongs to the variance alone.",
            _rest,
            _keep,
            _unbiased,
            _unbiased,
        ),
        _wrong_update(
            "not multiplied by m",
            "The variance lacks its m; the unbiased one is var * m / (m - 1).",
            _rest,
            _keep,
            lambda var, m: var / (m - 1),
        ),
        Mistake(
            "brackets missing",
            "* m / m - 1 subtracts 1 at the end; write m / (m - 1).",
            lambda running_mean, running_var, mean, var, m, momentum: (
                (1 - momentum) * running_mean + momentum * mean,
                (1 - momentum) * running_var + momentum * var * m / m - 1,
            ),
        ),
        Mistake(
            "the old variance made unbiased",
            "running_var has the factor m / (m - 1), too; it belongs to var alone.",
            lambda running_mean, running_var, mean, var, m, momentum: (
                (1 - momentum) * running_mean + momentum * mean,
                ((1 - momentum) * running_var + momentum * var) * m / (m - 1),
            ),
        ),
        _wrong_update(
            "the inverse factor",
            "The factor of the variance is upside down; it is m / (m - 1).",
            _rest,
            _keep,
            lambda var, m: var * (m - 1) / m,
        ),
        _wrong_update(
            "the old values",
            "The running values are returned as they came; an update mixes in the batch's.",
            lambda momentum: 1,
            lambda momentum: 0,
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
