"""The exercises' answers in plain NumPy, as a student may write them: what `solution` shows.

Each stands under its exercise's name. An exercise that is not here has an answer without bnlib,
which is shown itself. Of a value, the docstring is the reason.
"""

import numpy as np

# 01 Concept


def shape_of_mu():
    """One mean for each of 8 channels."""
    return (8,)


def count_m():
    """Images, rows and columns: all but the channels."""
    return 8 * 7 * 5


def channel_mean(x):
    return x.mean(axis=(0, 2, 3))


def normalize_table(x, eps):
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    return (x - mu) / np.sqrt(var + eps)


def normalize_images(x, eps):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = x.var(axis=(0, 2, 3), keepdims=True)
    return (x - mu) / np.sqrt(var + eps)


def undo(x, eps):
    gamma = np.sqrt(x.var(axis=(0, 2, 3)) + eps)
    beta = x.mean(axis=(0, 2, 3))
    return gamma, beta


# 02 Forward pass


def scale_channels(x, gamma):
    return gamma.reshape(1, -1, 1, 1) * x


def spatial_forward(x, gamma, beta, eps):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = x.var(axis=(0, 2, 3), keepdims=True)
    xhat = (x - mu) / np.sqrt(var + eps)
    return gamma.reshape(1, -1, 1, 1) * xhat + beta.reshape(1, -1, 1, 1)


def inference(x, gamma, beta, running_mean, running_var, eps):
    gamma, beta, mean, var = (
        v.reshape(1, -1, 1, 1) for v in (gamma, beta, running_mean, running_var)
    )
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


# 03 Gradient checking


def error_falls_by():
    """The error goes with the square of the step, and the step falls to a third."""
    return 3**2


def central_difference(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


def complex_step(f, x):
    h = 1e-20
    return f(x + 1j * h).imag / h


def rel_error(a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)))


def numerical_gradient(f, x, dout, h):
    dx = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        losses = []
        for step in (h, -h):
            moved = x.astype(float)
            moved[place] += step
            losses.append(np.sum(f(moved) * dout))
        dx[place] = (losses[0] - losses[1]) / (2 * h)
    return dx


# 04 Computational graph


def two_paths():
    """Through u: v * 2 a. Through v: 3 u. The two are added."""
    return (3 * 4) * (2 * 4) + 3 * (4 * 4)


def spread_back(dout):
    return dout.sum(axis=(0, 1))


def step_9(dout):
    return dout, dout.sum(axis=(0, 2, 3))


def step_8(dgamma_xhat, gamma, xhat):
    dxhat = gamma.reshape(1, -1, 1, 1) * dgamma_xhat
    dgamma = (xhat * dgamma_xhat).sum(axis=(0, 2, 3))
    return dxhat, dgamma


def step_7(dxhat, x_minus_mean, one_over_sqrt_var):
    done_over_sqrt_var = (x_minus_mean * dxhat).sum(axis=(0, 2, 3))
    dx_minus_mean_1 = one_over_sqrt_var.reshape(1, -1, 1, 1) * dxhat
    return done_over_sqrt_var, dx_minus_mean_1


def step_6(done_over_sqrt_var, one_over_sqrt_var):
    return -(one_over_sqrt_var**2) * done_over_sqrt_var


def step_5(dsqrt_var, sqrt_var):
    return dsqrt_var / (2 * sqrt_var)


def step_4(dvar, shape):
    N, C, H, W = shape
    return np.ones(shape) * dvar.reshape(1, C, 1, 1) / (N * H * W)


def step_3(dx_minus_mean_1, dx_minus_mean_sqr, x_minus_mean):
    dx_minus_mean_2 = 2 * x_minus_mean * dx_minus_mean_sqr
    return dx_minus_mean_2, dx_minus_mean_1 + dx_minus_mean_2


def step_2(dx_minus_mean):
    return dx_minus_mean, -dx_minus_mean.sum(axis=(0, 2, 3))


def step_1(dx_1, dmean):
    m = dx_1.size // dx_1.shape[1]
    dx_2 = np.ones(dx_1.shape) * dmean.reshape(1, -1, 1, 1) / m
    return dx_2, dx_1 + dx_2


def staged_backward(dout, x, gamma, eps):
    axes, per_channel = (0, 2, 3), (1, -1, 1, 1)
    m = x.size // x.shape[1]
    x_minus_mean = x - x.mean(axis=axes, keepdims=True)
    var = (x_minus_mean**2).mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(var + eps)
    xhat = x_minus_mean * inv_std

    dbeta = dout.sum(axis=axes)
    dgamma = (dout * xhat).sum(axis=axes)
    dxhat = dout * gamma.reshape(per_channel)
    dinv_std = (dxhat * x_minus_mean).sum(axis=axes, keepdims=True)
    dvar = dinv_std * -0.5 * inv_std**3
    dx_minus_mean = dxhat * inv_std + 2 * x_minus_mean * dvar / m
    dmean = -dx_minus_mean.sum(axis=axes, keepdims=True)
    return dx_minus_mean + dmean / m, dgamma, dbeta


# 05 Closed form


def parameter_gradients(dout, xhat):
    dgamma = (dout * xhat).sum(axis=(0, 2, 3))
    dbeta = dout.sum(axis=(0, 2, 3))
    return dgamma, dbeta


def closed_form_dx(dout, xhat, inv_std, gamma):
    inv_std, gamma = inv_std.reshape(1, -1, 1, 1), gamma.reshape(1, -1, 1, 1)
    mean_dout = dout.mean(axis=(0, 2, 3), keepdims=True)
    mean_product = (dout * xhat).mean(axis=(0, 2, 3), keepdims=True)
    return gamma * inv_std * (dout - mean_dout - xhat * mean_product)


def spatial_backward(dout, x, gamma, eps):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + eps)
    xhat = (x - mu) * inv_std
    dgamma = (dout * xhat).sum(axis=(0, 2, 3))
    dbeta = dout.sum(axis=(0, 2, 3))
    mean_dout = dout.mean(axis=(0, 2, 3), keepdims=True)
    mean_product = (dout * xhat).mean(axis=(0, 2, 3), keepdims=True)
    dx = gamma.reshape(1, -1, 1, 1) * inv_std * (dout - mean_dout - xhat * mean_product)
    return dx, dgamma, dbeta


def scale_of_dx():
    """inv_std falls to a tenth, and nothing else in dx changes."""
    return 1 / 10


def project(g, xhat):
    mean_g = g.mean()
    slope = (g * xhat).mean()
    return g - mean_g - xhat * slope


def centre_back(dout):
    return dout - dout.mean(axis=(0, 2, 3), keepdims=True)


def rms_backward(dout, x, gamma, eps):
    inv_rms = 1 / np.sqrt((x**2).mean(axis=1, keepdims=True) + eps)
    xhat = x * inv_rms
    dxhat = dout * gamma
    dx = inv_rms * (dxhat - xhat * (dxhat * xhat).mean(axis=1, keepdims=True))
    return dx, (dout * xhat).sum(axis=0)


# 06 Statistics


def scatter_of_the_mean():
    """The scatter goes with 1 / sqrt(m); a third of it needs the square of three."""
    return 3**2


def unbiased(var, m):
    return var * m / (m - 1)


def stable_variance(x):
    d = x - x.mean(axis=(0, 2, 3), keepdims=True)
    return (d * d).mean(axis=(0, 2, 3))


def merge_moments(m_a, mean_a, s_a, m_b, mean_b, s_b):
    m = m_a + m_b
    d = mean_b - mean_a
    return m, mean_a + d * m_b / m, s_a + s_b + d * d * m_a * m_b / m


def update_course(running_mean, running_var, mean, var, m, momentum):
    running_mean = momentum * running_mean + (1 - momentum) * mean
    running_var = momentum * running_var + (1 - momentum) * var
    return running_mean, running_var


def update_pytorch(running_mean, running_var, mean, var, m, momentum):
    running_mean = (1 - momentum) * running_mean + momentum * mean
    running_var = (1 - momentum) * running_var + momentum * var * m / (m - 1)
    return running_mean, running_var


def debias(running, momentum, k):
    return running / (1 - momentum**k)


def running_layer(x, running_mean, running_var, momentum, training, eps):
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
    mean, var = mean.reshape(1, -1, 1, 1), var.reshape(1, -1, 1, 1)
    return (x - mean) / np.sqrt(var + eps), running_mean, running_var


# 07 When checks lie


def check_forward(layer):
    rng = np.random.default_rng(0)
    x = 1e7 + 4 * rng.normal(size=(2, 6, 3, 4))
    gamma, beta, eps = rng.uniform(1, 3, 6), rng.normal(size=6), 0.1
    y = layer["forward"](x, gamma, beta, eps)
    for c in range(6):
        xhat = (x[:, c] - x[:, c].mean()) / np.sqrt(x[:, c].var() + eps)
        if not np.allclose(y[:, c], gamma[c] * xhat + beta[c]):
            return False
    return True


# 08 Other normalizations


def position_norm(x, gamma, beta, eps):
    mu = x.mean(axis=1, keepdims=True)
    var = x.var(axis=1, keepdims=True)
    xhat = (x - mu) / np.sqrt(var + eps)
    return gamma.reshape(1, -1, 1, 1) * xhat + beta.reshape(1, -1, 1, 1)


def group_norm(x, gamma, beta, groups, eps):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mu = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = grouped.var(axis=(2, 3, 4), keepdims=True)
    xhat = ((grouped - mu) / np.sqrt(var + eps)).reshape(x.shape)
    return gamma.reshape(1, C, 1, 1) * xhat + beta.reshape(1, C, 1, 1)


# 09 Training


def recalibrate(means, variances, counts):
    shares = (counts / counts.sum()).reshape(-1, 1)
    mean = (shares * means).sum(axis=0)
    var = (shares * (variances + (means - mean) ** 2)).sum(axis=0)
    return mean, var


def frozen_backward(dout, x, gamma, running_mean, running_var, eps):
    inv_std = 1 / np.sqrt(running_var.reshape(1, -1, 1, 1) + eps)
    xhat = (x - running_mean.reshape(1, -1, 1, 1)) * inv_std
    dx = gamma.reshape(1, -1, 1, 1) * inv_std * dout
    return dx, (dout * xhat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))


def fold_with_bias(weight, bias, gamma, beta, running_mean, running_var, eps):
    scale = gamma / np.sqrt(running_var + eps)
    return scale.reshape(-1, 1, 1, 1) * weight, beta + scale * (bias - running_mean)


# 10 Speed


def sweeps_of_the_line():
    """Four operations read one array of full size each, and write one."""
    return 4 * 2


def predicted_milliseconds():
    """Sweeps, numbers, bytes for each; over bytes a second; in thousandths."""
    return 29 * (32 * 64 * 28 * 28) * 4 / 20e9 * 1000


def scale_and_shift(x, mean, inv_std, gamma, beta):
    scale = gamma * inv_std
    shift = beta - mean * scale
    return x * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)


# 12 Shards


def merge_shards(counts, means, squares):
    m = counts.sum()
    mean = (counts[:, None] * means).sum(axis=0) / m
    between = (counts[:, None] * (means - mean) ** 2).sum(axis=0)
    return m, mean, squares.sum(axis=0) + between


def shard_gradient(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
    scale, dgamma, dbeta = (v.reshape(1, -1, 1, 1) for v in (gamma * inv_std, dgamma, dbeta))
    return scale * (dout - dbeta / m - xhat * dgamma / m)
