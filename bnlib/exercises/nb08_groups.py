"""The exercise of notebook 08, on group norm."""

from itertools import combinations

import numpy as np

from bnlib import layers
from bnlib.exercises import variants
from bnlib.exercises.checker.batches import image_domain, size_beside
from bnlib.exercises.checker.exercise import exercise
from bnlib.judges import faults
from bnlib.judges.faults.recipes import column, mean

MORE = variants.of(
    "group",
    *(
        (name, sentence, {"xhat": lambda v, std=std: np.reshape(v.d / std(v), v.x.shape)})
        for name, sentence, std in (
            (
                "eps forgotten",
                "The argument eps is missing; add it to the variance, under the root.",
                lambda v: np.sqrt(v.var),
            ),
            (
                "eps always 1e-5",
                "eps is written in as 1e-5; use the argument.",
                lambda v: np.sqrt(v.var + 1e-5),
            ),
            (
                "eps outside the root",
                "eps is added to the root of the variance; it belongs under the root.",
                lambda v: np.sqrt(v.var) + v.eps,
            ),
            (
                "root of the standard deviation",
                "The standard deviation stands in for the variance under the root.",
                lambda v: np.sqrt(np.sqrt(v.var) + v.eps),
            ),
            (
                "no root",
                "The deviations are divided by the variance; divide by its root.",
                lambda v: v.var + v.eps,
            ),
        )
    ),
    (
        "not centred",
        "The mean is not subtracted from x.",
        {"d": lambda v: v.grouped, "var": lambda v: np.var(v.grouped, v.axes, keepdims=True)},
    ),
    (
        "batch norm",
        "Mean and variance are taken over N, H and W, which is batch norm; groups plays no part.",
        {"axes": lambda v: (0, 3, 4)},
    ),
    (
        "W missing",
        "Mean and variance are taken over a group's channels and H; W is missing.",
        {"axes": lambda v: (2, 3)},
    ),
    (
        "over the groups",
        "Mean and variance are taken over the groups; each group has its own: axes (2, 3, 4).",
        {"axes": lambda v: (1,)},
    ),
    (
        "over the groups, H and W",
        "Mean and variance run from group to group; they belong within one: axes (2, 3, 4).",
        {"axes": lambda v: (1, 3, 4)},
    ),
    (
        "one-pass variance",
        "The variance subtracts large numbers, as E[x^2] - E[x]^2 does, and loses their digits.",
        {"var": lambda v: mean(v.grouped**2, v.axes) - v.mu**2},
    ),
    *(
        (
            f"over axes {axes}",
            f"Mean and variance run over the axes {axes} of (N, G, C / G, H, W); each group has "
            "its own: (2, 3, 4).",
            {"axes": lambda v, axes=axes: axes},
        )
        for size in range(1, 6)
        for axes in combinations(range(5), size)
        if axes != (2, 3, 4)
    ),
    (
        "gamma and beta forgotten",
        "That is xhat: gamma and beta are missing; y is gamma * xhat + beta.",
        {"y": lambda v: v.xhat},
    ),
    (
        "gamma forgotten",
        "gamma is missing; y is gamma * xhat + beta.",
        {"y": lambda v: v.xhat + column(v.beta)},
    ),
    (
        "beta forgotten",
        "beta is missing; y is gamma * xhat + beta.",
        {"y": lambda v: column(v.gamma) * v.xhat},
    ),
    (
        "beta before gamma",
        "beta is added before gamma multiplies; y is gamma * xhat + beta.",
        {"y": lambda v: column(v.gamma) * (v.xhat + column(v.beta))},
    ),
    (
        "still in groups",
        "y still has an axis of groups; return to x's shape, and apply gamma and beta.",
        {"y": lambda v: v.d / np.sqrt(v.var + v.eps)},
    ),
)


def _with_groups(case, groups, C, **parameters):
    """Return a batch with the number of groups, and the size of its numbers beside a group's."""
    rows = case.values["x"].reshape(len(case.values["x"]) * groups, -1).astype(float)
    label = f"{groups} group{'s' * (groups > 1)} of {C} channels: {case.label}"
    offset = max(case.offset, size_beside(rows, 1, case.values["eps"]))
    return case._replace(label=label, values={**case.values, "groups": groups}, offset=offset)


def _dividing(parameters):
    """Return parameters whose groups divide the channels, and have two values at least."""
    p = dict(parameters)
    while p["C"] % p["groups"]:
        p["groups"] -= 1
    if p["C"] // p["groups"] * p["H"] * p["W"] == 1:
        p |= {"groups": 1} if p["C"] > 1 else {"W": 2}
    return p


GROUPED = image_domain(
    _with_groups,
    {
        "groups of three": {"N": 2, "C": 6, "H": 4, "W": 5, "groups": 2, "eps": 1e-3},
        "groups of two": {"N": 3, "C": 6, "H": 5, "W": 2, "groups": 3, "eps": 1e-3},
        "C equal to W": {"N": 2, "C": 4, "H": 3, "W": 4, "groups": 2, "eps": 1e-3},
        "all axes equal": {"N": 4, "C": 4, "H": 4, "W": 4, "groups": 2, "eps": 1e-3},
        "numbers far from zero": {"N": 2, "C": 2, "H": 3, "W": 5, "groups": 2, "offset": "far"},
        "a group of its own for each of many": {"N": 1, "C": 40, "H": 1, "W": 3, "groups": 40},
        "one group of many": {"N": 1, "C": 75, "H": 1, "W": 2, "groups": 1},
        "one image, each channel a group": {"N": 1, "C": 6, "H": 2, "W": 3, "groups": 6},
        "one image, one group": {"N": 1, "C": 6, "H": 2, "W": 3, "groups": 1, "gamma": "negative"},
    },
    _dividing,
    C=(2, 4, 6, 8, 1, 3, 12),
    groups=(2, 1, 3, 6, 4, 12),
)


@exercise(
    notebook="08",
    domain=GROUPED,
    returns="y",
    hints=(
        "Give the groups an axis of their own: (N, G, C / G, H, W).",
        "Average over the axes (2, 3, 4), then return to x's shape.",
        "gamma and beta are one value per channel: apply them after the way back.",
    ),
    mistakes=(*faults.of_task("group"), *MORE),
    shows=(layers.groupnorm_forward,),
)
def group_norm(x, gamma, beta, groups, eps):
    """Return y for x (N, C, H, W): each group of neighbouring channels of an image normalized."""
    return layers.groupnorm_forward(x, gamma, beta, groups, eps=eps)[0]
