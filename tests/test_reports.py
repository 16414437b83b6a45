"""Reports of frameworks and courses that go wrong, each with its source and the right value.

The name before the number is a repository on GitHub; the number is an issue or a pull request.
Numbers without a right value of their own are judged by loops, by exact arithmetic, or by hand.
"""

from dataclasses import replace

import numpy as np
import pytest

import bnlib
from bnlib import cs231n, kernels, reference
from bnlib.conventions import FLAX, KERAS, PYTORCH
from bnlib.folding import fold_affine, fold_convolution
from bnlib.running import RunningStatistics
from tests import exact_arithmetic
from tests.strategies import random_case

MODULES = pytest.mark.parametrize("module", [bnlib, kernels], ids=["layers", "kernels"])


# Range


@MODULES
def test_pytorch_162489_and_178123_float32_near_1e30_is_not_normalized_to_zeros(module):
    x = np.array([[1e30, 1], [2e30, 2], [4e30, 6]], np.float32)
    y, cache = module.batchnorm_forward(x, np.ones(2), np.zeros(2))
    want = exact_arithmetic.batchnorm(x, [1, 1], [0, 0], x, 1e-5)
    assert exact_arithmetic.error(y, want[0]) < 1e-6
    assert exact_arithmetic.error(cache.statistics.var, want[4]) < 1e-6


def test_tenstorrent_tt_metal_55159_rms_and_layer_norm_of_1e25_are_ordinary():
    row = np.array([[1, -2, 3, 5]], np.float32)
    for norm in (
        lambda x: bnlib.rmsnorm_forward(x, np.ones(4), eps=0)[0],
        lambda x: bnlib.layernorm_forward(x, np.ones(4), np.zeros(4), eps=0)[0],
    ):
        np.testing.assert_allclose(norm(row * np.float32(1e25)), norm(row), rtol=1e-6)


def test_apple_coremltools_2822_a_rescale_leaves_eps_as_it_is():
    x = np.array([[1e-20, 3e20], [2e-20, -1e20], [4e-20, 9e19]], np.float32)
    for scale, eps in ((1, 1e38), (0, 1e-30)):  # eps counts in one of the two channels
        y, _ = bnlib.batchnorm_forward(x, np.ones(2), np.zeros(2), eps=eps)
        want = exact_arithmetic.batchnorm(x, [1, 1], [0, 0], x, eps)[0]
        assert exact_arithmetic.error(y[:, scale:], want[:, scale:]) < 1e-6
    zeros, _ = bnlib.rmsnorm_forward(np.zeros((1, 3)), np.ones(3))
    assert (zeros == 0).all()


@pytest.mark.parametrize("value", [40000.0, 80000.0])
def test_onnxruntime_28463_layer_norm_of_large_float32_is_no_nan(value):
    x = np.array([[value, value + 1, value + 2, value + 3]], np.float32)
    y, _ = bnlib.layernorm_forward(x, np.ones(4), np.zeros(4))
    np.testing.assert_allclose(y, [[-1.3416, -0.4472, 0.4472, 1.3416]], atol=1e-4)


def test_pytorch_51102_layer_norm_of_shifted_rows_has_mean_0_and_variance_1():
    x = (np.random.default_rng(0).standard_normal((5, 4)) + 2000).astype(np.float32)
    y, _ = bnlib.layernorm_forward(x, np.ones(4), np.zeros(4))
    np.testing.assert_allclose(y.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(axis=1), 1, atol=1e-3)


def test_pytorch_133085_rms_norm_of_float16_squares_in_float32():
    x = np.array([[300, -400, 500, 1000]], np.float16)  # a square passes 65504
    y, _ = bnlib.rmsnorm_forward(x, np.ones(4))
    np.testing.assert_allclose(y, x / 612.372, rtol=1e-3)


def test_apple_coreai_torch_54_a_running_variance_beyond_float16_does_not_silence_float16():
    x = np.array([[300.0], [-600.0]], np.float16)
    y = bnlib.batchnorm_inference(x, [1], [0], [0], [90000.0])
    np.testing.assert_allclose(y, [[1], [-2]], rtol=1e-3)


# Running statistics


@pytest.mark.parametrize("momentum", [0.1, 0.0])
def test_pytorch_90342_one_infinity_need_not_poison_running_statistics(momentum):
    x = np.array([[1.0, np.inf], [3.0, 4.0]])
    convention = replace(PYTORCH, momentum=momentum)
    start = RunningStatistics.initial(2, convention)
    with pytest.warns(RuntimeWarning, match=r"channels \[1\]"), np.errstate(invalid="ignore"):
        poisoned = start.update(x, convention)
    assert np.isnan(poisoned.var[1])
    with np.errstate(invalid="ignore"):
        kept = start.update(x, replace(convention, non_finite="skip"))
    assert (kept.mean[1], kept.var[1]) == (0, 1)
    assert kept.mean[0] == poisoned.mean[0]
    with pytest.raises(ValueError, match=r"channels \[1\]"), np.errstate(invalid="ignore"):
        start.update(x, replace(convention, non_finite="error"))


def test_keras_9003_debiasing_takes_out_the_start_whatever_it_was():
    rng = np.random.default_rng(0)
    for start in (1.0, 9.0):
        convention = replace(KERAS, initial_var=start)
        running = RunningStatistics.initial(1, convention)
        for _ in range(100):
            running = running.update(rng.normal(0, 2, (200, 1)), convention)
        assert abs(running.var[0] - 4) > 1
        assert abs(running.debiased(convention).var[0] - 4) < 0.1


def test_loaded_checkpoints_have_an_unknown_share_of_their_start():
    """torch.nn.BatchNorm2d's state_dict tells num_batches_tracked: pytorch/pytorch 5766."""
    loaded = RunningStatistics([5.0], [2.0], batches=100)
    with pytest.raises(ValueError, match="initial_share is unknown"):
        loaded.update(np.array([[5.0], [6.0]]), PYTORCH).debiased(PYTORCH)


@MODULES
def test_shicai_mobilenet_caffe_87_a_variance_just_below_zero_is_taken_with_its_eps(module):
    var, eps = np.array([4.7596052e-02, -9.9998997e-06, -4.9380765e-06]), 1e-5
    x = np.array([[0.1, 1e-6, 2e-4]])
    y = module.batchnorm_inference(x, np.ones(3), np.zeros(3), np.zeros(3), var, eps=eps)
    np.testing.assert_allclose(y, x / np.sqrt(var + eps), rtol=1e-12)
    with pytest.raises(ValueError, match="running_var must not be negative"):
        module.batchnorm_inference(x, np.ones(3), np.zeros(3), np.zeros(3), var, eps=9e-6)
    weight, _ = fold_affine(np.eye(3), None, np.ones(3), np.zeros(3), np.zeros(3), var, eps=eps)
    np.testing.assert_allclose(x @ weight, y, rtol=1e-12)


def test_gzuidhof_nn_transfer_3_keras_statistics_give_pytorch_the_same_outputs():
    keras = RunningStatistics([0.5, -2.0], [0.002, 3.0], batches=100)
    x = np.array([[0.4, 1.0], [0.9, -5.0]])
    given = [2.0, 1.0], [0.0, 1.0]
    want = bnlib.batchnorm_inference(x, *given, keras.mean, keras.var, eps=1e-3)
    plain = bnlib.batchnorm_inference(x, *given, keras.mean, keras.var, eps=1e-5)
    moved = KERAS.moved(keras, to=PYTORCH)
    y = bnlib.batchnorm_inference(x, *given, **moved.for_inference(PYTORCH))
    np.testing.assert_allclose(y, want, rtol=1e-12)
    assert np.abs(plain - want).max() > 0.1


def test_qqwweee_keras_yolo3_451_moving_there_and_back_is_the_same():
    running = RunningStatistics([1.0, 2.0], [1e-4, 3.0])
    back = KERAS.moved(FLAX.moved(running, to=KERAS), to=FLAX)
    np.testing.assert_allclose(back.var, running.var, rtol=1e-12)


# Backward in evaluation


@MODULES
@pytest.mark.parametrize(
    "report", ["pytorch/xla 913 and 3361", "apache/mxnet 9580", "torch/nn 615"]
)
def test_backward_in_evaluation_takes_the_statistics_as_given(module, report):
    case = random_case((4, 5, 3))
    mean, var = np.zeros(5), np.ones(5)  # as new layers have them
    dout = np.ones(case.x.shape) if "xla" in report else case.dout
    found = module.batchnorm_inference_backward(dout, case.x, case.gamma, mean, var)
    want = reference.batchnorm_inference_backward(dout, case.x, case.gamma, mean, var)
    for a, b in zip(found, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    if "xla" in report:  # in training a dout of ones gives dx = 0
        assert np.abs(found[0][:, 0]).min() > 0.1


@MODULES
def test_pytorch_586_a_second_backward_in_evaluation_gives_the_same(module):
    case = random_case((4, 3))
    given = case.dout, case.x, case.gamma, np.ones(3), np.ones(3)
    first, second = (module.batchnorm_inference_backward(*given) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


# Folding


def test_ultralytics_25364_a_transposed_convolution_is_scaled_along_its_second_axis():
    rng = np.random.default_rng(0)
    weight, norm = rng.standard_normal((4, 4, 2, 2)), rng.uniform(0.5, 2, (4, 4))
    folded, _ = fold_convolution(weight, None, *norm, layout="in, out, ...")
    scale = norm[0] / np.sqrt(norm[3] + 1e-5)
    np.testing.assert_allclose(folded, weight * scale[:, None, None], rtol=1e-14)


def test_pytorch_180995_a_grouped_transposed_convolution_is_not_folded_wrongly():
    with pytest.raises(ValueError, match=r"gamma must have shape \(2,\).*got shape \(4,\)"):
        fold_convolution(np.ones((4, 2, 3, 3)), None, *np.ones((4, 4)), layout="in, out, ...")


def test_a_linear_layer_of_pytorch_is_out_in_and_a_square_one_too():
    """torch.nn.Linear's weight is (out, in): pytorch/pytorch 70022 adds the flag for the other."""
    rng = np.random.default_rng(0)
    weight, norm, x = rng.standard_normal((3, 3)), rng.uniform(0.5, 2, (4, 3)), rng.random((5, 3))
    folded, shift = fold_affine(weight, None, *norm, layout="out, in")
    want = bnlib.batchnorm_inference(x @ weight.T, *norm)
    np.testing.assert_allclose(x @ folded.T + shift, want, rtol=1e-12, atol=1e-13)


def test_directml_321_float16_that_overflows_is_refused():
    """microsoft/tensorflow-directml-plugin 321: float16 batch norm overflows on the way."""
    with pytest.raises(ValueError, match="must fit float16"):
        fold_affine(np.full((2, 2), 60.0, np.float16), None, *np.ones((3, 2)), [1e-8, 1], eps=1e-7)


# Axes


def test_tensorpack_1482_and_equinox_471_layer_norm_over_the_last_axis_is_asked_for():
    """Also Qualcomm-AI-research/geometric-algebra-transformer 8: all axes but the first."""
    x = np.arange(24.0).reshape(2, 3, 4)
    y, _ = bnlib.layernorm_forward(x, np.ones(4), np.zeros(4), axes=(2,))
    row = [-1.3416, -0.4472, 0.4472, 1.3416]  # pytorch/pytorch 59178
    np.testing.assert_allclose(y, np.broadcast_to(row, x.shape), atol=1e-4)
    with pytest.raises(ValueError, match="axes must be named"):  # T = D: gamma does not tell
        bnlib.layernorm_forward(np.ones((2, 4, 4)), np.ones(4), np.zeros(4))


def test_keras_team_tf_keras_173_layer_norm_over_channels_has_a_mean_for_each_position():
    x = np.random.default_rng(0).normal(3, 2, (2, 6, 4, 5))
    y, cache = bnlib.layernorm_forward(x, np.ones(6), np.zeros(6), axes=1)
    np.testing.assert_allclose(y.mean(axis=1), 0, atol=1e-14)
    assert cache.statistics.mean.shape == (2 * 4 * 5,)


# Positions that count


def test_tensorflow_30161_padding_changes_neither_mean_nor_variance():
    x = np.array([[[1.0, 3.0, 5.0, 0, 0, 0]]]).repeat(2, axis=0)
    where = (x != 0)[:, :1]
    found = bnlib.batch_statistics(x, where=where)
    np.testing.assert_allclose((found.mean, found.var), [[3], [8 / 3]])
    padded = bnlib.batch_statistics(x)
    np.testing.assert_allclose(padded.mean, [1.5])


def test_pytorch_70529_and_25910_a_longer_padding_changes_nothing():
    rng = np.random.default_rng(0)
    x, dout = rng.normal(3, 2, (2, 2, 3, 9))
    where = np.broadcast_to(np.arange(9) < np.array([[5], [7]]), (2, 9))[:, None]
    results = []
    for length in (7, 9):
        y, cache = bnlib.batchnorm_forward(
            x[..., :length], np.ones(3), np.zeros(3), where=where[..., :length]
        )
        dx, *parameters = bnlib.batchnorm_backward(dout[..., :length], cache)
        results.append((y[..., :7], dx[..., :7], *parameters, cache.statistics.var))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)


# The course


def test_cs231n_116_of_120_notebooks_ignore_the_functions_argument():
    """As the cells of mantasu/cs231n 14 do for the affine layer, with `lambda _:` in others."""
    rng = np.random.RandomState(231)
    x, gamma, beta = 5 * rng.randn(2, 3, 4, 5) + 12, rng.randn(3), rng.randn(3)
    dout, bn_param = rng.randn(2, 3, 4, 5), {"mode": "train"}
    f = lambda _: cs231n.spatial_batchnorm_forward(x, gamma, beta, bn_param)[0]  # noqa: E731
    gradients = cs231n.spatial_batchnorm_backward(dout, f_cache(x, gamma, beta))
    for value, gradient in zip((x, gamma, beta), gradients, strict=True):
        before = value.tobytes()
        numerical = cs231n.eval_numerical_gradient_array(f, value, dout)
        # dx's smallest entries are a thousandth of the others: 1e-6 there, in the course too
        assert cs231n.rel_error(numerical, gradient) < (1e-6 if value is x else 1e-8)
        assert value.tobytes() == before


def f_cache(x, gamma, beta):
    return cs231n.spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})[1]


def test_cs231n_an_integer_gamma_cannot_be_perturbed_and_says_so():
    """The assignment's `gamma = np.asarray([3, 4, 5])`, which a step of 1e-5 does not move."""
    with pytest.raises(TypeError, match="x must be an array of floats"):
        cs231n.eval_numerical_gradient_array(lambda g: g * 1.0, np.asarray([3, 4, 5]), np.ones(3))
