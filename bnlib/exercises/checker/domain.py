"""What the arguments of an exercise may be: declared, drawn from, and made smaller.

A batch is made from parameters, and each parameter is declared with the values it may have, the
simplest first:

    Domain(build, N=(1, 2, 3, 5), eps=(1e-5, 0.0, 0.5), dtype=("float64", "float32"))

``build(**parameters, seed=...)`` returns a label and what else a `Case` holds. To make a failing
batch smaller is to walk to the left in these rows. hypothesis does it better, but a student needs
NumPy alone to check an answer, and a walk over declared values is all that is needed here.
"""

from collections import Counter
from itertools import combinations

import numpy as np

PAIRS = 24  # of batches drawn
OUTER = {  # what two batches in a row have in common
    *("N", "C", "H", "W", "D", "K", "C_in", "m"),
    *("rows", "checks", "trap", "late", "shape", "groups", "dtype", "whole", "name"),
}
TWINS = 4  # named batches that come with other numbers, too


class Domain:
    """Parameters by name, each with its values; how a batch is made; and a few named batches.

    Parameters
    ----------
    build : callable
        ``build(**parameters)`` returns a Case. ``seed`` is one of the parameters.
    named : dict of dict, optional
        Label -> the parameters in which that batch differs from the simplest one.
    legal : callable, optional
        Returns the nearest parameters that together are legal.
    crossed : tuple of str
        Parameters each of whose values meets every value of the others.
    levels : tuples
        The values of each parameter, the simplest first.
    """

    def __init__(self, build, named=(), legal=dict, crossed=(), **levels):
        self.build, self.legal, self.crossed = build, legal, crossed
        self.named, self.levels = dict(named), {**levels, "seed": range(10**6)}
        self.kept = [name for name in levels if name in OUTER]

    def cases(self, seed):
        """Return the named batches, and those drawn: each shape and type comes more than once.

        Some of the named ones come with other numbers, for answers that remember.
        """
        named = [(f"{label}: ", self.parameters(**chosen)) for label, chosen in self.named.items()]
        twins = [("", parameters | {"seed": seed + 1}) for _, parameters in named[:TWINS]]
        drawn = [("", parameters) for parameters in self.draws(seed)]
        return tuple(self.case(label, **chosen) for label, chosen in named + twins + drawn)

    def parameters(self, **chosen):
        """Return the simplest value of every parameter that is not chosen."""
        simplest = {name: levels[0] for name, levels in self.levels.items()}
        return self.legal({**simplest, **chosen})

    def draws(self, seed):
        """Return parameters in which what is special meets every value of the other parameters.

        Chance decides the rest, and the order.
        """
        rng, seen, drawn = np.random.default_rng(seed), Counter(), []
        for _ in range(PAIRS):
            kept = {}
            for _ in range(2):
                row = self.legal(self._row(kept, seen, rng))
                kept = {name: row[name] for name in self.kept}
                seen.update(self._met(row))
                drawn.append(row)
        return [drawn[2 * k + i] for k in rng.permutation(PAIRS) for i in (0, 1)]

    def _row(self, kept, seen, rng):
        """Return a row of parameters that meet where they have not met yet."""
        row = dict(kept)
        names = [name for name in self.levels if name not in row and name != "seed"]
        for name in sorted(names, key=lambda name: (name not in self.kept, rng.random())):
            levels = self.levels[name]
            order = rng.permutation(len(levels))
            row[name] = levels[min(order, key=lambda k: self._worn(row, name, levels[k], seen))]
        return row | {"seed": int(rng.integers(self.levels["seed"].stop))}

    def _worn(self, row, name, level, seen):
        """Return how little a value would add: what it meets for the first time, how often seen."""
        special = self._special(name, level)
        others = [(n, v) for n, v in row.items() if special or self._special(n, v)]
        new = sum(not seen[_pair((name, level), other)] for other in others)
        return -new, seen[name, level] / (1 + special)

    def _met(self, row):
        """Yield each value of a row, and each pair of values of which one is special."""
        row = [(name, value) for name, value in row.items() if name != "seed"]
        yield from row
        special = [self._special(*one) for one in row]
        for i, j in combinations(range(len(row)), 2):
            if special[i] or special[j]:
                yield _pair(row[i], row[j])

    def _special(self, name, level):
        """Return whether a value is one that answers overlook: an axis of size 1, a switch."""
        levels = self.levels[name]
        return name in self.crossed or len(levels) <= 2 or (type(level) is int and level == 1)

    def case(self, label, **parameters):
        """Return the batch of these parameters."""
        case = self.build(**parameters)
        return case._replace(label=label + case.label, parameters=parameters)

    def simpler(self, parameters):
        """Yield parameters in which one value is simpler; the simplest come first."""
        for name, levels in self.levels.items():
            for level in levels[: _place(levels, parameters[name])][:6]:
                yield self.legal({**parameters, name: level})

    def weight(self, parameters):
        """Return how far parameters are from the simplest."""
        return sum(_place(levels, parameters[name]) for name, levels in self.levels.items())


def _place(levels, value):
    """Return how many values are simpler; of seeds, only 0 is."""
    if isinstance(levels, range):
        return int(value > 0)
    return levels.index(value) if value in levels else len(levels)


def _pair(one, other):
    """Return two values of parameters in one order."""
    return (one, other) if one[0] < other[0] else (other, one)


def shrunk(domain, parameters, fails):
    """Return the simplest parameters that still fail and were found by single steps."""
    best, smaller = parameters, True
    while smaller:
        smaller = False
        for candidate in domain.simpler(best):
            lighter = domain.weight(candidate) < domain.weight(best)
            if lighter and fails(domain.case("", **candidate)):
                best, smaller = candidate, True
                break
    return best
