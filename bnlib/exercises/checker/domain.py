"""What the arguments of an exercise may be: declared, drawn from, and made smaller.

A batch is made from parameters, and each parameter is declared with the values it may have, the
simplest first:

    Domain(build, N=(1, 2, 3, 5), eps=(1e-5, 0.0, 0.5), dtype=("float64", "float32"))

``build(**parameters, seed=...)`` returns a label and what else a `Case` holds. To make a failing
batch smaller is to walk to the left in these rows. hypothesis does it better, but a student needs
NumPy alone to check an answer, and a walk over declared values is all that is needed here.
"""

import numpy as np

DRAWN = 24  # batches: each of up to 8 values of a parameter comes at least twice


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
    levels : tuples
        The values of each parameter, the simplest first.
    """

    def __init__(self, build, named=(), legal=dict, **levels):
        self.build, self.legal = build, legal
        self.named, self.levels = dict(named), {**levels, "seed": range(10**6)}

    def cases(self, seed):
        """Return the named batches, and those drawn: each shape and type comes more than once.

        Every batch drawn is followed by one of the same parameters with other numbers, for
        answers that remember.
        """
        named = [
            self.case(f"{label}: ", **self.parameters(**chosen))
            for label, chosen in self.named.items()
        ]
        drawn = (
            twin for one in self.draws(seed) for twin in (one, one | {"seed": one["seed"] + 1})
        )
        return (*named, *(self.case("", **parameters) for parameters in drawn))

    def parameters(self, **chosen):
        """Return the simplest value of every parameter that is not chosen."""
        simplest = {name: levels[0] for name, levels in self.levels.items()}
        return self.legal({**simplest, **chosen})

    def draws(self, seed):
        """Return parameters in which every declared value comes equally often, in random order."""
        rng = np.random.default_rng(seed)
        columns = {name: _shuffled(levels, rng) for name, levels in self.levels.items()}
        return [
            self.legal(dict(zip(columns, row, strict=True)))
            for row in zip(*columns.values(), strict=True)
        ]

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


def _shuffled(levels, rng):
    """Return DRAWN of the levels, each as often as the next one."""
    if isinstance(levels, range):
        return [int(rng.integers(levels.stop)) for _ in range(DRAWN)]
    picked = [levels[k] for _ in range(DRAWN) for k in rng.permutation(len(levels))][:DRAWN]
    return [picked[k] for k in rng.permutation(DRAWN)]


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
