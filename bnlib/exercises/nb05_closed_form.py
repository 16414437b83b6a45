"""The exercises of notebook 05: the closed form."""

import numpy as np

from bnlib import layers, layout, normalize
from bnlib.exercises import variants
from bnlib.exercises.checker.batches import ANY_IMAGES, AXES, IMAGES, WRONG_AXES
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.exercises.nb04_staged import walk_back
from bnlib.judges import faults
from bnlib.judges.faults.recipes import channel_sums, column, mean


def _closed(name, sentence, dx):
    """Return a mistake of the closed form, a function of dxhat, xhat and s, (1, C, 1, 1)."""
    return Mistake(
        name,
        sentence,
        lambda dout, xhat, inv_std, gamma: dx(column(gamma) * dout, xhat, column(inv_std)),
    )


def _by_sums(dout, xhat, inv_std, gamma):
    """Return dx from sums, multiplied by m and divided at the end."""
    m = dout.size // dout.shape[1]
    inner = m * dout - column(channel_sums(dout)) - xhat * column(channel_sums(dout * xhat))
    return column(gamma * inv_std / m) * inner


@exercise(
    notebook="05",
    domain=ANY_IMAGES,
    returns="dgamma dbeta",
    hints=(
        "y = gamma * xhat + beta. What multiplies gamma, and what multiplies beta?",
        "Both were spread over the channel's places, so both gradients are sums.",
        "Sum dout * xhat, and dout, over the axes (0, 2, 3).",
    ),
    mistakes=(
        Mistake(
            "xhat forgotten",
            "dgamma lacks xhat; it is the sum of dout * xhat.",
            lambda dout, xhat: (channel_sums(dout), channel_sums(dout)),
        ),
        Mistake(
            "dout forgotten",
            "dgamma lacks dout; it is the sum of dout * xhat.",
            lambda dout, xhat: (channel_sums(xhat), channel_sums(dout)),
        ),
        Mistake(
            "product of sums",
            "dgamma multiplies two sums; multiply place by place, then sum.",
            lambda dout, xhat: (channel_sums(dout) * channel_sums(xhat), channel_sums(dout)),
        ),
        *(
            Mistake(
                f"both over axes {axes}",
                f"The sums run over the axes {axes}; every axis but 1 is wanted: (0, 2, 3).",
                lambda dout, xhat, axes=axes: (
                    np.sum(dout * xhat, axis=axes),
                    np.sum(dout, axis=axes),
                ),
            )
            for axes in WRONG_AXES
        ),
        Mistake(
            "dgamma over the wrong axes",
            "dgamma is summed over N, C and H; sum over every axis but 1.",
            lambda dout, xhat: (np.sum(dout * xhat, axis=(0, 1, 2)), channel_sums(dout)),
        ),
        Mistake(
            "dbeta over the wrong axes",
            "dbeta is summed over N, C and H; sum over every axis but 1.",
            lambda dout, xhat: (channel_sums(dout * xhat), np.sum(dout, axis=(0, 1, 2))),
        ),
        Mistake(
            "means",
            "These are means; gamma and beta act at m places, whose gradients add up.",
            lambda dout, xhat: (np.mean(dout * xhat, axis=AXES), np.mean(dout, axis=AXES)),
        ),
    ),
    shows=(layout.sum_to,),
)
def parameter_gradients(dout, xhat):
    """Return dgamma (C,) and dbeta (C,)."""
    shape = (1, xhat.shape[1], 1, 1)
    dgamma, dbeta = layout.sum_to(dout * xhat, shape), layout.sum_to(dout, shape)
    return np.ravel(dgamma), np.ravel(dbeta)


@exercise(
    notebook="05",
    domain=IMAGES,
    witness=_by_sums,
    returns="dx",
    hints=(
        "Begin with dxhat = gamma * dout, gamma as (1, C, 1, 1).",
        "Subtract two things from dxhat: its mean, and xhat times the mean of dxhat * xhat.",
        "s * (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)), means over (0, 2, 3), keepdims.",
    ),
    mistakes=(
        _closed(
            "path through the mean dropped",
            "The mean of dxhat is not subtracted.",
            lambda d, xhat, s: s * (d - xhat * mean(d * xhat, AXES)),
        ),
        _closed(
            "path through the variance dropped",
            "The xhat term is missing, or zero; it needs the mean of the product, dxhat * xhat.",
            lambda d, xhat, s: s * (d - mean(d, AXES)),
        ),
        _closed(
            "statistics as constants",
            "Mean and variance are treated as constants; both depend on x.",
            lambda d, xhat, s: s * d,
        ),
        _closed(
            "sign of the variance's path",
            "The xhat term has the wrong sign.",
            lambda d, xhat, s: s * (d - mean(d, AXES) + xhat * mean(d * xhat, AXES)),
        ),
        _closed(
            "sign of the mean's path",
            "The mean of dxhat has the wrong sign.",
            lambda d, xhat, s: s * (d + mean(d, AXES) - xhat * mean(d * xhat, AXES)),
        ),
        _closed(
            "sums not divided by m",
            "These are sums over the channel; means are wanted.",
            lambda d, xhat, s: (
                s
                * (
                    d
                    - np.sum(d, axis=AXES, keepdims=True)
                    - xhat * np.sum(d * xhat, axis=AXES, keepdims=True)
                )
            ),
        ),
        _closed(
            "dx not divided by the standard deviation",
            "inv_std is missing.",
            lambda d, xhat, s: d - mean(d, AXES) - xhat * mean(d * xhat, AXES),
        ),
        _closed(
            "inv_std twice",
            "inv_std is there twice; dx has it once.",
            lambda d, xhat, s: s * s * (d - mean(d, AXES) - xhat * mean(d * xhat, AXES)),
        ),
        _closed(
            "inv_std on one term",
            "inv_std multiplies the first term alone; it belongs to all three: set brackets.",
            lambda d, xhat, s: s * d - mean(d, AXES) - xhat * mean(d * xhat, AXES),
        ),
        *(
            _closed(
                f"means over axes {axes}",
                f"The means run over the axes {axes}; every axis but 1 is wanted: (0, 2, 3).",
                lambda d, xhat, s, axes=axes: s * (d - mean(d, axes) - xhat * mean(d * xhat, axes)),
            )
            for axes in WRONG_AXES
        ),
        _closed(
            "xhat inside the mean",
            "The last xhat stands inside its mean; it multiplies the mean from outside.",
            lambda d, xhat, s: s * (d - mean(d, AXES) - mean(d * xhat * xhat, AXES)),
        ),
        _closed(
            "divided by inv_std",
            "inv_std multiplies; here it divides.",
            lambda d, xhat, s: (d - mean(d, AXES) - xhat * mean(d * xhat, AXES)) / s,
        ),
        _closed(
            "xhat forgotten",
            "The last term lacks its factor xhat.",
            lambda d, xhat, s: s * (d - mean(d, AXES) - mean(d * xhat, AXES)),
        ),
        _closed(
            "xhat not in the mean",
            "The last mean comes out as that of dxhat alone; the mean of the product dxhat * "
            "xhat belongs there.",
            lambda d, xhat, s: s * (d - mean(d, AXES) - xhat * mean(d, AXES)),
        ),
        _closed(
            "inv_std on two terms",
            "inv_std multiplies the first two terms; the xhat term has it, too.",
            lambda d, xhat, s: s * (d - mean(d, AXES)) - xhat * mean(d * xhat, AXES),
        ),
        _closed(
            "brackets of N * H * W missing",
            variants.BRACKETS,
            lambda d, xhat, s: (
                s * (d - variants.by_n_alone(d) - xhat * variants.by_n_alone(d * xhat))
            ),
        ),
        _closed(
            "diagonal of the Jacobian",
            "That is the diagonal of the Jacobian alone; each x of a channel moves every xhat.",
            lambda d, xhat, s: s * (d - d * (1 + xhat**2) / (d.size // d.shape[1])),
        ),
        _closed(
            "sum forgotten in the last term",
            "The last term has no mean; it is xhat times the mean of dxhat * xhat.",
            lambda d, xhat, s: s * (d - mean(d, AXES) - xhat * (d * xhat)),
        ),
        Mistake(
            "gamma twice",
            "gamma is there twice; dx has it once, in dxhat = gamma * dout.",
            lambda dout, xhat, inv_std, gamma: (
                column(gamma * inv_std)
                * (
                    column(gamma) * dout
                    - mean(column(gamma) * dout, AXES)
                    - xhat * mean(column(gamma) * dout * xhat, AXES)
                )
            ),
        ),
        Mistake(
            "gamma forgotten in dx",
            "gamma is missing; dxhat is gamma * dout.",
            lambda dout, xhat, inv_std, gamma: (
                column(inv_std) * (dout - mean(dout, AXES) - xhat * mean(dout * xhat, AXES))
            ),
        ),
    ),
    shows=(normalize.backward,),
)
def closed_form_dx(dout, xhat, inv_std, gamma):
    """Return dx (N, C, H, W) in three terms; inv_std and gamma are (C,)."""
    per = (layout.per_channel(v, dout.ndim) for v in (inv_std, gamma))
    return normalize.backward(dout, normalize.Normalized(xhat, *per, AXES, None, None))[0]


@exercise(
    notebook="05",
    domain=IMAGES,
    witness=walk_back,
    returns="dx dgamma dbeta",
    hints=(
        "First the forward values that you need: xhat and inv_std.",
        "dgamma and dbeta are two sums; dx is the closed form.",
        "dx = inv_std * (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)), dxhat = gamma * dout.",
    ),
    mistakes=(*faults.of_task("backward"), *variants.BACKWARD, *variants.CLOSED_FORM),
    shows=(normalize.backward,),
)
def spatial_backward(dout, x, gamma, eps):
    """Return dx (N, C, H, W), dgamma (C,) and dbeta (C,), in the closed form."""
    _, cache = layers.spatial_batchnorm_forward(x, gamma, np.zeros_like(gamma), eps=eps)
    return layers.spatial_batchnorm_backward(dout, cache)
