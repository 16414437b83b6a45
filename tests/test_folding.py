"""Folding: one layer that gives what a convolution and its batch norm give together."""

import numpy as np
import pytest

import bnlib
from bnlib.folding import fold_affine, fold_convolution
from bnlib.training.convolution import convolve

EXACT = 1e-12  # relative to the largest output: rounding of sums of 18 products


def drawn(seed=0, channels=5, c_in=2):
    rng = np.random.default_rng(seed)
    gamma = rng.uniform(0.5, 3, channels) * rng.choice([-1, 1], channels)
    return {
        "weight": rng.standard_normal((channels, c_in, 3, 3)),
        "bias": 3 * rng.standard_normal(channels),
        "gamma": gamma,
        "beta": rng.standard_normal(channels),
        "running_mean": 10 * rng.standard_normal(channels),
        "running_var": rng.uniform(0.01, 20, channels),
    }


def unfolded(x, weight, bias, eps=1e-5, **norm):
    return bnlib.batchnorm_inference(convolve(x, weight, bias), **norm, eps=eps)


def relative(a, b):
    return np.abs(a - b).max() / np.abs(b).max()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("eps", [0, 1e-5, 1e-3])
def test_folded_convolution_gives_the_same(seed, eps):
    x = np.random.default_rng(9).normal(5, 4, (3, 2, 6, 7))
    weight, bias = fold_convolution(**drawn(seed), eps=eps)
    assert relative(convolve(x, weight, bias), unfolded(x, **drawn(seed), eps=eps)) < EXACT


def test_folded_affine_layer_gives_the_same():
    rng = np.random.default_rng(1)
    given = drawn() | {"weight": rng.standard_normal((7, 5))}
    x = rng.normal(5, 4, (4, 7))
    weight, bias = fold_affine(**given)
    scores = x @ given.pop("weight") + given.pop("bias")
    assert relative(x @ weight + bias, bnlib.batchnorm_inference(scores, **given)) < EXACT


def test_filters_of_one_position_may_come_without_their_positions():
    given = drawn()
    given["weight"] = given["weight"][:, :, :1, :1]
    weight, bias = fold_convolution(**given)
    flat, same = fold_convolution(**given | {"weight": given["weight"][:, :, 0, 0]})
    assert (flat == weight[:, :, 0, 0]).all()
    assert (same == bias).all()


def test_variance_as_small_as_eps_is_no_zero():
    given = drawn() | {"running_var": np.full(5, 0.125)}
    weight, _ = fold_convolution(**given, eps=0.125)
    np.testing.assert_array_equal(weight, given["weight"] * given["gamma"][:, None, None, None] * 2)


def test_no_bias_is_a_bias_of_zero():
    given = drawn() | {"bias": np.zeros(5)}
    without = fold_convolution(**given | {"bias": None})
    assert all((a == b).all() for a, b in zip(without, fold_convolution(**given), strict=True))


WRONG_BIASES = {
    "bias is forgotten": lambda s, b, mean, beta: beta - s * mean,
    "bias is not scaled": lambda s, b, mean, beta: b + beta - s * mean,
    "mean is not scaled": lambda s, b, mean, beta: s * b - mean + beta,
    "beta is scaled": lambda s, b, mean, beta: s * (b - mean + beta),
}


@pytest.mark.parametrize("fault", WRONG_BIASES)
def test_a_wrong_bias_is_rejected(fault):
    given = drawn()
    weight, bias = fold_convolution(**given)
    scale = given["gamma"] / np.sqrt(given["running_var"] + 1e-5)
    wrong = WRONG_BIASES[fault](scale, given["bias"], given["running_mean"], given["beta"])
    x = np.random.default_rng(9).normal(5, 4, (3, 2, 6, 7))
    y = unfolded(x, **given)
    assert (
        relative(convolve(x, weight, bias), y)
        < EXACT
        < 1e-3
        < relative(convolve(x, weight, wrong), y)
    )


@pytest.mark.parametrize("fault", ["bias is forgotten", "bias is not scaled"])
def test_a_bias_of_zero_hides_these_two(fault):
    given = drawn() | {"bias": np.zeros(5)}
    scale = given["gamma"] / np.sqrt(given["running_var"] + 1e-5)
    wrong = WRONG_BIASES[fault](scale, given["bias"], given["running_mean"], given["beta"])
    np.testing.assert_allclose(fold_convolution(**given)[1], wrong, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_the_weights_dtype_is_kept_and_integers_become_float64(dtype):
    given = drawn()
    given["weight"] = np.rint(5 * given["weight"]).astype(dtype)
    weight, bias = fold_convolution(**given)
    assert weight.dtype == bias.dtype == (np.float64 if dtype == np.int64 else dtype)


def test_float32_weights_are_rounded_once_at_the_end():
    given = drawn()
    given["weight"] = given["weight"].astype(np.float32)
    wide = fold_convolution(**given | {"weight": given["weight"].astype(np.float64)})
    for narrow, exact in zip(fold_convolution(**given), wide, strict=True):
        np.testing.assert_array_equal(narrow, exact.astype(np.float32))


def test_longdouble_keeps_all_its_digits():
    last = np.finfo(np.longdouble).eps  # where longdouble is float64, these are float64's digits
    weight, bias = fold_convolution(
        weight=np.array([[1 + last], [3 - 2 * last]]),
        bias=np.array([last, 0]),
        gamma=np.array([2, 1 + last]),
        beta=np.array([1 + 2 * last, 0]),
        running_mean=np.array([0, 1 + 3 * last]),
        running_var=np.ones(2),
        eps=0,
    )
    assert weight.dtype == bias.dtype == np.longdouble
    assert weight[0, 0] == 2 + 2 * last
    assert weight[1, 0] == (3 - 2 * last) * (1 + last)
    assert bias.tolist() == [1 + 4 * last, -(1 + 3 * last) * (1 + last)]


def test_arguments_stay_as_they_are_and_share_no_memory():
    given = drawn()
    results = fold_convolution(**given)
    for name, value in drawn().items():
        assert (given[name] == value).all()
        assert not any(np.shares_memory(given[name], result) for result in results)


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"weight": np.ones(5)}, ValueError, r"weight must be \(C, C_in, ...\); got shape \(5,\)"),
        (
            {"gamma": np.ones(4)},
            ValueError,
            r"gamma must have shape \(5,\), .* weight \(5, 2, 3, 3\); got shape \(4,\)",
        ),
        ({"beta": 1.0}, ValueError, r"beta must have shape \(5,\)"),
        ({"bias": np.ones((5, 1))}, ValueError, r"bias must have shape \(5,\)"),
        ({"running_mean": np.ones(2)}, ValueError, r"running_mean must have shape \(5,\)"),
        ({"running_var": np.ones(6)}, ValueError, r"running_var must have shape \(5,\)"),
        ({"running_var": -np.ones(5)}, ValueError, r"running_var must not be negative"),
        ({"running_var": np.zeros(5), "eps": 0}, ValueError, r"running_var must not be 0 where"),
        ({"eps": -1}, ValueError, "eps must be finite and at least 0"),
        ({"gamma": np.ones(5, complex)}, TypeError, "gamma must hold real numbers"),
        ({"weight": np.ones((5, 2), complex)}, TypeError, "weight must hold real numbers"),
    ],
)
def test_arguments_that_do_not_fit_are_named(changed, error, says):
    with pytest.raises(error, match=f"^{says}"):
        fold_convolution(**drawn() | changed)


def test_affine_weights_are_real_and_have_two_axes():
    with pytest.raises(TypeError, match=r"^weight must hold real numbers; got dtype complex128"):
        fold_affine(**drawn() | {"weight": np.ones((7, 5), complex)})
    with pytest.raises(ValueError, match=r"weight must be \(D_in, D\); got shape \(5, 2, 3, 3\)"):
        fold_affine(**drawn())


# Layouts, ranges and rounding

LAYOUTS = {
    "out, in, ...": (0, 1, 2, 3),
    "in, out, ...": (1, 0, 2, 3),
    "..., in, out": (2, 3, 1, 0),
    "..., out, in": (2, 3, 0, 1),
}


def swapped(layout):
    return layout.replace("out", "?").replace("in", "out").replace("?", "in")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("c_in", [2, 5])  # with 5, the wrong layout shows in no shape
def test_every_layout_of_a_convolution_is_folded_along_its_own_axis(layout, c_in):
    given, order = drawn(c_in=c_in), LAYOUTS[layout]
    weight, bias = fold_convolution(**given)
    turned = given | {"weight": given["weight"].transpose(order)}
    found, same = fold_convolution(**turned, layout=layout)
    assert (found == weight.transpose(order)).all()
    assert (same == bias).all()
    if c_in == 5:
        wrong = fold_convolution(**turned, layout=swapped(layout))
        assert np.abs(wrong[0] - found).max() > 0.1


def test_a_linear_layer_of_pytorch_is_folded_along_its_first_axis():
    given = drawn() | {"weight": np.random.default_rng(1).standard_normal((5, 5))}
    weight, bias = fold_affine(**given)
    found, same = fold_affine(**given | {"weight": given["weight"].T}, layout="out, in")
    assert (found == weight.T).all()
    assert (same == bias).all()
    assert (fold_affine(**given, layout="in, out")[0] == weight).all()


@pytest.mark.parametrize(
    ("fold", "layout", "says"),
    [
        (fold_convolution, "OIHW", "layout must be 'out, in, ...' or .* got 'OIHW'"),
        (fold_convolution, "out, in", "layout must be"),
        (fold_affine, "out, in, ...", "layout must be 'in, out' or 'out, in'; got"),
        (fold_affine, None, "layout must be .* got None"),
    ],
)
def test_an_unknown_layout_is_named(fold, layout, says):
    given = drawn() | {"weight": np.ones((5, 5))}
    with pytest.raises(ValueError, match=says):
        fold(**given, layout=layout)


def test_a_grouped_transposed_convolution_is_refused():
    given = drawn() | {"weight": np.ones((4, 2, 3, 3))}  # C_in, C / groups; C is 5
    with pytest.raises(ValueError, match=r"bias must have shape \(2,\)"):
        fold_convolution(**given, layout="in, out, ...")


@pytest.mark.parametrize("part", ["weight", "bias"])
def test_float16_that_overflows_is_refused(part):
    given = drawn() | {"running_var": np.full(5, 1e-8), "running_mean": np.zeros(5)}
    given["weight"] = given["weight"].astype(np.float16) * (1000 if part == "weight" else 0)
    given["bias"] = given["bias"] * (1000 if part == "bias" else 0)
    with pytest.raises(ValueError, match="weight or bias, folded, must fit float16; got a number"):
        fold_convolution(**given, eps=1e-7)
    wide = fold_convolution(**given | {"weight": given["weight"].astype(np.float32)}, eps=1e-7)
    assert all(np.isfinite(a).all() for a in wide)


def test_nan_in_a_weight_is_no_overflow():
    given = drawn()
    given["weight"][0, 0] = np.nan
    given["weight"][1, 0] = np.inf
    weight, _ = fold_convolution(**given | {"weight": given["weight"].astype(np.float16)})
    assert np.isnan(weight[0, 0]).all()
    assert np.isinf(weight[1, 0]).all()


def test_a_variance_below_zero_is_folded_where_eps_makes_up_for_it():
    given = drawn() | {"running_var": np.array([-9e-4, 1, 2, 3, 4])}
    x = np.random.default_rng(9).normal(5, 4, (3, 2, 6, 7))
    weight, bias = fold_convolution(**given, eps=1e-3)
    assert relative(convolve(x, weight, bias), unfolded(x, **given, eps=1e-3)) < EXACT
    with pytest.raises(ValueError, match="running_var must not be negative"):
        fold_convolution(**given, eps=1e-5)


@pytest.mark.parametrize("seed", range(40))
def test_float32_differs_by_as_little_as_the_docstring_says(seed):
    rng = np.random.default_rng(seed)
    d_in, offset = int(rng.integers(2, 2000)), rng.choice([0, 5, 100])
    weight = rng.standard_normal((d_in, 7)).astype(np.float32)
    bias = (rng.standard_normal(7) * rng.choice([0, 1, 100])).astype(np.float32)
    x = (rng.standard_normal((8, d_in)) + offset).astype(np.float32)
    scores = x @ weight + bias
    mean, var = scores.astype(np.float64).mean(axis=0), scores.astype(np.float64).var(axis=0)
    gamma, beta = rng.uniform(0.5, 2, 7), rng.standard_normal(7)
    folded, shift = fold_affine(weight, bias, gamma, beta, mean, var)
    one, two = x @ folded + shift, bnlib.batchnorm_inference(scores, gamma, beta, mean, var)
    scale = gamma / np.sqrt(var + 1e-5)
    size = scale * (np.abs(x).astype(np.float64) @ np.abs(weight) + np.abs(bias - mean))
    size += np.abs(beta)
    difference = np.abs(one.astype(np.float64) - two) / size
    assert difference.max() < 1e-6
    assert difference.mean() < 1e-7
