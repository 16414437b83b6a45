"""The exercise of notebook 07 on the smallest set of checks."""

from itertools import combinations

import numpy as np

from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake

TRAP = np.array(  # the first check catches most, and is not in the smallest set
    [[1, 1, 0], [1, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 0], [0, 0, 1]], dtype=bool
)


def _table(rows, checks, share, trap, late, seed):
    """Return which fault is caught by which check; each one by some.

    late puts a fault at the end that a check of its own catches, and no other.
    """
    rng = np.random.default_rng(seed)
    caught = rng.random((rows, checks)) < share
    caught[np.arange(rows), rng.integers(checks, size=rows)] = True
    if trap:
        wide = np.zeros((len(TRAP), max(checks, 3)), bool)
        wide[:, :3] = TRAP
        caught = np.concatenate([wide, np.pad(caught, ((0, 0), (0, wide.shape[1] - checks)))])
    if late:
        caught = np.pad(caught, (0, 1))
        caught[-1, -1] = True
    label = f"{caught.shape[0]} faults, {caught.shape[1]} checks, {'a' if trap else 'no'} trap"
    return Case(label, {"caught": caught})


TABLES = Domain(
    _table,
    {
        "one of each": {"rows": 1, "checks": 1},
        "many faults, few checks": {"rows": 12, "checks": 2},
        "few faults, many checks": {"rows": 2, "checks": 6},
        "the best check is not needed": {"rows": 1, "checks": 1, "trap": True},
        "very many faults": {"rows": 150, "checks": 2, "late": True},
    },
    rows=(3, 1, 2, 6, 12),
    checks=(3, 1, 2, 4, 6),
    share=(0.3, 0.0, 0.6),
    trap=(False, True),
    late=(False, True),
)


def _greedy(caught):
    """Return how many checks are taken if the one that catches most comes first."""
    left, taken = np.array(caught), 0
    while left.any():
        best = left.sum(axis=0).argmax()
        left, taken = left[~left[:, best]], taken + 1
    return taken


def _fewest_faults(caught):
    """Return how many faults there must be for every check to catch one, or else their number."""
    rows = np.unique(caught, axis=0)  # few, where there are many faults
    sets = (c for size in range(len(rows) + 1) for c in combinations(range(len(rows)), size))
    if not rows.any(axis=0).all():
        return len(caught)
    return next(len(chosen) for chosen in sets if rows[list(chosen)].any(axis=0).all())


@exercise(
    notebook="07",
    domain=TABLES,
    returns="fewest",
    hints=(
        "Try all sets of one check, then all of two. The first that catches everything is enough.",
        "itertools.combinations(range(checks), size) lists the sets of a size.",
        "caught[:, chosen].any(axis=1).all(), with chosen as a list: every fault by some check.",
    ),
    mistakes=(
        Mistake(
            "the best one first",
            "That takes the check that catches most, again and again; a smaller set may leave it "
            "out.",
            _greedy,
        ),
        Mistake(
            "all that catch something",
            "That counts the checks that catch anything; some of them may be superfluous.",
            lambda caught: int(np.any(caught, axis=0).sum()),
        ),
        Mistake(
            "all checks",
            "That is the number of all checks; try smaller sets first.",
            lambda caught: np.shape(caught)[1],
        ),
        Mistake(
            "all faults",
            "That is the number of faults; the columns are the checks.",
            lambda caught: np.shape(caught)[0],
        ),
        Mistake(
            "the indispensable ones",
            "That counts the checks that alone catch some fault; together they may not be enough.",
            lambda caught: int(np.any(caught[np.sum(caught, axis=1) == 1], axis=0).sum()),
        ),
        Mistake(
            "faults and checks exchanged",
            "Here every check has to catch something; every fault has to be caught.",
            _fewest_faults,
        ),
    ),
)
def fewest_checks(caught):
    """Return how many checks are needed to catch every fault; caught is (faults, checks), bool."""
    checks = range(caught.shape[1])
    sets = (chosen for size in range(1, len(checks) + 1) for chosen in combinations(checks, size))
    return next(len(s) for s in sets if caught[:, list(s)].any(axis=1).all())
