"""Frozen batch norm, RMS norm, layer norm over chosen axes, and statistics of some positions.

Each against loops, the complex step, HIPS autograd and what PyTorch answered; then faults are
planted, and each judge must reject them.
"""

import json
from pathlib import Path

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import bnlib
from bnlib import kernels, reference
from bnlib.graph import batchnorm_inference_graph
from bnlib.judges.gradcheck import check_gradients
from tests.strategies import MEMORY, random_case
from tests.test_contract import Foreign, inside

EPS = 1e-3  # large enough that leaving it out shows
GOLDEN = json.loads((Path(__file__).parent / "golden" / "norms.json").read_text(encoding="utf-8"))
STEP = json.loads((Path(__file__).parent / "golden" / "inputs.json").read_text(encoding="utf-8"))
RUNNING = np.array([9.0, 12.0, 10.0]), np.array([15.0, 0.5, 17.0])


def relative(got, want):
    """Return the largest difference, relative to the largest value."""
    return np.abs(np.asarray(got) - want).max() / np.abs(want).max()


def some(shape, seed=4):
    """Return which positions count: about two thirds, other ones in each channel."""
    where = np.random.default_rng(seed).random(shape) < 0.65
    where.reshape(shape[0], shape[1], -1)[:2, :, 0] = True  # two in each channel at least
    return where


# Each norm as f(x, *parameters) -> y, with its backward pass, its loops, and autograd's formula.


class Frozen:
    shape = (2, 3, 4, 5)
    names = ("x", "gamma", "beta")

    def forward(self, x, gamma, beta):
        return bnlib.spatial_batchnorm_inference(x, gamma, beta, *RUNNING, eps=EPS)

    def backward(self, dout, x, gamma, beta):
        return bnlib.spatial_batchnorm_inference_backward(dout, x, gamma, *RUNNING, eps=EPS)

    def loops(self, x, gamma, beta):
        return reference.batchnorm_inference(x, gamma, beta, *RUNNING, EPS)

    def loops_backward(self, dout, x, gamma, beta):
        return reference.batchnorm_inference_backward(dout, x, gamma, *RUNNING, EPS)

    def formula(self, x, gamma, beta):
        mean, var = (v.reshape(1, 3, 1, 1) for v in RUNNING)
        xhat = (x - mean) / anp.sqrt(var + EPS)
        return gamma.reshape(1, 3, 1, 1) * xhat + beta.reshape(1, 3, 1, 1)

    def arguments(self):
        return dict(random_case(self.shape, seed=8)._asdict())


class Kernels(Frozen):
    def forward(self, x, gamma, beta):
        return kernels.spatial_batchnorm_inference(x, gamma, beta, *RUNNING, eps=EPS)

    def backward(self, dout, x, gamma, beta):
        return kernels.spatial_batchnorm_inference_backward(dout, x, gamma, *RUNNING, eps=EPS)


class Masked(Frozen):
    where = some((2, 3, 4, 5))

    def forward(self, x, gamma, beta):
        return bnlib.batchnorm_forward(x, gamma, beta, eps=EPS, where=self.where)[0]

    def backward(self, dout, x, gamma, beta):
        _, cache = bnlib.batchnorm_forward(x, gamma, beta, eps=EPS, where=self.where)
        return bnlib.batchnorm_backward(dout, cache)

    def loops(self, x, gamma, beta):
        return reference.masked_batchnorm_forward(x, gamma, beta, self.where, EPS)

    def loops_backward(self, dout, x, gamma, beta):
        return reference.masked_batchnorm_backward(dout, x, gamma, self.where, EPS)

    def formula(self, x, gamma, beta):
        axes, m = (0, 2, 3), self.where.sum(axis=(0, 2, 3), keepdims=True)
        d = (x - anp.sum(x * self.where, axis=axes, keepdims=True) / m) * self.where
        var = anp.sum(d * d, axis=axes, keepdims=True) / m
        y = gamma.reshape(1, 3, 1, 1) * d / anp.sqrt(var + EPS) + beta.reshape(1, 3, 1, 1)
        return y * self.where


class OverAxes(Frozen):
    def __init__(self, shape, axes):
        self.shape, self.axes = shape, axes

    def arguments(self):
        case = random_case(self.shape, seed=8)
        rng, own = np.random.default_rng(9), tuple(self.shape[axis] for axis in self.axes)
        parameters = {"gamma": rng.uniform(0.5, 2, own), "beta": rng.uniform(-1, 1, own)}
        return {"x": case.x, "dout": case.dout, **parameters}

    def column(self, v):
        return v.reshape([n if axis in self.axes else 1 for axis, n in enumerate(self.shape)])

    def forward(self, x, gamma, beta):
        return bnlib.layernorm_forward(x, gamma, beta, axes=self.axes, eps=EPS)[0]

    def backward(self, dout, x, gamma, beta):
        _, cache = bnlib.layernorm_forward(x, gamma, beta, axes=self.axes, eps=EPS)
        return bnlib.layernorm_backward(dout, cache)

    def loops(self, x, gamma, beta):
        return reference.layernorm_over_axes_forward(x, gamma, beta, self.axes, EPS)

    def loops_backward(self, dout, x, gamma, beta):
        return reference.layernorm_over_axes_backward(dout, x, gamma, self.axes, EPS)

    def formula(self, x, gamma, beta):
        d = x - anp.mean(x, axis=self.axes, keepdims=True)
        var = anp.mean(d * d, axis=self.axes, keepdims=True)
        return self.column(gamma) * d / anp.sqrt(var + EPS) + self.column(beta)


class Rms(OverAxes):
    names = ("x", "gamma")

    def arguments(self):
        found = super().arguments()
        del found["beta"]
        return found

    def forward(self, x, gamma):
        return bnlib.rmsnorm_forward(x, gamma, axes=self.axes, eps=EPS)[0]

    def backward(self, dout, x, gamma):
        _, cache = bnlib.rmsnorm_forward(x, gamma, axes=self.axes, eps=EPS)
        return bnlib.rmsnorm_backward(dout, cache)

    def loops(self, x, gamma):
        return reference.rmsnorm_forward(x, gamma, self.axes, EPS)

    def loops_backward(self, dout, x, gamma):
        return reference.rmsnorm_backward(dout, x, gamma, self.axes, EPS)

    def formula(self, x, gamma):
        return self.column(gamma) * x / anp.sqrt(anp.mean(x * x, self.axes, keepdims=True) + EPS)


AXES = [((5, 7), (1,)), ((2, 3, 7), (2,)), ((2, 6, 4, 5), (1,)), ((2, 3, 4, 5), (1, 2, 3))]
AXES += [((2, 3, 4, 5), (1, 3)), ((2, 4, 4), (2,)), ((2, 3, 2, 2, 4), (4,))]
NORMS = {"frozen": Frozen(), "frozen, kernels": Kernels(), "masked": Masked()}
NORMS |= {f"layer {shape} over {axes}": OverAxes(shape, axes) for shape, axes in AXES}
NORMS |= {f"RMS {shape} over {axes}": Rms(shape, axes) for shape, axes in AXES}
EVERY_NORM = pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)


def judged(norm, spoil=lambda name, value: value):
    """Return y and gradients by name, which may be spoilt, and the arguments."""
    given = norm.arguments()
    dout = given.pop("dout")
    found = {"y": norm.forward(**given)}
    found |= dict(zip(norm.names, norm.backward(dout, **given), strict=True))
    return {name: spoil(name, value) for name, value in found.items()}, given, dout


def against_loops(norm, found, given, dout):
    want = {"y": norm.loops(**given)}
    want |= dict(zip(norm.names, norm.loops_backward(dout, **given), strict=True))
    for name, value in want.items():
        assert found[name].shape == value.shape, name
        assert relative(found[name], value) < 1e-12, name  # rounding, in sums of up to 60 terms


def against_the_complex_step(norm, found, given, dout):
    assert relative(found["y"], norm.loops(**given)) < 1e-12
    gradients = [found[name] for name in norm.names]
    check_gradients(norm.loops, given, dout, gradients, method="complex", tolerance=1e-11)


def against_autograd(norm, found, given, dout):
    values = list(given.values())
    assert relative(found["y"], norm.formula(*values)) < 1e-12
    vjp, _ = autograd.core.make_vjp(lambda v: norm.formula(*v), autograd.builtins.tuple(values))
    for name, gradient in zip(norm.names, vjp(dout), strict=True):
        assert relative(found[name], gradient) < 1e-11, name


JUDGES = pytest.mark.parametrize(
    "judge", [against_loops, against_the_complex_step, against_autograd]
)


@EVERY_NORM
@JUDGES
def test_a_right_norm_is_accepted(norm, judge):
    judge(norm, *judged(norm))


# Faults that people make: a value of the norm, and what stands there instead.


def statistics_not_frozen(norm, given, dout):
    _, cache = bnlib.batchnorm_forward(given["x"], given["gamma"], given["beta"], eps=EPS)
    return bnlib.batchnorm_backward(dout, cache)[0]


def all_count(norm, given, dout):
    return (
        bnlib.batchnorm_forward(given["x"], given["gamma"], given["beta"], eps=EPS)[0] * norm.where
    )


def filled_with_zero(norm, given, dout):
    x = given["x"] * norm.where
    return bnlib.batchnorm_forward(x, given["gamma"], given["beta"], eps=EPS)[0] * norm.where


def count_of_all(norm, given, dout):
    """dx with m as if all counted: the terms through mean and variance are too small."""
    xhat, scale = masked_parts(norm, given)
    d = dout * norm.where
    through = [np.sum(a, axis=(0, 2, 3), keepdims=True) / 40 for a in (d, d * xhat)]
    return scale * (d - through[0] - xhat * through[1]) * norm.where


def masked_parts(norm, given):
    _, cache = bnlib.batchnorm_forward(
        given["x"], given["gamma"], given["beta"], eps=EPS, where=norm.where
    )
    saved = cache.normalized
    return saved.xhat, saved.gamma * saved.inv_std


def padding_receives(norm, given, dout):
    """dx that is not put to 0 where a position does not count."""
    xhat, scale = masked_parts(norm, given)
    m = norm.where.sum(axis=(0, 2, 3), keepdims=True)
    d = dout * norm.where
    through = [np.sum(a, axis=(0, 2, 3), keepdims=True) / m for a in (d, d * xhat)]
    return scale * (d - through[0] - xhat * through[1])


def every_axis(norm, given, dout):
    x, axes = given["x"], tuple(range(1, given["x"].ndim))
    d = x - x.mean(axis=axes, keepdims=True)
    xhat = d / np.sqrt((d * d).mean(axis=axes, keepdims=True) + EPS)
    return norm.column(given["gamma"]) * xhat + norm.column(given["beta"])


def other_eps(norm, given, dout):
    x = given["x"]
    d = x - x.mean(axis=norm.axes, keepdims=True)
    return norm.column(given["gamma"]) * d / (
        np.sqrt((d * d).mean(axis=norm.axes, keepdims=True)) + EPS
    ) + norm.column(given["beta"])


def centred(norm, given, dout):
    d = given["x"] - given["x"].mean(axis=norm.axes, keepdims=True)
    rms = np.sqrt((d * d).mean(axis=norm.axes, keepdims=True) + EPS)
    return norm.column(given["gamma"]) * d / rms


def root_without_eps(norm, given, dout):
    x = given["x"]
    return norm.column(given["gamma"]) * x / np.sqrt((x * x).mean(axis=norm.axes, keepdims=True))


def sum_of_squares(norm, given, dout):
    x = given["x"]
    rms = np.sqrt((x * x).sum(axis=norm.axes, keepdims=True) + EPS)
    return norm.column(given["gamma"]) * x / rms


def layer_norms_dx(norm, given, dout):
    """dx with a term through a mean that RMS norm does not have."""
    dx, _ = norm.backward(dout, **given)
    return dx - dx.mean(axis=norm.axes, keepdims=True)


def direct_path_only(norm, given, dout):
    x = given["x"]
    d = x - (0 if "beta" not in given else x.mean(axis=norm.axes, keepdims=True))
    return (
        norm.column(given["gamma"]) * dout / np.sqrt((d * d).mean(norm.axes, keepdims=True) + EPS)
    )


def times(factor):
    return lambda norm, given, dout: norm.backward(dout, **given)[1] * factor


def without_std(norm, given, dout):
    return given["gamma"].reshape(1, 3, 1, 1) * dout


def gamma_of_x(norm, given, dout):
    return np.sum(dout * given["x"], axis=(0, 2, 3))


FROZEN_FAULTS = {
    "dx through statistics of the batch": ("x", statistics_not_frozen),
    "dx without 1 / std": ("x", without_std),
    "dgamma of x for xhat": ("gamma", gamma_of_x),
    "dgamma as a mean": ("gamma", times(1 / 40)),
}
MASKED_FAULTS = {
    "all positions count": ("y", all_count),
    "filled with zero": ("y", filled_with_zero),
    "m of all positions": ("x", count_of_all),
    "padding receives a gradient": ("x", padding_receives),
}
AXES_FAULTS = {
    "averaged over every axis": ("y", every_axis),
    "eps outside the root": ("y", other_eps),
    "dx along the direct path only": ("x", direct_path_only),
    "dgamma as a mean": ("gamma", times(1 / 6)),
}
RMS_FAULTS = {
    "centred": ("y", centred),
    "eps forgotten": ("y", root_without_eps),
    "sum of squares": ("y", sum_of_squares),
    "dx through a mean": ("x", layer_norms_dx),
    "dx along the direct path only": ("x", direct_path_only),
}
PLANTED = [
    *(("frozen", *fault) for fault in FROZEN_FAULTS.items()),
    *(("frozen, kernels", *fault) for fault in FROZEN_FAULTS.items()),
    *(("masked", *fault) for fault in MASKED_FAULTS.items()),
    *(("layer (2, 3, 7) over (2,)", *fault) for fault in AXES_FAULTS.items()),
    *(("RMS (2, 3, 7) over (2,)", *fault) for fault in RMS_FAULTS.items()),
]


@pytest.mark.parametrize(
    ("norm", "fault", "planted"), PLANTED, ids=lambda p: p if isinstance(p, str) else p[0]
)
@JUDGES
def test_a_planted_fault_is_rejected(norm, fault, planted, judge):
    place, wrong = planted
    norm = NORMS[norm]
    given = norm.arguments()
    dout = given.pop("dout")
    with pytest.raises(AssertionError):
        judge(norm, *judged(norm, lambda n, v: wrong(norm, given, dout) if n == place else v))


# What PyTorch answered


def golden(name):
    found = {key: np.array(value) for key, value in GOLDEN[name].items()}
    step = {key: np.array(value) for key, value in STEP["steps"][0].items()}
    return found, step["x"], step["dout"]


def assert_recorded(found, recorded):
    for key, value in found.items():
        # All is float64; the largest offset of x is 20, in units of a deviation of 0.5.
        np.testing.assert_allclose(value, recorded[key], rtol=1e-11, atol=1e-11, err_msg=key)


def named(y, *gradients):
    return dict(zip(("y", "dx", "dgamma", "dbeta"), (y, *gradients), strict=False))


@pytest.mark.parametrize("module", [bnlib, kernels])
def test_frozen_batch_norm_gives_what_pytorch_gave(module):
    recorded, x, dout = golden("frozen batch norm")
    gamma, beta, running = STEP["gamma"], STEP["beta"], GOLDEN["running"]
    y = module.batchnorm_inference(x, gamma, beta, *running)
    found = named(y, *module.batchnorm_inference_backward(dout, x, gamma, *running))
    assert_recorded(found, recorded)


@pytest.mark.parametrize("module", [bnlib, kernels])
def test_masked_batch_norm_gives_what_pytorch_gave(module):
    recorded, x, dout = golden("masked batch norm")
    y, cache = module.batchnorm_forward(x, STEP["gamma"], STEP["beta"], where=GOLDEN["where"])
    assert_recorded(named(y, *module.batchnorm_backward(dout, cache)), recorded)


@pytest.mark.parametrize(
    ("name", "axes", "shape", "parameters"),
    [
        ("layer norm over D", (2,), (5, 6, 4), "tokens"),
        ("layer norm over C, H, W", (1, 2, 3), (5, 3, 2, 4), "whole"),
        ("layer norm over C", (1,), (5, 3, 2, 4), None),
        ("RMS norm over D", (2,), (5, 6, 4), "tokens"),
        ("RMS norm over C, H, W", (-1, 1, 2), (5, 3, 2, 4), "whole"),
    ],
)
def test_norms_over_axes_give_what_pytorch_gave(name, axes, shape, parameters):
    recorded, x, dout = golden(name)
    x, dout, given = x.reshape(shape), dout.reshape(shape), GOLDEN.get(parameters, STEP)
    if name.startswith("RMS"):
        y, cache = bnlib.rmsnorm_forward(x, given["gamma"], axes=axes)
        found = named(y, *bnlib.rmsnorm_backward(dout, cache))
    else:
        y, cache = bnlib.layernorm_forward(x, given["gamma"], given["beta"], axes=axes)
        found = named(y, *bnlib.layernorm_backward(dout, cache))
    assert_recorded(found, recorded)


def test_a_number_off_by_a_millionth_fails_the_recorded_vectors():
    recorded, x, dout = golden("RMS norm over D")
    x = x.reshape(5, 6, 4) * (1 + 1e-6)
    y, cache = bnlib.rmsnorm_forward(x, GOLDEN["tokens"]["gamma"], axes=2, eps=1e-5)
    found = named(y, *bnlib.rmsnorm_backward(dout.reshape(5, 6, 4), cache))
    with pytest.raises(AssertionError, match="dx"):
        assert_recorded(found, recorded)


# The graph of evaluation


@pytest.mark.parametrize("axes", ["N D", "N C H W"])
def test_the_frozen_graph_has_the_gradients_of_the_loops(axes):
    case = random_case((6, 3) if axes == "N D" else (2, 3, 4, 5))
    graph = batchnorm_inference_graph(axes, EPS)
    given = {"x": case.x, "gamma": case.gamma, "beta": case.beta}
    trace = graph.forward(**given, mean=RUNNING[0], var=RUNNING[1])
    assert relative(trace.output, reference.batchnorm_inference(*case[:3], *RUNNING, EPS)) < 1e-13
    gradients = trace.backward(case.dout)
    want = reference.batchnorm_inference_backward(case.dout, case.x, case.gamma, *RUNNING, EPS)
    for name, value in zip(given, want, strict=True):
        assert relative(gradients[name], value) < 1e-12, name


def test_the_frozen_graphs_mean_and_variance_have_gradients_of_their_own():
    case = random_case((6, 3))
    graph = batchnorm_inference_graph(eps=EPS)
    given = {"x": case.x, "gamma": case.gamma, "beta": case.beta, "mean": RUNNING[0]}
    given["var"] = RUNNING[1]
    gradients = graph.forward(**given).backward(case.dout)
    check_gradients(
        lambda **values: graph.forward(**values).output,
        given,
        case.dout,
        [gradients[name] for name in given],
        method="complex",
        tolerance=1e-12,
    )


# Positions that count


def test_nothing_depends_on_what_stands_where_no_position_counts():
    case, where = random_case(), some((2, 3, 4, 5))
    x = np.where(where, case.x, np.nan)
    dout = np.where(where, case.dout, np.inf)
    results = []
    for a, d in ((case.x, case.dout), (x, dout)):
        y, cache = bnlib.batchnorm_forward(a, case.gamma, case.beta, where=where)
        results.append((y, *bnlib.batchnorm_backward(d, cache), *cache.statistics))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_padding_gives_what_the_sequences_give_without_it():
    rng, lengths = np.random.default_rng(0), (5, 3, 7)
    x, dout = rng.normal(3, 2, (2, 3, 4, 7))
    where = (np.arange(7) < np.reshape(lengths, (3, 1)))[:, None]  # (N, 1, L)
    gamma, beta = rng.standard_normal((2, 4))
    joined = [np.concatenate([a[n, :, :k].T for n, k in enumerate(lengths)]) for a in (x, dout)]
    y, cache = bnlib.batchnorm_forward(x, gamma, beta, where=where)
    want, right = bnlib.batchnorm_forward(joined[0], gamma, beta)
    dx, *parameters = bnlib.batchnorm_backward(dout, cache)
    want_dx, *want_parameters = bnlib.batchnorm_backward(joined[1], right)
    for got, wanted in ((y, want), (dx, want_dx)):
        got = np.concatenate([got[n, :, :k].T for n, k in enumerate(lengths)])
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)
    for got, wanted in zip(parameters, want_parameters, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)
    assert cache.statistics.count.tolist() == [15] * 4
    np.testing.assert_allclose(cache.statistics.var, right.statistics.var, rtol=1e-13)
    np.testing.assert_allclose(bnlib.batch_statistics(x, where=where).var, right.statistics.var)


def test_the_running_variance_is_unbiased_by_each_channels_own_count():
    from bnlib.conventions import PYTORCH
    from bnlib.running import RunningStatistics

    case, where = random_case(), some((2, 3, 4, 5))
    _, cache = bnlib.batchnorm_forward(*case[:3], where=where)
    after = RunningStatistics.initial(3, PYTORCH).update(cache.statistics, PYTORCH)
    unbiased = [np.var(case.x[:, c][where[:, c]], ddof=1) for c in range(3)]
    assert len(set(cache.statistics.count)) > 1
    np.testing.assert_allclose(after.var, 0.9 + 0.1 * np.array(unbiased), rtol=1e-13)


def test_all_positions_are_no_mask():
    case = random_case()
    y, cache = bnlib.batchnorm_forward(*case[:3], where=np.ones((1, 1, 1, 1), bool))
    plain, right = bnlib.batchnorm_forward(*case[:3])
    assert relative(y, plain) < 1e-15
    pairs = zip(*(bnlib.batchnorm_backward(case.dout, c) for c in (cache, right)), strict=True)
    assert all(relative(a, b) < 1e-14 for a, b in pairs)


@pytest.mark.parametrize("forward", [bnlib.batchnorm_forward, kernels.batchnorm_forward])
@pytest.mark.parametrize(
    ("where", "error", "says"),
    [
        (np.ones((2, 3, 4, 5)), TypeError, "where must hold booleans; got dtype float64"),
        (np.ones((3, 4, 5), bool), ValueError, r"where must have .* got shape \(3, 4, 5\)"),
        (np.ones((2, 3, 4, 1, 1), bool), ValueError, "where must have"),
        (np.ones((2, 2, 4, 5), bool), ValueError, r"where must have .* got shape \(2, 2, 4, 5\)"),
        (np.zeros((2, 3, 1, 1), bool), ValueError, "where must leave 2 values .* in channel 0"),
        (np.arange(120).reshape(2, 3, 4, 5) != 50, None, ""),
    ],
)
def test_a_mask_that_does_not_fit_is_named(forward, where, error, says):
    case = random_case()
    if error is None:
        forward(*case[:3], where=where)
        return
    with pytest.raises(error, match=says):
        forward(*case[:3], where=where)


def test_one_position_in_a_channel_is_refused():
    where = np.ones((2, 3, 4, 5), bool)
    where[:, 1] = False
    where[0, 1, 0, 0] = True
    with pytest.raises(ValueError, match="2 values or more of x in channel 1"):
        bnlib.batchnorm_forward(*random_case()[:3], where=where)


# Contract: what holds for the other norms holds for these


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, np.int64])
@EVERY_NORM
def test_dtypes_follow_x(norm, dtype):
    given = norm.arguments()
    dout, x = given.pop("dout"), given.pop("x").astype(dtype)
    if dtype == np.longdouble and isinstance(norm, Kernels):
        pytest.skip("kernels take float64 at most")
    want = np.float64 if dtype == np.int64 else dtype
    results = norm.forward(x, **given), *norm.backward(dout, x, **given)
    wide = norm.forward(x.astype(float), **given), *norm.backward(dout, x.astype(float), **given)
    bound = {np.float16: 2e-3, np.float32: 2e-6}.get(dtype, 1e-12)  # a few roundings
    for a, b in zip(results, wide, strict=True):
        assert a.dtype == want
        assert relative(a.astype(float), b) < bound


@EVERY_NORM
def test_nothing_is_changed_and_no_memory_is_shared(norm):
    given = norm.arguments()
    dout = given.pop("dout")
    before = {name: value.copy() for name, value in given.items()}
    results = [norm.forward(**given), *norm.backward(dout, **given)]
    for name, value in given.items():
        np.testing.assert_array_equal(value, before[name])
    arrays = [dout, *given.values(), *results]
    for k, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:k])


@EVERY_NORM
@pytest.mark.parametrize("order", MEMORY)
def test_the_order_in_memory_does_not_matter(norm, order):
    given = norm.arguments()
    dout, x = given.pop("dout"), given.pop("x")
    want = norm.forward(x, **given), *norm.backward(dout, x, **given)
    x, dout = MEMORY[order](x), MEMORY[order](dout)
    for a, b in zip(
        (norm.forward(x, **given), *norm.backward(dout, x, **given)), want, strict=True
    ):
        assert relative(a, b) < 1e-13


@pytest.mark.parametrize("name", [name for name in NORMS if "kernels" not in name])
def test_arrays_of_another_library_pass_through(name):
    norm = NORMS[name]
    given = norm.arguments()
    dout = given.pop("dout")
    want = norm.forward(**given), *norm.backward(dout, **given)
    x, d = Foreign(given.pop("x")), Foreign(dout)
    for a, b in zip((norm.forward(x, **given), *norm.backward(d, x, **given)), want, strict=True):
        assert type(a) is Foreign
        assert relative(inside(a), b) < 1e-13


@pytest.mark.parametrize(
    ("axes", "error", "says"),
    [
        ((0,), ValueError, "axes must be named, different axes of x .* but 0"),
        ((0, 2), ValueError, "axes must be named"),
        ((1, 1), ValueError, "axes must be named"),
        ((1, -2), ValueError, "axes must be named"),
        ((3,), ValueError, "axes must be named"),
        ((), ValueError, "axes must be named"),
        ((1.0,), TypeError, "axes must be integers"),
        (1.0, TypeError, "axes must be integers"),
    ],
)
def test_axes_that_do_not_fit_are_named(axes, error, says):
    v = np.ones(4)
    with pytest.raises(error, match=says):
        bnlib.layernorm_forward(np.ones((2, 3, 4)), v, v, axes=axes)
    with pytest.raises(error, match=says):
        bnlib.rmsnorm_forward(np.ones((2, 3, 4)), v, axes=axes)


def test_axes_may_count_from_the_end_and_be_one_number():
    case = random_case((2, 3, 4))
    v, w = np.arange(4.0), np.arange(4.0) - 7
    first, _ = bnlib.layernorm_forward(case.x, v, w, axes=(2,))
    for axes in (-1, 2, (-1,), np.int64(2)):
        assert (bnlib.layernorm_forward(case.x, v, w, axes=axes)[0] == first).all()
    gamma = np.arange(12.0).reshape(3, 4)
    both, _ = bnlib.layernorm_forward(case.x, gamma, gamma, axes=(1, 2))
    assert (bnlib.layernorm_forward(case.x, gamma, gamma, axes=(2, 1))[0] == both).all()


def test_with_axes_gamma_may_be_of_the_channels_where_they_are_among_several():
    case = random_case((2, 3, 4, 5))
    y, cache = bnlib.layernorm_forward(*case[:3], axes=(1, 2, 3))
    assert (y == bnlib.layernorm_forward(*case[:3])[0]).all()
    assert bnlib.layernorm_backward(case.dout, cache)[1].shape == (3,)


def test_rms_norm_of_a_table_needs_no_axes_and_of_anything_else_does():
    x = random_case((5, 7)).x
    assert (
        bnlib.rmsnorm_forward(x, np.ones(7))[0] == bnlib.rmsnorm_forward(x, np.ones(7), axes=1)[0]
    ).all()
    with pytest.raises(ValueError, match=r"axes must be named.*got None"):
        bnlib.rmsnorm_forward(x[None], np.ones(5))


def test_rms_norm_has_no_statistics_and_one_number_is_enough():
    y, cache = bnlib.rmsnorm_forward([[-3.0]], [2.0], eps=0)
    assert y == -2
    with pytest.raises(ValueError, match="RMS norm has no mean"):
        cache.statistics  # noqa: B018


def test_rms_norm_of_centred_rows_is_layer_norm():
    case = random_case((5, 7))
    x = case.x - case.x.mean(axis=1, keepdims=True)
    y, _ = bnlib.layernorm_forward(x, case.gamma, 0 * case.beta)
    assert relative(bnlib.rmsnorm_forward(x, case.gamma)[0], y) < 1e-13


@pytest.mark.parametrize("module", [bnlib, kernels])
def test_frozen_backward_of_an_empty_batch_is_empty_and_zero(module):
    empty = np.ones((0, 3, 4, 5))
    dx, dgamma, dbeta = module.batchnorm_inference_backward(empty, empty, np.ones(3), *RUNNING)
    assert dx.shape == empty.shape
    assert dgamma.tolist() == dbeta.tolist() == [0, 0, 0]


@pytest.mark.parametrize("shape", [(40, 3, 17, 19), (301, 3), (64, 3, 1, 1)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_frozen_backward_of_the_kernels_is_that_of_the_layers(shape, dtype):
    case = random_case(shape, offset=1e3, dtype=dtype)
    running = case.x.mean(axis=case.axes) + 1, case.x.var(axis=case.axes) * 2
    given = case.dout, case.x, case.gamma, *running
    wide = [a.astype(np.longdouble) for a in given]
    right = bnlib.batchnorm_inference_backward(*wide)
    out = np.empty_like(case.x)
    found = kernels.batchnorm_inference_backward(*given, out=out)
    assert found[0] is out
    norm = np.linalg.norm(case.dout) * np.linalg.norm(case.x - case.column(running[0])) / 30
    for a, b, scale in zip(found, right, (1, norm, np.linalg.norm(case.dout)), strict=True):
        bound = {np.float32: 1e-6, np.float64: 1e-14}[dtype] * scale
        assert np.abs(a - b).max() < bound + 1e-6 * (dtype == np.float32)
