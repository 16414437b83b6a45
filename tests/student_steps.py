"""Right answers and likely mistakes for the steps of notebook 04, for the tests."""

import numpy as np

AXES = (0, 2, 3)


def column(v):
    return np.reshape(v, (1, -1, 1, 1))


def spread_back_loops(dout):
    dmap = np.zeros(dout.shape[2:])
    for n in range(dout.shape[0]):
        for c in range(dout.shape[1]):
            dmap += dout[n, c]
    return dmap


def step_9_loops(dout):
    dbeta = [0.0] * dout.shape[1]
    for n, c, h, w in np.ndindex(dout.shape):
        dbeta[c] += float(dout[n, c, h, w])
    return dout.copy(), dbeta


def step_8_loops(dgamma_xhat, gamma, xhat):
    dxhat, dgamma = np.zeros(xhat.shape), np.zeros(len(gamma))
    for c in range(len(gamma)):
        dxhat[:, c] = gamma[c] * dgamma_xhat[:, c]
        dgamma[c] = np.sum(xhat[:, c] * dgamma_xhat[:, c])
    return dxhat, dgamma


def step_7_loops(dxhat, x_minus_mean, one_over_sqrt_var):
    first, ds = np.zeros(dxhat.shape), np.zeros(len(one_over_sqrt_var))
    for n, c, h, w in np.ndindex(dxhat.shape):
        ds[c] += x_minus_mean[n, c, h, w] * dxhat[n, c, h, w]
        first[n, c, h, w] = one_over_sqrt_var[c] * dxhat[n, c, h, w]
    return ds, first


def step_4_loops(dvar, shape):
    N, C, H, W = shape
    dx = np.zeros(shape)
    for n in range(N):
        for c in range(C):
            dx[n, c, :, :] = dvar[c] / (N * H * W)
    return dx


def step_3_loops(first, d, centred):
    second = np.zeros(centred.shape)
    for place in np.ndindex(centred.shape):
        second[place] = 2 * centred[place] * d[place]
    return second, first + second


def step_2_loops(dx_minus_mean):
    dmean = np.zeros(dx_minus_mean.shape[1])
    for n, c, h, w in np.ndindex(dx_minus_mean.shape):
        dmean[c] -= dx_minus_mean[n, c, h, w]
    return dx_minus_mean.copy(), dmean


def step_1_lines(dx_1, dmean):
    N, C, H, W = dx_1.shape
    dx_2 = np.zeros(dx_1.shape) + dmean.reshape(1, C, 1, 1) / (N * H * W)
    return dx_2, dx_1 + dx_2


def step_1_einsum(dx_1, dmean):
    m = dx_1.size // dx_1.shape[1]
    dx_2 = np.einsum("c,nchw->nchw", dmean, np.full(dx_1.shape, 1 / m))
    return dx_2, dx_1 + dx_2


def step_1_loops(dx_1, dmean):
    dx_2, m = np.zeros(dx_1.shape), dx_1[:, 0].size
    for c in range(len(dmean)):
        dx_2[:, c] = dmean[c] / m
    return dx_2, dx_2 + dx_1


def both(second, first):
    return second, first + second


RIGHT = {
    "spread_back": (
        spread_back_loops,
        lambda dout: dout.sum(axis=(0, 1)),
        lambda dout: np.einsum("nchw->hw", dout),
        lambda dout: dout.sum(0).sum(0),
        lambda dout: dout.reshape(-1, *dout.shape[2:]).sum(axis=0),
    ),
    "step_9": (
        step_9_loops,
        lambda dout: (dout, dout.sum(axis=AXES)),
        lambda dout: (dout.copy(), np.einsum("nchw->c", dout)),
        lambda dout: [1 * dout, dout.sum(3).sum(2).sum(0)],
        lambda dout: (dout, [dout[:, c].sum() for c in range(dout.shape[1])]),
    ),
    "step_8": (
        step_8_loops,
        lambda d, gamma, xhat: (column(gamma) * d, (xhat * d).sum(axis=AXES)),
        lambda d, gamma, xhat: (gamma[:, None, None] * d, np.einsum("nchw,nchw->c", xhat, d)),
        lambda d, gamma, xhat: (
            np.einsum("nchw,c->nchw", d, gamma),
            [np.sum(xhat[:, c] * d[:, c]) for c in range(len(gamma))],
        ),
        lambda d, gamma, xhat: (
            np.moveaxis(np.moveaxis(d, 1, -1) * gamma, -1, 1),
            (xhat * d).sum(3).sum(2).sum(0),
        ),
    ),
    "step_7": (
        step_7_loops,
        lambda d, centred, s: ((centred * d).sum(axis=AXES), column(s) * d),
        lambda d, centred, s: (np.einsum("nchw,nchw->c", centred, d), s[:, None, None] * d),
        lambda d, centred, s: (
            [np.sum(centred[:, c] * d[:, c]) for c in range(len(s))],
            np.einsum("nchw,c->nchw", d, s),
        ),
        lambda d, centred, s: (
            (centred * d).sum(3).sum(2).sum(0),
            np.moveaxis(np.moveaxis(d, 1, -1) * s, -1, 1),
        ),
    ),
    "step_6": (
        lambda d, s: -(s**2) * d,
        lambda d, s: -s * s * d,
        lambda d, s: -d / (1 / s) ** 2,
        lambda d, s: d * -1 * np.square(s),
        lambda d, s: [-a * b * b for a, b in zip(d, s, strict=True)],
    ),
    "step_5": (
        lambda d, root: d / (2 * root),
        lambda d, root: 0.5 * d / root,
        lambda d, root: d / root / 2,
        lambda d, root: d * 0.5 * root**-1.0,
        lambda d, root: [a / b / 2 for a, b in zip(d, root, strict=True)],
    ),
    "step_4": (
        step_4_loops,
        lambda dvar, shape: np.ones(shape) * column(dvar) / (shape[0] * shape[2] * shape[3]),
        lambda dvar, shape: np.broadcast_to(column(dvar) / (np.prod(shape) / shape[1]), shape),
        lambda dvar, shape: np.einsum(
            "c,nchw->nchw", dvar, np.full(shape, 1 / (shape[0] * shape[2] * shape[3]))
        ),
        lambda dvar, shape: np.stack(
            [np.full((shape[0], *shape[2:]), d / shape[0] / shape[2] / shape[3]) for d in dvar],
            axis=1,
        ),
    ),
    "step_3": (
        step_3_loops,
        lambda first, d, centred: both(2 * centred * d, first),
        lambda first, d, centred: both(d * centred + d * centred, first),
        lambda first, d, centred: (2 * d * centred, 2 * d * centred + first),
        lambda first, d, centred: both(np.multiply(centred, d) * 2.0, first),
    ),
    "step_2": (
        step_2_loops,
        lambda d: (d, -d.sum(axis=AXES)),
        lambda d: (d.copy(), -np.einsum("nchw->c", d)),
        lambda d: [1 * d, (-d).sum(3).sum(2).sum(0)],
        lambda d: (d, [-np.sum(d[:, c]) for c in range(d.shape[1])]),
    ),
    "step_1": (
        step_1_lines,
        step_1_einsum,
        step_1_loops,
        lambda dx_1, dmean: both(
            np.broadcast_to(column(dmean) / (dx_1.size / len(dmean)), dx_1.shape), dx_1
        ),
        lambda dx_1, dmean: both(np.ones_like(dx_1) * column(dmean) / dx_1[:, 0].size, dx_1),
    ),
}

WRONG = {
    "spread_back": [
        ("dmap is not yet summed over the axes (0, 1)", lambda dout: dout),
        ("The sum runs over the axes (0,)", lambda dout: dout.sum(axis=0)),
        ("That is a mean", lambda dout: dout.mean(axis=(0, 1))),
        ("The numbers of dmap are right", lambda dout: dout.sum(axis=(0, 1), keepdims=True)),
        ("The sum runs over the axes (0, 2, 3)", lambda dout: dout.sum(axis=AXES)),
        ("The sum runs over the axes (0, 1, 2, 3)", lambda dout: dout.sum()),
    ],
    "step_9": [
        ("dbeta is not summed", lambda dout: (dout, dout)),
        ("dbeta is a mean", lambda dout: (dout, dout.mean(axis=AXES))),
        ("The sum runs over the axes (0,)", lambda dout: (dout, dout.sum(axis=0))),
        ("The numbers of dbeta are right", lambda dout: (dout, dout.sum(AXES, keepdims=True))),
    ],
    "step_8": [
        ("dxhat lacks gamma", lambda d, gamma, xhat: (d, (xhat * d).sum(axis=AXES))),
        ("dgamma lacks xhat", lambda d, gamma, xhat: (column(gamma) * d, d.sum(axis=AXES))),
        ("dgamma is not summed", lambda d, gamma, xhat: (column(gamma) * d, xhat * d)),
        ("Two shapes do not fit", lambda d, gamma, xhat: (gamma * d, (xhat * d).sum(axis=AXES))),
        (
            "Each factor is multiplied by itself",
            lambda d, gamma, xhat: (xhat * d, (column(gamma) * d).sum(axis=AXES)),
        ),
    ],
    "step_7": [
        ("done_over_sqrt_var is not summed", lambda d, centred, s: (centred * d, column(s) * d)),
        (
            "lacks x_minus_mean",
            lambda d, centred, s: (d.sum(axis=AXES), column(s) * d),
        ),
        ("lacks one_over_sqrt_var", lambda d, centred, s: ((centred * d).sum(axis=AXES), d)),
        (
            "is divided by one_over_sqrt_var",
            lambda d, centred, s: ((centred * d).sum(axis=AXES), d / column(s)),
        ),
    ],
    "step_6": [
        ("The sign is wrong", lambda d, s: d * s**2),
        ("one_over_sqrt_var is not squared", lambda d, s: -d * s),
        ("That is -a^2", lambda d, s: -d / s**2),
        ("one factor too many", lambda d, s: -d * s**3),
    ],
    "step_5": [
        ("The 1/2 of the root is missing", lambda d, root: d / root),
        ("/ 2 * sqrt_var divides by 2", lambda d, root: d / 2 * root),
        ("sqrt_var is a root already", lambda d, root: 0.5 * d / root**0.5),
        ("sqrt_var is squared", lambda d, root: d / 2 / root**2),
    ],
    "step_4": [
        (
            "This is one value for each channel",
            lambda dvar, shape: dvar / (shape[0] * shape[2] * shape[3]),
        ),
        (
            "This is one value for each channel",
            lambda dvar, shape: column(dvar) / (shape[0] * shape[2] * shape[3]),
        ),
        ("It is not divided by m", lambda dvar, shape: np.ones(shape) * column(dvar)),
        ("It is divided by N", lambda dvar, shape: np.ones(shape) * column(dvar) / shape[0]),
        (
            "The gradient, (C,), meets W",
            lambda dvar, shape: np.ones(shape) * dvar / (shape[0] * shape[2] * shape[3]),
        ),
        (
            "/ N * H * W divides by N alone",
            lambda dvar, shape: np.ones(shape) * column(dvar) / shape[0] * shape[2] * shape[3],
        ),
    ],
    "step_3": [
        ("The 2 is missing", lambda first, d, centred: both(centred * d, first)),
        ("the second part alone", lambda first, d, centred: (2 * centred * d,) * 2),
        ("the first part alone", lambda first, d, centred: (2 * centred * d, first)),
        ("x_minus_mean is squared", lambda first, d, centred: both(2 * centred**2 * d, first)),
    ],
    "step_2": [
        ("dmean has the wrong sign", lambda d: (d, d.sum(axis=AXES))),
        ("dmean is not summed", lambda d: (d, -d)),
        ("dmean is a mean", lambda d: (d, -d.mean(axis=AXES))),
        ("The sum runs over the axes (0, 1)", lambda d: (d, -d.sum(axis=(0, 1)))),
    ],
    "step_1": [
        (
            "dmean is not divided by m",
            lambda dx_1, dmean: both(np.zeros(dx_1.shape) + column(dmean), dx_1),
        ),
        (
            "dmean is divided by N",
            lambda dx_1, dmean: both(np.zeros(dx_1.shape) + column(dmean) / len(dx_1), dx_1),
        ),
        (
            "dmean is divided by the size",
            lambda dx_1, dmean: both(np.zeros(dx_1.shape) + column(dmean) / dx_1.size, dx_1),
        ),
        (
            "dx is the second part alone",
            lambda dx_1, dmean: (np.zeros(dx_1.shape) + column(dmean) / dx_1[:, 0].size,) * 2,
        ),
    ],
}
