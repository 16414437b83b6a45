"""The exercises of notebook 04 on the walk back: the nine steps, each by itself."""

import numpy as np

from bnlib.exercises.checker.batches import AXES, NAMED, WRONG_AXES, image_domain
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.graph import primitives
from bnlib.judges.faults.recipes import channel_sums, column

GRADIENTS = {  # of which shape what arrives at a step is
    "C": ("done_over_sqrt_var", "dsqrt_var", "dvar"),
    "NCHW": ("dgamma_xhat", "dxhat", "dx_minus_mean_1", "dx_minus_mean_sqr", "dx_minus_mean"),
}


def _at_a_step(case, seed, upstream, **parameters):
    """Return the batch with the values of the nine steps, and a gradient that arrives at each."""
    values, rng = dict(case.values), np.random.default_rng(seed + 1)
    x, mean, var = (values[name].astype(float) for name in ("x", "mean", "var"))
    sqrt_var = np.sqrt(var + values["eps"])
    more = {
        "x_minus_mean": x - column(mean),
        "sqrt_var": sqrt_var,
        "one_over_sqrt_var": 1 / sqrt_var,
    }
    for axes, names in GRADIENTS.items():
        shape = x.shape if axes == "NCHW" else mean.shape
        more |= {name: upstream * rng.standard_normal(shape).round(1) for name in names}
    more["dx_1"] = more["dx_minus_mean"]
    values |= {name: value.astype(values["x"].dtype) for name, value in more.items()}
    return case._replace(values=values, offset=1.0)  # the mean is subtracted already


STEPS = image_domain(_at_a_step, named={**NAMED, "one number": {"N": 1}}, least=1)


def _spread(v):
    return primitives.spread(v, "C", "NCHW")


def _sum_back(d):
    return primitives.sum_back(d, "C", "NCHW")


def _over(axes):
    return f"The sum runs over the axes {axes}; every axis but 1 is wanted: (0, 2, 3)."


@exercise(
    notebook="04",
    domain=STEPS,
    returns="dgamma_xhat dbeta",
    hints=(
        "Raise one entry of gamma_xhat by h: by how much does y rise there?",
        "beta[c] was copied to every place of channel c, and the gradients of all copies add up.",
        "return dout, dout.sum(axis=(0, 2, 3))",
    ),
    mistakes=(
        Mistake(
            "dbeta as a mean",
            "dbeta is a mean; the copies' gradients add up.",
            lambda dout: (dout, dout.mean(axis=AXES)),
        ),
        Mistake(
            "dbeta not summed",
            "dbeta is not summed; beta[c] was copied to every place of its channel.",
            lambda dout: (dout, dout),
        ),
        *(
            Mistake(
                f"sum over axes {axes}", _over(axes), lambda d, axes=axes: (d, d.sum(axis=axes))
            )
            for axes in WRONG_AXES
        ),
    ),
)
def step_9(dout):
    """Return dgamma_xhat and dbeta (C,): the way back of y = gamma_xhat + beta."""
    dgamma_xhat, copies = primitives.add.vjp(dout, None, None, None)
    return dgamma_xhat, _sum_back(copies)


@exercise(
    notebook="04",
    domain=STEPS,
    returns="dxhat dgamma",
    hints=(
        "A product passes on what arrives times the other factor.",
        "gamma was copied to every place of its channel: its gradient is a sum.",
        "gamma.reshape(1, -1, 1, 1) * dgamma_xhat, and (xhat * dgamma_xhat).sum(axis=(0, 2, 3))",
    ),
    mistakes=(
        Mistake(
            "gamma forgotten",
            "dxhat lacks gamma; a product passes on the gradient times the other factor.",
            lambda d, gamma, xhat: (d, channel_sums(xhat * d)),
        ),
        Mistake(
            "xhat forgotten",
            "dgamma lacks xhat; a product passes on the gradient times the other factor.",
            lambda d, gamma, xhat: (column(gamma) * d, channel_sums(d)),
        ),
        Mistake(
            "factors exchanged",
            "Each factor is multiplied by itself; the other factor is wanted.",
            lambda d, gamma, xhat: (xhat * d, channel_sums(column(gamma) * d)),
        ),
        Mistake(
            "dgamma as a mean",
            "dgamma is a mean; the copies' gradients add up.",
            lambda d, gamma, xhat: (column(gamma) * d, np.mean(xhat * d, axis=AXES)),
        ),
        Mistake(
            "dgamma not summed",
            "dgamma is not summed; gamma[c] was copied to every place of its channel.",
            lambda d, gamma, xhat: (column(gamma) * d, xhat * d),
        ),
        Mistake(
            "product of sums",
            "dgamma multiplies two sums; multiply place by place, then sum.",
            lambda d, gamma, xhat: (column(gamma) * d, channel_sums(xhat) * channel_sums(d)),
        ),
    ),
)
def step_8(dgamma_xhat, gamma, xhat):
    """Return dxhat and dgamma (C,): the way back of gamma_xhat = gamma * xhat."""
    copies, dxhat = primitives.multiply.vjp(dgamma_xhat, None, _spread(gamma), xhat)
    return dxhat, _sum_back(copies)


@exercise(
    notebook="04",
    domain=STEPS,
    returns="done_over_sqrt_var dx_minus_mean_1",
    hints=(
        "A product again: what arrives times the other factor.",
        "one_over_sqrt_var was copied to every place of its channel; x_minus_mean was not.",
        "(x_minus_mean * dxhat).sum(axis=(0, 2, 3)), and one_over_sqrt_var as (1, C, 1, 1) * dxhat",
    ),
    mistakes=(
        Mistake(
            "not summed",
            "done_over_sqrt_var is not summed; the factor was copied over its channel.",
            lambda d, centred, s: (centred * d, column(s) * d),
        ),
        Mistake(
            "a mean",
            "done_over_sqrt_var is a mean; the copies' gradients add up.",
            lambda d, centred, s: (np.mean(centred * d, axis=AXES), column(s) * d),
        ),
        Mistake(
            "x_minus_mean forgotten",
            "done_over_sqrt_var lacks x_minus_mean; it is the other factor.",
            lambda d, centred, s: (channel_sums(d), column(s) * d),
        ),
        Mistake(
            "one_over_sqrt_var forgotten",
            "dx_minus_mean_1 lacks one_over_sqrt_var; it is the other factor.",
            lambda d, centred, s: (channel_sums(centred * d), d),
        ),
        Mistake(
            "divided",
            "dx_minus_mean_1 is divided by one_over_sqrt_var; multiply by it.",
            lambda d, centred, s: (channel_sums(centred * d), d / column(s)),
        ),
        Mistake(
            "xhat for x_minus_mean",
            "done_over_sqrt_var is the sum with xhat; the other factor is x_minus_mean.",
            lambda d, centred, s: (channel_sums(column(s) * centred * d), column(s) * d),
        ),
    ),
)
def step_7(dxhat, x_minus_mean, one_over_sqrt_var):
    """Return done_over_sqrt_var (C,), and the first part of dx_minus_mean."""
    factors = x_minus_mean, _spread(one_over_sqrt_var)
    first_part, copies = primitives.multiply.vjp(dxhat, None, *factors)
    return _sum_back(copies), first_part


@exercise(
    notebook="04",
    domain=STEPS,
    returns="dsqrt_var",
    hints=(
        "1 / a falls as a rises, and its derivative is -1 / a^2.",
        "1 / a^2 is the square of one_over_sqrt_var, which is handed to you.",
        "-(one_over_sqrt_var**2) * done_over_sqrt_var",
    ),
    mistakes=(
        Mistake("sign", "The sign is wrong; 1 / a falls as a rises.", lambda d, s: s * s * d),
        Mistake(
            "no square",
            "one_over_sqrt_var is not squared; the derivative of 1 / a is -1 / a^2.",
            lambda d, s: -s * d,
        ),
        Mistake(
            "a for 1 / a",
            "That is -a^2; one_over_sqrt_var is 1 / a already, so square it.",
            lambda d, s: -d / (s * s),
        ),
        Mistake(
            "a cube",
            "There is one factor too many; -1 / a^2 is one_over_sqrt_var squared.",
            lambda d, s: -(s**3) * d,
        ),
    ),
)
def step_6(done_over_sqrt_var, one_over_sqrt_var):
    """Return dsqrt_var (C,): the way back of one_over_sqrt_var = 1 / sqrt_var."""
    return primitives.reciprocal.vjp(done_over_sqrt_var, one_over_sqrt_var, None)[0]


@exercise(
    notebook="04",
    domain=STEPS,
    returns="dvar",
    hints=(
        "The derivative of the root of a is 1 over twice the root.",
        "sqrt_var is the root, eps included.",
        "dsqrt_var / (2 * sqrt_var)",
    ),
    mistakes=(
        Mistake("no 1/2", "The 1/2 of the root is missing.", lambda d, root: d / root),
        Mistake(
            "brackets missing",
            "/ 2 * sqrt_var divides by 2 and multiplies by the root; write / (2 * sqrt_var).",
            lambda d, root: d / 2 * root,
        ),
        Mistake(
            "root of the root",
            "sqrt_var is a root already; do not take it again.",
            lambda d, root: d / (2 * np.sqrt(root)),
        ),
        Mistake(
            "squared", "sqrt_var is squared; it stands once.", lambda d, root: d / (2 * root**2)
        ),
        Mistake(
            "sign", "The sign is wrong; a root rises with its argument.", lambda d, r: -d / 2 / r
        ),
    ),
)
def step_5(dsqrt_var, sqrt_var):
    """Return dvar (C,): the way back of sqrt_var = sqrt(var + eps)."""
    return primitives.sqrt_plus(0.0).vjp(dsqrt_var, sqrt_var, None)[0]


@exercise(
    notebook="04",
    domain=STEPS,
    returns="dx_minus_mean_sqr",
    hints=(
        "Each of the m values of a channel has the same share in its mean.",
        "Each receives the gradient divided by m, m = N * H * W, at every place.",
        "np.zeros(shape) + dvar.reshape(1, -1, 1, 1) / m",
    ),
    mistakes=[
        Mistake(
            name,
            sentence,
            lambda d, shape, share=share: np.zeros(shape) + column(d) / share(*shape),
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
                "It is divided by the size of the array; m counts one channel, N * H * W.",
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
            "This is one value for each channel; each of its m places receives that value.",
            lambda d, shape, as_=as_: d.reshape(as_) / (shape[0] * shape[2] * shape[3]),
        )
        for name, as_ in (("as (C,)", -1), ("as (1, C, 1, 1)", (1, -1, 1, 1)))
    ]
    + [
        Mistake(
            "along the last axis",
            "The gradient, (C,), meets W; reshape it to (1, C, 1, 1).",
            lambda d, shape: np.zeros(shape) + d / (shape[0] * shape[2] * shape[3]),
        )
    ],
)
def step_4(dvar, shape):
    """Return dx_minus_mean_sqr (N, C, H, W): the way back of var, the mean of a channel."""
    node = primitives.mean_over("N H W")
    return node.vjp(dvar, None, np.empty(shape), axis=AXES)[0]


@exercise(
    notebook="04",
    domain=STEPS,
    returns="dx_minus_mean_2 dx_minus_mean",
    hints=(
        "The derivative of a^2 is 2 a.",
        "x_minus_mean has two uses, and the gradients of both add up.",
        "second = 2 * x_minus_mean * dx_minus_mean_sqr; return second, dx_minus_mean_1 + second",
    ),
    mistakes=(
        Mistake(
            "no 2",
            "The 2 is missing; the derivative of a^2 is 2 a.",
            lambda first, d, centred: (centred * d, first + centred * d),
        ),
        Mistake(
            "first part forgotten",
            "dx_minus_mean is the second part alone; add the first.",
            lambda first, d, centred: (2 * centred * d, 2 * centred * d),
        ),
        Mistake(
            "second part forgotten",
            "dx_minus_mean is the first part alone; add the second.",
            lambda first, d, centred: (2 * centred * d, first),
        ),
        Mistake(
            "parts multiplied",
            "The parts are multiplied; the gradients of two uses add up.",
            lambda first, d, centred: (2 * centred * d, 2 * centred * d * first),
        ),
        Mistake(
            "x_minus_mean squared",
            "x_minus_mean is squared; the derivative of a^2 is 2 a.",
            lambda first, d, centred: (2 * centred**2 * d, first + 2 * centred**2 * d),
        ),
        Mistake(
            "x_minus_mean forgotten",
            "x_minus_mean is missing; the derivative of a^2 is 2 a.",
            lambda first, d, centred: (2 * d, first + 2 * d),
        ),
    ),
)
def step_3(dx_minus_mean_1, dx_minus_mean_sqr, x_minus_mean):
    """Return the second part of dx_minus_mean, and both parts together."""
    (second_part,) = primitives.square.vjp(dx_minus_mean_sqr, None, x_minus_mean)
    return second_part, dx_minus_mean_1 + second_part


@exercise(
    notebook="04",
    domain=STEPS,
    returns="dx_1 dmean",
    hints=(
        "Raise x, and the difference rises as much; raise the mean, and it falls as much.",
        "The mean was copied to every place of its channel: its gradient is a sum.",
        "return dx_minus_mean, -dx_minus_mean.sum(axis=(0, 2, 3))",
    ),
    mistakes=(
        Mistake(
            "sign",
            "dmean has the wrong sign; the mean is subtracted.",
            lambda d: (d, channel_sums(d)),
        ),
        Mistake(
            "dmean as a mean",
            "dmean is a mean; the copies' gradients add up.",
            lambda d: (d, -np.mean(d, axis=AXES)),
        ),
        Mistake(
            "dmean not summed",
            "dmean is not summed; the mean was copied to every place of its channel.",
            lambda d: (d, -d),
        ),
        Mistake(
            "both negative",
            "dx_1 has a minus; only the mean is subtracted.",
            lambda d: (-d, -channel_sums(d)),
        ),
        *(
            Mistake(
                f"sum over axes {axes}", _over(axes), lambda d, axes=axes: (d, -d.sum(axis=axes))
            )
            for axes in WRONG_AXES
        ),
    ),
)
def step_2(dx_minus_mean):
    """Return the first part of dx, and dmean (C,): the way back of x_minus_mean = x - mean."""
    dx_1, copies = primitives.subtract.vjp(dx_minus_mean, None, None, None)
    return dx_1, _sum_back(copies)


def _by(share):
    """Return a mistake's results, where each place receives dmean divided by this share."""

    def parts(dx_1, dmean):
        dx_2 = np.zeros(dx_1.shape) + column(dmean) / share(*dx_1.shape)
        return dx_2, dx_1 + dx_2

    return parts


@exercise(
    notebook="04",
    domain=STEPS,
    returns="dx_2 dx",
    hints=(
        "Step 4 was a mean, too: what did each of its m values receive?",
        "dx_2 has the shape of dx_1, and x has two uses.",
        "dx_2 = dmean.reshape(1, -1, 1, 1) / m + np.zeros(dx_1.shape); return dx_2, dx_1 + dx_2",
    ),
    mistakes=(
        Mistake(
            "not divided by m",
            "dmean is not divided by m; a mean divides by m, so its gradient does too.",
            _by(lambda n, c, h, w: 1),
        ),
        Mistake(
            "divided by N", "dmean is divided by N; m is N * H * W.", _by(lambda n, c, h, w: n)
        ),
        Mistake(
            "divided by the size",
            "dmean is divided by the size of the array; m counts one channel, N * H * W.",
            _by(lambda n, c, h, w: n * c * h * w),
        ),
        Mistake(
            "brackets missing",
            "/ N * H * W divides by N alone, and multiplies by the rest; write / (N * H * W).",
            _by(lambda n, c, h, w: n / h / w),
        ),
        Mistake(
            "first part forgotten",
            "dx is the second part alone; x has two uses, and their gradients add up.",
            lambda dx_1, dmean: (_by(lambda n, c, h, w: n * h * w)(dx_1, dmean)[0],) * 2,
        ),
        Mistake(
            "dx_2 not spread",
            "dx_2 is one value for each channel; each of its m places receives that value.",
            lambda dx_1, dmean: (
                dmean / (dx_1.size // len(dmean)),
                dx_1 + column(dmean) / (dx_1.size // len(dmean)),
            ),
        ),
        Mistake(
            "subtracted",
            "The second part is subtracted; dmean has its minus already, so add.",
            lambda dx_1, dmean: (
                _by(lambda n, c, h, w: n * h * w)(dx_1, dmean)[0],
                _by(lambda n, c, h, w: -n * h * w)(dx_1, dmean)[1],
            ),
        ),
    ),
)
def step_1(dx_1, dmean):
    """Return the second part of dx (N, C, H, W), and dx itself: the way back of the mean."""
    node = primitives.mean_over("N H W")
    (dx_2,) = node.vjp(dmean, None, dx_1, axis=AXES)
    return dx_2, dx_1 + dx_2
