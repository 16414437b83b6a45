"""The exercises of notebook 01: which numbers share a mean."""

import numpy as np

from bnlib import layers, layout, normalize, statistics
from bnlib.exercises import variants
from bnlib.exercises.checker.batches import IMAGES, TABLES, WRONG_AXES
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.prediction import prediction
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges import faults


def without_scale(fault):
    """Return a fault of the forward pass as a function of x and eps, with gamma 1 and beta 0."""
    return Mistake(
        fault.name,
        fault.mistake,
        lambda x, eps: fault.function(x, np.ones(x.shape[1]), np.zeros(x.shape[1]), eps),
    )


def of_table(fault):
    """Return the same for x (N, D)."""
    of_images = without_scale(fault).function
    return Mistake(
        fault.name,
        IN_TABLES.get(fault.name) or fault.mistake.replace("channel", "column"),
        lambda x, eps: of_images(x[:, :, None, None], eps)[:, :, 0, 0],
    )


NORMALIZING = [
    fault
    for fault in (*faults.of_task("forward"), *variants.NORMALIZING)
    if "gamma" not in fault.name and "beta" not in fault.name
]
IN_TABLES = {  # what a table has to say of some
    "mean over the whole batch": "Mean and variance are taken over the whole table; each column "
    "needs its own: axis=0.",
    "mean over C only": "Mean and variance are taken along each row; each column needs its own: "
    "axis=0.",
}
IMAGES_ONLY = (
    "mean over N only",
    "mean over H and W only",
    "mean over N and W only",
    "mean over N and H only",
    "mean over N and C only",
    "mean over C, H and W",
    "mean over N, C and H",
    "mean of each image",
    "variance of each image",
    "mean along the last axis",
    "reshaped without a transpose",
    "statistics of a table without a transpose",
    "brackets of N * H * W missing",
    "brackets of N * H * W missing in the variance",
)


@prediction(
    notebook="01",
    hints=(
        "Each channel has one mean. How many channels are there?",
        "The axes are (N, C, H, W), so there are 8 channels. A shape is a tuple.",
        "One number for each of 8 channels is an array of shape (8,).",
    ),
    mistakes=(
        ((32,), "That is one mean for each image; images of a channel share theirs."),
        ((32, 12, 20), "That is a mean over the channels; the channel is the axis to keep."),
        ((12, 20), "That is one mean for each position; positions share theirs."),
        ((8, 12, 20), "That is what axis=0 gives; positions share a mean, too."),
        ((32, 8), "That is a mean for each image and channel; all images share one."),
        ((32, 8, 1, 1), "That is a mean for each image and channel; all images share one."),
        ((), "That is one mean for all numbers; each channel has its own."),
        ((1, 8, 1, 1), "The numbers are right, but this is with keepdims; (C,) is asked for."),
        ((8, 1, 1), "There are axes too many; (C,) is asked for."),
        (
            (8, 1),
            "The numbers are right, but there are two axes; (C,) is asked for, with one axis.",
        ),
        (8, "The count is right; a shape is a tuple, even for one axis."),
    ),
)
def shape_of_mu():
    """Say which shape the means have for a batch of shape (32, 8, 12, 20), without keepdims."""
    return statistics.batch_statistics(np.zeros((32, 8, 12, 20))).mean.shape


@prediction(
    notebook="01",
    hints=(
        "Which axes are averaged? Multiply their sizes.",
        "Every axis but the channel's: N, H and W.",
        "8 * 7 * 5.",
    ),
    mistakes=(
        (8, "That is N; the positions are averaged as well."),
        (35, "That is H * W; the images are averaged as well."),
        (4480, "That is the size of the whole batch; each channel is averaged by itself."),
        (560, "That is C * H * W; channels stay apart, and the images are averaged."),
        (128, "That is N * C; channels stay apart, and positions are averaged."),
        (56, "That is N * H; W is missing."),
        (40, "That is N * W; H is missing."),
        (16, "That is how many means there are."),
    ),
)
def count_m():
    """Say how many numbers share one mean in a batch of shape (8, 16, 7, 5)."""
    return layout.count((8, 16, 7, 5), axes=layout.reduced_axes(4))


@exercise(
    notebook="01",
    domain=IMAGES,
    returns="mu",
    hints=(
        "np.mean takes a tuple of axes.",
        "Average over every axis but the channel's, which is axis 1.",
        "x.mean(axis=(0, 2, 3))",
    ),
    mistakes=[
        Mistake(
            f"mean over axes {axes}",
            f"The mean is taken over the axes {axes}; every axis but 1 is wanted: (0, 2, 3).",
            lambda x, axes=axes: x.mean(axis=axes),
        )
        for axes in WRONG_AXES
    ]
    + [
        Mistake(
            "brackets of N * H * W missing",
            variants.BRACKETS,
            lambda x: np.ravel(variants.by_n_alone(x)),
        ),
        Mistake(
            "reshaped without a transpose",
            "A reshape alone mixes the channels; first move their axis to the end.",
            lambda x: x.reshape(-1, x.shape[1]).mean(axis=0),
        ),
        Mistake(
            "reshaped to rows without a transpose",
            "A reshape alone mixes the channels; first move their axis to the front.",
            lambda x: x.reshape(x.shape[1], -1).mean(axis=1),
        ),
    ],
    shows=(layout.reduced_axes,),
)
def channel_mean(x):
    """Return the mean of each channel of x (N, C, H, W), as (C,)."""
    return statistics.batch_statistics(x).mean


@exercise(
    notebook="01",
    domain=TABLES,
    returns="xhat",
    hints=(
        "Each column has a mean and a variance of its own.",
        "Three lines: the mean over axis 0, the variance over axis 0, and the division.",
        "The divisor is np.sqrt(var + eps); eps stands under the root.",
    ),
    mistakes=[of_table(f) for f in NORMALIZING if f.name not in IMAGES_ONLY],
    shows=(normalize.forward,),
)
def normalize_table(x, eps):
    """Return xhat for x (N, D): each column with mean 0 and, but for eps, variance 1."""
    ones, zeros = np.ones(x.shape[1]), np.zeros(x.shape[1])
    return layers.batchnorm_forward(x, ones, zeros, eps=eps)[0]


@exercise(
    notebook="01",
    domain=IMAGES,
    returns="xhat",
    hints=(
        "As for a table, but the mean runs over more axes.",
        "Average over (0, 2, 3). A mean of shape (C,) would meet W, the last axis.",
        "With keepdims=True the mean is (1, C, 1, 1), and x - mu works as it stands.",
    ),
    mistakes=[without_scale(f) for f in NORMALIZING],
    shows=(normalize.forward,),
)
def normalize_images(x, eps):
    """Return xhat for x (N, C, H, W): each channel normalized over images and positions."""
    ones, zeros = np.ones(x.shape[1]), np.zeros(x.shape[1])
    return layers.spatial_batchnorm_forward(x, ones, zeros, eps=eps)[0]
