"""The rows of wrong group norms. A part of the judge `bnlib.faults`."""

import numpy as np

from bnlib.judges.faults.recipes import column, split

SLIP = "common slip"

OTHER_NORM = [
    (
        "one channel of each group",
        "Mean and variance are taken over the channels of a group alone; H and W are missing.",
        "a published answer to CS231n, assignment 2, whose printed stds agree to five digits",
        {"axes": lambda v: (2,)},
    ),
    (
        "groups over the batch",
        "Mean and variance are taken over N too; each image has its own.",
        SLIP,
        {"axes": lambda v: (0, 2, 3, 4)},
    ),
    (
        "every channel a group",
        "Mean and variance are taken over H and W alone, which is instance norm.",
        SLIP,
        {"axes": lambda v: (3, 4)},
    ),
    (
        "all channels one group",
        "Mean and variance are taken over all channels of an image, which is layer norm.",
        SLIP,
        {"axes": lambda v: (1, 2, 3, 4)},
    ),
    (
        "groups interleaved",
        "The groups are not of neighbouring channels; reshape to (N, G, C / G, H, W), G before C "
        "/ G.",
        SLIP,
        {
            "grouped": lambda v: np.swapaxes(split(v.x, v.x.shape[1] // v.groups), 1, 2),
            "xhat": lambda v: np.reshape(
                np.swapaxes(v.d / np.sqrt(v.var + v.eps), 1, 2), v.x.shape
            ),
        },
    ),
    (
        "size of a group for their number",
        "groups is taken for the channels of each; groups is how many groups there are.",
        SLIP,
        {"grouped": lambda v: split(v.x, v.x.shape[1] // v.groups)},
    ),
    (
        "scale and shift of each group",
        "gamma and beta are one value for each group; each channel has its own.",
        SLIP,
        {"y": lambda v: per_group(v.gamma, v) * v.xhat + per_group(v.beta, v)},
    ),
    (
        "group's variance divided by m - 1",
        "The variance of a group is divided by m - 1; it must be divided by m.",
        SLIP,
        {"var": lambda v: np.var(v.grouped, axis=v.axes, keepdims=True, ddof=1)},
    ),
]


def per_group(a, v):
    """Return a (C,) as (1, C, 1, 1), every channel with the value of its group's first."""
    size = v.x.shape[1] // v.groups
    return column(np.repeat(a[::size], size))
