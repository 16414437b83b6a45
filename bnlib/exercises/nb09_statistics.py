"""The exercises of notebook 09 on statistics that are given: recalibrated, frozen, folded away."""

import numpy as np

from bnlib import folding, layers, statistics
from bnlib.exercises.checker.batches import (
    ANY_IMAGES,
    AXES,
    COMMON,
    LARGEST,
    SCALES,
    SHARES,
    between,
    offset_of,
)
from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.domain import Domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges.faults.recipes import BACKWARD, channel_sums, column


def _epoch(K, C, m, last, offset, apart, spread, dtype, layout, seed):
    """Return the statistics of K batches, of which the last one may be smaller."""
    rng = np.random.default_rng(seed)
    away = offset_of(offset, dtype)
    values = {
        "means": spread * (away + apart * rng.standard_normal((K, C)).round(1)),
        "variances": spread**2 * rng.uniform(0.5, 4, (K, C)).round(1),
    }
    values = {name: value.astype(dtype) for name, value in values.items()}
    counts = np.array([m] * (K - 1) + [max(2, int(m * last))])
    label = f"{K} batches of {m}, the last of {counts[-1]}, {C} channels, mean {offset}, {dtype}"
    size = np.abs(values["means"]).max() / spread
    return Case(label, values | {"counts": counts}, layout=layout, offset=max(1.0, size))


EPOCHS = Domain(
    _epoch,
    {
        "equal counts": {"K": 3, "C": 2, "last": 1.0},
        "a small last batch": {"K": 4, "C": 2, "m": 64},
        "means far apart": {"K": 3, "C": 3, "apart": 30.0},
        "one batch": {"K": 1, "C": 1},
        "many batches": {"K": 150, "C": 1},
        "many channels": {"K": 2, "C": 75},
        "many numbers": {"K": 3, "C": 2, "m": 10**8, "apart": 30.0},
        "means far from zero": {"K": 4, "C": 2, "offset": "far"},
    },
    K=(2, 1, 3, 5, 9),
    C=(1, 2, 3, 5, 7),
    m=(8, 64, 1000, 3, 10**8),
    last=(0.25, 1.0, 0.5),
    offset=COMMON["offset"],
    apart=(1.0, 0.0, 30.0, 1e4),
    spread=COMMON["spread"],
    dtype=COMMON["dtype"],
    layout=COMMON["layout"],
)


def _share(counts):
    return (counts / counts.sum())[:, None]


def _recalibrated(mean_by, within_by, between_by):
    """Return statistics in which each part is weighted in its own way."""

    def function(means, variances, counts):
        mean = (mean_by(counts) * means).sum(0)
        within = (within_by(counts) * variances).sum(0)
        between = (between_by(counts) * (means - mean) ** 2).sum(0)
        return mean, within + between

    return function


def _alike(counts):
    return np.full((len(counts), 1), 1 / len(counts))


def _never(counts):
    return np.zeros((len(counts), 1))


@exercise(
    notebook="09",
    domain=EPOCHS,
    returns="mean var",
    hints=(
        "A batch weighs as much as it has numbers: counts / counts.sum(), as a column.",
        "The variance of all has two parts: within the batches, and between their means.",
        "sum of w * variances, plus sum of w * (means - mean) ** 2, over axis 0.",
    ),
    mistakes=(
        Mistake(
            "average of the variances",
            "The variances are averaged; the batches' means differ, and that adds to the variance.",
            _recalibrated(_share, _share, _never),
        ),
        Mistake(
            "all batches alike",
            "All batches weigh alike; the last one has fewer numbers, so weigh by counts.",
            _recalibrated(_alike, _alike, _alike),
        ),
        Mistake(
            "all alike, variances averaged",
            "All batches weigh alike, and their variances are averaged; weigh by counts, and add "
            "what lies between the means.",
            _recalibrated(_alike, _alike, _never),
        ),
        Mistake(
            "mean by counts alone",
            "The mean weighs by counts, the variance does not; weigh both.",
            _recalibrated(_share, _alike, _alike),
        ),
        Mistake(
            "between alone",
            "That is the variance between the means alone; add the mean of the variances.",
            _recalibrated(_share, _never, _share),
        ),
        Mistake(
            "sums",
            "These are sums; divide by the count of all.",
            lambda means, variances, counts: tuple(
                counts.sum() * part
                for part in _recalibrated(_share, _share, _share)(means, variances, counts)
            ),
        ),
        Mistake(
            "the last batch",
            "These are the last batch's statistics; all batches take part.",
            lambda means, variances, counts: (means[-1], variances[-1]),
        ),
    ),
    shows=(statistics.merge,),
)
def recalibrate(means, variances, counts):
    """Return mean (C,) and biased variance (C,) of all numbers, from those of K batches, (K, C).

    counts (K,) says how many numbers each channel had in each batch.
    """
    rows = zip(counts, means, variances, strict=True)
    moments = [statistics.Moments(m, mu, np.zeros_like(mu), m * var) for m, mu, var in rows]
    merged = statistics.merge_all(moments).statistics()
    return merged.mean, merged.var


def _frozen(dx=None, dgamma=None, std=lambda var, eps: np.sqrt(var + eps)):
    """Return the gradients with one of them replaced, or with another divisor."""

    def function(dout, x, gamma, running_mean, running_var, eps):
        s = 1 / std(column(running_var), eps)
        xhat = (x - column(running_mean)) * s
        return (
            dx(dout, column(gamma), s) if dx else column(gamma) * s * dout,
            dgamma(dout, xhat, x) if dgamma else channel_sums(dout * xhat),
            channel_sums(dout),
        )

    return function


@exercise(
    notebook="09",
    domain=ANY_IMAGES,
    returns="dx dgamma dbeta",
    hints=(
        "The running statistics do not depend on x. Which of the three paths to x are left?",
        "Only the direct one. xhat is made with the running statistics here.",
        "dx = gamma * inv_std * dout; dgamma and dbeta are the sums of notebook 05.",
    ),
    mistakes=(
        Mistake(
            "training's backward pass",
            "That is the backward pass of training; frozen statistics do not depend on x.",
            lambda dout, x, gamma, running_mean, running_var, eps: BACKWARD(dout, x, gamma, eps),
        ),
        Mistake(
            "the batch's statistics",
            "xhat and inv_std are made with the batch's own statistics; use the running ones.",
            lambda dout, x, gamma, running_mean, running_var, eps: _frozen()(
                dout, x, gamma, x.mean(axis=AXES), x.var(axis=AXES), eps
            ),
        ),
        Mistake(
            "gamma forgotten",
            "dx lacks gamma.",
            _frozen(dx=lambda dout, gamma, s: s * dout),
        ),
        Mistake(
            "inv_std forgotten",
            "dx lacks inv_std; x is divided by the standard deviation.",
            _frozen(dx=lambda dout, gamma, s: gamma * dout),
        ),
        Mistake(
            "centred",
            "dx has its mean subtracted; a frozen mean takes no gradient.",
            _frozen(dx=lambda d, gamma, s: gamma * s * (d - np.mean(d, axis=AXES, keepdims=True))),
        ),
        Mistake(
            "dx as dout",
            "dx is dout; x is multiplied by gamma * inv_std.",
            _frozen(dx=lambda dout, gamma, s: dout),
        ),
        Mistake(
            "dgamma from x",
            "dgamma multiplies dout by x; gamma multiplies xhat.",
            _frozen(dgamma=lambda dout, xhat, x: channel_sums(dout * x)),
        ),
        Mistake(
            "dgamma without xhat",
            "dgamma lacks xhat; it is the sum of dout * xhat.",
            _frozen(dgamma=lambda dout, xhat, x: channel_sums(dout)),
        ),
        Mistake(
            "dgamma as a mean",
            "dgamma is a mean; the gradients of all places add up.",
            _frozen(dgamma=lambda dout, xhat, x: np.mean(dout * xhat, axis=AXES)),
        ),
        Mistake(
            "eps forgotten",
            "The argument eps is missing; add it to the running variance, under the root.",
            _frozen(std=lambda var, eps: np.sqrt(var)),
        ),
        Mistake(
            "eps outside the root",
            "eps is added to the root; it belongs under it.",
            _frozen(std=lambda var, eps: np.sqrt(var) + eps),
        ),
        Mistake(
            "no root",
            "It divides by the variance; divide by its root.",
            _frozen(std=lambda var, eps: var + eps),
        ),
    ),
    shows=(layers._inference_backward,),
)
def frozen_backward(dout, x, gamma, running_mean, running_var, eps):
    """Return dx, dgamma and dbeta of batch norm whose running statistics normalize x."""
    return layers.batchnorm_inference_backward(dout, x, gamma, running_mean, running_var, eps=eps)


def _convolution(C, C_in, K, size, offset, spread, eps, gamma, beta, dtype, layout, seed):
    """Return a convolution's weight and bias, and the batch norm behind it."""
    rng, away = np.random.default_rng(seed), offset_of(offset, dtype)
    values = {
        "weight": size * rng.standard_normal((C, C_in, K, K)).round(1),
        "bias": spread * rng.uniform(-2, 2, C).round(1),
        "gamma": between(rng, *SCALES[gamma], C),
        "beta": between(rng, *SCALES[beta], C),
        "running_mean": spread * (away + rng.standard_normal(C).round(1)),
        "running_var": spread**2 * rng.uniform(0.5, 4, C).round(1),
    }
    values = {name: value.astype(dtype) for name, value in values.items()}
    eps = SHARES[eps] * spread**2 if eps in SHARES else eps
    label = f"weight {(C, C_in, K, K)}, eps {eps:g}, gamma {gamma}, spread {spread:g}, {dtype}"
    return Case(label, values | {"eps": eps}, layout=layout)


def _in_time(parameters):
    """Return parameters of a weight that plain loops in Python go through in time."""
    p = dict(parameters)
    while p["C"] * p["C_in"] * p["K"] ** 2 > LARGEST and p["K"] > 1:
        p["K"] //= 2
    return p


CONVOLUTIONS = Domain(
    _convolution,
    {
        "all axes different": {"C": 2, "C_in": 4, "K": 3},
        "C equal to C_in": {"C": 3, "C_in": 3, "K": 3},
        "all axes equal": {"C": 3, "C_in": 3, "K": 3, "gamma": "0 or negative"},
        "a large eps": {"C": 2, "C_in": 1, "eps": 0.5},
        "one number": {"C": 1, "C_in": 1, "K": 1},
        "many channels": {"C": 75, "C_in": 1, "K": 1},
        "many channels come in": {"C": 1, "C_in": 75, "K": 1},
        "large filters": {"C": 1, "C_in": 1, "K": 12},
        "a tiny eps": {"C": 2, "C_in": 1, "eps": "the variance", "spread": 1e-7},
        "a huge eps": {"C": 2, "C_in": 1, "eps": "the variance", "spread": 1e6},
    },
    _in_time,
    C=(1, 2, 3, 5, 7, 9),
    C_in=(1, 2, 3, 4, 6),
    K=(1, 3, 2, 7),
    size=(1.0, 1e-6, 1e5),
    **{
        name: COMMON[name]
        for name in ("offset", "spread", "eps", "gamma", "beta", "dtype", "layout")
    },
)


def _folded(weight=None, bias=None, scale=None):
    """Return the two results, with one of them or the scale q replaced."""

    def function(w, b, gamma, beta, mean, var, eps):
        q = scale(gamma, var, eps) if scale else gamma / np.sqrt(var + eps)
        return (
            weight(w, q) if weight else w * q[:, None, None, None],
            bias(b, q, mean, beta) if bias else q * (b - mean) + beta,
        )

    return function


@exercise(
    notebook="09",
    domain=CONVOLUTIONS,
    returns="new_weight new_bias",
    hints=(
        "Put the convolution's output, W * x + b, into the formula of evaluation.",
        "Everything that multiplies x is the new weight; everything else is the new bias.",
        "q = gamma / np.sqrt(running_var + eps), (C,). The bias stands beside W * x: q scales it.",
    ),
    mistakes=(
        Mistake(
            "bias not scaled",
            "The old bias is added as it is; it goes through batch norm, too.",
            _folded(bias=lambda b, q, mean, beta: b + beta - q * mean),
        ),
        Mistake(
            "bias forgotten",
            "The old bias is missing.",
            _folded(bias=lambda b, q, mean, beta: beta - q * mean),
        ),
        Mistake(
            "bias unchanged",
            "The bias is the old one; the running mean and beta go into it.",
            _folded(bias=lambda b, q, mean, beta: b),
        ),
        Mistake(
            "mean not scaled",
            "The running mean is not scaled; q multiplies the bias minus the mean.",
            _folded(bias=lambda b, q, mean, beta: q * b - mean + beta),
        ),
        Mistake(
            "beta scaled",
            "beta is scaled; it is added after q has multiplied.",
            _folded(bias=lambda b, q, mean, beta: q * (b - mean + beta)),
        ),
        Mistake(
            "mean added",
            "The running mean is added; batch norm subtracts it.",
            _folded(bias=lambda b, q, mean, beta: q * (b + mean) + beta),
        ),
        Mistake(
            "beta forgotten",
            "beta is missing.",
            _folded(bias=lambda b, q, mean, beta: q * (b - mean)),
        ),
        Mistake(
            "weight unchanged",
            "The weight is the old one; batch norm scales each filter.",
            _folded(weight=lambda w, q: w),
        ),
        Mistake(
            "along the last axis",
            "q, (C,), meets the last axis of the weight; reshape it to (C, 1, 1, 1).",
            _folded(weight=lambda w, q: w * q),
        ),
        Mistake(
            "along the inputs",
            "q scales the channels that come in, axis 1; it belongs to those that go out, axis 0.",
            _folded(weight=lambda w, q: w * q.reshape(1, -1, 1, 1)),
        ),
        Mistake(
            "no root",
            "q divides by the variance; divide by its root.",
            _folded(scale=lambda gamma, var, eps: gamma / (var + eps)),
        ),
        Mistake(
            "eps forgotten",
            "The argument eps is missing; add it to the running variance, under the root.",
            _folded(scale=lambda gamma, var, eps: gamma / np.sqrt(var)),
        ),
        Mistake(
            "eps outside the root",
            "eps is added to the root; it belongs under it.",
            _folded(scale=lambda gamma, var, eps: gamma / (np.sqrt(var) + eps)),
        ),
        Mistake(
            "gamma forgotten",
            "gamma is missing in q.",
            _folded(scale=lambda gamma, var, eps: 1 / np.sqrt(var + eps)),
        ),
    ),
    shows=(folding._fold,),
)
def fold_with_bias(weight, bias, gamma, beta, running_mean, running_var, eps):
    """Return weight (C, C_in, K, K) and bias (C,) of a convolution that does both layers' work."""
    return folding.fold_convolution(weight, bias, gamma, beta, running_mean, running_var, eps=eps)
