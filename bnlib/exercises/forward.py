"""The exercises of notebook 02: the forward pass, three ways."""

import numpy as np

from bnlib import faults, layers, layout, normalize, statistics
from bnlib.exercises.cases import images
from bnlib.exercises.checking import exercise
from bnlib.exercises.slips import Mistake


def _inference_mistake(name, sentence, y):
    """Return a mistake of inference, from y as a function of values of shape (1, C, 1, 1)."""

    def function(x, gamma, beta, running_mean, running_var, eps):
        vectors = (gamma, beta, running_mean, running_var)
        return y(x, *(v.reshape(1, -1, 1, 1) for v in vectors), eps)

    return Mistake(name, sentence, function)


_WRONG_INFERENCE = [
    _inference_mistake(
        "eps forgotten",
        "eps is missing: add it to the variance, under the root.",
        lambda x, gamma, beta, mean, var, eps: gamma * (x - mean) / np.sqrt(var) + beta,
    ),
    _inference_mistake(
        "eps outside the root",
        "eps is added to the root; it belongs under it.",
        lambda x, gamma, beta, mean, var, eps: gamma * (x - mean) / (np.sqrt(var) + eps) + beta,
    ),
    _inference_mistake(
        "no root",
        "It divides by the variance; divide by its root.",
        lambda x, gamma, beta, mean, var, eps: gamma * (x - mean) / (var + eps) + beta,
    ),
    _inference_mistake(
        "not centred",
        "The running mean is not subtracted.",
        lambda x, gamma, beta, mean, var, eps: gamma * x / np.sqrt(var + eps) + beta,
    ),
    _inference_mistake(
        "gamma forgotten",
        "gamma is missing.",
        lambda x, gamma, beta, mean, var, eps: (x - mean) / np.sqrt(var + eps) + beta,
    ),
    _inference_mistake(
        "beta forgotten",
        "beta is missing.",
        lambda x, gamma, beta, mean, var, eps: gamma * (x - mean) / np.sqrt(var + eps),
    ),
]


@exercise(
    notebook="02",
    cases=images,
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
            "The rows must run through the images first: keep the order N, H, W.",
            lambda x: x.transpose(2, 3, 0, 1).reshape(-1, x.shape[1]),
        ),
    ),
)
def to_table(x):
    """Return x (N, C, H, W) as a table (N * H * W, C), rows in the order N, H, W."""
    return np.reshape(np.moveaxis(x, 1, -1), (-1, x.shape[1]))


@exercise(
    notebook="02",
    cases=images,
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
            "same transpose again",
            "(0, 2, 3, 1) led to the table; the way back is (0, 3, 1, 2).",
            lambda table, shape: table.reshape([shape[k] for k in (0, 2, 3, 1)]).transpose(
                0, 2, 3, 1
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
    cases=images,
    returns="scaled",
    hints=(
        "NumPy aligns shapes from the right, so (C,) meets W.",
        "Give gamma three axes of size 1, so that its values stand on axis 1.",
        "gamma.reshape(1, -1, 1, 1) * x",
    ),
    mistakes=(
        Mistake(
            "gamma along the last axis",
            "gamma, (C,), meets W: NumPy aligns shapes from the right; reshape to (1, C, 1, 1).",
            lambda x, gamma: gamma * x,
        ),
        Mistake(
            "gamma along the first axis",
            "gamma meets N; the channels are axis 1: reshape to (1, C, 1, 1).",
            lambda x, gamma: gamma.reshape(-1, 1, 1, 1) * x,
        ),
        Mistake(
            "gamma along H",
            "gamma meets H; the channels are axis 1: reshape to (1, C, 1, 1).",
            lambda x, gamma: gamma.reshape(1, 1, -1, 1) * x,
        ),
        Mistake(
            "added instead of multiplied",
            "gamma multiplies; here it is added.",
            lambda x, gamma: gamma.reshape(1, -1, 1, 1) + x,
        ),
    ),
    shows=(layout.per_channel,),
)
def scale_channels(x, gamma):
    """Return x (N, C, H, W), each channel multiplied by its value of gamma (C,)."""
    return layout.per_channel(gamma, x.ndim) * x


@exercise(
    notebook="02",
    cases=images,
    returns="y",
    hints=(
        "Five lines: mean, deviations, variance, xhat, y.",
        "Mean and variance over (0, 2, 3) with keepdims=True; divide by np.sqrt(var + eps).",
        "gamma and beta need the shape (1, C, 1, 1): gamma.reshape(1, -1, 1, 1).",
    ),
    mistakes=faults.of_task("forward"),
    shows=(normalize.forward, statistics.centred_moments),
)
def spatial_forward(x, gamma, beta, eps):
    """Return y for x (N, C, H, W): each channel normalized, times gamma (C,), plus beta (C,)."""
    return layers.spatial_batchnorm_forward(x, gamma, beta, eps=eps)[0]


@exercise(
    notebook="02",
    cases=images,
    returns="std",
    hints=(
        "xhat has the standard deviation sqrt(var) / sqrt(var + eps). What does gamma do to it?",
        "beta shifts, and changes no standard deviation. A standard deviation is never negative.",
        "np.abs(gamma) * np.sqrt(var / (var + eps))",
    ),
    mistakes=(
        Mistake(
            "just gamma", "eps makes it a little smaller than that.", lambda gamma, var, eps: gamma
        ),
        Mistake(
            "just |gamma|", "eps makes it a little smaller.", lambda gamma, var, eps: np.abs(gamma)
        ),
        Mistake(
            "sign kept",
            "A standard deviation is never negative; gamma may be: take |gamma|.",
            lambda gamma, var, eps: gamma * np.sqrt(var / (var + eps)),
        ),
        Mistake(
            "a variance",
            "That is without its root; a standard deviation is asked for.",
            lambda gamma, var, eps: np.abs(gamma) * var / (var + eps),
        ),
        Mistake(
            "the approximation",
            "1 - eps / (2 var) holds for small eps only; here eps may be large.",
            lambda gamma, var, eps: np.abs(gamma) * (1 - eps / (2 * var)),
        ),
    ),
)
def predicted_std(gamma, var, eps):
    """Return the standard deviation (C,) of the output, given var (C,), the batch's variance."""
    return np.abs(gamma) * np.sqrt(var / (var + eps))


@exercise(
    notebook="02",
    cases=images,
    returns="y",
    hints=(
        "The formula is that of training, with the running statistics in place of the batch's.",
        "Nothing is averaged here. All four vectors are (C,).",
        "Reshape each of them to (1, C, 1, 1); divide by np.sqrt(running_var + eps).",
    ),
    mistakes=[
        Mistake(
            "batch statistics in evaluation",
            "It normalizes by the batch's own statistics; it must use the running ones.",
            lambda x, gamma, beta, running_mean, running_var, eps: faults.RECIPES["forward"](
                x, gamma, beta, eps
            ),
        ),
        *_WRONG_INFERENCE,
    ],
    shows=(layers._inference,),
)
def inference(x, gamma, beta, running_mean, running_var, eps):
    """Return y for x (N, C, H, W), normalized by running statistics (C,) instead of its own."""
    return layers.batchnorm_inference(x, gamma, beta, running_mean, running_var, eps=eps)
