"""Right implementations as recipes, of which a fault replaces a step.

A part of the judge `bnlib.faults`: it imports nothing from the rest of bnlib. A recipe is named
steps in order; each is a function of v, which holds the arguments and the steps above it.

Arrays are (N, C, H, W). Statistics keep the averaged axes as size 1, so they are (1, C, 1, 1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace

import numpy as np


@dataclass(frozen=True)
class Recipe:
    """Arguments, steps, and which of them are returned; a recipe is called like a function."""

    arguments: tuple[str, ...]
    steps: MappingProxyType
    returns: tuple[str, ...]

    def __call__(self, *values):
        """Follow the steps; return one result, or a tuple of them."""
        v = SimpleNamespace(**dict(zip(self.arguments, values, strict=True)))
        for name, step in self.steps.items():
            setattr(v, name, step(v))
        results = tuple(getattr(v, name) for name in self.returns)
        return results if len(results) > 1 else results[0]

    def replacing(self, **steps):
        """Return the recipe with these steps in place of those of the same names."""
        unknown = set(steps) - set(self.steps)
        if unknown:
            raise ValueError(f"there is no step {', '.join(sorted(unknown))} to replace")
        return Recipe(self.arguments, MappingProxyType({**self.steps, **steps}), self.returns)


@dataclass(frozen=True)
class Fault:
    """A wrong implementation.

    Parameters
    ----------
    name : str
    kind : str
        "forward", "backward", "running" or "other norm".
    task : str
        The recipe it gets wrong, a key of `RECIPES`; the function has its arguments and results.
    mistake : str
        One sentence.
    seen : str
        Where it was seen in published code, or "common slip".
    function : callable
    """

    name: str
    kind: str
    task: str
    mistake: str
    seen: str
    function: Callable

    def __call__(self, *arguments):
        """Compute, wrongly."""
        return self.function(*arguments)


def recipe(arguments, returns, **steps):
    """Return a recipe; names are given as text, "x gamma beta"."""
    return Recipe(tuple(arguments.split()), MappingProxyType(steps), tuple(returns.split()))


def column(v):
    """Reshape (C,) to (1, C, 1, 1)."""
    return np.reshape(v, (1, -1, 1, 1))


def mean(a, axes):
    """Return the mean over these axes, kept with size 1."""
    return np.mean(a, axis=axes, keepdims=True)


def channel_sums(a):
    """Sum (N, C, H, W) to (C,)."""
    return np.sum(a, axis=(0, 2, 3))


def split(x, groups):
    """Reshape (N, C, H, W) to (N, G, C / G, H, W)."""
    n, c, h, w = x.shape
    return np.reshape(x, (n, groups, c // groups, h, w))


_NORMALIZE = {
    "axes": lambda v: (0, 2, 3),
    "mu": lambda v: mean(v.x, v.axes),
    "d": lambda v: v.x - v.mu,
    "var": lambda v: mean(v.d * v.d, v.axes),
    "std": lambda v: np.sqrt(v.var + v.eps),
    "xhat": lambda v: v.d / v.std,
}
_SCALE = {"y": lambda v: column(v.gamma) * v.xhat + column(v.beta)}

FORWARD = recipe("x gamma beta eps", "y", **_NORMALIZE, **_SCALE)
BACKWARD = recipe(
    "dout x gamma eps",
    "dx dgamma dbeta",
    **_NORMALIZE,
    m=lambda v: v.x.shape[0] * v.x.shape[2] * v.x.shape[3],
    dxhat=lambda v: column(v.gamma) * v.dout,
    dbeta=lambda v: channel_sums(v.dout),
    dgamma=lambda v: channel_sums(v.dout * v.xhat),
    dvar=lambda v: column(channel_sums(v.dxhat * v.d)) * -0.5 / v.std**3,
    direct=lambda v: v.dxhat / v.std,
    through_var=lambda v: v.dvar * 2 * v.d / v.m,
    through_mean=lambda v: -column(channel_sums(v.dxhat)) / v.std / v.m,
    dx=lambda v: v.direct + v.through_var + v.through_mean,
)
RUNNING = recipe(  # momentum weighs the old value, the running variance is biased
    "x running_mean running_var momentum training eps",
    "y new_mean new_var",
    m=lambda v: v.x.shape[0] * v.x.shape[2] * v.x.shape[3],
    mu=lambda v: channel_sums(v.x) / v.m,
    var=lambda v: channel_sums((v.x - column(v.mu)) ** 2) / v.m,
    old=lambda v: v.momentum if v.training else 1.0,
    new=lambda v: 1 - v.old,
    new_mean=lambda v: v.old * v.running_mean + v.new * v.mu,
    new_var=lambda v: v.old * v.running_var + v.new * v.var,
    used_mean=lambda v: v.mu if v.training else v.running_mean,
    used_var=lambda v: v.var if v.training else v.running_var,
    y=lambda v: (v.x - column(v.used_mean)) / np.sqrt(column(v.used_var) + v.eps),
)
GROUP = recipe(
    "x gamma beta groups eps",
    "y",
    grouped=lambda v: split(v.x, v.groups),  # (N, G, C / G, H, W)
    axes=lambda v: (2, 3, 4),
    mu=lambda v: mean(v.grouped, v.axes),
    d=lambda v: v.grouped - v.mu,
    var=lambda v: mean(v.d * v.d, v.axes),
    xhat=lambda v: np.reshape(v.d / np.sqrt(v.var + v.eps), v.x.shape),
    **_SCALE,
)
RECIPES = {"forward": FORWARD, "backward": BACKWARD, "running": RUNNING, "group": GROUP}


def faults(kind, task, rows):
    """Return faults from rows of name, mistake, seen, and the steps to replace."""
    return [
        Fault(name, kind, task, mistake, seen, RECIPES[task].replacing(**steps))
        for name, mistake, seen, steps in rows
    ]
