"""What students get wrong most, exercise by exercise: a part of the message, and the answer."""

import numpy as np
import student_layers
import student_steps
from student_answers import (
    AXES,
    backward_closed,
    backward_staged,
    column,
    dx_means,
    forward_keepdims,
    images_keepdims,
    inference_plain,
)

# --- notebook 01


def table_without_root(x, eps):
    return (x - x.mean(axis=0)) / (x.var(axis=0) + eps)


def table_by_rows(x, eps):
    mu, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return (x - mu) / np.sqrt(var + eps)


def table_by_rows_without_keepdims(x, eps):
    return (x - x.mean(axis=1)) / np.sqrt(x.var(axis=1) + eps)


def table_as_a_whole(x, eps):
    return (x - x.mean()) / np.sqrt(x.var() + eps)


def table_by_std(x, eps):
    return (x - x.mean(axis=0)) / (x.std(axis=0) + eps)


def table_not_centred(x, eps):
    return x / np.sqrt(x.var(axis=0) + eps)


def table_unbiased(x, eps):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0, ddof=1) + eps)


def table_one_pass(x, eps):
    mu = x.mean(axis=0)
    return (x - mu) / np.sqrt((x * x).mean(axis=0) - mu * mu + eps)


def images_over_n(x, eps):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)


def images_without_keepdims(x, eps):
    return (x - x.mean(axis=AXES)) / np.sqrt(x.var(axis=AXES) + eps)


def images_of_each_image(x, eps):
    mu, var = x.mean(axis=(2, 3), keepdims=True), x.var(axis=(2, 3), keepdims=True)
    return (x - mu) / np.sqrt(var + eps)


def undo_swapped(x, eps):
    return x.mean(axis=AXES), np.sqrt(x.var(axis=AXES) + eps)


def undo_by_std(x, eps):
    return x.std(axis=AXES), x.mean(axis=AXES)


def undo_keeping_axes(x, eps):
    return np.sqrt(x.var(axis=AXES, keepdims=True) + eps), x.mean(axis=AXES, keepdims=True)


def undo_without_mean(x, eps):
    return np.sqrt(x.var(axis=AXES) + eps), np.zeros(x.shape[1])


def undo_with_negative_mean(x, eps):
    return np.sqrt(x.var(axis=AXES) + eps), -x.mean(axis=AXES)


def undo_with_eps_outside(x, eps):
    return x.std(axis=AXES) + eps, x.mean(axis=AXES)


def undo_with_eps_written_in(x, eps):
    return np.sqrt(x.var(axis=AXES) + 1e-5), x.mean(axis=AXES)


# --- notebook 02


def forward_exchanged(x, gamma, beta, eps):
    return column(beta) * images_keepdims(x, eps) + column(gamma)


def forward_eps_outside(x, gamma, beta, eps):
    d = x - x.mean(axis=AXES, keepdims=True)
    return column(gamma) * d / (x.std(axis=AXES, keepdims=True) + eps) + column(beta)


def forward_gamma_not_reshaped(x, gamma, beta, eps):
    return gamma * images_keepdims(x, eps) + beta


def forward_cache(x, gamma, beta, eps):
    return forward_keepdims(x, gamma, beta, eps), (x, gamma)


def forward_xhat(x, gamma, beta, eps):
    return images_keepdims(x, eps)


def forward_transposed_back_wrongly(x, gamma, beta, eps):
    table = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    xhat = (table - table.mean(axis=0)) / np.sqrt(table.var(axis=0) + eps)
    return (gamma * xhat + beta).reshape(x.shape)


def forward_no_way_back(x, gamma, beta, eps):
    return forward_keepdims(x, gamma, beta, eps).transpose(0, 2, 3, 1).reshape(-1, x.shape[1])


def inference_exchanged(x, gamma, beta, running_mean, running_var, eps):
    return inference_plain(x, beta, gamma, running_mean, running_var, eps)


def inference_of_batch(x, gamma, beta, running_mean, running_var, eps):
    return forward_keepdims(x, gamma, beta, eps)


def inference_running_var_as_std(x, gamma, beta, running_mean, running_var, eps):
    return column(gamma) * (x - column(running_mean)) / column(running_var) + column(beta)


def inference_not_reshaped(x, gamma, beta, running_mean, running_var, eps):
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta


def inference_eps_written_in(x, gamma, beta, running_mean, running_var, eps):
    return inference_plain(x, gamma, beta, running_mean, running_var, 1e-5)


def inference_without_eps(x, gamma, beta, running_mean, running_var, eps):
    return inference_plain(x, gamma, beta, running_mean, running_var, 0)


def inference_mean_and_var_exchanged(x, gamma, beta, running_mean, running_var, eps):
    return inference_plain(x, gamma, beta, running_var, running_mean, eps)


# --- notebook 03


def _stepping(start, step, result):
    """Return a numerical gradient: where it starts, how it steps, what it fills."""

    def gradient(f, x, dout, h):
        x, found = start(x), result(x)
        for place in np.ndindex(x.shape):
            above, below = x.copy(), x.copy()
            above[place] += h
            below[place] -= h
            found[place] = step(f, above, below, dout, h)
        return found

    return gradient


def _central(f, above, below, dout, h):
    return np.sum((f(above) - f(below)) * dout) / (2 * h)


def gradient_stepping_in_place(f, x, dout, h):
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        old = x[place]
        x[place] = old + h
        above = f(x)
        x[place] = old - h
        below = f(x)
        x[place] = old
        gradient[place] = np.sum((above - below) * dout) / (2 * h)
    return gradient


def gradient_not_put_back(f, x, dout, h):
    x, gradient = np.array(x, dtype=float), np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        x[place] += h
        above = f(x)
        x[place] -= 2 * h
        gradient[place] = np.sum((above - f(x)) * dout) / (2 * h)
    return gradient


def gradient_without_copies(f, x, dout, h):
    x, gradient = np.array(x, dtype=float), np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        above = below = x
        above[place] += h
        below[place] -= h
        gradient[place] = np.sum((f(above) - f(below)) * dout) / (2 * h)
    return gradient


def gradient_with_dout_of_one_entry(f, x, dout, h):
    x, gradient = np.array(x, dtype=float), np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[place] += h
        below[place] -= h
        gradient[place] = np.sum((f(above) - f(below)) * dout[place]) / (2 * h)
    return gradient


def gradient_returned_at_once(f, x, dout, h):
    x, gradient = np.array(x, dtype=float), np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[place] += h
        below[place] -= h
        gradient[place] = np.sum((f(above) - f(below)) * dout) / (2 * h)
        return gradient


def gradient_of_rows(f, x, dout, h):
    x, gradient = np.array(x, dtype=float), np.zeros(x.shape)
    for k in range(len(x)):
        above, below = x.copy(), x.copy()
        above[k] += h
        below[k] -= h
        gradient[k] = np.sum((f(above) - f(below)) * dout) / (2 * h)
    return gradient


# --- notebooks 04 and 05


def backward_eps_written_in(dout, x, gamma, eps):
    return backward_closed(dout, x, gamma, 1e-5)


def backward_inv_std_twice(dout, x, gamma, eps):
    dx, dgamma, dbeta = backward_closed(dout, x, gamma, eps)
    return dx / np.sqrt(x.var(axis=AXES, keepdims=True) + eps), dgamma, dbeta


def backward_without_gamma(dout, x, gamma, eps):
    dx, dgamma, dbeta = backward_closed(dout, x, np.ones_like(gamma), eps)
    return dx, dgamma, dbeta


def backward_through_xhat_only(dout, x, gamma, eps):
    _, dgamma, dbeta = backward_closed(dout, x, gamma, eps)
    return column(gamma) * dout / np.sqrt(x.var(axis=AXES, keepdims=True) + eps), dgamma, dbeta


def backward_keeping_axes(dout, x, gamma, eps):
    dx, dgamma, dbeta = backward_closed(dout, x, gamma, eps)
    return dx, column(dgamma), column(dbeta)


def staged_with_sign(dout, x, gamma, eps):
    m = x.size / x.shape[1]
    d = x - x.mean(axis=AXES, keepdims=True)
    inv_std = 1 / np.sqrt((d * d).mean(axis=AXES, keepdims=True) + eps)
    dxhat = column(gamma) * dout
    dvar = 0.5 * (dxhat * d).sum(axis=AXES, keepdims=True) * inv_std**3
    dd = dxhat * inv_std + 2 * d * dvar / m
    _, dgamma, dbeta = backward_staged(dout, x, gamma, eps)
    return dd - dd.mean(axis=AXES, keepdims=True), dgamma, dbeta


def staged_without_mean(dout, x, gamma, eps):
    m = x.size / x.shape[1]
    d = x - x.mean(axis=AXES, keepdims=True)
    inv_std = 1 / np.sqrt((d * d).mean(axis=AXES, keepdims=True) + eps)
    dxhat = column(gamma) * dout
    dvar = -0.5 * (dxhat * d).sum(axis=AXES, keepdims=True) * inv_std**3
    _, dgamma, dbeta = backward_staged(dout, x, gamma, eps)
    return dxhat * inv_std + 2 * d * dvar / m, dgamma, dbeta


def _staged(dvar_of, squares=True, means=True):
    """Return the walk with a student's dvar; squares, means: whether steps 4 and 1 divide by m."""

    def staged(dout, x, gamma, eps):
        m = x.size / x.shape[1]
        d = x - x.mean(axis=AXES, keepdims=True)
        inv_std = 1 / np.sqrt((d * d).mean(axis=AXES, keepdims=True) + eps)
        dxhat = column(gamma) * dout
        dvar = dvar_of(dxhat, d, inv_std).sum(axis=AXES, keepdims=True)
        dd = dxhat * inv_std + 2 * d * dvar / (m if squares else 1)
        _, dgamma, dbeta = backward_staged(dout, x, gamma, eps)
        dmean = -dd.sum(axis=AXES, keepdims=True)
        return dd + dmean / (m if means else 1), dgamma, dbeta

    return staged


def _dvar(dxhat, d, inv_std):
    return -0.5 * dxhat * d * inv_std**3


staged_without_share_of_var = _staged(_dvar, squares=False)
staged_without_share_of_mean = _staged(_dvar, means=False)
staged_without_shares = _staged(_dvar, squares=False, means=False)
staged_without_square = _staged(lambda dxhat, d, inv_std: -inv_std * (dxhat * d) * inv_std / 2)
staged_with_xhat = _staged(lambda dxhat, d, inv_std: _dvar(dxhat, d * inv_std, inv_std))


def mean(a):
    return a.mean(axis=AXES, keepdims=True)


def _backward(term):
    """Return a backward pass with this term through the variance, of dxhat, xhat and dout."""

    def backward(dout, x, gamma, eps):
        _, dgamma, dbeta = backward_closed(dout, x, gamma, eps)
        s = 1 / np.sqrt(x.var(axis=AXES, keepdims=True) + eps)
        g, xhat = column(gamma) * dout, (x - mean(x)) * s
        return s * (g - mean(g) - term(g, xhat, dout)), dgamma, dbeta

    return backward


def dx_gamma_not_reshaped(dout, xhat, inv_std, gamma):
    g = gamma * dout
    mean, along = g.mean(AXES, keepdims=True), (g * xhat).mean(AXES, keepdims=True)
    return inv_std * (g - mean - xhat * along)


def dx_without_keepdims(dout, xhat, inv_std, gamma):
    g = column(gamma) * dout
    return column(inv_std) * (g - g.mean(AXES) - xhat * (g * xhat).mean(AXES))


def dx_squared_xhat(dout, xhat, inv_std, gamma):
    g = column(gamma) * dout
    along = (g * xhat * xhat).mean(AXES, keepdims=True)
    return column(inv_std) * (g - g.mean(AXES, keepdims=True) - along)


def dx_twice(dout, xhat, inv_std, gamma):
    return column(inv_std) * dx_means(dout, xhat, inv_std, gamma)


def dx_without_brackets(dout, xhat, inv_std, gamma):
    g = column(gamma) * dout
    mean = g.mean(AXES, keepdims=True)
    return column(inv_std) * g - mean - xhat * (g * xhat).mean(AXES, keepdims=True)


def dx_of_the_whole_batch(dout, xhat, inv_std, gamma):
    g = column(gamma) * dout
    return column(inv_std) * (g - g.mean() - xhat * (g * xhat).mean())


# --- notebook 06


def _moments(m_a, mean_a, s_a, m_b, mean_b, s_b):
    m = m_a + m_b
    return m, (m_a * mean_a + m_b * mean_b) / m, (mean_b - mean_a) ** 2


def _merge(between):
    def merge(m_a, mean_a, s_a, m_b, mean_b, s_b):
        m, mean_, _ = _moments(m_a, mean_a, s_a, m_b, mean_b, s_b)
        return m, mean_, s_a + s_b + between(mean_b - mean_a, m_a, m_b)

    return merge


def merge_with_unweighted_spread(m_a, mean_a, s_a, m_b, mean_b, s_b):
    m, mean, apart = _moments(m_a, mean_a, s_a, m_b, mean_b, s_b)
    return m, mean, s_a + s_b + apart


def merge_with_undivided_weight(m_a, mean_a, s_a, m_b, mean_b, s_b):
    m, mean, apart = _moments(m_a, mean_a, s_a, m_b, mean_b, s_b)
    return m, mean, s_a + s_b + apart * m_a * m_b


def merge_to_a_variance(m_a, mean_a, s_a, m_b, mean_b, s_b):
    m, mean, apart = _moments(m_a, mean_a, s_a, m_b, mean_b, s_b)
    return m, mean, (s_a + s_b + apart * m_a * m_b / m) / m


def merge_averaging_everything(m_a, mean_a, s_a, m_b, mean_b, s_b):
    return m_a + m_b, (mean_a + mean_b) / 2, (s_a + s_b) / 2


def merge_sums_only(m_a, mean_a, s_a, m_b, mean_b, s_b):
    return m_a + m_b, (mean_a + mean_b) / 2, s_a + s_b


def shards_averaged(counts, means, squares):
    return counts.sum(), means.mean(axis=0), squares.sum(axis=0)


def shards_mean_averaged(counts, means, squares):
    mean = means.mean(axis=0)
    s = squares.sum(axis=0) + (counts[:, None] * (means - mean) ** 2).sum(axis=0)
    return counts.sum(), mean, s


def shards_without_spread(counts, means, squares):
    return counts.sum(), np.average(means, axis=0, weights=counts), squares.sum(axis=0)


def shards_to_a_variance(counts, means, squares):
    m, mean = counts.sum(), np.average(means, axis=0, weights=counts)
    return m, mean, (squares + counts[:, None] * (means - mean) ** 2).sum(axis=0) / m


def shard_of_own_means(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
    through = dout.mean(axis=AXES, keepdims=True) + xhat * (dout * xhat).mean(
        axis=AXES, keepdims=True
    )
    return column(gamma * inv_std) * (dout - through)


def shard_of_own_sums(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
    through = column(dout.sum(axis=AXES)) + xhat * column((dout * xhat).sum(axis=AXES))
    return column(gamma * inv_std) * (dout - through / m)


def shard_of_own_count(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
    N, _, H, W = dout.shape
    through = column(dbeta) + xhat * column(dgamma)
    return column(gamma * inv_std) * (dout - through / (N * H * W))


def shard_without_gamma(dout, xhat, inv_std, gamma, m, dgamma, dbeta):
    return column(inv_std) * (dout - column(dbeta) / m - xhat * column(dgamma) / m)


def variance_not_reshaped(x):
    return ((x - x.mean(axis=AXES)) ** 2).mean(axis=AXES)


def variance_one_pass(x):
    return (x**2).mean(axis=AXES) - x.mean(axis=AXES) ** 2


def _update(weights):
    def update(running_mean, running_var, mean, var, m, momentum):
        old, new = weights(momentum)
        return old * running_mean + new * mean, old * running_var + new * var

    return update


def course_weights_swapped(running_mean, running_var, mean, var, m, momentum):
    old, new = 1 - momentum, momentum
    return old * running_mean + new * mean, old * running_var + new * var


def course_unbiased(running_mean, running_var, mean, var, m, momentum):
    new_var = momentum * running_var + (1 - momentum) * var * m / (m - 1)
    return momentum * running_mean + (1 - momentum) * mean, new_var


def course_by_std(running_mean, running_var, mean, var, m, momentum):
    new_var = momentum * running_var + (1 - momentum) * np.sqrt(var)
    return momentum * running_mean + (1 - momentum) * mean, new_var


def course_mean_only(running_mean, running_var, mean, var, m, momentum):
    return momentum * running_mean + (1 - momentum) * mean, running_var


def course_in_place(running_mean, running_var, mean, var, m, momentum):
    running_mean *= momentum
    running_mean += (1 - momentum) * mean
    return running_mean, momentum * running_var + (1 - momentum) * var


def pytorch_biased(running_mean, running_var, mean, var, m, momentum):
    old, new = 1 - momentum, momentum
    return old * running_mean + new * mean, old * running_var + new * var


def pytorch_unbiased_mean(running_mean, running_var, mean, var, m, momentum):
    old, new, share = 1 - momentum, momentum, m / (m - 1)
    return old * running_mean + new * mean * share, old * running_var + new * var * share


def pytorch_all_unbiased(running_mean, running_var, mean, var, m, momentum):
    new_var = ((1 - momentum) * running_var + momentum * var) * m / (m - 1)
    return (1 - momentum) * running_mean + momentum * mean, new_var


def pytorch_by_m(running_mean, running_var, mean, var, m, momentum):
    new_var = (1 - momentum) * running_var + momentum * var / (m - 1)
    return (1 - momentum) * running_mean + momentum * mean, new_var


def pytorch_without_brackets(running_mean, running_var, mean, var, m, momentum):
    new_var = (1 - momentum) * running_var + momentum * var * m / m - 1
    return (1 - momentum) * running_mean + momentum * mean, new_var


def _layer(training_only=False, flipped=False, unbiased=False, old=None):
    weight = old

    def layer(x, running_mean, running_var, momentum, training, eps):
        ones, zeros = np.ones(x.shape[1]), np.zeros(x.shape[1])
        if training:
            old = 1 - momentum if flipped else momentum if weight is None else weight
            mean, var = x.mean(axis=AXES), x.var(axis=AXES, ddof=int(unbiased))
            running_mean = old * running_mean + (1 - old) * mean
            running_var = old * running_var + (1 - old) * var
            return forward_keepdims(x, ones, zeros, eps), running_mean, running_var
        if training_only:
            return None
        y = inference_plain(x, ones, zeros, running_mean, running_var, eps)
        return y, running_mean, running_var

    return layer


def layer_of_new_statistics(x, running_mean, running_var, momentum, training, eps):
    if training:
        running_mean = momentum * running_mean + (1 - momentum) * x.mean(axis=AXES)
        running_var = momentum * running_var + (1 - momentum) * x.var(axis=AXES)
    ones, zeros = np.ones(x.shape[1]), np.zeros(x.shape[1])
    y = inference_plain(x, ones, zeros, running_mean, running_var, eps)
    return y, running_mean, running_var


def layer_that_always_updates(x, running_mean, running_var, momentum, training, eps):
    mu, var = x.mean(axis=AXES), x.var(axis=AXES)
    running_mean = momentum * running_mean + (1 - momentum) * mu
    running_var = momentum * running_var + (1 - momentum) * var
    used = (mu, var) if training else (running_mean, running_var)
    y = inference_plain(x, np.ones(x.shape[1]), np.zeros(x.shape[1]), *used, eps)
    return y, running_mean, running_var


def layer_that_ignores_mode(x, running_mean, running_var, momentum, training, eps):
    return _layer()(x, running_mean, running_var, momentum, True, eps)


# --- notebook 08


def _grouped(axes, before=False):
    def norm(x, gamma, beta, groups, eps):
        N, C, H, W = x.shape
        if before:
            split = x.reshape(N, C // groups, groups, H, W)
        else:
            split = x.reshape(N, groups, C // groups, H, W)
        mu, var = split.mean(axis=axes, keepdims=True), split.var(axis=axes, keepdims=True)
        xhat = ((split - mu) / np.sqrt(var + eps)).reshape(x.shape)
        return column(gamma) * xhat + column(beta)

    return norm


def group_gamma_not_reshaped(x, gamma, beta, groups, eps):
    ones, zeros = np.ones_like(gamma), np.zeros_like(beta)
    return gamma * _grouped((2, 3, 4))(x, ones, zeros, groups, eps) + beta


def _group_divided_by(divisor):
    def norm(x, gamma, beta, groups, eps):
        N, C, H, W = x.shape
        split = x.reshape(N, groups, C // groups, H, W)
        deviations = split - split.mean(axis=(2, 3, 4), keepdims=True)
        xhat = deviations / divisor(split.var(axis=(2, 3, 4), keepdims=True), eps)
        return column(gamma) * xhat.reshape(x.shape) + column(beta)

    return norm


def group_without_keepdims(x, gamma, beta, groups, eps):
    N, C, H, W = x.shape
    split = x.reshape(N, groups, C // groups, H, W)
    xhat = (split - split.mean(axis=(2, 3, 4))) / np.sqrt(split.var(axis=(2, 3, 4)) + eps)
    return column(gamma) * xhat.reshape(x.shape) + column(beta)


def group_still_split(x, gamma, beta, groups, eps):
    N, C, H, W = x.shape
    y = _grouped((2, 3, 4))(x, gamma, beta, groups, eps)
    return y.reshape(N, groups, C // groups, H, W)


def group_exchanged(x, gamma, beta, groups, eps):
    return _grouped((2, 3, 4))(x, beta, gamma, groups, eps)


def group_of_size(x, gamma, beta, groups, eps):
    return _grouped((2, 3, 4))(x, gamma, beta, x.shape[1] // groups, eps)


WRONG = {
    **student_steps.WRONG,
    **student_layers.WRONG,
    "shape_of_mu": [
        ("That is a mean for each image and channel", (32, 8)),
        ("The numbers are right, but this is with keepdims", (1, 8, 1, 1)),
        ("The count is right", 8),
        ("That is one mean for each position", (12, 20)),
        ("That is a mean over the channels", (32, 12, 20)),
        ("The numbers are right, but there are two axes", (8, 1)),
    ],
    "count_m": [
        ("The answer is a number, not a tuple", (280,)),
        ("That is H * W", 35),
        ("That is the size of the whole batch", 4480),
        ("That is N * H", 56),
        ("That is C * H * W", 560),
    ],
    "channel_mean": [
        ("The mean is taken over the axes (0,)", lambda x: x.mean(axis=0)),
        ("The mean is taken over the axes (1,)", lambda x: x.mean(axis=1)),
        ("The mean is taken over the axes (0, 1, 2, 3)", lambda x: x.mean()),
        ("A reshape alone mixes the channels", lambda x: x.reshape(-1, x.shape[1]).mean(axis=0)),
        ("A reshape alone mixes the channels", lambda x: x.reshape(x.shape[1], -1).mean(axis=1)),
        ("The numbers of mu are right", lambda x: x.mean(axis=AXES, keepdims=True)),
        ("mu is m times what it should be", lambda x: x.sum(axis=AXES)),
        ("The mean is taken over the axes (1, 2, 3)", lambda x: x.mean(axis=(1, 2, 3))),
        ("mu is H * W times what it should be", lambda x: x.sum(axis=AXES) / x.shape[0]),
        ("A list stands where a number or a tuple is wanted", lambda x: x.mean(axis=[0, 2, 3])),
    ],
    "normalize_table": [
        (
            "It divides by the variance; divide by np.sqrt",
            lambda x, eps: (x - x.mean(axis=0)) / x.var(axis=0),
        ),
        (
            "The deviations are multiplied by the root",
            lambda x, eps: (x - x.mean(axis=0)) * np.sqrt(x.var(axis=0) + eps),
        ),
        (
            "Each column has its own mean here, but the variance is that of all",
            lambda x, eps: (x - x.mean(axis=0)) / np.sqrt(x.var() + eps),
        ),
        (
            "Each column has its own variance here, but the mean is that of all",
            lambda x, eps: (x - x.mean()) / np.sqrt(x.var(axis=0) + eps),
        ),
        ("The deviations are divided by the variance", table_without_root),
        ("Mean and variance are taken along each row", table_by_rows),
        ("Two shapes do not fit", table_by_rows_without_keepdims),
        ("Mean and variance are taken over the whole table", table_as_a_whole),
        ("eps is added to the root of the variance", table_by_std),
        ("The mean is not subtracted from x", table_not_centred),
        ("The variance is divided by m - 1", table_unbiased),
        ("The variance is E[x^2] - E[x]^2, which loses its digits when", table_one_pass),
        (
            "Only the mean is divided",
            lambda x, eps: x - x.mean(axis=0) / np.sqrt(x.var(axis=0) + eps),
        ),
        (
            "eps is added after the division",
            lambda x, eps: (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0)) + eps,
        ),
        ("eps is missing", lambda x, eps: (x - x.mean(axis=0)) / x.std(axis=0)),
    ],
    "normalize_images": [
        (
            "Mean and variance are taken over N and C",
            lambda x, eps: (x - x.mean((0, 1))) / np.sqrt(x.var((0, 1)) + eps),
        ),
        (
            "The variance is taken over N, H and W, but the mean over H and W alone",
            lambda x, eps: (
                (x - x.mean((2, 3), keepdims=True)) / np.sqrt(x.var(AXES, keepdims=True) + eps)
            ),
        ),
        ("Mean and variance are taken over N alone", images_over_n),
        ("Two shapes do not fit", images_without_keepdims),
        ("Mean and variance are taken over H and W alone, so each image", images_of_each_image),
        ("eps is written in as 1e-5", lambda x, eps: images_keepdims(x, 1e-05)),
        (
            "Mean and variance are taken over all axes",
            lambda x, eps: (x - x.mean()) / np.sqrt(x.var() + eps),
        ),
    ],
    "undo": [
        ("gamma is the variance alone", lambda x, eps: (x.var(axis=AXES), x.mean(axis=AXES))),
        (
            "beta is added after gamma has multiplied",
            lambda x, eps: (
                np.sqrt(x.var(axis=AXES) + eps),
                x.mean(axis=AXES) / np.sqrt(x.var(axis=AXES) + eps),
            ),
        ),
        ("The order is wrong", undo_swapped),
        ("The layer divided by the root of var + eps", undo_by_std),
        ("The numbers of gamma are right", undo_keeping_axes),
        ("beta is zero", undo_without_mean),
        ("beta has the wrong sign", undo_with_negative_mean),
        ("gamma adds eps to the root", undo_with_eps_outside),
        ("eps is written in as 1e-5", undo_with_eps_written_in),
    ],
    "to_table": [
        ("A reshape alone mixes the channels", lambda x: x.reshape(-1, x.shape[1])),
        (
            "The channels are in front, so the reshape cuts across them",
            lambda x: x.transpose(1, 0, 2, 3).reshape(-1, x.shape[1]),
        ),
        ("N is last in this transpose", lambda x: x.transpose(1, 2, 3, 0).reshape(-1, x.shape[1])),
        ("The numbers of table are right", lambda x: x.transpose(0, 2, 3, 1)),
        ("table is float32", lambda x: np.float32(x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1]))),
        (
            "H and W change places in this transpose",
            lambda x: x.swapaxes(1, 3).reshape(-1, x.shape[1]),
        ),
    ],
    "from_table": [
        ("A reshape alone mixes the channels", lambda table, shape: table.reshape(shape)),
        ("table.T has the channels before the images", lambda table, shape: table.T.reshape(shape)),
        (
            "The axes of x are in the wrong order",
            lambda table, shape: table.reshape([shape[k] for k in (0, 2, 3, 1)]),
        ),
        (
            "H and W have changed places",
            lambda table, shape: table.reshape([shape[k] for k in (0, 2, 3, 1)]).swapaxes(1, 3),
        ),
        (
            "The rows came from the order N, H, W",
            lambda table, shape: table.reshape([shape[k] for k in (0, 3, 2, 1)]).swapaxes(1, 3),
        ),
        (
            "transpose names each axis of its array once",
            lambda table, shape: table.transpose(0, 3, 1, 2).reshape(shape),
        ),
    ],
    "scale_channels": [
        ("gamma, (C,), meets W", lambda x, gamma: x * gamma),
        ("gamma meets N", lambda x, gamma: x * gamma.reshape(-1, 1, 1, 1)),
        ("gamma meets H", lambda x, gamma: x * gamma[:, None]),
        ("gamma divides", lambda x, gamma: x / column(gamma)),
    ],
    "spatial_forward": [
        ("beta is subtracted", lambda x, g, b, eps: forward_keepdims(x, g, -b, eps)),
        (
            "gamma is added",
            lambda x, g, b, eps: column(g) + images_keepdims(x, eps) + column(b),
        ),
        (
            "gamma may be negative",
            lambda x, g, b, eps: forward_keepdims(x, np.abs(g), b, eps + 0 * g.sum()),
        ),
        ("x itself is scaled", lambda x, g, b, eps: column(g) * x + column(b) + 0 * eps),
        ("gamma and beta have changed places", forward_exchanged),
        ("eps is added to the root of the variance", forward_eps_outside),
        (
            "gamma and beta, (C,), meet W, as NumPy aligns from the right",
            forward_gamma_not_reshaped,
        ),
        ("It must return y alone", forward_cache),
        ("That is xhat: gamma and beta are missing", forward_xhat),
        ("A reshape alone brings numbers to wrong places", forward_transposed_back_wrongly),
        ("y is right, but still a table", forward_no_way_back),
    ],
    "predicted_std": [
        (
            "gamma stands under the root",
            lambda gamma, var, eps: np.sqrt(np.abs(gamma) * var / (var + eps)),
        ),
        ("var lacks its root", lambda gamma, var, eps: np.abs(gamma) * var / np.sqrt(var + eps)),
        ("eps makes it a little smaller, and it is never negative", lambda gamma, var, eps: gamma),
        ("It never uses its argument gamma", lambda gamma, var, eps: np.sqrt(var / (var + eps))),
        ("It never uses its argument eps", lambda gamma, var, eps: np.abs(gamma) * np.sqrt(var)),
        ("That is a variance", lambda gamma, var, eps: gamma**2 * var / (var + eps)),
        (
            "That is what x is multiplied by",
            lambda gamma, var, eps: np.abs(gamma) / np.sqrt(var + eps),
        ),
        (
            "It multiplies by the root",
            lambda gamma, var, eps: np.abs(gamma) * np.sqrt(var + eps),
        ),
        (
            "1 - eps / (2 var) holds for small eps only, and gamma may be negative",
            lambda gamma, var, eps: gamma * (1 - eps / (2 * var)),
        ),
        (
            "eps makes it smaller, not larger",
            lambda gamma, var, eps: np.abs(gamma) * np.sqrt((var + eps) / var),
        ),
        (
            "eps is added to the root",
            lambda gamma, var, eps: np.abs(gamma) * np.sqrt(var) / (np.sqrt(var) + eps),
        ),
        (
            "It never uses its arguments gamma and var and eps, or to no effect",
            lambda gamma, var, eps: np.ones_like(gamma),
        ),
    ],
    "inference": [
        (
            "x is subtracted from the running mean",
            lambda x, g, b, mean, var, eps: inference_plain(-x, g, b, -mean, var, eps),
        ),
        (
            "running_var is a variance already",
            lambda x, g, b, mean, var, eps: inference_plain(x, g, b, mean, var**2, eps),
        ),
        (
            "beta is added before gamma",
            lambda x, g, b, mean, var, eps: inference_plain(x, g, g * b, mean, var, eps),
        ),
        (
            "It subtracts the batch's own mean",
            lambda x, g, b, mean, var, eps: inference_plain(x, g, b, x.mean(axis=AXES), var, eps),
        ),
        ("gamma and beta have changed places", inference_exchanged),
        ("It normalizes by the batch's own statistics", inference_of_batch),
        ("It divides by the running variance", inference_running_var_as_std),
        ("Two shapes do not fit", inference_not_reshaped),
        ("running_mean and running_var have changed places", inference_mean_and_var_exchanged),
        ("eps is written in as 1e-5", inference_eps_written_in),
        ("eps is missing", inference_without_eps),
    ],
    "error_falls_by": [
        ("That holds for the forward difference", 3),
        ("The error does not go with h^3", 27),
        ("That is what is left of it", 1 / 9),
        ("2 is the power of h", 2),
        ("h is three times smaller, and the error goes with its square", 6),
    ],
    "central_difference": [
        ("One step is divided by 2 h", lambda f, x, h: (f(x + h) - f(x)) / (2 * h)),
        ("Here f is taken at x + 2 h", lambda f, x, h: (f(x + 2 * h) - f(x - 2 * h)) / (4 * h)),
        ("That is the second derivative", lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h**2),
        ("The difference is multiplied by 2 h", lambda f, x, h: (f(x + h) - f(x - h)) * (2 * h)),
        ("That is the forward difference", lambda f, x, h: (f(x + h) - f(x)) / h),
        ("The difference is divided by h", lambda f, x, h: (f(x + h) - f(x - h)) / h),
        ("/ 2 * h divides by 2 and multiplies by h", lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h),
        ("Only f(x - h) is divided", lambda f, x, h: f(x + h) - f(x - h) / (2 * h)),
        ("slope has the wrong sign", lambda f, x, h: (f(x - h) - f(x + h)) / (2 * h)),
        (
            "Here f is taken at x + h / 2 and x - h / 2",
            lambda f, x, h: (f(x + h / 2) - f(x - h / 2)) / h,
        ),
        ("The two values are added", lambda f, x, h: (f(x + h) + f(x - h)) / (2 * h)),
        ("The difference is divided by 2", lambda f, x, h: (f(x + h) - f(x - h)) / 2),
        ("It never uses its argument h", lambda f, x, h: (f(x + 1e-05) - f(x - 1e-05)) / 2e-05),
    ],
    "complex_step": [
        ("That is a forward difference", lambda f, x: (f(x + 1e-8) - f(x)) / 1e-8),
        ("That is a central difference", lambda f, x: (f(x + 1e-6) - f(x - 1e-6)) / 2e-6),
        ("slope is complex", lambda f, x: f(x + 1j * 1e-30) / 1e-30),
        ("The imaginary part is h times the slope", lambda f, x: np.imag(f(x + 1j * 1e-30))),
        (
            "The step is real, so the imaginary part is 0",
            lambda f, x: np.imag(f(x + 1e-30)) / 1e-30,
        ),
        ("The step is too large", lambda f, x: np.imag(f(x + 1j * 0.001)) / 0.001),
        (
            "slope is 1/2 times what it should be",
            lambda f, x: np.imag(f(x + 1j * 1e-30) - f(x)) / 1e-30 / 2,
        ),
        ("It never uses its argument x", lambda f, x: np.imag(f(1j * 1e-30)) / 1e-30),
        ("The step is too large", lambda f, x: np.imag(f(x + 1j))),
    ],
    "rel_error": [
        ("That is the absolute error", lambda a, b: np.max(np.abs(a - b))),
        (
            "error is not yet reduced to the largest over all axes",
            lambda a, b: np.abs(a - b) / np.maximum(1e-08, np.abs(a) + np.abs(b)),
        ),
        (
            "It divides by |b| alone",
            lambda a, b: np.max(np.abs(a - b) / np.maximum(1e-08, np.abs(b))),
        ),
        (
            "Numerator and denominator have each their own largest",
            lambda a, b: np.max(np.abs(a - b)) / max(1e-08, np.max(np.abs(a) + np.abs(b))),
        ),
        (
            "1e-8 is added",
            lambda a, b: np.max(np.abs(a - b) / (np.abs(a) + np.abs(b) + 1e-08)),
        ),
        (
            "It divides by the larger of |a| and |b|",
            lambda a, b: np.max(np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))),
        ),
        (
            "Python's max, min and if take one number",
            lambda a, b: max(abs(a - b) / max(1e-08, abs(a) + abs(b))),
        ),
        (
            "It divides norms, and a + b may cancel",
            lambda a, b: np.linalg.norm(a - b) / np.linalg.norm(a + b),
        ),
        (
            "It divides sums over all entries",
            lambda a, b: np.sum(np.abs(a - b)) / np.sum(np.abs(a) + np.abs(b)),
        ),
        (
            "That is the sum over the entries",
            lambda a, b: np.sum(np.abs(a - b) / np.maximum(1e-08, np.abs(a) + np.abs(b))),
        ),
        (
            "That compares whole arrays, by norms",
            lambda a, b: np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b)),
        ),
        (
            "np.minimum makes the denominator at most 1e-8",
            lambda a, b: np.max(np.abs(a - b) / np.minimum(1e-08, np.abs(a) + np.abs(b))),
        ),
        (
            "np.max(a, b) takes b for an axis",
            lambda a, b: np.max(np.abs(a - b) / np.max(1e-08, np.abs(a) + np.abs(b))),
        ),
    ],
    "numerical_gradient": [
        (
            "/ 2 * h divides by 2",
            _stepping(
                lambda x: np.array(x, dtype=float),
                lambda f, above, below, dout, h: np.sum((f(above) - f(below)) * dout) / 2 * h,
                lambda x: np.zeros(x.shape),
            ),
        ),
        (
            "The difference is not divided",
            _stepping(
                lambda x: np.array(x, dtype=float),
                lambda f, above, below, dout, h: np.sum((f(above) - f(below)) * dout),
                lambda x: np.zeros(x.shape),
            ),
        ),
        (
            "x may hold whole numbers, which cut the step off",
            _stepping(np.copy, _central, lambda x: np.zeros(x.shape)),
        ),
        (
            "Where x holds whole numbers, np.zeros_like(x) cuts it off",
            _stepping(lambda x: np.array(x, dtype=float), _central, np.zeros_like),
        ),
        (
            "Where x holds whole numbers, its copy and np.zeros_like do too",
            _stepping(np.copy, _central, np.zeros_like),
        ),
        ("x may hold whole numbers, which cut the step off", gradient_stepping_in_place),
        ("A step must be taken back before the next entry", gradient_not_put_back),
        ("The gradient is 0 everywhere", gradient_without_copies),
        ("It multiplies by dout[place] alone", gradient_with_dout_of_one_entry),
        (
            "return stands inside the loop, so the loop ends in its first round",
            gradient_returned_at_once,
        ),
        ("A whole row of x steps together", gradient_of_rows),
        (
            "All entries of x step together, and one number is left",
            lambda f, x, dout, h: np.sum((f(x + h) - f(x - h)) * dout) / (2 * h),
        ),
        (
            "All entries of x step together; step with one",
            lambda f, x, dout, h: (f(x + h) - f(x - h)) * dout / (2 * h),
        ),
        (
            "That is a mean over the outputs",
            _stepping(
                lambda x: np.array(x, dtype=float),
                lambda f, above, below, dout, h: np.mean((f(above) - f(below)) * dout) / (2 * h),
                lambda x: np.zeros(x.shape),
            ),
        ),
        (
            "Only f(below) is multiplied by dout",
            _stepping(
                lambda x: np.array(x, dtype=float),
                lambda f, above, below, dout, h: np.sum(f(above) - f(below) * dout) / (2 * h),
                lambda x: np.zeros(x.shape),
            ),
        ),
        (
            "dout is missing, and all entries of x step together",
            lambda f, x, dout, h: (f(x + h) - f(x - h)) / (2 * h),
        ),
        (
            "A place of an array holds one number, and it is given an array",
            _stepping(
                lambda x: np.array(x, dtype=float),
                lambda f, above, below, dout, h: (f(above) - f(below)) * dout / (2 * h),
                lambda x: np.zeros(x.shape),
            ),
        ),
        (
            "dout is missing",
            _stepping(
                lambda x: np.array(x, dtype=float),
                lambda f, above, below, dout, h: np.sum(f(above) - f(below)) / (2 * h),
                lambda x: np.zeros(x.shape),
            ),
        ),
    ],
    "two_paths": [
        ("192 is f itself", 192),
        ("96 is what comes through u alone", 96),
        ("48 is what comes through v alone", 48),
        ("The two paths are multiplied", 4608),
        ("That is the sum of the two slopes", 11),
    ],
    "staged_backward": [
        ("xhat stands inside its mean", _backward(lambda g, z, dout: mean(g * z * z))),
        ("lacks its factor xhat", _backward(lambda g, z, dout: mean(g * z))),
        (
            "The last mean comes out as that of dxhat alone",
            _backward(lambda g, z, dout: z * mean(g)),
        ),
        ("gamma is missing", _backward(lambda g, z, dout: z * mean(dout * z))),
        ("The xhat term of dx, through the variance, has the wrong sign", staged_with_sign),
        ("The gradient through the mean is missing", staged_without_mean),
        ("Step 4 is not divided by m", staged_without_share_of_var),
        ("Step 1 is not divided by m", staged_without_share_of_mean),
        ("Steps 4 and 1 are not divided by m", staged_without_shares),
        ("dvar has a one_over_sqrt_var too few", staged_without_square),
        ("dvar has a one_over_sqrt_var too many", staged_with_xhat),
        ("eps is written in as 1e-5", backward_eps_written_in),
        ("dx is divided by the standard deviation twice", backward_inv_std_twice),
        ("dx lacks gamma", backward_without_gamma),
        ("Mean and variance are treated as constants", backward_through_xhat_only),
        ("The numbers of dgamma are right", backward_keeping_axes),
        (
            "eps is written in as 1e-3",
            lambda dout, x, gamma, eps: backward_staged(dout, x, gamma, 0.001),
        ),
        (
            "dgamma is still None",
            lambda dout, x, gamma, eps: (backward_staged(dout, x, gamma, eps)[0], None, None),
        ),
    ],
    "scale_of_dx": [
        ("It does not grow", 10),
        ("The output stays the same, but not dx", 1),
        ("That divides by sigma twice", 0.01),
        ("It does not grow", 100),
        ("dx does not vanish", 0),
    ],
    "parameter_gradients": [
        (
            "The order is wrong",
            lambda dout, xhat: (dout.sum(axis=AXES), (dout * xhat).sum(axis=AXES)),
        ),
        (
            "These are means",
            lambda dout, xhat: ((dout * xhat).mean(axis=AXES), dout.mean(axis=AXES)),
        ),
        (
            "The sums run over the axes (0,)",
            lambda dout, xhat: ((dout * xhat).sum(axis=0), dout.sum(axis=0)),
        ),
        ("dgamma lacks dout", lambda dout, xhat: (xhat.sum(axis=AXES), dout.sum(axis=AXES))),
        (
            "dgamma is not yet summed over the axes (0, 2, 3)",
            lambda dout, xhat: (dout * xhat, dout),
        ),
        (
            "dgamma multiplies two sums",
            lambda dout, xhat: (dout.sum(axis=AXES) * xhat.sum(axis=AXES), dout.sum(axis=AXES)),
        ),
        (
            "The sums run over the axes (0, 1, 2, 3)",
            lambda dout, xhat: ((dout * xhat).sum(), dout.sum()),
        ),
    ],
    "project": [
        (
            "The slope is divided by m - 1",
            lambda g, xhat: g - g.mean() - xhat * (g * xhat).sum() / (len(g) - 1),
        ),
        ("The mean of g is added", lambda g, xhat: g + g.mean() - xhat * (g * xhat).mean()),
        ("xhat multiplies the mean of g", lambda g, xhat: g - g.mean() * xhat - (g * xhat).mean()),
        ("The part along xhat is not subtracted", lambda g, xhat: g - g.mean()),
        ("The mean of g is not subtracted", lambda g, xhat: g - xhat * (g * xhat).mean()),
        (
            "The part along xhat is not subtracted",
            lambda g, xhat: g - g.mean() - xhat * g.mean() * xhat.mean(),
        ),
        ("The mean of g * xhat is the slope", lambda g, xhat: g - g.mean() - (g * xhat).mean()),
        ("The slope is a sum", lambda g, xhat: g - g.mean() - xhat * (g @ xhat)),
        (
            "The slope is divided by m - 1",
            lambda g, xhat: g - g.mean() - xhat * np.cov(g, xhat)[0, 1],
        ),
        ("That is the line", lambda g, xhat: g.mean() + xhat * (g * xhat).mean()),
        ("Intercept and slope are sums", lambda g, xhat: g - g.sum() - xhat * (g * xhat).sum()),
    ],
    "closed_form_dx": [
        (
            "inv_std multiplies the first term alone",
            lambda dout, xhat, inv_std, gamma: (
                column(inv_std * gamma) * dout
                - mean(column(gamma) * dout)
                - xhat * mean(column(gamma) * dout * xhat)
            ),
        ),
        (
            "The means run over the axes (2, 3)",
            lambda dout, xhat, inv_std, gamma: (
                column(inv_std * gamma)
                * (
                    dout
                    - dout.mean(axis=(2, 3), keepdims=True)
                    - xhat * (dout * xhat).mean(axis=(2, 3), keepdims=True)
                )
            ),
        ),
        ("Two shapes do not fit", dx_gamma_not_reshaped),
        ("Two shapes do not fit", dx_without_keepdims),
        ("The last xhat stands inside its mean", dx_squared_xhat),
        ("inv_std is there twice", dx_twice),
        ("inv_std multiplies the first term alone", dx_without_brackets),
        ("The means run over the axes (0, 1, 2, 3)", dx_of_the_whole_batch),
        (
            "Mean and variance are treated as constants",
            lambda dout, xhat, inv_std, gamma: column(inv_std * gamma) * dout,
        ),
        (
            "inv_std multiplies",
            lambda dout, xhat, inv_std, gamma: dx_means(dout, xhat, 1 / inv_std, gamma),
        ),
        (
            "gamma is there twice",
            lambda dout, xhat, inv_std, gamma: dx_means(dout, xhat, inv_std, gamma**2),
        ),
        (
            "gamma is missing",
            lambda dout, xhat, inv_std, gamma: dx_means(dout, xhat, inv_std, 1 + 0 * gamma),
        ),
    ],
    "leftover": [
        ("The fraction is upside down", lambda var, eps: (var + eps) / eps),
        ("eps / var + eps divides by var alone", lambda var, eps: eps / var + eps),
        ("That is the share of the variance", lambda var, eps: var / (var + eps)),
        ("That is the ratio to var", lambda var, eps: eps / var),
        ("No root here", lambda var, eps: np.sqrt(eps / (var + eps))),
        ("No root here", lambda var, eps: eps / np.sqrt(var + eps)),
        ("eps is missing", lambda var, eps: 0 * var),
        ("That is a product", lambda var, eps: eps * (var + eps)),
        ("eps is missing above the line", lambda var, eps: 1 / (var + eps)),
    ],
    "spatial_backward": [
        ("xhat stands inside its mean", _backward(lambda g, z, dout: mean(g * z * z))),
        ("lacks its factor xhat", _backward(lambda g, z, dout: mean(g * z))),
        (
            "The last mean comes out as that of dxhat alone",
            _backward(lambda g, z, dout: z * mean(g)),
        ),
        ("gamma is missing", _backward(lambda g, z, dout: z * mean(dout * z))),
        ("eps is written in as 1e-5", backward_eps_written_in),
        ("dx is divided by the standard deviation twice", backward_inv_std_twice),
        ("dx lacks gamma", backward_without_gamma),
        ("Mean and variance are treated as constants", backward_through_xhat_only),
        ("The numbers of dgamma are right", backward_keeping_axes),
        (
            "eps is written in as 1e-3",
            lambda dout, x, gamma, eps: backward_closed(dout, x, gamma, 0.001),
        ),
        (
            "It must return dx, dgamma, dbeta, in this order",
            lambda dout, x, gamma, eps: backward_closed(dout, x, gamma, eps)[:2],
        ),
    ],
    "scatter_of_the_mean": [
        ("it falls by the root of 3", 3),
        ("not with the fourth root", 81),
        ("That is the root of 3", 3**0.5),
        ("With fewer values the mean scatters more", 1 / 9),
        ("With fewer values the mean scatters more", 1 / 3),
    ],
    "unbiased": [
        ("That is the root", lambda var, m: np.sqrt(var * m / (m - 1))),
        ("(m + 1) / m is a little too small", lambda var, m: var * (m + 1) / m),
        ("The factor is upside down", lambda var, m: var * (m - 1) / m),
        ("This is var itself, still biased", lambda var, m: var),
        ("var is a sum divided by m", lambda var, m: var / (m - 1)),
        ("* m / m - 1 subtracts 1 at the end", lambda var, m: var * m / m - 1),
        ("That factor is for a standard deviation", lambda var, m: var * np.sqrt(m / (m - 1))),
        ("That is the sum of the squared deviations", lambda var, m: var * m),
        ("The divisor is not m + 1", lambda var, m: var * m / (m + 1)),
    ],
    "merge_moments": [
        (
            "The squared difference of the means has the weight m",
            _merge(lambda d, a, b: d**2 * (a + b)),
        ),
        (
            "The squared difference of the means has the weight m_b / m",
            _merge(lambda d, a, b: d**2 * b / (a + b)),
        ),
        ("is subtracted; add it", _merge(lambda d, a, b: -(d**2) * a * b / (a + b))),
        ("The squared difference of the means has no weight", merge_with_unweighted_spread),
        ("The weight of the squared difference is not divided by m", merge_with_undivided_weight),
        ("s is divided by m", merge_to_a_variance),
        ("m is right", merge_averaging_everything),
        ("The mean has no weights, and s lacks a term", merge_sums_only),
        (
            "The means are added, and s lacks a term",
            lambda m_a, mean_a, s_a, m_b, mean_b, s_b: (m_a + m_b, mean_a + mean_b, s_a + s_b),
        ),
    ],
    "stable_variance": [
        ("That is the mean of x squared", lambda x: (x**2).mean(axis=AXES)),
        ("A reshape alone mixes", lambda x: x.reshape(-1, x.shape[1]).var(axis=0)),
        ("Two shapes do not fit", variance_not_reshaped),
        ("That subtracts two large numbers, as E[x^2] - E[x]^2 does", variance_one_pass),
        ("The variance is divided by m - 1", lambda x: x.var(axis=AXES, ddof=1)),
        ("That is its root, the standard deviation", lambda x: x.std(axis=AXES)),
        (
            "var is m times what it should be",
            lambda x: ((x - x.mean(axis=AXES, keepdims=True)) ** 2).sum(axis=AXES),
        ),
        (
            "That is the mean of the absolute deviations",
            lambda x: np.abs(x - x.mean(axis=AXES, keepdims=True)).mean(axis=AXES),
        ),
        ("The variance runs over the axes (0, 1, 2, 3)", lambda x: x.var()),
        (
            "The mean over all channels is subtracted",
            lambda x: ((x - x.mean()) ** 2).mean(axis=AXES),
        ),
    ],
    "update_course": [
        ("Both values are multiplied by momentum", _update(lambda a: (a, a))),
        ("The old value has the weight 1", _update(lambda a: (1, 1 - a))),
        ("The new value is subtracted", _update(lambda a: (a, a - 1))),
        ("momentum weighs the old value here", course_weights_swapped),
        ("The variance is the unbiased one", course_unbiased),
        ("The running variance gets a standard deviation", course_by_std),
        ("It never uses its argument var", course_mean_only),
        (
            "The running values are replaced by the batch's",
            lambda running_mean, running_var, mean, var, m, momentum: (mean, var),
        ),
    ],
    "update_pytorch": [
        (
            "The old value has the weight 1",
            lambda rm, rv, mean, var, m, a: (rm + a * mean, rv + a * var * m / (m - 1)),
        ),
        ("momentum weighs the new value here", course_unbiased),
        ("The variance is the biased one", pytorch_biased),
        ("The mean has a factor m / (m - 1), too", pytorch_unbiased_mean),
        ("running_var has the factor m / (m - 1), too", pytorch_all_unbiased),
        ("The variance lacks its m", pytorch_by_m),
        ("* m / m - 1 subtracts 1 at the end", pytorch_without_brackets),
        (
            "That is the course's convention",
            lambda rm, rv, mean, var, m, a: (a * rm + (1 - a) * mean, a * rv + (1 - a) * var),
        ),
    ],
    "debias": [
        (
            "It is multiplied by 1 - momentum ** k",
            lambda running, momentum, k: running * (1 - momentum**k),
        ),
        (
            "momentum ** k is what the start weighs",
            lambda running, momentum, k: running / momentum**k,
        ),
        (
            "It is divided by 1 - momentum",
            lambda running, momentum, k: running / (1 - momentum),
        ),
        (
            "momentum is multiplied by k",
            lambda running, momentum, k: running / (1 - momentum * k),
        ),
        (
            "The power is k - 1",
            lambda running, momentum, k: running / (1 - momentum ** (k - 1)),
        ),
        (
            "momentum ** k is subtracted from the average",
            lambda running, momentum, k: running / 1 - momentum**k,
        ),
        (
            "momentum ** k is subtracted from the average",
            lambda running, momentum, k: running - momentum**k,
        ),
        (
            "The power is k + 1",
            lambda running, momentum, k: running / (1 - momentum ** (k + 1)),
        ),
        (
            "The whole bracket has the power",
            lambda running, momentum, k: running / (1 - momentum) ** k,
        ),
        ("It never uses its argument momentum", lambda running, momentum, k: running / k),
    ],
    "running_layer": [
        ("The running statistics are the last batch's", _layer(old=0)),
        ("The running statistics are returned as they came", _layer(old=1)),
        ("eps is written in as 1e-5", lambda *given: _layer()(*given[:-1], 1e-5)),
        ("it returned nothing", _layer(training_only=True)),
        ("Momentum weighs the new value", _layer(flipped=True)),
        ("The running variance gets the variance divided by m - 1", _layer(unbiased=True)),
        ("Training normalizes by the statistics after their update", layer_of_new_statistics),
        ("Evaluation updates the running statistics and", layer_that_always_updates),
        ("It never uses its argument training", layer_that_ignores_mode),
    ],
    "merge_shards": [
        ("The mean has no weights, and s lacks a term", shards_averaged),
        ("The mean has no weights; larger shards", shards_mean_averaged),
        ("s lacks a term; the shards' own squares", shards_without_spread),
        ("s is divided by m", shards_to_a_variance),
    ],
    "shard_gradient": [
        ("The means are those of your shard", shard_of_own_means),
        ("The sums are those of your shard", shard_of_own_sums),
        ("divided by the count of your shard", shard_of_own_count),
        ("gamma is missing", shard_without_gamma),
    ],
    "group_norm": [
        ("eps is written in as 1e-5", lambda *given: _grouped((2, 3, 4))(*given[:-1], 1e-5)),
        ("which is batch norm", _grouped((0, 3, 4))),
        ("W is missing", _grouped((2, 3))),
        ("run from group to group", _grouped((1, 3, 4))),
        ("Mean and variance are taken over the channels of a group alone", _grouped((2,))),
        ("Mean and variance are taken over N too", _grouped((0, 2, 3, 4))),
        ("Mean and variance are taken over H and W alone, which is", _grouped((3, 4))),
        ("groups is how many groups there are", _grouped((2, 3, 4), before=True)),
        ("Two shapes do not fit", group_gamma_not_reshaped),
        ("keepdims=True keeps its axes", group_without_keepdims),
        (
            "eps is added to the root of the variance",
            _group_divided_by(lambda var, eps: np.sqrt(var) + eps),
        ),
        (
            "The standard deviation stands in for the variance",
            _group_divided_by(lambda var, eps: np.sqrt(np.sqrt(var) + eps)),
        ),
        (
            "The deviations are divided by the variance",
            _group_divided_by(lambda var, eps: var + eps),
        ),
        ("The numbers of y are right", group_still_split),
        ("gamma and beta have changed places", group_exchanged),
        ("groups is how many groups there are", group_of_size),
    ],
}
