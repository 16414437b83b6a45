"""Right answers as students may write them, for the tests of the exercises."""

import numpy as np

AXES = (0, 2, 3)


def column(v):
    return np.reshape(v, (1, -1, 1, 1))


# --- spatial_forward(x, gamma, beta, eps)


def forward_keepdims(x, gamma, beta, eps):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    d = x - mu
    var = (d * d).mean(axis=(0, 2, 3), keepdims=True)
    xhat = d / np.sqrt(var + eps)
    return gamma.reshape(1, -1, 1, 1) * xhat + beta.reshape(1, -1, 1, 1)


def forward_table(x, gamma, beta, eps):
    N, C, H, W = x.shape
    table = x.transpose(0, 2, 3, 1).reshape(-1, C)
    mu = table.mean(axis=0)
    var = table.var(axis=0)
    y = gamma * (table - mu) / np.sqrt(var + eps) + beta
    return y.reshape(N, H, W, C).transpose(0, 3, 1, 2)


def forward_loops(x, gamma, beta, eps):
    y = np.zeros(x.shape)
    for c in range(x.shape[1]):
        values = x[:, c].ravel().tolist()
        mu = sum(values) / len(values)
        var = sum((v - mu) ** 2 for v in values) / len(values)
        y[:, c] = gamma[c] * (x[:, c] - mu) / (var + eps) ** 0.5 + beta[c]
    return y


def forward_einsum(x, gamma, beta, eps):
    m = x.size / x.shape[1]
    mu = np.einsum("nchw->c", x) / m
    d = x - mu[None, :, None, None]
    inv_std = (np.einsum("nchw,nchw->c", d, d) / m + eps) ** -0.5
    return np.einsum("nchw,c->nchw", d, gamma * inv_std) + beta[None, :, None, None]


def forward_float32(x, gamma, beta, eps):
    x = x.astype(np.float32)
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    std = np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + np.float32(eps))
    return (gamma[:, None, None] * (x - mu) / std + beta[:, None, None]).astype(np.float32)


def forward_channels_last(x, gamma, beta, eps):
    moved = np.moveaxis(x, 1, -1)
    xhat = (moved - moved.mean((0, 1, 2))) / np.sqrt(moved.var((0, 1, 2)) + eps)
    return np.moveaxis(xhat * gamma + beta, -1, 1)


# --- spatial_backward and staged_backward(dout, x, gamma, eps)


def backward_closed(dout, x, gamma, eps):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    d = x - mu
    s = 1 / np.sqrt((d * d).mean(axis=(0, 2, 3), keepdims=True) + eps)
    xhat = d * s
    g = gamma.reshape(1, -1, 1, 1) * dout
    through_mean = g.mean(axis=(0, 2, 3), keepdims=True)
    through_var = (g * xhat).mean(axis=(0, 2, 3), keepdims=True)
    dx = s * (g - through_mean - xhat * through_var)
    return dx, (dout * xhat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))


def backward_staged(dout, x, gamma, eps):
    N, C, H, W = x.shape
    m = N * H * W
    mu = x.mean(axis=(0, 2, 3))
    d = x - mu.reshape(1, C, 1, 1)
    std = np.sqrt((d**2).mean(axis=(0, 2, 3)) + eps)
    inv = 1 / std
    xhat = d * inv.reshape(1, C, 1, 1)
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * xhat).sum(axis=(0, 2, 3))
    dxhat = dout * gamma.reshape(1, C, 1, 1)
    dinv = (dxhat * d).sum(axis=(0, 2, 3))
    dvar = -(inv**2) * dinv / (2 * std)
    dd = dxhat * inv.reshape(1, C, 1, 1) + 2 * d * dvar.reshape(1, C, 1, 1) / m
    return dd - dd.sum(axis=(0, 2, 3)).reshape(1, C, 1, 1) / m, dgamma, dbeta


def backward_loops(dout, x, gamma, eps):
    dx, dgamma, dbeta = np.zeros(x.shape), [], []
    for c in range(x.shape[1]):
        v, g = x[:, c].ravel(), dout[:, c].ravel()
        s = 1 / np.sqrt(v.var() + eps)
        xhat = (v - v.mean()) * s
        jacobian = s * (np.eye(v.size) - 1 / v.size - np.outer(xhat, xhat) / v.size)
        dx[:, c] = (gamma[c] * g @ jacobian).reshape(x[:, c].shape)
        dgamma.append(g @ xhat)
        dbeta.append(g.sum())
    return dx, dgamma, dbeta


def backward_table(dout, x, gamma, eps):
    N, C, H, W = x.shape
    X, G = (a.transpose(0, 2, 3, 1).reshape(-1, C) for a in (x, dout))
    m = len(X)
    s = 1 / np.sqrt(X.var(axis=0) + eps)
    xhat = (X - X.mean(axis=0)) * s
    dgamma, dbeta = (G * xhat).sum(axis=0), G.sum(axis=0)
    dX = gamma * s / m * (m * G - dbeta - xhat * dgamma)
    return [dX.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta]


def backward_einsum(dout, x, gamma, eps):
    m = x.size // x.shape[1]
    d = x - np.einsum("nchw->c", x)[:, None, None] / m
    s = 1 / np.sqrt(np.einsum("nchw,nchw->c", d, d) / m + eps)
    xhat = np.einsum("nchw,c->nchw", d, s)
    dgamma, dbeta = np.einsum("nchw,nchw->c", dout, xhat), np.einsum("nchw->c", dout)
    inner = dout - np.einsum("nchw,c->nchw", xhat, dgamma / m) - dbeta[:, None, None] / m
    return np.einsum("nchw,c->nchw", inner, gamma * s), dgamma, dbeta


def backward_float32(dout, x, gamma, eps):
    return tuple(
        np.float32(a)
        for a in backward_staged(dout.astype("f4"), x.astype("f4"), gamma.astype("f4"), eps)
    )


# --- inference(x, gamma, beta, running_mean, running_var, eps)


def inference_plain(x, gamma, beta, running_mean, running_var, eps):
    xhat = (x - column(running_mean)) / np.sqrt(column(running_var) + eps)
    return column(gamma) * xhat + column(beta)


def inference_folded(x, gamma, beta, running_mean, running_var, eps):
    scale = gamma / np.sqrt(running_var + eps)
    return x * scale[:, None, None] + (beta - running_mean * scale)[:, None, None]


def inference_loops(x, gamma, beta, running_mean, running_var, eps):
    y = np.empty_like(x)
    for n, c, h, w in np.ndindex(x.shape):
        y[n, c, h, w] = gamma[c] * (x[n, c, h, w] - running_mean[c])
        y[n, c, h, w] = y[n, c, h, w] / (running_var[c] + eps) ** 0.5 + beta[c]
    return y


def inference_last(x, gamma, beta, running_mean, running_var, eps):
    last = np.moveaxis(x, 1, -1)
    y = (last - running_mean) * (running_var + eps) ** -0.5 * gamma + beta
    return np.moveaxis(y, -1, 1)


def inference_stacked(x, gamma, beta, running_mean, running_var, eps):
    inv = 1 / np.sqrt(running_var + eps)
    channels = [
        gamma[c] * (x[:, c] - running_mean[c]) * inv[c] + beta[c] for c in range(x.shape[1])
    ]
    return np.stack(channels, axis=1)


# --- normalize_images(x, eps)


def images_keepdims(x, eps):
    d = x - x.mean(axis=(0, 2, 3), keepdims=True)
    return d / np.sqrt((d**2).mean(axis=(0, 2, 3), keepdims=True) + eps)


def images_var(x, eps):
    return (x - x.mean(AXES, keepdims=True)) / np.sqrt(x.var(AXES, keepdims=True) + eps)


def images_reshape(x, eps):
    rows = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)
    xhat = (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + eps)
    return np.moveaxis(xhat.reshape(x.shape[1], x.shape[0], *x.shape[2:]), 0, 1)


def images_loop(x, eps):
    xhat = x.copy()
    for c in range(x.shape[1]):
        xhat[:, c] = (x[:, c] - x[:, c].mean()) / np.sqrt(x[:, c].var() + eps)
    return xhat


def images_in_place_on_a_copy(x, eps):
    x = x - x.mean(AXES)[:, None, None]
    x /= np.sqrt((x * x).mean(AXES) + eps)[:, None, None]
    return x


# --- channel_mean(x)


def mean_axes(x):
    return x.mean(axis=(0, 2, 3))


def mean_steps(x):
    return np.array([x[:, c].mean() for c in range(x.shape[1])])


def mean_list(x):
    return [float(x[:, c].mean()) for c in range(x.shape[1])]


def mean_einsum(x):
    return np.einsum("nchw->c", x) / (x.size / x.shape[1])


def mean_thrice(x):
    return x.mean(axis=3).mean(axis=2).mean(axis=0)


# --- closed_form_dx(dout, xhat, inv_std, gamma)


def dx_means(dout, xhat, inv_std, gamma):
    g = column(gamma) * dout
    mean = g.mean(AXES, keepdims=True)
    return column(inv_std) * (g - mean - xhat * (g * xhat).mean(AXES, keepdims=True))


def dx_sums(dout, xhat, inv_std, gamma):
    m = dout.size / dout.shape[1]
    dgamma, dbeta = (dout * xhat).sum(AXES), dout.sum(AXES)
    return column(gamma * inv_std / m) * (m * dout - column(dbeta) - xhat * column(dgamma))


def dx_loops(dout, xhat, inv_std, gamma):
    dx = np.empty(dout.shape)
    for c in range(dout.shape[1]):
        g, z = dout[:, c], xhat[:, c]
        dx[:, c] = gamma[c] * inv_std[c] * (g - g.mean() - z * np.mean(g * z))
    return dx


def dx_einsum(dout, xhat, inv_std, gamma):
    m = dout.size // dout.shape[1]
    along = np.einsum("nchw,nchw->c", dout, xhat) / m
    inner = dout - column(dout.mean(AXES)) - np.einsum("nchw,c->nchw", xhat, along)
    return np.einsum("nchw,c,c->nchw", inner, gamma, inv_std)


def dx_line_fit(dout, xhat, inv_std, gamma):
    dx = np.empty(dout.shape)
    for c in range(dout.shape[1]):
        g, z = dout[:, c].ravel(), xhat[:, c].ravel()
        line = g.mean() + z * (g @ z) / len(g)
        dx[:, c] = (gamma[c] * inv_std[c] * (g - line)).reshape(dx[:, c].shape)
    return dx


RIGHT = {
    "spatial_forward": (
        forward_keepdims,
        forward_table,
        forward_loops,
        forward_einsum,
        forward_float32,
        forward_channels_last,
    ),
    "spatial_backward": (
        backward_closed,
        backward_staged,
        backward_loops,
        backward_table,
        backward_einsum,
        backward_float32,
    ),
    "staged_backward": (
        backward_closed,
        backward_staged,
        backward_loops,
        backward_table,
        backward_einsum,
    ),
    "inference": (
        inference_plain,
        inference_folded,
        inference_loops,
        inference_last,
        inference_stacked,
    ),
    "normalize_images": (
        images_keepdims,
        images_var,
        images_reshape,
        images_loop,
        images_in_place_on_a_copy,
    ),
    "channel_mean": (mean_axes, mean_steps, mean_list, mean_einsum, mean_thrice),
    "closed_form_dx": (dx_means, dx_sums, dx_loops, dx_einsum, dx_line_fit),
}
