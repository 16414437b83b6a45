"""The exercises of notebook 02 on the forward pass, in training and in evaluation."""

import numpy as np

from bnlib import layers, normalize, statistics
from bnlib.exercises import variants
from bnlib.exercises.checker.batches import ANY_IMAGES, AXES, IMAGES, image_domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges import faults
from bnlib.judges.faults.recipes import mean as batch_mean


def _inference_mistake(name, sentence, y):
    """Return a mistake of inference, from y as a function of values of shape (1, C, 1, 1)."""

    def function(x, gamma, beta, running_mean, running_var, eps):
        vectors = (gamma, beta, running_mean, running_var)
        return y(x, *(v.reshape(1, -1, 1, 1) for v in vectors), eps)

    return Mistake(name, sentence, function)


def _beside_1(case, **parameters):
    """Return a batch for var / (var + eps): it is rounded beside 1 where it is 1 minus the rest."""
    var, eps = case.values["var"].astype(float), case.values["eps"]
    return case._replace(offset=max((1 + eps / v for v in var if v > 0), default=1.0))


SHARES = image_domain(_beside_1)
_WRONG_INFERENCE = [
    _inference_mistake(
        "eps forgotten",
        "The argument eps is missing; add it to the variance, under the root.",
        lambda x, gamma, beta, mean, var, eps: gamma * (x - mean) / np.sqrt(var) + beta,
    ),
    _inference_mistake(
        "eps always 1e-5",
        "eps is written in as 1e-5; use the argument.",
        lambda x, gamma, beta, mean, var, eps: gamma * (x - mean) / np.sqrt(var + 1e-5) + beta,
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
        "no root, no eps",
        "It divides by the running variance; divide by np.sqrt(running_var + eps).",
        lambda x, gamma, beta, mean, var, eps: gamma * (x - mean) / var + beta,
    ),
    _inference_mistake(
        "running variance squared",
        "running_var is squared; running_var is a variance already.",
        lambda x, gamma, beta, mean, var, eps: gamma * (x - mean) / np.sqrt(var**2 + eps) + beta,
    ),
    _inference_mistake(
        "multiplied by the root",
        "The deviations are multiplied by the root; divide by it.",
        lambda x, gamma, beta, mean, var, eps: gamma * (x - mean) * np.sqrt(var + eps) + beta,
    ),
    _inference_mistake(
        "mean minus x",
        "x is subtracted from the running mean; it is x minus the running mean.",
        lambda x, gamma, beta, mean, var, eps: gamma * (mean - x) / np.sqrt(var + eps) + beta,
    ),
    _inference_mistake(
        "only the mean divided",
        "Only the running mean is divided; x - mean needs brackets.",
        lambda x, gamma, beta, mean, var, eps: gamma * (x - mean / np.sqrt(var + eps)) + beta,
    ),
    _inference_mistake(
        "beta before gamma",
        "beta is added before gamma multiplies; y is gamma * xhat + beta.",
        lambda x, gamma, beta, mean, var, eps: gamma * ((x - mean) / np.sqrt(var + eps) + beta),
    ),
    _inference_mistake(
        "batch mean",
        "It subtracts the batch's own mean; it must use the running one.",
        lambda x, gamma, beta, mean, var, eps: (
            gamma * (x - batch_mean(x, AXES)) / np.sqrt(var + eps) + beta
        ),
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
    domain=IMAGES,
    returns="y",
    hints=(
        "Five lines: mean, deviations, variance, xhat, y.",
        "Mean and variance over (0, 2, 3) with keepdims=True; divide by np.sqrt(var + eps).",
        "gamma and beta need the shape (1, C, 1, 1): gamma.reshape(1, -1, 1, 1).",
    ),
    mistakes=(*faults.of_task("forward"), *variants.NORMALIZING, *variants.SCALING),
    shows=(normalize.forward, statistics.centred_moments),
)
def spatial_forward(x, gamma, beta, eps):
    """Return y for x (N, C, H, W): each channel normalized, times gamma (C,), plus beta (C,)."""
    return layers.spatial_batchnorm_forward(x, gamma, beta, eps=eps)[0]


@exercise(
    notebook="02",
    domain=SHARES,
    returns="std",
    hints=(
        "xhat has the standard deviation sqrt(var) / sqrt(var + eps). What does gamma do to it?",
        "beta shifts, and changes no standard deviation. A standard deviation is never negative.",
        "np.abs(gamma) * np.sqrt(var / (var + eps))",
    ),
    mistakes=(
        Mistake(
            "just gamma",
            "That is gamma; eps makes it a little smaller, and it is never negative.",
            lambda gamma, var, eps: gamma,
        ),
        Mistake(
            "just |gamma|",
            "That leaves eps out; eps makes it a little smaller.",
            lambda gamma, var, eps: np.abs(gamma),
        ),
        Mistake(
            "sign kept",
            "A standard deviation is never negative, and gamma may be; take |gamma|.",
            lambda gamma, var, eps: gamma * np.sqrt(var / (var + eps)),
        ),
        Mistake(
            "a variance",
            "That is without its root; a standard deviation is asked for.",
            lambda gamma, var, eps: np.abs(gamma) * var / (var + eps),
        ),
        Mistake(
            "a variance",
            "That is a variance; a standard deviation is asked for, its root.",
            lambda gamma, var, eps: gamma**2 * var / (var + eps),
        ),
        Mistake(
            "what x is multiplied by",
            "That is what x is multiplied by; x has the standard deviation sqrt(var).",
            lambda gamma, var, eps: np.abs(gamma) / np.sqrt(var + eps),
        ),
        Mistake(
            "not divided",
            "It multiplies by the root; the layer divides by sqrt(var + eps).",
            lambda gamma, var, eps: np.abs(gamma) * np.sqrt(var + eps),
        ),
        Mistake(
            "gamma under the root",
            "gamma stands under the root; it multiplies the root.",
            lambda gamma, var, eps: np.sqrt(np.abs(gamma) * var / (var + eps)),
        ),
        Mistake(
            "a root missing above",
            "var lacks its root; the standard deviation of xhat is sqrt(var) / sqrt(var + eps).",
            lambda gamma, var, eps: np.abs(gamma) * var / np.sqrt(var + eps),
        ),
        Mistake(
            "the approximation",
            "1 - eps / (2 var) holds for small eps only; here eps may be large.",
            lambda gamma, var, eps: np.abs(gamma) * (1 - eps / (2 * var)),
        ),
        Mistake(
            "the approximation, sign kept",
            "1 - eps / (2 var) holds for small eps only, and gamma may be negative; take |gamma|.",
            lambda gamma, var, eps: gamma * (1 - eps / (2 * var)),
        ),
        Mistake(
            "upside down",
            "eps makes it smaller, not larger; var belongs above the line, var + eps below it.",
            lambda gamma, var, eps: np.abs(gamma) * np.sqrt((var + eps) / var),
        ),
        Mistake(
            "eps outside the root",
            "eps is added to the root; the layer adds eps to the variance, under the root.",
            lambda gamma, var, eps: np.abs(gamma) * np.sqrt(var) / (np.sqrt(var) + eps),
        ),
    ),
)
def predicted_std(gamma, var, eps):
    """Return the standard deviation (C,) of the output, given var (C,), the batch's variance."""
    return np.abs(gamma) * np.sqrt(var / (var + eps))


@exercise(
    notebook="02",
    domain=ANY_IMAGES,
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
