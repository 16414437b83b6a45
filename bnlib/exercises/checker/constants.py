"""Find the number that stands in an answer where eps belongs, by varying eps in the right one."""

from functools import partial

import numpy as np

from bnlib.exercises.checker import outcomes
from bnlib.exercises.checker.slips import Mistake, Slip, reproduces

POWERS = np.arange(-14, 2.5, 0.25)  # of ten; where a constant is looked for
ROUNDS = 24
HUGE = 1e15


def written_in(found, trial):
    """Return the slip of a constant for eps: in all batches, or where a switch has one value."""
    wrong = trial.wrong(found)
    if "eps" not in trial.names or any(found[k].problem for k in wrong):
        return None
    constant = _constant(found, wrong, trial)
    if constant is None:
        return None
    for switch, value in _settings(trial):
        mistake = Mistake("", "", partial(_with_eps, trial, constant, switch, value))
        if reproduces(mistake, found, wrong, trial):
            return _slip(constant, switch, value)
    return None


def _settings(trial):
    """Yield where a constant may stand: everywhere, or where a switch is True, or False."""
    yield None, None
    for name in trial.names:
        if isinstance(trial.cases[0].values[name], bool):
            yield from ((name, True), (name, False))


def _slip(constant, switch, value):
    where = f"Where {switch} is {value}, " if switch else ""
    if constant == 0:
        said = f"{where}eps is missing; it stands beside the variance."
        return Slip("eps forgotten", said)
    return Slip(
        f"eps always {constant:g}", f"{where}eps is written in as {constant:g}; use the argument."
    )


def _with_eps(trial, constant, switch, value, *values):
    """Call the right function with this eps, where a switch has this value."""
    given = dict(zip(trial.names, values, strict=True))
    if switch is None or given[switch] is value:
        given["eps"] = constant
    return trial.plain(*given.values())


def _constant(found, wrong, trial):
    """Return the eps with which the right function comes nearest to the answer, in two digits.

    It is looked for where eps is neither lost beside the variance nor all that is left: there
    both no eps and a huge one would be far from the answer. It is 0 if the answer is near to that.
    """

    def misfit(constant, k):
        values = trial.cases[k].wide(trial.names)
        right = outcomes.attempt(
            partial(_with_eps, trial, constant, None, None), values, trial.names, trial.parts
        )
        return _gap(found[k].results, right.results, trial.rights[k])

    telling = max(wrong, key=lambda k: min(misfit(0.0, k), misfit(HUGE, k), 1e300), default=None)
    if telling is None:
        return None
    if misfit(0.0, telling) <= 1:
        return 0.0
    low, high = _bracket(lambda power: misfit(10.0**power, telling))
    for _ in range(ROUNDS):
        third = (high - low) / 3
        if misfit(10 ** (low + third), telling) < misfit(10 ** (high - third), telling):
            high -= third
        else:
            low += third
    return float(f"{10 ** ((low + high) / 2):.2g}")


def _bracket(misfit):
    """Return the neighbours of the power with the smallest misfit."""
    best = int(np.argmin([misfit(power) for power in POWERS]))
    return POWERS[max(0, best - 1)], POWERS[min(len(POWERS) - 1, best + 1)]


def _gap(ours, theirs, right):
    """Return the largest distance, in what a right answer may be off."""
    if [a.shape for a in ours] != [b.shape for b in theirs]:
        return np.inf
    return max(map(_share, ours, theirs, right.tolerances(ours)), default=np.inf)


def _share(a, b, tolerance):
    gap = np.abs(np.subtract(a, b, dtype=float))
    return float(np.nanmax(gap, initial=0.0)) / max(tolerance, 1e-300)
