"""The judge is judged: what it finds right, what it finds wrong, and what it refuses."""

import re

import numpy as np
import pytest

from bnlib import gradcheck
from bnlib.judges.gradcheck import (
    WrongGradientError,
    check_gradients,
    compare_gradients,
    complex_step_gradient,
    norm_error,
    numerical_gradient,
    rel_error,
)
from bnlib.judges.gradcheck.blindness import BlindCheckError
from bnlib.layers import batchnorm_backward, batchnorm_forward
from tests.strategies import random_case


def normalized(x):
    """Batch norm of (N, C), by itself, so that this file needs nothing of the mathematics."""
    deviations = x - np.mean(x, axis=0)
    return deviations / np.sqrt(np.mean(deviations * deviations, axis=0) + 1e-5)


def scaled(x, gamma):
    return gamma * normalized(x)


@pytest.fixture
def batch():
    """x (4, 3), gamma (3,), dout (4, 3) and the right gradients for `scaled`."""
    rng = np.random.default_rng(3)
    x, gamma, dout = (
        5 + 2 * rng.normal(size=(4, 3)),
        np.array([2.0, -1.5, 0.5]),
        rng.normal(size=(4, 3)),
    )
    analytic = {
        "x": complex_step_gradient(lambda x: scaled(x, gamma), x, dout),
        "gamma": np.sum(dout * normalized(x), axis=0),
    }
    return {"x": x, "gamma": gamma}, dout, analytic


def refusal(*args, **kwargs):
    """Return the reason for which a check is refused, in both of its forms."""
    with pytest.raises(BlindCheckError) as caught:
        check_gradients(*args, **kwargs)
    report = compare_gradients(*args, **kwargs)
    assert (report.verdict, report.reason, bool(report)) == ("refused", str(caught.value), False)
    return report.reason


# Errors of two arrays


@pytest.mark.parametrize(
    ("a", "b", "relative", "normwise"),
    [
        ([3.0, 4.0], [3.0, 4.0], 0, 0),
        ([0.0, 0.0], [0.0, 0.0], 0, 0),
        ([0.0, 0.0], [3.0, 4.0], 1, 1),
        ([3.0, 4.0], [-3.0, -4.0], 1, 2),
        ([100.0, 1e-3], [100.0, 3e-3], 0.5, 2e-5),  # one entry, tiny beside the other
        (2.0, 1.0, 1 / 3, 0.5),
        ([1e-9], [-1e-9], 0.2, 2),  # rel_error's floor of 1e-8
    ],
)
def test_errors_of_known_pairs(a, b, relative, normwise):
    assert rel_error(a, b) == pytest.approx(relative, rel=1e-12)
    assert norm_error(a, b) == pytest.approx(normwise, rel=1e-9)
    assert norm_error(b, a) == norm_error(a, b)


@pytest.mark.parametrize("error", [rel_error, norm_error])
def test_errors_of_different_shapes_are_refused_although_they_broadcast(error):
    with pytest.raises(ValueError, match=re.escape("shapes differ: (3,) and (2, 3)")):
        error(np.zeros(3), np.zeros((2, 3)))


@pytest.mark.parametrize("error", [rel_error, norm_error])
@pytest.mark.parametrize("other", [0.0, 1.0])
def test_nan_on_either_side_is_never_a_small_error(error, other):
    assert np.isnan(error([np.nan], [other]))
    assert np.isnan(error([other], [np.nan]))


# Numerical gradients


@pytest.mark.parametrize(
    ("gradient", "accuracy"),
    [(numerical_gradient, 1e-9), (complex_step_gradient, 1e-14)],  # h^2 = 1e-10; rounding
)
def test_numerical_gradient_of_a_cubic_is_its_derivative(gradient, accuracy):
    x, dout = np.array([[1.0, -2.0, 3.0]]), np.array([[0.5, 1.0, -2.0]])
    np.testing.assert_allclose(gradient(lambda x: x**3, x, dout), 3 * x**2 * dout, rtol=accuracy)


def test_gradient_of_a_number_needs_no_dout():
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(numerical_gradient(lambda x: np.sum(x * x), x), 2 * x, rtol=1e-9)


def test_central_error_falls_with_h_squared_until_rounding_takes_over():
    errors = [
        abs(numerical_gradient(np.exp, np.array(1.0), 1.0, h) - np.e) for h in (1e-2, 1e-3, 1e-9)
    ]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.01)  # e h^2 / 6
    assert errors[2] > errors[1] / 100  # h^2 alone would say 1e-12 of it


@pytest.mark.parametrize("gradient", [numerical_gradient, complex_step_gradient])
def test_integer_arguments_are_perturbed_as_a_float_copy(gradient):
    gamma = np.array([3, 4, 5])
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])
    np.testing.assert_allclose(
        gradient(lambda g: g * x, gamma, np.ones((2, 3))), x.sum(axis=0), rtol=1e-9
    )
    assert gamma.dtype.kind == "i"
    assert gamma.tolist() == [3, 4, 5]


@pytest.mark.parametrize("gradient", [numerical_gradient, complex_step_gradient])
def test_function_that_writes_into_its_argument_leaves_the_callers_array_alone(gradient):
    def double_in_place(x):
        x *= 2
        return x

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(
        gradient(double_in_place, x, np.array([1.0, 3.0])), [2, 6], rtol=1e-9
    )
    assert x.tolist() == [1, 2]


def test_function_that_returns_the_same_buffer_every_time_has_its_gradient():
    buffer = np.empty(2)
    np.testing.assert_allclose(
        numerical_gradient(
            lambda x: np.multiply(x, x, out=buffer), np.array([1.0, 2.0]), np.ones(2)
        ),
        [2, 4],
        rtol=1e-9,
    )


@pytest.mark.parametrize("gradient", [numerical_gradient, complex_step_gradient])
@pytest.mark.parametrize("h", [0.0, -1e-5, np.nan])
def test_step_that_is_not_positive_is_an_error(gradient, h):
    with pytest.raises(ValueError, match="h must be positive"):
        gradient(lambda x: x, np.ones(2), np.ones(2), h)


@pytest.mark.parametrize("gradient", [numerical_gradient, complex_step_gradient])
def test_dout_of_another_shape_is_an_error_although_it_broadcasts(gradient):
    with pytest.raises(ValueError, match=re.escape("dout must have the shape of f(x), (2, 3)")):
        gradient(lambda x: x, np.ones((2, 3)), np.ones(3))


def test_complex_step_through_a_function_of_real_values_is_an_error():
    with pytest.raises(TypeError, match="f returned float64"):
        complex_step_gradient(np.abs, np.ones(2), np.ones(2))


# Right gradients


@pytest.mark.parametrize("method", ["central", "complex"])
def test_right_gradients_pass_and_say_so(batch, method):
    arguments, dout, analytic = batch
    report = check_gradients(scaled, arguments, dout, analytic, method=method)
    assert report
    assert str(report).startswith("right: x, gamma agree with ")
    # Two thirds of the digits for central differences, all but rounding for the complex step.
    assert max(report.errors.values()) < {"central": 1e-9, "complex": 1e-14}[method]


def test_layer_with_its_cache_is_checked_in_one_line():
    x, gamma, beta, dout = random_case()
    cache = batchnorm_forward(x, gamma, beta)[1]
    arguments = {"x": x, "gamma": gamma, "beta": beta}
    assert check_gradients(batchnorm_forward, arguments, dout, batchnorm_backward(dout, cache))


def test_single_array_needs_no_name(batch):
    arguments, dout, analytic = batch
    x, gamma = arguments.values()
    assert check_gradients(lambda v: scaled(v, gamma), x, dout, analytic["x"])
    with pytest.raises(WrongGradientError, match="the argument differs"):
        check_gradients(lambda v: scaled(v, gamma), x, dout, 0 * x)


def test_gradients_in_order_are_those_by_name_and_further_names_are_left_out(batch):
    arguments, dout, analytic = batch
    in_order = check_gradients(scaled, arguments, dout, tuple(analytic.values()))
    by_name = check_gradients(scaled, arguments, dout, {"y": dout, **analytic})
    assert in_order == by_name


def test_nothing_that_was_passed_is_changed(batch):
    arguments, dout, analytic = batch
    arrays = [*arguments.values(), dout, *analytic.values()]
    before = [a.copy() for a in arrays]
    check_gradients(scaled, arguments, dout, analytic)
    for array, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_loss_that_is_a_number_takes_a_number_upstream(batch):
    arguments, _, _ = batch
    assert check_gradients(lambda x: np.sum(x * x), arguments["x"], 1.0, 2 * arguments["x"])


# Wrong gradients


@pytest.mark.parametrize("difference", [0.25, -0.25])
def test_failure_names_argument_entry_and_both_values(batch, difference):
    arguments, dout, analytic = batch
    wrong = analytic["x"].copy()
    wrong[3, 1] += difference
    with pytest.raises(WrongGradientError) as caught:
        check_gradients(scaled, arguments, dout, {**analytic, "x": wrong}, method="complex")
    assert str(caught.value).endswith(
        f"worst at [3, 1]: analytic {wrong[3, 1]:.6g}, numeric {analytic['x'][3, 1]:.6g}"
    )
    assert str(caught.value).startswith("wrong: x differs from the complex step by ")
    assert "gamma" not in str(caught.value)


def test_every_wrong_argument_is_listed(batch):
    arguments, dout, analytic = batch
    report = compare_gradients(
        scaled, arguments, dout, {name: 2 * g for name, g in analytic.items()}
    )
    assert report.verdict == "wrong"
    assert not report
    assert [line.split()[0] for line in report.reason.splitlines()] == [
        "x",
        "gamma",
    ]
    assert report.errors == pytest.approx({"x": 0.5, "gamma": 0.5}, rel=1e-6)


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda g: 0 * g,
        lambda g: -g,
        lambda g: 1.00001 * g,
        lambda g: np.full_like(g, np.nan),
        lambda g: np.roll(g, 1, axis=0),
    ],
    ids=["zero", "sign", "factor 1 + 1e-5", "NaN", "moved by one"],
)
def test_spoilt_gradient_is_wrong(batch, spoil, method):
    arguments, dout, analytic = batch
    for name in arguments:
        report = compare_gradients(
            scaled, arguments, dout, {**analytic, name: spoil(analytic[name])}, method=method
        )
        assert report.verdict == "wrong", name


@pytest.mark.parametrize("tolerance", [1.0, 0.2, -1e-9, np.nan])
def test_tolerance_that_accepts_anything_is_an_error(batch, tolerance):
    with pytest.raises(ValueError, match=r"tolerance must be from 0 to 0\.1"):
        compare_gradients(scaled, *batch, tolerance=tolerance)


def test_unknown_method_is_an_error(batch):
    with pytest.raises(ValueError, match="method must be 'central' or 'complex'; got 'forward'"):
        compare_gradients(scaled, *batch, method="forward")


# Refusals. In each, a wrong gradient could pass, or a right one fail.


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize(
    "dout", [np.ones((4, 3)), np.ones((4, 3)) * [1.0, -2.0, 0.0]], ids=["ones", "per channel"]
)
def test_dout_constant_within_each_channel_is_refused(batch, dout, method):
    arguments, _, analytic = batch
    assert "constant within each channel" in refusal(
        scaled, arguments, dout, analytic, method=method
    )


def test_dout_constant_within_each_channel_would_accept_a_backward_without_its_terms(batch):
    arguments, _, _ = batch
    ones = np.ones((4, 3))
    judge = numerical_gradient(lambda x: scaled(x, arguments["gamma"]), arguments["x"], ones)
    np.testing.assert_allclose(judge, 0, atol=1e-9)  # whatever the two terms are: hence the refusal


def test_dout_that_is_constant_in_one_channel_is_refused_and_the_channel_named(batch):
    arguments, dout, analytic = batch
    assert "dout is constant within channel 1" in refusal(
        scaled, arguments, np.where([True, False, True], dout, 2.0), analytic
    )


def test_dout_that_sums_to_zero_in_a_channel_is_refused(batch):
    arguments, dout, analytic = batch
    assert "sums to zero in a channel" in refusal(
        scaled, arguments, dout - dout.mean(axis=0), analytic
    )


def test_wrong_channel_does_not_hide_beside_a_large_one(batch):
    arguments, dout, _ = batch
    gamma = np.array([1.0, 1.0, 1e-7])
    dx = complex_step_gradient(lambda x: scaled(x, gamma), arguments["x"], dout)
    found = compare_gradients(lambda x: scaled(x, gamma), arguments["x"], dout, dx * [1, 1, -5])
    assert found.verdict == "wrong"


def test_errors_of_small_integers_do_not_wrap_around():
    assert rel_error(np.uint8([1]), np.uint8([3])) == 0.5
    assert norm_error(np.int8([-128]), np.int8([127])) > 1.9


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("part", [0.0, 3.0])
def test_dout_that_batch_norm_annihilates_is_refused(batch, method, part):
    arguments, _, analytic = batch
    dout = part + 2 * normalized(arguments["x"])  # the gradient of a sum of squares, for one
    reason = "the gradient with respect to x vanishes" if part else "dout sums to zero"
    assert reason in refusal(scaled, arguments, dout, analytic, method=method)


def test_dout_of_zeros_is_refused(batch):
    arguments, dout, analytic = batch
    assert "dout is zero" in refusal(scaled, arguments, 0 * dout, analytic)


@pytest.mark.parametrize("method", ["central", "complex"])
def test_function_that_ignores_its_argument_is_refused_by_name(batch, method):
    arguments, dout, analytic = batch
    gamma = arguments["gamma"]  # read from outside, as in the course's notebook
    assert "f ignores its argument gamma" in refusal(
        lambda x, gamma_unused: scaled(x, gamma),
        {"x": arguments["x"], "gamma_unused": gamma},
        dout,
        {"x": analytic["x"], "gamma_unused": 0 * gamma},
        method=method,
    )


def test_function_that_returns_its_first_result_for_ever_is_refused(batch):
    arguments, dout, analytic = batch
    first = scaled(**arguments)
    assert "ignores its argument x" in refusal(lambda x, gamma: first, arguments, dout, analytic)


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_one_value_per_channel_is_refused(shape):
    x = np.arange(3.0).reshape(shape)
    assert "one value per channel" in refusal(lambda x: x - x.mean(axis=0), x, 1 + x, 0 * x)


def test_function_that_keeps_state_is_refused(batch):
    arguments, dout, analytic = batch
    running = {"scale": 1.0}

    def f(x, gamma):
        running["scale"] *= 0.9
        return running["scale"] * scaled(x, gamma)

    assert "keeps state between calls" in refusal(f, arguments, dout, analytic)


def test_function_that_keeps_state_in_the_array_it_returns_is_refused(batch):
    arguments, dout, analytic = batch
    total = np.zeros((4, 3))

    def f(x, gamma):
        total[:] += scaled(x, gamma)
        return total

    assert "keeps state between calls" in refusal(f, arguments, dout, analytic)


def test_function_sees_floats_although_an_argument_holds_integers(batch):
    arguments, dout, analytic = batch
    seen = set()

    def f(x, gamma):
        seen.add(gamma.dtype)
        return scaled(x, gamma)

    gamma = np.array([3, 4, 5])
    dx = complex_step_gradient(lambda x: scaled(x, gamma), arguments["x"], dout)
    gradients = {"x": dx, "gamma": analytic["gamma"]}
    assert check_gradients(f, {"x": arguments["x"], "gamma": gamma}, dout, gradients)
    assert seen == {np.dtype(np.float64)}


def test_function_whose_state_changes_only_later_is_refused(batch):
    arguments, dout, analytic = batch
    calls = []

    def f(x, gamma):
        calls.append(1)
        return scaled(x, gamma) + (len(calls) > 10)

    report = compare_gradients(f, arguments, dout, analytic)
    assert (report.verdict, "state between calls" in report.reason) == ("refused", True)


def test_function_that_draws_random_numbers_is_refused(batch):
    arguments, dout, analytic = batch
    rng = np.random.default_rng(0)
    f = lambda x, gamma: scaled(x, gamma) * (rng.random(x.shape) < 0.5)  # noqa: E731  dropout
    assert "draws random numbers" in refusal(f, arguments, dout, analytic)


def test_function_that_changes_its_argument_is_refused_by_name(batch):
    arguments, dout, analytic = batch

    def f(x, gamma):
        x -= np.mean(x, axis=0)
        return scaled(x, gamma)

    assert refusal(f, arguments, dout, analytic) == "f changes its argument x in place"


def test_shapes_that_differ_are_refused_although_they_broadcast(batch):
    arguments, dout, analytic = batch
    reason = refusal(scaled, arguments, dout, {**analytic, "gamma": analytic["gamma"][:, None]})
    assert (
        reason
        == "the analytic gradient with respect to gamma has shape (3, 1), but gamma has shape (3,)"
    )
    assert "dout must have the shape of f's value, (4, 3); got (3,)" in refusal(
        scaled, arguments, dout[0], analytic
    )


def test_missing_gradient_is_refused(batch):
    arguments, dout, analytic = batch
    assert refusal(scaled, arguments, dout, {"x": analytic["x"]}).endswith("respect to gamma")
    assert refusal(scaled, arguments, dout, (analytic["x"],)) == "2 arguments, but 1 gradients"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(batch, bad):
    arguments, dout, analytic = batch
    assert "NaN or infinity" in refusal(
        lambda x, gamma: scaled(x, gamma) + bad, arguments, dout, analytic
    )
    assert "NaN or infinity" in refusal(scaled, arguments, np.where(dout > 0, bad, dout), analytic)


def test_values_that_are_not_finite_a_step_away_are_refused():
    with np.errstate(invalid="ignore"):
        reason = refusal(np.sqrt, np.array([0.0, 1.0]), np.array([1.0, 2.0]), np.array([0.0, 1.0]))
    assert reason == "f returned NaN or infinity for the argument a step away"


def test_float32_results_are_refused_as_too_coarse(batch):
    arguments, dout, analytic = batch
    f = lambda x, gamma: scaled(x, gamma).astype(np.float32)  # noqa: E731
    assert "float32, too coarse" in refusal(f, arguments, dout, analytic)


def test_step_too_small_to_tell_is_refused_and_not_called_a_wrong_gradient(batch):
    reason = refusal(scaled, *batch, h=1e-12)
    assert "is itself uncertain: from h = 1e-12 to 2h" in reason


def test_kink_between_the_two_steps_is_refused():
    x, dout = np.array([3e-6, 1.0]), np.array([2.0, 1.0])
    relu = lambda x: np.maximum(x, 0)  # noqa: E731
    assert "is itself uncertain" in refusal(relu, x, dout, dout)


def test_complex_step_that_stops_at_np_var_is_refused(batch):
    arguments, dout, _ = batch
    f = lambda x, gamma: gamma * (x - np.mean(x, axis=0)) / np.sqrt(np.var(x, axis=0) + 1e-5)  # noqa: E731
    # np.var takes |.|^2, whose imaginary part is zero. With what the complex step then finds, a
    # backward that stops at the variance, a known fault, would pass.
    std = np.sqrt(np.var(arguments["x"], axis=0) + 1e-5)
    ghat = dout * arguments["gamma"] / std
    stopped = {
        "x": ghat - ghat.mean(axis=0),
        "gamma": np.sum(dout * normalized(arguments["x"]), axis=0),
    }
    seen = complex_step_gradient(lambda x: f(x, arguments["gamma"]), arguments["x"], dout)
    np.testing.assert_allclose(seen, stopped["x"], rtol=1e-9)
    assert "does not carry through f" in refusal(f, arguments, dout, stopped, method="complex")
    assert compare_gradients(f, arguments, dout, stopped).verdict == "wrong"


def test_complex_step_that_stops_at_np_abs_is_refused_too(batch):
    arguments, dout, analytic = batch
    f = lambda x, gamma: np.abs(scaled(x, gamma))  # noqa: E731
    assert "does not carry through f" in refusal(f, arguments, dout, analytic, method="complex")


def test_every_name_of_the_interface_is_there():
    for name in (
        "rel_error",
        "norm_error",
        "numerical_gradient",
        "complex_step_gradient",
        "check_gradients",
    ):
        assert callable(getattr(gradcheck, name))
