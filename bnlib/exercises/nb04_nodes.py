"""The exercises of notebook 04: the graph, one node at a time."""

import numpy as np

from bnlib.exercises.checker.batches import ANY_IMAGES, IMAGES, WRONG_AXES
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.prediction import prediction
from bnlib.exercises.checker.slips import Mistake
from bnlib.graph import primitives
from bnlib.judges import gradcheck


@prediction(
    notebook="04",
    hints=(
        "a is used twice. What does each use contribute?",
        "Through u: 2 a * v. Through v: u * 3. Then put in a = 4.",
        "96 + 48.",
    ),
    mistakes=(
        (192, "192 is f itself; the slope is wanted."),
        (96, "96 is what comes through u alone; a reaches f through v, too."),
        (48, "48 is what comes through v alone; a reaches f through u, too."),
        (
            11,
            "That is the sum of the two slopes; each must be multiplied by the other factor first.",
        ),
        (4608, "The two paths are multiplied; add them."),
    ),
)
def two_paths():
    """Say what the slope of f = u * v is at a = 4, where u = a * a and v = 3 * a."""
    return float(round(float(gradcheck.complex_step_gradient(lambda a: a * a * (3 * a), 4.0)), 6))


@exercise(
    notebook="04",
    domain=ANY_IMAGES,
    returns="dbeta",
    hints=(
        "Forward, beta[c] was copied to every place of channel c. What comes back from each?",
        "The gradients of all copies add up.",
        "dout.sum(axis=(0, 2, 3))",
    ),
    mistakes=(
        Mistake(
            "a mean",
            "That is a mean; the copies' gradients add up.",
            lambda dout: dout.mean(axis=(0, 2, 3)),
        ),
        *(
            Mistake(
                f"sum over axes {axes}",
                f"The sum runs over the axes {axes}; every axis but 1 is wanted.",
                lambda dout, axes=axes: dout.sum(axis=axes),
            )
            for axes in WRONG_AXES
        ),
    ),
    shows=(primitives.sum_back,),
)
def spread_back(dout):
    """Return the gradient of beta (C,), which was added at every place of (N, C, H, W)."""
    return primitives.sum_back(dout, axes="C", onto="NCHW")


@exercise(
    notebook="04",
    domain=ANY_IMAGES,
    returns="dx",
    hints=(
        "Each of the m values of a channel has the same share in its mean.",
        "Each receives the gradient divided by m, m = N * H * W, at every place.",
        "np.zeros(shape) + dmean.reshape(1, -1, 1, 1) / m",
    ),
    mistakes=[
        Mistake(
            name,
            sentence,
            lambda dmean, shape, share=share: (
                np.zeros(shape) + dmean.reshape(1, -1, 1, 1) / share(*shape)
            ),
        )
        for name, sentence, share in (
            (
                "not divided by m",
                "It is not divided by m; a mean divides by m, so its gradient does too.",
                lambda n, c, h, w: 1,
            ),
            ("divided by N", "It is divided by N; m is N * H * W.", lambda n, c, h, w: n),
            (
                "divided by H * W",
                "It is divided by H * W; m is N * H * W.",
                lambda n, c, h, w: h * w,
            ),
            (
                "divided by the size",
                "It is divided by the size of x; m counts one channel, N * H * W.",
                lambda n, c, h, w: n * c * h * w,
            ),
            (
                "brackets missing",
                "/ N * H * W divides by N alone, and multiplies by the rest; write / (N * H * W).",
                lambda n, c, h, w: n / h / w,
            ),
            (
                "multiplied by m",
                "It is multiplied by m; a mean divides by m, so its gradient does too.",
                lambda n, c, h, w: 1 / (n * h * w),
            ),
        )
    ]
    + [
        Mistake(
            f"not spread, {name}",
            "This is one value for each channel; each of its m places in x receives that value.",
            lambda dmean, shape, column=column: (
                dmean.reshape(column) / (shape[0] * shape[2] * shape[3])
            ),
        )
        for name, column in (("as (C,)", -1), ("as (1, C, 1, 1)", (1, -1, 1, 1)))
    ]
    + [
        Mistake(
            "along the last axis",
            "The gradient, (C,), meets W; reshape it to (1, C, 1, 1).",
            lambda dmean, shape: np.zeros(shape) + dmean / (shape[0] * shape[2] * shape[3]),
        )
    ],
)
def mean_back(dmean, shape):
    """Return the gradient of x (N, C, H, W), from dmean, the gradient (C,) of its channels' means.

    shape is (N, C, H, W).
    """
    node = primitives.mean_over("N H W")
    return node.vjp(dmean, None, np.empty(shape), axis=(0, 2, 3))[0]


@exercise(
    notebook="04",
    domain=IMAGES,
    returns="dvar",
    hints=(
        "Two small steps: 1 / a has the derivative -1 / a^2, and sqrt(a) has 1 / (2 sqrt(a)).",
        "Multiply what arrives by both, at a = var + eps. Call inv_std s: the product has s^3.",
        "-0.5 * dinv_std * (var + eps) ** -1.5.",
    ),
    mistakes=(
        Mistake(
            "sign",
            "The sign is wrong; 1 / a falls as a rises.",
            lambda dinv_std, var, eps: 0.5 * dinv_std * (var + eps) ** -1.5,
        ),
        Mistake(
            "no 1/2",
            "The 1/2 of the root is missing.",
            lambda dinv_std, var, eps: -dinv_std * (var + eps) ** -1.5,
        ),
        Mistake(
            "root alone",
            "The reciprocal's derivative is missing.",
            lambda dinv_std, var, eps: dinv_std / (2 * np.sqrt(var + eps)),
        ),
        Mistake(
            "power -1/2",
            "The power is -1/2; the derivative of (var + eps)^(-1/2) has the power -3/2.",
            lambda dinv_std, var, eps: -0.5 * dinv_std * (var + eps) ** -0.5,
        ),
        Mistake(
            "power 3/2",
            "The power lacks its minus; it is -3/2.",
            lambda dinv_std, var, eps: -0.5 * dinv_std * (var + eps) ** 1.5,
        ),
        *(
            Mistake(
                f"power {said}",
                f"The power of var + eps is {said}; it is -3/2. {why}",
                lambda dinv_std, var, eps, power=power: -0.5 * dinv_std * (var + eps) ** power,
            )
            for power, said, why in (
                (-1.0, "-1", "The root's derivative has a root below, too."),
                (-2.0, "-2", "One factor is 1 / (var + eps), the other 1 / sqrt(var + eps)."),
                (-2.5, "-5/2", "In -1 / a^2, a is the root, so a^2 is var + eps."),
                (-3.0, "-3", "It is inv_std that has the power 3."),
            )
        ),
        Mistake(
            "brackets missing",
            "** -3 / 2 is the power -3, halved; write ** -1.5, or ** (-3 / 2).",
            lambda dinv_std, var, eps: -0.5 * dinv_std * (var + eps) ** -3 / 2,
        ),
        Mistake(
            "not differentiated",
            "inv_std itself is multiplied here; its derivative by var is wanted.",
            lambda dinv_std, var, eps: dinv_std / np.sqrt(var + eps),
        ),
        Mistake(
            "reciprocal alone",
            "The root's derivative is missing.",
            lambda dinv_std, var, eps: -dinv_std / (var + eps),
        ),
        Mistake(
            "eps forgotten",
            "eps is missing; the root was taken of var + eps.",
            lambda dinv_std, var, eps: -0.5 * dinv_std * var**-1.5,
        ),
        Mistake(
            "eps outside the root",
            "eps is added to the root; it stands under it, sqrt(var + eps).",
            lambda dinv_std, var, eps: -0.5 * dinv_std * (np.sqrt(var) + eps) ** -3,
        ),
        Mistake(
            "derivative of 1/(var + eps)",
            "The root is left out; that is the derivative of 1 / (var + eps).",
            lambda dinv_std, var, eps: -dinv_std * (var + eps) ** -2.0,
        ),
    ),
)
def inv_std_back(dinv_std, var, eps):
    """Return the gradient (C,) of var, from that of inv_std = 1 / sqrt(var + eps)."""
    root, over = primitives.sqrt_plus(eps), primitives.reciprocal
    std = root.value(var)
    (dstd,) = over.vjp(dinv_std, over.value(std), std)
    return root.vjp(dstd, std, var)[0]
