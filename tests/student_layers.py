"""Right answers and likely mistakes for the exercises of notebooks 05 and 07 to 10, for the tests.

Those on a backward pass derived alone, on checks, axes, folding and sweeps.
"""

from itertools import combinations

import numpy as np

from bnlib import reference
from bnlib.exercises import nb07_checks

AXES = (0, 2, 3)


def column(v):
    return np.reshape(v, (1, -1, 1, 1))


# --- centre_back(dout)


def centre_back_loops(dout):
    dx = np.zeros(dout.shape)
    for c in range(dout.shape[1]):
        dx[:, c] = dout[:, c] - dout[:, c].sum() / dout[:, c].size
    return dx


# --- rms_backward(dout, x, gamma, eps)


def rms_closed(dout, x, gamma, eps):
    s = 1 / np.sqrt((x * x).mean(axis=1, keepdims=True) + eps)
    xhat, dxhat = x * s, gamma * dout
    dx = s * (dxhat - xhat * (dxhat * xhat).mean(axis=1, keepdims=True))
    return dx, (dout * xhat).sum(axis=0)


def rms_staged(dout, x, gamma, eps):
    D = x.shape[1]
    square = (x**2).sum(axis=1) / D + eps
    root = np.sqrt(square)
    dxhat = gamma * dout
    droot = -(dxhat * x).sum(axis=1) / root**2
    dsquare = droot / (2 * root)
    dx = dxhat / root[:, None] + dsquare[:, None] * 2 * x / D
    return dx, (dout * x / root[:, None]).sum(axis=0)


def rms_rows(dout, x, gamma, eps):
    dx, dgamma = np.zeros(x.shape), np.zeros(x.shape[1])
    for n in range(len(x)):
        r = (np.dot(x[n], x[n]) / x.shape[1] + eps) ** 0.5
        g = gamma * dout[n]
        dx[n] = g / r - x[n] * np.dot(g, x[n]) / x.shape[1] / r**3
        dgamma += dout[n] * x[n] / r
    return dx, dgamma


def rms_jacobian(dout, x, gamma, eps):
    D = x.shape[1]
    s = 1 / np.sqrt((x * x).mean(axis=1) + eps)
    xhat = x * s[:, None]
    jacobian = s[:, None, None] * (np.eye(D) - xhat[:, :, None] * xhat[:, None, :] / D)
    return np.einsum("nd,nde->ne", gamma * dout, jacobian), np.einsum("nd,nd->d", dout, xhat)


def rms_columns(dout, x, gamma, eps):
    xt, gt = x.T, (gamma * dout).T
    s = (np.mean(xt**2, axis=0) + eps) ** -0.5
    dx = s * (gt - xt * s * np.mean(gt * xt * s, axis=0))
    return dx.T, np.sum(dout.T * xt * s, axis=1)


def rms(dx=None, dgamma=None):
    """Return a backward pass in which one result is another function."""

    def found(dout, x, gamma, eps):
        right = rms_closed(dout, x, gamma, eps)
        s = 1 / np.sqrt((x * x).mean(axis=1, keepdims=True) + eps)
        return (
            dx(gamma * dout, x * s, s) if dx else right[0],
            dgamma(dout, x, x * s) if dgamma else right[1],
        )

    return found


# --- check_forward(layer), check_layer(layer)


def numbers(offset=0.0, seed=3, shape=(2, 6, 3, 4)):
    rng = np.random.default_rng(seed)
    x = offset + 3 * rng.normal(size=shape)
    return x, rng.uniform(0.5, 2, 6), rng.normal(size=6), rng.normal(size=shape)


def check_by_loops(layer):
    x, gamma, beta, _ = numbers(1e7)
    y = layer["forward"](x, gamma, beta, 0.5)
    return np.allclose(y, reference.batchnorm_forward(x, gamma, beta, 0.5))


def check_by_formula(layer):
    x, gamma, beta, _ = numbers(1e7)
    d = x - x.mean(axis=AXES, keepdims=True)
    expected = d / np.sqrt((d * d).mean(axis=AXES, keepdims=True) + 0.2)
    expected = expected * column(gamma) + column(beta)
    y = layer["forward"](x, gamma, beta, 0.2)
    return y.shape == x.shape and np.abs(y - expected).max() < 1e-4


def check_twice(layer):
    good = []
    for offset, eps in ((0.0, 1.0), (1e7, 0.1)):
        x, gamma, beta, _ = numbers(offset)
        y = layer["forward"](x, gamma, beta, eps)
        good.append(np.allclose(y, reference.batchnorm_forward(x, gamma, beta, eps)))
    return all(good)


def check_with_assert(layer):
    x, gamma, beta, _ = numbers(1e7, shape=(3, 6, 2, 5))
    y = layer["forward"](x, gamma, beta, 0.3)
    np.testing.assert_allclose(y, reference.batchnorm_forward(x, gamma, beta, 0.3), 1e-4, 1e-4)
    return True


def check_error(layer):
    x, gamma, beta, _ = numbers(1e7)
    y = layer["forward"](x, gamma, beta, 0.5)
    return np.linalg.norm(y - reference.batchnorm_forward(x, gamma, beta, 0.5)) < 1e-3


def same(found, expected):
    pairs = zip(found, expected, strict=True)
    return all(np.shape(a) == np.shape(b) and np.allclose(a, b) for a, b in pairs)


def check_group(layer, x, gamma, beta, eps):
    return same(
        [layer["group"](x, gamma, beta, 2, eps)],
        [reference.groupnorm_forward(x, gamma, beta, 2, eps)],
    )


def check_backward(layer, x, gamma, dout, eps):
    return same(
        layer["backward"](dout, x, gamma, eps), reference.batchnorm_backward(dout, x, gamma, eps)
    )


def check_running(layer, x, mean, var, eps, momentum=0.8):
    ones, zeros = np.ones(len(mean)), np.zeros(len(mean))
    after = (
        momentum * mean + (1 - momentum) * x.mean(axis=AXES),
        momentum * var + (1 - momentum) * x.var(axis=AXES),
    )
    trained = (reference.batchnorm_forward(x, ones, zeros, eps), *after)
    y = reference.batchnorm_inference(x, ones, zeros, mean, var, eps)
    return same(layer["running"](x, mean, var, momentum, True, eps), trained) and same(
        layer["running"](x, mean, var, momentum, False, eps), (y, mean, var)
    )


def check_all(layer, seed=3, eps=0.5):
    x, gamma, beta, dout = numbers(seed=seed)
    return (
        check_by_loops(layer)
        and check_group(layer, x, gamma, beta, eps)
        and check_backward(layer, x, gamma, dout, eps)
        and check_running(layer, x, beta, gamma, eps)
    )


def check_all_other_numbers(layer):
    return check_all(layer, seed=8, eps=0.2)


def check_all_by_formula(layer):
    x, gamma, beta, dout = numbers()
    parts = check_group(layer, x, gamma, beta, 1.0), check_backward(layer, x, gamma, dout, 1.0)
    return check_by_formula(layer) and all(parts) and check_running(layer, x, beta, gamma, 0.3)


def check_all_with_assert(layer):
    x, gamma, beta, dout = numbers()
    assert check_with_assert(layer)
    assert check_backward(layer, x, gamma, dout, 0.4)
    assert check_group(layer, x, gamma, beta, 0.4)
    assert check_running(layer, x, beta, gamma, 0.4)
    return True


def check_all_by_bnlib(layer):
    judge = nb07_checks.RIGHT["bnlib's layer"]
    x, gamma, beta, dout = numbers()
    calls = {
        "forward": [(x + 1e7, gamma, beta, 0.5)],
        "backward": [(dout, x, gamma, 0.5)],
        "running": [(x, beta, gamma, 0.7, mode, 0.5) for mode in (True, False)],
        "group": [(x, gamma, beta, 3, 0.5)],
    }
    good = []
    for part, given in calls.items():
        for arguments in given:
            found, right = layer[part](*arguments), judge[part](*arguments)
            pair = (found, right) if isinstance(right, tuple) else ([found], [right])
            good.append(same(*pair))
    return all(good)


def check_ones(layer):
    x, gamma, beta, dout = numbers()
    return (
        check_by_loops(layer)
        and check_group(layer, x, gamma, beta, 0.5)
        and check_backward(layer, x, gamma, np.ones_like(dout), 0.5)
        and check_running(layer, x, beta, gamma, 0.5)
    )


# --- fewest_checks(caught)


def fewest_by_growing(caught):
    columns = [frozenset(np.flatnonzero(caught[:, j])) for j in range(caught.shape[1])]
    everything, reached, size = frozenset(range(len(caught))), {frozenset()}, 0
    while everything not in reached:
        reached, size = {old.union(new) for old in reached for new in columns}, size + 1
    return size


def fewest_by_loops(caught):
    checks, fewest = caught.shape[1], caught.shape[1]
    for size in range(checks, 0, -1):
        for chosen in combinations(range(checks), size):
            if all(any(caught[k, j] for j in chosen) for k in range(len(caught))):
                fewest = size
    return fewest


def fewest_recursive(caught):
    if len(caught) == 0:
        return 0
    return 1 + min(fewest_recursive(caught[~caught[:, j]]) for j in np.flatnonzero(caught[0]))


# --- frozen_backward, fold_with_bias, recalibrate


def frozen(dx=None, dgamma=None):
    def found(dout, x, gamma, mean, var, eps):
        s = column(1 / np.sqrt(var + eps))
        xhat = (x - column(mean)) * s
        return (
            dx(dout, column(gamma), s) if dx else column(gamma) * s * dout,
            dgamma(dout, xhat) if dgamma else (dout * xhat).sum(axis=AXES),
            dout.sum(axis=AXES),
        )

    return found


def frozen_lines(dout, x, gamma, mean, var, eps):
    s = 1 / np.sqrt(column(var) + eps)
    xhat = (x - column(mean)) * s
    return column(gamma) * s * dout, (dout * xhat).sum(axis=AXES), dout.sum(axis=AXES)


def frozen_loops(dout, x, gamma, mean, var, eps):
    dx, dgamma, dbeta = np.zeros(x.shape), np.zeros(len(gamma)), np.zeros(len(gamma))
    for c in range(len(gamma)):
        s = (var[c] + eps) ** -0.5
        dx[:, c] = gamma[c] * s * dout[:, c]
        dgamma[c] = np.sum(dout[:, c] * (x[:, c] - mean[c])) * s
        dbeta[c] = np.sum(dout[:, c])
    return dx, dgamma, dbeta


def frozen_einsum(dout, x, gamma, mean, var, eps):
    s = 1 / np.sqrt(var + eps)
    centred = x - mean[:, None, None]
    dx = np.einsum("nchw,c->nchw", dout, gamma * s)
    dgamma = np.einsum("nchw,nchw->c", dout, centred) * s
    return dx, dgamma, np.einsum("nchw->c", dout)


def frozen_last(dout, x, gamma, mean, var, eps):
    d, v = np.moveaxis(dout, 1, -1), np.moveaxis(x, 1, -1)
    std = np.sqrt(var + eps)
    dgamma = (d * ((v - mean) / std)).sum((0, 1, 2))
    return np.moveaxis(d * gamma / std, -1, 1), dgamma, d.sum((0, 1, 2))


def fold(weight=None, bias=None):
    def found(w, b, gamma, beta, mean, var, eps):
        q = gamma / np.sqrt(var + eps)
        return (
            weight(w, q) if weight else w * q[:, None, None, None],
            bias(b, q, mean, beta) if bias else q * (b - mean) + beta,
        )

    return found


def fold_lines(w, b, gamma, beta, mean, var, eps):
    q = gamma / np.sqrt(var + eps)
    return q[:, None, None, None] * w, q * (b - mean) + beta


def fold_loops(w, b, gamma, beta, mean, var, eps):
    weight, bias = np.array(w), np.array(b)
    for c in range(len(b)):
        q = gamma[c] / (var[c] + eps) ** 0.5
        weight[c] = q * w[c]
        bias[c] = q * (b[c] - mean[c]) + beta[c]
    return weight, bias


def recalibrate_loops(means, variances, counts):
    total = sum(counts)
    mean = sum(m * mu for m, mu in zip(counts, means, strict=True)) / total
    var = 0
    for m, mu, v in zip(counts, means, variances, strict=True):
        var = var + m * (v + (mu - mean) ** 2)
    return mean, var / total


def recalibrate_pairs(means, variances, counts):
    m, mean, s = counts[0], means[0], counts[0] * variances[0]
    for k in range(1, len(counts)):
        delta, both = means[k] - mean, m + counts[k]
        s = s + counts[k] * variances[k] + delta**2 * m * counts[k] / both
        mean = mean + delta * counts[k] / both
        m = both
    return mean, s / m


def recalibrate_weights(means, variances, counts):
    w = counts[:, None] / counts.sum()
    mean = (w * means).sum(axis=0)
    return mean, (w * variances).sum(axis=0) + (w * (means - mean) ** 2).sum(axis=0)


def norm_means_if(x, norm):
    if norm == "batch":
        return x.mean(axis=(0, 2, 3), keepdims=True)
    if norm == "layer":
        return x.mean(axis=(1, 2, 3), keepdims=True)
    if norm == "instance":
        return x.mean(axis=(2, 3), keepdims=True)
    return x.mean(axis=1, keepdims=True)


KEPT = {"batch": "c", "layer": "n", "instance": "nc", "position": "nhw"}


def norm_means_einsum(x, norm):
    kept = KEPT[norm]
    shape = [size if axis in kept else 1 for axis, size in zip("nchw", x.shape, strict=True)]
    return (np.einsum(f"nchw->{kept}", x) / (x.size / np.prod(shape))).reshape(shape)


def position_loops(x, gamma, beta, eps):
    y = np.zeros(x.shape)
    for n, h, w in np.ndindex(x.shape[0], *x.shape[2:]):
        v = x[n, :, h, w]
        y[n, :, h, w] = gamma * (v - v.mean()) / np.sqrt(v.var() + eps) + beta
    return y


def position_rows(x, gamma, beta, eps):
    N, C, H, W = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
    d = rows - rows.mean(axis=1, keepdims=True)
    y = gamma * d / np.sqrt((d * d).mean(axis=1, keepdims=True) + eps) + beta
    return y.reshape(N, H, W, C).transpose(0, 3, 1, 2)


def shift_in_place(x, mean, inv_std, gamma, beta):
    scale = gamma * inv_std
    y = x * column(scale)
    y += column(beta - mean * scale)
    return y


def shift_out(x, mean, inv_std, gamma, beta):
    y = np.empty(x.shape)
    for c in range(x.shape[1]):
        y[:, c] = gamma[c] * inv_std[c] * (x[:, c] - mean[c]) + beta[c]
    return y


RIGHT = {
    "centre_back": (
        centre_back_loops,
        lambda dout: dout - dout.mean(axis=AXES, keepdims=True),
        lambda dout: dout - column(dout.mean(axis=AXES)),
        lambda dout: dout - column(np.einsum("nchw->c", dout)) / (dout.size / dout.shape[1]),
        lambda dout: np.moveaxis(
            np.moveaxis(dout, 1, -1) - np.moveaxis(dout, 1, -1).mean((0, 1, 2)), -1, 1
        ),
    ),
    "rms_backward": (rms_closed, rms_staged, rms_rows, rms_jacobian, rms_columns),
    "check_forward": (
        check_by_loops,
        check_by_formula,
        check_twice,
        check_with_assert,
        check_error,
    ),
    "check_layer": (
        check_all,
        check_all_other_numbers,
        check_all_by_formula,
        check_all_with_assert,
        check_all_by_bnlib,
    ),
    "fewest_checks": (
        fewest_by_growing,
        fewest_by_loops,
        fewest_recursive,
        lambda caught: min(
            len(chosen)
            for size in range(1, caught.shape[1] + 1)
            for chosen in combinations(range(caught.shape[1]), size)
            if caught[:, list(chosen)].any(axis=1).all()
        ),
        lambda caught: min(
            bin(mask).count("1")
            for mask in range(1, 2 ** caught.shape[1])
            if caught[:, [j for j in range(caught.shape[1]) if mask >> j & 1]].any(1).all()
        ),
    ),
    "norm_means": (
        norm_means_if,
        norm_means_einsum,
        lambda x, norm: x.mean(
            {"batch": (0, 2, 3), "layer": (1, 2, 3), "instance": (2, 3), "position": 1}[norm],
            keepdims=True,
        ),
        lambda x, norm: np.mean(
            x, tuple(a for a in range(4) if "nchw"[a] not in KEPT[norm]), keepdims=True
        ),
        lambda x, norm: np.average(
            x, tuple(a for a in range(4) if "nchw"[a] not in KEPT[norm]), keepdims=True
        ),
    ),
    "position_norm": (
        position_loops,
        position_rows,
        lambda x, gamma, beta, eps: (
            column(gamma) * (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + eps)
            + column(beta)
        ),
        lambda x, gamma, beta, eps: (
            gamma[:, None, None] * (x - x.mean(1)[:, None]) * (x.var(1)[:, None] + eps) ** -0.5
            + beta[:, None, None]
        ),
        lambda x, gamma, beta, eps: np.moveaxis(
            gamma
            * (np.moveaxis(x, 1, -1) - x.mean(1)[..., None])
            / np.sqrt(x.std(1)[..., None] ** 2 + eps)
            + beta,
            -1,
            1,
        ),
    ),
    "recalibrate": (
        recalibrate_loops,
        recalibrate_pairs,
        recalibrate_weights,
        lambda means, variances, counts: (
            np.average(means, axis=0, weights=counts),
            np.average(
                variances + (means - np.average(means, axis=0, weights=counts)) ** 2,
                axis=0,
                weights=counts,
            ),
        ),
        lambda means, variances, counts: (
            counts @ means / counts.sum(),
            counts @ (variances + (means - counts @ means / counts.sum()) ** 2) / counts.sum(),
        ),
    ),
    "frozen_backward": (
        frozen_lines,
        frozen_loops,
        frozen_einsum,
        frozen_last,
        lambda dout, x, gamma, mean, var, eps: (
            dout * column(gamma / np.sqrt(var + eps)),
            [
                np.sum(dout[:, c] * (x[:, c] - mean[c])) / np.sqrt(var[c] + eps)
                for c in range(len(gamma))
            ],
            dout.sum(3).sum(2).sum(0),
        ),
    ),
    "fold_with_bias": (
        fold_lines,
        fold_loops,
        lambda w, b, gamma, beta, mean, var, eps: (
            np.einsum("cikl,c->cikl", w, gamma / np.sqrt(var + eps)),
            gamma * (b - mean) / np.sqrt(var + eps) + beta,
        ),
        lambda w, b, gamma, beta, mean, var, eps: (
            (w.T * (gamma * (var + eps) ** -0.5)).T,
            beta + (b - mean) * gamma * (var + eps) ** -0.5,
        ),
        lambda w, b, gamma, beta, mean, var, eps: (
            w * (gamma / np.sqrt(var + eps)).reshape(-1, 1, 1, 1),
            beta - gamma / np.sqrt(var + eps) * (mean - b),
        ),
    ),
    "scale_and_shift": (
        shift_in_place,
        shift_out,
        lambda x, mean, s, gamma, beta: x * column(gamma * s) + column(beta - gamma * s * mean),
        lambda x, mean, s, gamma, beta: (
            np.einsum("nchw,c->nchw", x, gamma * s) + column(beta - gamma * s * mean)
        ),
        lambda x, mean, s, gamma, beta: (
            (x + column(beta / (gamma * s) - mean)) * column(gamma * s)
            if np.all(np.abs(gamma * s) > 1e-3)
            else x * column(gamma * s) + column(beta - gamma * s * mean)
        ),
    ),
}

WRONG = {
    "centre_back": [
        ("That is dout itself", lambda dout: dout),
        ("The mean of dout is added", lambda dout: dout + dout.mean(axis=AXES, keepdims=True)),
        ("The sum of dout", lambda dout: dout - dout.sum(axis=AXES, keepdims=True)),
        ("The mean runs over the axes (0,)", lambda dout: dout - dout.mean(axis=0)),
        ("The mean runs over the axes (0, 1, 2, 3)", lambda dout: dout - dout.mean()),
    ],
    "rms_backward": [
        (
            "That is layer norm's dx",
            rms(
                lambda g, z, s: (
                    s * (g - g.mean(1, keepdims=True) - z * (g * z).mean(1, keepdims=True))
                )
            ),
        ),
        ("dx has the direct path alone", rms(lambda g, z, s: s * g)),
        ("wrong sign", rms(lambda g, z, s: s * (g + z * (g * z).mean(1, keepdims=True)))),
        ("has a sum", rms(lambda g, z, s: s * (g - z * (g * z).sum(1, keepdims=True)))),
        ("dgamma multiplies dout by x", rms(dgamma=lambda d, x, z: (d * x).sum(axis=0))),
        ("dgamma is the sum of dout", rms(dgamma=lambda d, x, z: d.sum(axis=0))),
        ("eps is missing", lambda dout, x, gamma, eps: rms_closed(dout, x, gamma, 0.0)),
    ],
    "check_forward": [
        (
            "the shape alone",
            lambda layer: layer["forward"](*numbers()[:3], 0.5).shape == (2, 6, 3, 4),
        ),
        ("catches 0 of 33", lambda layer: True),
        ("refuses 4 of 4", lambda layer: False),
        (
            "near zero",
            lambda layer: np.allclose(
                layer["forward"](*numbers()[:3], 0.5),
                reference.batchnorm_forward(*numbers()[:3], 0.5),
            ),
        ),
        (
            "to the last bit",
            lambda layer: np.array_equal(
                layer["forward"](*numbers(1e7)[:3], 0.5),
                reference.batchnorm_forward(*numbers(1e7)[:3], 0.5),
            ),
        ),
    ],
    "check_layer": [
        ("It runs the forward pass alone", check_by_loops),
        ("The upstream gradient is 1 everywhere", check_ones),
        ("On code that is right, it raised KeyError", lambda layer: layer["training"]()),
    ],
    "fewest_checks": [
        ("That is the number of all checks", lambda caught: caught.shape[1]),
        (
            "That counts the checks that catch anything",
            lambda caught: sum(caught[:, j].any() for j in range(caught.shape[1])),
        ),
        ("That is the number of faults", len),
    ],
    "norm_means": [
        (
            "Layer norm takes the channels of one position",
            lambda x, norm: norm_means_if(x, "position" if norm == "layer" else norm),
        ),
        (
            "Instance norm averages over the images",
            lambda x, norm: norm_means_if(x, "batch" if norm == "instance" else norm),
        ),
        ("for every norm", lambda x, norm: x.mean(axis=(0, 2, 3), keepdims=True)),
    ],
    "position_norm": [
        (
            "run over the axes (2, 3)",
            lambda x, gamma, beta, eps: (
                column(gamma)
                * (x - x.mean((2, 3), keepdims=True))
                / np.sqrt(x.var((2, 3), keepdims=True) + eps)
                + column(beta)
            ),
        ),
        (
            "run over the axes (1, 2, 3)",
            lambda x, gamma, beta, eps: (
                column(gamma)
                * (x - x.mean((1, 2, 3), keepdims=True))
                / np.sqrt(x.var((1, 2, 3), keepdims=True) + eps)
                + column(beta)
            ),
        ),
        ("eps is missing", lambda x, gamma, beta, eps: position_rows(x, gamma, beta, 0.0)),
        ("gamma is missing", lambda x, gamma, beta, eps: position_rows(x, gamma**0, beta, eps)),
    ],
    "recalibrate": [
        (
            "The variances are averaged",
            lambda means, variances, counts: (
                np.average(means, axis=0, weights=counts),
                np.average(variances, axis=0, weights=counts),
            ),
        ),
        (
            "All batches weigh alike",
            lambda means, variances, counts: (means.mean(0), variances.mean(0) + means.var(0)),
        ),
        (
            "All batches weigh alike, and their variances are averaged",
            lambda means, variances, counts: (means.mean(0), variances.mean(0)),
        ),
    ],
    "frozen_backward": [
        ("dx lacks gamma", frozen(lambda dout, gamma, s: s * dout)),
        ("dx lacks inv_std", frozen(lambda dout, gamma, s: gamma * dout)),
        ("dgamma lacks xhat", frozen(dgamma=lambda dout, xhat: dout.sum(axis=AXES))),
        (
            "eps is missing",
            lambda dout, x, gamma, mean, var, eps: frozen_loops(dout, x, gamma, mean, var, 0),
        ),
        (
            "frozen mean takes no gradient",
            frozen(lambda d, gamma, s: gamma * s * (d - d.mean(axis=AXES, keepdims=True))),
        ),
    ],
    "fold_with_bias": [
        ("The old bias is added as it is", fold(bias=lambda b, q, mean, beta: b + beta - q * mean)),
        ("The old bias is missing", fold(bias=lambda b, q, mean, beta: beta - q * mean)),
        ("beta is scaled", fold(bias=lambda b, q, mean, beta: q * (b - mean + beta))),
        ("The weight is the old one", fold(weight=lambda w, q: w)),
    ],
    "sweeps_of_the_line": [
        ("4 counts the operations", 4),
        ("2 is the least possible", 2),
        ("reads one array of full size, not two", 12),
    ],
    "predicted_milliseconds": [
        ("takes 8 bytes for a number", 2 * 29 * 32 * 64 * 28 * 28 * 4 / 20e6),
        ("That counts numbers", 29 * 32 * 64 * 28 * 28 / 20e6),
        ("That is one sweep", 32 * 64 * 28 * 28 * 4 / 20e6),
    ],
    "scale_and_shift": [
        (
            "costs 8 sweeps",
            lambda x, mean, s, gamma, beta: (
                column(gamma) * (x - column(mean)) * column(s) + column(beta)
            ),
        ),
        (
            "The mean is subtracted as it is",
            lambda x, mean, s, gamma, beta: x * column(gamma * s) + column(beta - mean),
        ),
        (
            "gamma is missing",
            lambda x, mean, s, gamma, beta: x * column(s) + column(beta - mean * s),
        ),
        (
            "beta is missing",
            lambda x, mean, s, gamma, beta: x * column(gamma * s) - column(gamma * mean * s),
        ),
    ],
}
