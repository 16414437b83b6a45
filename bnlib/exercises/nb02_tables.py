"""The exercises of notebook 02 on axes: images as a table, the way back, a value per channel."""

import numpy as np

from bnlib import layout
from bnlib.exercises.checker.batches import ANY_IMAGES
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake


@exercise(
    notebook="02",
    domain=ANY_IMAGES,
    returns="table",
    exact=True,
    hints=(
        "Two steps: first move the channel axis, then merge the other three.",
        "transpose names the old axes in their new order: N, H, W, C.",
        "x.transpose(0, 2, 3, 1), then reshape to (-1, C).",
    ),
    mistakes=(
        Mistake(
            "reshaped without a transpose",
            "A reshape alone mixes the channels; first move their axis to the end.",
            lambda x: x.reshape(-1, x.shape[1]),
        ),
        Mistake(
            "channels first",
            "The channels are in front, so the reshape cuts across them; move them to the end.",
            lambda x: x.transpose(1, 0, 2, 3).reshape(-1, x.shape[1]),
        ),
        Mistake(
            "N at the end",
            "N is last in this transpose; the channels must be: N, H, W, C.",
            lambda x: x.transpose(1, 2, 3, 0).reshape(-1, x.shape[1]),
        ),
        Mistake(
            "one row for each channel",
            "Here each channel is a row; it has to be a column.",
            lambda x: x.transpose(1, 0, 2, 3).reshape(x.shape[1], -1),
        ),
        Mistake(
            "H and W exchanged",
            "H and W change places in this transpose; keep the order N, H, W.",
            lambda x: x.transpose(0, 3, 2, 1).reshape(-1, x.shape[1]),
        ),
        Mistake(
            "N last of the rows",
            "The images do not come first in the rows; keep the order N, H, W.",
            lambda x: x.transpose(2, 3, 0, 1).reshape(-1, x.shape[1]),
        ),
    ),
)
def to_table(x):
    """Return x (N, C, H, W) as a table (N * H * W, C), rows in the order N, H, W."""
    return np.reshape(np.moveaxis(x, 1, -1), (-1, x.shape[1]))


@exercise(
    notebook="02",
    domain=ANY_IMAGES,
    returns="x",
    exact=True,
    hints=(
        "Undo the two steps in the opposite order: first the reshape, then the transpose.",
        "Split the rows: reshape to (N, H, W, C). The channels are then axis 3.",
        "The old axes in their new order, N, C, H, W, are (0, 3, 1, 2).",
    ),
    mistakes=(
        Mistake(
            "reshaped without a transpose",
            "A reshape alone mixes the channels; reshape to (N, H, W, C), then move C.",
            lambda table, shape: table.reshape(shape),
        ),
        Mistake(
            "table turned",
            "table.T has the channels before the images; split the rows into N, H, W, then move C.",
            lambda table, shape: table.T.reshape(shape),
        ),
        Mistake(
            "same transpose again",
            "(0, 2, 3, 1) led to the table; the way back is (0, 3, 1, 2).",
            lambda table, shape: table.reshape([shape[k] for k in (0, 2, 3, 1)]).transpose(
                0, 2, 3, 1
            ),
        ),
        Mistake(
            "rows split into N, W, H",
            "The rows came from the order N, H, W; split them in the same order.",
            lambda table, shape: table.reshape([shape[k] for k in (0, 3, 2, 1)]).transpose(
                0, 3, 2, 1
            ),
        ),
        Mistake(
            "H and W exchanged",
            "H and W have changed places.",
            lambda table, shape: table.reshape([shape[k] for k in (0, 2, 3, 1)]).transpose(
                0, 3, 2, 1
            ),
        ),
    ),
)
def from_table(table, shape):
    """Return the table (N * H * W, C) as images again; shape is (N, C, H, W)."""
    N, C, H, W = shape
    return np.moveaxis(np.reshape(table, (N, H, W, C)), -1, 1)


@exercise(
    notebook="02",
    domain=ANY_IMAGES,
    returns="scaled",
    hints=(
        "NumPy aligns shapes from the right, so (C,) meets W.",
        "Give gamma three axes of size 1, so that its values stand on axis 1.",
        "gamma.reshape(1, -1, 1, 1) * x",
    ),
    mistakes=(
        Mistake(
            "gamma along the last axis",
            "gamma, (C,), meets W; NumPy aligns shapes from the right, so reshape to (1, C, 1, 1).",
            lambda x, gamma: gamma * x,
        ),
        Mistake(
            "gamma along the first axis",
            "gamma meets N; the channels are axis 1, so reshape to (1, C, 1, 1).",
            lambda x, gamma: gamma.reshape(-1, 1, 1, 1) * x,
        ),
        Mistake(
            "gamma along H",
            "gamma meets H; the channels are axis 1, so reshape to (1, C, 1, 1).",
            lambda x, gamma: gamma.reshape(1, 1, -1, 1) * x,
        ),
        Mistake(
            "divided instead of multiplied",
            "gamma divides; it multiplies each channel.",
            lambda x, gamma: x / gamma.reshape(1, -1, 1, 1),
        ),
        Mistake(
            "added instead of multiplied",
            "gamma is added; it multiplies each channel.",
            lambda x, gamma: gamma.reshape(1, -1, 1, 1) + x,
        ),
    ),
    shows=(layout.per_channel,),
)
def scale_channels(x, gamma):
    """Return x (N, C, H, W), each channel multiplied by its value of gamma (C,)."""
    return layout.per_channel(gamma, x.ndim) * x
