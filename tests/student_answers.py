"""Right answers as students may write them, for the tests of the exercises."""

import numpy as np
import student_layers
import student_steps

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


# --- the rest, five answers each


def rows_of(x):
    """Return (C, m), one row of numbers for each channel."""
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)


def table_welford(x, eps):
    mean, squares = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for n, row in enumerate(x, start=1):
        apart = row - mean
        mean = mean + apart / n
        squares = squares + apart * (row - mean)
    return (x - mean) / np.sqrt(squares / len(x) + eps)


def table_loops(x, eps):
    xhat = np.zeros(x.shape)
    for c in range(x.shape[1]):
        total = 0.0
        for n in range(x.shape[0]):
            total += x[n, c]
        mean, squares = total / x.shape[0], 0.0
        for n in range(x.shape[0]):
            squares += (x[n, c] - mean) ** 2
        for n in range(x.shape[0]):
            xhat[n, c] = (x[n, c] - mean) / (squares / x.shape[0] + eps) ** 0.5
    return xhat


def undo_loops(x, eps):
    gamma, beta = [], []
    for c in range(x.shape[1]):
        values = [float(v) for v in x[:, c].ravel()]
        beta.append(sum(values) / len(values))
        gamma.append((sum((v - beta[c]) ** 2 for v in values) / len(values) + eps) ** 0.5)
    return gamma, np.array(beta)


def to_table_loops(x):
    N, C, H, W = x.shape
    table = np.empty((N * H * W, C), x.dtype)
    for n, c, h, w in np.ndindex(x.shape):
        table[(n * H + h) * W + w, c] = x[n, c, h, w]
    return table


def from_table_loops(table, shape):
    x = np.empty(shape, table.dtype)
    H, W = shape[2:]
    for n, c, h, w in np.ndindex(*shape):
        x[n, c, h, w] = table[(n * H + h) * W + w, c]
    return x


def scale_loops(x, gamma):
    scaled = np.empty(x.shape)
    for n, c, h, w in np.ndindex(x.shape):
        scaled[n, c, h, w] = gamma[c] * x[n, c, h, w]
    return scaled


def complex_of_sum(f, x):
    value = f(complex(x, 1e-40))
    return value.imag / 1e-40


def error_loops(a, b):
    largest = 0.0
    for p, q in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True):
        largest = max(largest, abs(p - q) / max(1e-8, abs(p) + abs(q)))
    return largest


def gradient_by_nditer(f, x, dout, h):
    x, gradient = x.astype(float), np.zeros(x.shape)
    it = np.nditer(x, flags=["multi_index"])
    while not it.finished:
        k, old = it.multi_index, x[it.multi_index]
        x[k] = old + h
        above = f(x)
        x[k] = old - h
        below = f(x)
        x[k] = old
        gradient[k] = np.sum((above - below) * dout) / (2 * h)
        it.iternext()
    return gradient


def gradient_flat(f, x, dout, h):
    gradient = []
    for k in range(x.size):
        step = np.zeros(x.size)
        step[k] = h
        step = step.reshape(x.shape)
        gradient.append(((f(x + step) - f(x - step)) * dout).sum() / (2 * h))
    return np.reshape(gradient, x.shape)


def gradient_by_eye(f, x, dout, h):
    steps = h * np.eye(x.size).reshape(-1, *x.shape)
    found = [np.vdot(f(x + s) - f(x - s), dout) / (2 * h) for s in steps]
    return np.array(found).reshape(x.shape)


def gradient_enumerated(f, x, dout, h):
    gradient = np.empty(x.shape)
    for k, _ in np.ndenumerate(x):
        up, down = np.array(x, float), np.array(x, float)
        up[k], down[k] = x[k] + h, x[k] - h
        gradient[k] = np.sum(f(up) * dout - f(down) * dout) / (2 * h)
    return gradient


def gradient_of_tensordot(f, x, dout, h):
    gradient = np.zeros_like(x, dtype=np.float64)
    for k in np.ndindex(*x.shape):
        up = x.astype(np.float64).copy()
        up[k] += h
        down = x.astype(np.float64).copy()
        down[k] -= h
        change = (f(up) - f(down)) / (2.0 * h)
        gradient[k] = float((change * dout).ravel().sum())
    return gradient


def parameters_loops(dout, xhat):
    dgamma, dbeta = np.zeros(dout.shape[1]), np.zeros(dout.shape[1])
    for n, c, h, w in np.ndindex(dout.shape):
        dgamma[c] += dout[n, c, h, w] * xhat[n, c, h, w]
        dbeta[c] += dout[n, c, h, w]
    return dgamma, dbeta


def project_loops(g, xhat):
    m = len(g)
    level = sum(g.tolist()) / m
    slope = sum(a * b for a, b in zip(g.tolist(), xhat.tolist(), strict=True)) / m
    return [a - level - slope * b for a, b in zip(g.tolist(), xhat.tolist(), strict=True)]


def project_by_matrix(g, xhat):
    basis = np.stack([np.ones(len(g)), xhat]) / np.sqrt(len(g))
    return g - basis.T @ (basis @ g)


def variance_loops(x):
    found = []
    for row in rows_of(x):
        mean = sum(row.tolist()) / len(row)
        found.append(sum((v - mean) ** 2 for v in row.tolist()) / len(row))
    return found


def variance_welford(x):
    found = []
    for row in rows_of(x).tolist():
        mean = squares = 0.0
        for k, value in enumerate(row, start=1):
            apart = value - mean
            mean += apart / k
            squares += apart * (value - mean)
        found.append(squares / len(row))
    return np.array(found)


def merge_from_first(m_a, mean_a, s_a, m_b, mean_b, s_b):
    m, d = m_a + m_b, mean_b - mean_a
    return m, mean_a + d * m_b / m, s_a + s_b + d**2 * (m_a * m_b / m)


def merge_from_mean(m_a, mean_a, s_a, m_b, mean_b, s_b):
    m = m_a + m_b
    mean = mean_a + (mean_b - mean_a) * (m_b / m)
    return m, mean, s_a + m_a * (mean_a - mean) ** 2 + s_b + m_b * (mean_b - mean) ** 2


def merge_weighted(m_a, mean_a, s_a, m_b, mean_b, s_b):
    m = m_a + m_b
    share = m_b / m
    d = mean_a - mean_b
    return m, (1 - share) * mean_a + share * mean_b, s_a + s_b + m_a * share * d * d


def merge_loops(m_a, mean_a, s_a, m_b, mean_b, s_b):
    mean, s = [], []
    for c in range(len(mean_a)):
        d = float(mean_b[c]) - float(mean_a[c])
        mean.append(float(mean_a[c]) + d * m_b / (m_a + m_b))
        s.append(float(s_a[c]) + float(s_b[c]) + d * d * m_a * m_b / (m_a + m_b))
    return [m_a + m_b, mean, s]


def merge_average(m_a, mean_a, s_a, m_b, mean_b, s_b):
    m = m_a + m_b
    mean = np.average([mean_a, mean_b], axis=0, weights=[m_a, m_b])
    return m, mean, s_a + s_b + (mean_b - mean_a) ** 2 / (1 / m_a + 1 / m_b)


# --- merge_shards(counts, means, squares)


def shards_weighted(counts, means, squares):
    m = counts.sum()
    mean = np.average(means, axis=0, weights=counts)
    return m, mean, (squares + counts[:, None] * (means - mean) ** 2).sum(axis=0)


def shards_one_by_one(counts, means, squares):
    m, mean, s = counts[0], means[0], squares[0]
    for count, other, square in zip(counts[1:], means[1:], squares[1:], strict=True):
        d, n = other - mean, m + count
        mean, s, m = mean + d * count / n, s + square + d**2 * m * count / n, n
    return m, mean, s


def shards_loops(counts, means, squares):
    mean, s = [], []
    for c in range(means.shape[1]):
        mu = sum(int(n) * float(v) for n, v in zip(counts, means[:, c], strict=True)) / int(
            sum(counts)
        )
        mean.append(mu)
        s.append(
            sum(
                float(q) + int(n) * (float(v) - mu) ** 2
                for n, v, q in zip(counts, means[:, c], squares[:, c], strict=True)
            )
        )
    return int(sum(counts)), mean, s


def shards_about_the_first(counts, means, squares):
    d, m = means - means[0], counts.sum()
    step = counts @ d / m
    return m, means[0] + step, squares.sum(axis=0) + counts @ (d - step) ** 2


def shards_by_shares(counts, means, squares):
    share = (counts / counts.sum())[:, None]
    mean = (share * means).sum(axis=0)
    return (
        sum(counts),
        mean,
        sum(squares) + counts.sum() * (share * (means - mean) ** 2).sum(axis=0),
    )


# --- shard_gradient(dout, xhat, inv_std, gamma, m, dgamma, dbeta)


def shard_columns(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
    return column(gamma * inv_std) * (dout - column(dbeta) / m - xhat * column(dgamma) / m)


def shard_by_m(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
    return column(gamma * inv_std / m) * (m * dout - column(dbeta) - xhat * column(dgamma))


def shard_loops(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
    dx = np.zeros(dout.shape)
    for c in range(dout.shape[1]):
        inner = dout[:, c] - (dbeta[c] + xhat[:, c] * dgamma[c]) / m
        dx[:, c] = gamma[c] * inv_std[c] * inner
    return dx


def shard_last_axis(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
    d, n = (np.moveaxis(a, 1, -1) for a in (dout, xhat))
    return np.moveaxis(gamma * inv_std * (d - dbeta / m - n * (dgamma / m)), -1, 1)


def shard_dxhat(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
    dxhat = column(gamma) * dout
    through_mean, through_var = column(gamma * dbeta) / m, column(gamma * dgamma) / m
    return column(inv_std) * (dxhat - through_mean - xhat * through_var)


def course_in_place(running_mean, running_var, mean, var, m, momentum):
    running_mean *= momentum
    running_mean += (1 - momentum) * mean
    running_var *= momentum
    running_var += (1 - momentum) * var
    return running_mean, running_var


def course_loops(running_mean, running_var, mean, var, m, momentum):
    new_mean, new_var = np.zeros(len(mean)), np.zeros(len(mean))
    for c in range(len(mean)):
        new_mean[c] = momentum * running_mean[c] + (1 - momentum) * mean[c]
        new_var[c] = momentum * running_var[c] + (1 - momentum) * var[c]
    return new_mean, new_var


def pytorch_in_place(running_mean, running_var, mean, var, m, momentum):
    running_mean[...] = (1 - momentum) * running_mean + momentum * mean
    running_var[...] = (1 - momentum) * running_var + momentum * var * m / (m - 1)
    return running_mean, running_var


def pytorch_loops(running_mean, running_var, mean, var, m, momentum):
    new = [
        ((1 - momentum) * a + momentum * b, (1 - momentum) * p + momentum * q * m / (m - 1))
        for a, b, p, q in zip(running_mean, mean, running_var, var, strict=True)
    ]
    return [a for a, _ in new], [p for _, p in new]


def layer_if(x, running_mean, running_var, momentum, training, eps):
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=AXES), x.var(axis=AXES)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
    return (x - column(mean)) / np.sqrt(column(var) + eps), running_mean, running_var


def layer_in_place(x, running_mean, running_var, momentum, training, eps):
    if not training:
        y = (x - column(running_mean)) / np.sqrt(column(running_var) + eps)
        return y, running_mean, running_var
    mean = x.mean(axis=AXES)
    var = ((x - column(mean)) ** 2).mean(axis=AXES)
    running_mean *= momentum
    running_mean += (1 - momentum) * mean
    running_var *= momentum
    running_var += (1 - momentum) * var
    return (x - column(mean)) / np.sqrt(column(var) + eps), running_mean, running_var


def layer_table(x, running_mean, running_var, momentum, training, eps):
    N, C, H, W = x.shape
    table = x.transpose(0, 2, 3, 1).reshape(-1, C)
    mean, var = (table.mean(0), table.var(0)) if training else (running_mean, running_var)
    old = momentum if training else 1
    xhat = (table - mean) * (var + eps) ** -0.5
    y = xhat.reshape(N, H, W, C).transpose(0, 3, 1, 2)
    return y, old * running_mean + (1 - old) * mean, old * running_var + (1 - old) * var


def layer_loops(x, running_mean, running_var, momentum, training, eps):
    y, new_mean, new_var = np.zeros(x.shape), np.array(running_mean), np.array(running_var)
    for c in range(x.shape[1]):
        mean, var = running_mean[c], running_var[c]
        if training:
            values = x[:, c].ravel().tolist()
            mean = sum(values) / len(values)
            var = sum((v - mean) ** 2 for v in values) / len(values)
            new_mean[c] = momentum * running_mean[c] + (1 - momentum) * mean
            new_var[c] = momentum * running_var[c] + (1 - momentum) * var
        y[:, c] = (x[:, c] - mean) / np.sqrt(var + eps)
    return y, new_mean, new_var


def layer_einsum(x, running_mean, running_var, momentum, training, eps):
    if training:
        m = x.size // x.shape[1]
        mean = np.einsum("nchw->c", x) / m
        d = x - column(mean)
        var = np.einsum("nchw,nchw->c", d, d) / m
        weights = np.array([momentum, 1 - momentum])
        after = [weights @ np.stack(pair) for pair in ((running_mean, mean), (running_var, var))]
        return d / np.sqrt(column(var + eps)), *after
    y = (x - column(running_mean)) / np.sqrt(column(running_var + eps))
    return y, running_mean.copy(), running_var.copy()


def group_reshaped(x, gamma, beta, groups, eps):
    N, C, H, W = x.shape
    split = x.reshape(N, groups, C // groups, H, W)
    mu, var = split.mean((2, 3, 4), keepdims=True), split.var((2, 3, 4), keepdims=True)
    xhat = ((split - mu) / np.sqrt(var + eps)).reshape(x.shape)
    return gamma[:, None, None] * xhat + beta[:, None, None]


def group_rows(x, gamma, beta, groups, eps):
    rows = x.reshape(x.shape[0] * groups, -1)
    d = rows - rows.mean(axis=1, keepdims=True)
    xhat = d / np.sqrt((d * d).mean(axis=1, keepdims=True) + eps)
    return column(gamma) * xhat.reshape(x.shape) + column(beta)


def group_loops(x, gamma, beta, groups, eps):
    y, size = np.zeros(x.shape), x.shape[1] // groups
    for n in range(x.shape[0]):
        for g in range(groups):
            part = x[n, g * size : (g + 1) * size]
            xhat = (part - part.mean()) / np.sqrt(part.var() + eps)
            for k in range(size):
                y[n, g * size + k] = gamma[g * size + k] * xhat[k] + beta[g * size + k]
    return y


def group_split(x, gamma, beta, groups, eps):
    parts = []
    for part in np.split(x, groups, axis=1):
        mu = part.mean(axis=(1, 2, 3), keepdims=True)
        parts.append((part - mu) / np.sqrt(part.var(axis=(1, 2, 3), keepdims=True) + eps))
    return np.concatenate(parts, axis=1) * column(gamma) + column(beta)


def group_einsum(x, gamma, beta, groups, eps):
    N, C, H, W = x.shape
    split = x.reshape(N, groups, C // groups, H, W)
    m = C // groups * H * W
    d = split - np.einsum("ngchw->ng", split)[:, :, None, None, None] / m
    std = np.sqrt(np.einsum("ngchw,ngchw->ng", d, d) / m + eps)
    xhat = np.einsum("ngchw,ng->ngchw", d, 1 / std).reshape(x.shape)
    return np.einsum("nchw,c->nchw", xhat, gamma) + column(beta)


RIGHT = {
    **student_steps.RIGHT,
    **student_layers.RIGHT,
    "normalize_table": (
        table_welford,
        table_loops,
        lambda x, eps: (x - x.mean(0)) / np.sqrt(x.var(0) + eps),
        lambda x, eps: (x - np.mean(x, axis=0)) / (np.std(x, axis=0) ** 2 + eps) ** 0.5,
        lambda x, eps: (
            ((x.T - x.T.mean(1, keepdims=True)) / np.sqrt(x.T.var(1, keepdims=True) + eps)).T
        ),
    ),
    "undo": (
        undo_loops,
        lambda x, eps: (np.sqrt(x.var(axis=AXES) + eps), x.mean(axis=AXES)),
        lambda x, eps: (np.sqrt(x.std(axis=AXES) ** 2 + eps), np.mean(x, AXES)),
        lambda x, eps: (np.sqrt(rows_of(x).var(1) + eps), rows_of(x).mean(1)),
        lambda x, eps: [
            [(x[:, c].var() + eps) ** 0.5 for c in range(x.shape[1])],
            [x[:, c].mean() for c in range(x.shape[1])],
        ],
    ),
    "to_table": (
        to_table_loops,
        lambda x: x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1]),
        lambda x: np.moveaxis(x, 1, 3).reshape(x.size // x.shape[1], x.shape[1]),
        lambda x: np.stack([x[:, c].ravel() for c in range(x.shape[1])], axis=1),
        lambda x: rows_of(x).T,
    ),
    "from_table": (
        from_table_loops,
        lambda table, shape: table.reshape([shape[k] for k in (0, 2, 3, 1)]).transpose(0, 3, 1, 2),
        lambda table, shape: np.moveaxis(
            table.reshape(shape[0], shape[2], shape[3], shape[1]), 3, 1
        ),
        lambda table, shape: np.stack(
            [table[:, c].reshape(shape[0], *shape[2:]) for c in range(shape[1])], axis=1
        ),
        lambda table, shape: table.T.reshape(shape[1], shape[0], *shape[2:]).swapaxes(0, 1),
    ),
    "scale_channels": (
        scale_loops,
        lambda x, gamma: x * gamma[:, None, None],
        lambda x, gamma: np.einsum("nchw,c->nchw", x, gamma),
        lambda x, gamma: (x.transpose(0, 2, 3, 1) * gamma).transpose(0, 3, 1, 2),
        lambda x, gamma: np.stack([g * x[:, c] for c, g in enumerate(gamma)], axis=1),
    ),
    "predicted_std": (
        lambda gamma, var, eps: np.abs(gamma) * np.sqrt(var) / np.sqrt(var + eps),
        lambda gamma, var, eps: np.sqrt(gamma**2 * var / (var + eps)),
        lambda gamma, var, eps: [
            abs(g) * (v / (v + eps)) ** 0.5 for g, v in zip(gamma, var, strict=True)
        ],
        lambda gamma, var, eps: abs(gamma) * (var / (var + eps)) ** 0.5,
        lambda gamma, var, eps: np.sqrt(var) * np.abs(gamma * (var + eps) ** -0.5),
    ),
    "central_difference": (
        lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h),
        lambda f, x, h: (f(x + h) - f(x - h)) / h / 2,
        lambda f, x, h: ((f(x + h) - f(x)) / h + (f(x) - f(x - h)) / h) / 2,
        lambda f, x, h: 0.5 * (f(x + h) - f(x - h)) / h,
        lambda f, x, h: np.subtract(f(x + h), f(x - h)) / ((x + h) - (x - h)),
    ),
    "complex_step": (
        complex_of_sum,
        lambda f, x: np.imag(f(x + 1e-30j)) / 1e-30,
        lambda f, x: f(x + 1j * 1e-100).imag / 1e-100,
        lambda f, x: np.imag(f(np.complex128(x + 1e-20j))) / 1e-20,
        lambda f, x: np.angle(np.exp(f(x + 1e-20j) - f(x))) / 1e-20,
    ),
    "rel_error": (
        error_loops,
        lambda a, b: np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))),
        lambda a, b: (abs(a - b) / np.clip(abs(a) + abs(b), 1e-8, None)).max(),
        lambda a, b: np.amax(
            np.abs(a - b) / np.where(abs(a) + abs(b) > 1e-8, abs(a) + abs(b), 1e-8)
        ),
        lambda a, b: max(
            abs(p - q) / max(1e-8, abs(p) + abs(q)) for p, q in zip(a.flat, b.flat, strict=True)
        ),
    ),
    "numerical_gradient": (
        gradient_by_nditer,
        gradient_flat,
        gradient_by_eye,
        gradient_enumerated,
        gradient_of_tensordot,
    ),
    "parameter_gradients": (
        parameters_loops,
        lambda dout, xhat: ((dout * xhat).sum(axis=AXES), dout.sum(axis=AXES)),
        lambda dout, xhat: (np.einsum("nchw,nchw->c", dout, xhat), np.einsum("nchw->c", dout)),
        lambda dout, xhat: (
            (rows_of(dout) * rows_of(xhat)).sum(1),
            rows_of(dout).sum(1),
        ),
        lambda dout, xhat: [
            [np.vdot(dout[:, c], xhat[:, c]) for c in range(dout.shape[1])],
            [dout[:, c].sum() for c in range(dout.shape[1])],
        ],
    ),
    "project": (
        project_loops,
        project_by_matrix,
        lambda g, xhat: g - g.mean() - xhat * (g * xhat).mean(),
        lambda g, xhat: g - np.mean(g) - xhat * (xhat @ g) / len(g),
        lambda g, xhat: g - (np.sum(g) + xhat * np.sum(g * xhat)) / g.size,
    ),
    "leftover": (
        lambda var, eps: eps / (var + eps),
        lambda var, eps: [eps / (v + eps) for v in var],
        lambda var, eps: np.divide(eps, np.add(var, eps)),
        lambda var, eps: eps * (var + eps) ** -1.0,
        lambda var, eps: np.sqrt(eps / (var + eps)) ** 2,
    ),
    "unbiased": (
        lambda var, m: var * m / (m - 1),
        lambda var, m: var / (1 - 1 / m),
        lambda var, m: [v * m / (m - 1) for v in var],
        lambda var, m: m * var / (m - 1),
        lambda var, m: var + var / (m - 1),
    ),
    "stable_variance": (
        variance_loops,
        variance_welford,
        lambda x: x.var(axis=AXES),
        lambda x: np.mean((x - x.mean(axis=AXES, keepdims=True)) ** 2, axis=AXES),
        lambda x: np.std(rows_of(x), axis=1) ** 2,
    ),
    "merge_moments": (
        merge_from_first,
        merge_from_mean,
        merge_weighted,
        merge_loops,
        merge_average,
    ),
    "update_course": (
        course_in_place,
        course_loops,
        lambda rm, rv, mean, var, m, a: (a * rm + (1 - a) * mean, a * rv + (1 - a) * var),
        lambda rm, rv, mean, var, m, a: (mean + a * (rm - mean), var + a * (rv - var)),
        lambda rm, rv, mean, var, m, a: (rm - (1 - a) * (rm - mean), rv - (1 - a) * (rv - var)),
    ),
    "update_pytorch": (
        pytorch_in_place,
        pytorch_loops,
        lambda rm, rv, mean, var, m, a: (
            (1 - a) * rm + a * mean,
            (1 - a) * rv + a * var * m / (m - 1),
        ),
        lambda rm, rv, mean, var, m, a: (
            rm + a * (mean - rm),
            rv + a * (var / (1 - 1 / m) - rv),
        ),
        lambda rm, rv, mean, var, m, a: (
            rm * (1 - a) + mean * a,
            rv * (1 - a) + (var + var / (m - 1)) * a,
        ),
    ),
    "debias": (
        lambda running, momentum, k: running / (1 - momentum**k),
        lambda running, momentum, k: running * (1 / (1 - momentum**k)),
        lambda running, momentum, k: [r / (1 - pow(momentum, k)) for r in running],
        lambda running, momentum, k: running / (1 - momentum) / sum(momentum**i for i in range(k)),
        lambda running, momentum, k: np.divide(running, 1 - np.prod([momentum] * k)),
    ),
    "running_layer": (
        layer_if,
        layer_in_place,
        layer_table,
        layer_loops,
        layer_einsum,
    ),
    "merge_shards": (
        shards_weighted,
        shards_one_by_one,
        shards_loops,
        shards_about_the_first,
        shards_by_shares,
    ),
    "shard_gradient": (shard_columns, shard_by_m, shard_loops, shard_last_axis, shard_dxhat),
    "group_norm": (group_reshaped, group_rows, group_loops, group_split, group_einsum),
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
