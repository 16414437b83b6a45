"""The remedies of the clinic, notebook 11, each by itself.

They are judged by what frameworks were recorded to do (tests/golden), by loops, or by hand.
"""

import json
from dataclasses import replace

import numpy as np
import pytest

import bnlib
from bnlib import gradcheck, reference
from bnlib.conventions import KERAS, PYTORCH
from bnlib.folding import fold_affine, fold_convolution
from bnlib.running import RunningStatistics
from bnlib.statistics import Moments, merge_all
from bnlib.training.convolution import convolve
from tests.golden import clinic, offsets
from tests.strategies import random_case

RECORDED = json.loads(clinic.TARGET.read_text(encoding="utf-8"))["cases"]
ROWS = np.array(clinic.ROWS)


def kept(running):
    """Return running mean and variance of one channel as the record has them."""
    return [running.mean[0], running.var[0]]


def test_case_01_a_frozen_layer_keeps_its_whole_state():
    recorded = RECORDED["case_1"]
    pretrained = RunningStatistics([0.0], [1.0])
    drifted = pretrained.update(ROWS, PYTORCH)
    for name in ("PyTorch, requires_grad=False", "PyTorch, layer.eval() before train()"):
        np.testing.assert_allclose(kept(drifted), recorded[name], rtol=1e-15)
    for name in ("PyTorch, layer.eval() after train()", "Keras, trainable=False"):
        assert kept(pretrained) == recorded[name]
    y = bnlib.batchnorm_inference(ROWS, [1], [0], **pretrained.for_inference(PYTORCH))
    alone = bnlib.batchnorm_inference(ROWS[:1], [1], [0], **pretrained.for_inference(PYTORCH))
    assert y[0] == alone[0]  # the batch plays no part
    np.testing.assert_allclose(y, ROWS / np.sqrt(1 + 1e-5), rtol=1e-15)


@pytest.mark.parametrize("momentum", [0.1, 0.0])
def test_case_02_one_infinite_batch_does_not_reach_evaluation(momentum):
    convention = replace(PYTORCH, momentum=momentum, non_finite="skip")
    start = RunningStatistics.initial(1, convention)
    bad = np.array([[1.0], [np.inf]])
    with np.errstate(invalid="ignore"):
        careful = start.update(bad, convention)
        with pytest.warns(RuntimeWarning, match=r"channels \[0\]"):
            poisoned = start.update(bad, replace(convention, non_finite="warn"))
    for _ in range(100):
        careful = careful.update(ROWS, convention)
        poisoned = poisoned.update(ROWS, convention)
    recorded = RECORDED["case_2"][f"PyTorch, momentum {momentum}"]
    assert not np.isfinite([float(v) for v in recorded["running"]]).any()
    assert not np.isfinite(kept(poisoned)).any()
    y = bnlib.batchnorm_inference(ROWS, [1], [0], **careful.for_inference(PYTORCH))
    assert np.isfinite(y).all()


def test_case_03_recalibrated_statistics_evaluate_as_training_does():
    recorded = RECORDED["case_3"]
    for convention, name in ((KERAS, "Keras"), (PYTORCH, "PyTorch")):
        young = RunningStatistics.initial(1, convention)
        for _ in range(22):
            young = young.update(ROWS, convention)
        np.testing.assert_allclose(kept(young), recorded[f"{name}, 22 steps"], rtol=1e-12)
        y, _ = bnlib.batchnorm_forward(ROWS, [1], [0], eps=convention.eps)
        average = replace(convention, momentum=None, divisor="m")
        fresh = young.update(ROWS, convention)  # whatever was kept before is thrown away
        fresh = RunningStatistics.initial(1, average).update(ROWS, average)
        again, old = (
            bnlib.batchnorm_inference(ROWS, [1], [0], **seen.for_inference(convention))
            for seen in (fresh, young)
        )
        np.testing.assert_allclose(again, y, rtol=1e-12)
        assert np.abs(old - y).max() > 0.2


def test_case_03_merged_moments_do_not_mind_the_order():
    numbers = np.arange(8.0)[:, None]
    average = replace(PYTORCH, momentum=None)
    for order in (numbers, numbers[::-1], np.random.default_rng(0).permutation(numbers)):
        mean, var, m = merge_all(Moments.of(pair) for pair in np.split(order, 4)).statistics()
        np.testing.assert_allclose([mean[0], var[0] * m / (m - 1)], [3.5, 6], rtol=1e-15)
    running = RunningStatistics.initial(1, average)
    for pair in np.split(numbers, 4):
        running = running.update(pair, average)
    recorded = RECORDED["case_3"]
    np.testing.assert_allclose(
        kept(running), recorded["PyTorch, update_bn, 0 to 7 in pairs"], rtol=1e-15
    )


def test_case_04_backward_in_evaluation_is_a_straight_line():
    recorded = RECORDED["case_4"]
    ones = np.ones((3, 1))
    _, saved = bnlib.batchnorm_forward(ROWS, [2], [0])
    np.testing.assert_allclose(
        bnlib.batchnorm_backward(ones, saved)[0].ravel(), recorded["PyTorch, train()"], atol=1e-15
    )
    dx, *_ = bnlib.batchnorm_inference_backward(ones, ROWS, [2], [1], [4])
    np.testing.assert_allclose(dx.ravel(), recorded["PyTorch, eval()"], rtol=1e-15)
    case = random_case((4, 3))
    mean, var = np.full(3, 5.0), np.full(3, 2.0)
    found = bnlib.batchnorm_inference_backward(case.dout, case.x, case.gamma, mean, var)
    for wanted, name in zip(found, ("x", "gamma", "beta"), strict=True):
        given = {"x": case.x, "gamma": case.gamma, "beta": case.beta}

        def f(value, name=name, given=given):
            return bnlib.batchnorm_inference(
                **(given | {name: value}), running_mean=mean, running_var=var
            )

        numerical = gradcheck.numerical_gradient(f, given[name], case.dout)
        assert gradcheck.norm_error(wanted, numerical) < 1e-8  # central differences, h = 1e-5


def test_case_05_moved_statistics_give_the_same_answers():
    recorded = RECORDED["case_5"]
    x, copied = np.array([[0.45], [0.5], [0.6]]), RunningStatistics([0.5], [0.05**2])

    def answers(running, convention):
        return bnlib.batchnorm_inference(x, [1], [0], **running.for_inference(convention)).ravel()

    # the recorded zero is one, or a rounding of 1e-15
    np.testing.assert_allclose(answers(copied, KERAS), recorded["Keras"], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(answers(copied, PYTORCH), recorded["PyTorch"], rtol=1e-12)
    moved = KERAS.moved(copied, to=PYTORCH)
    np.testing.assert_allclose(answers(moved, PYTORCH), recorded["Keras"], rtol=1e-12, atol=1e-14)
    apart = answers(copied, PYTORCH)[2] / answers(moved, PYTORCH)[2]
    np.testing.assert_allclose(apart, np.sqrt(0.0035 / 0.00251), rtol=1e-12)


def test_case_06_no_epoch_ends_with_a_batch_of_one():
    recorded = RECORDED["case_6"]
    assert recorded["PyTorch"].startswith("Expected more than 1 value per channel when training")
    with pytest.raises(ValueError, match="one value per channel"):
        bnlib.batchnorm_forward(np.ones((1, 3)), np.ones(3), np.zeros(3))
    alone = RunningStatistics.initial(1, KERAS).update(np.array([[7.0]]), KERAS)
    np.testing.assert_allclose(kept(alone), recorded["Keras"]["running"], rtol=1e-14)
    for rows in range(2, 200):
        for size in (1, 2, 64):
            sizes = [min(size, rows - start) for start in range(0, rows, size)]
            assert (min(sizes) == 1) == (size == 1 or rows % size == 1)
        spread = [len(part) for part in np.array_split(np.ones(rows), -(-rows // 64))]
        assert min(spread) > 1


def test_case_07_a_longer_padding_changes_nothing():
    recorded = RECORDED["case_7"]
    x = np.array(clinic.PADDED)
    padded = bnlib.batch_statistics(x)
    np.testing.assert_allclose([padded.mean[0], padded.var[0]], recorded["Keras"], rtol=1e-15)
    np.testing.assert_allclose(padded.var[0] * 12 / 11, recorded["PyTorch"][1], rtol=1e-15)
    found = bnlib.batch_statistics(x, where=x != 0)
    # Keras divides by the count plus 1e-7
    np.testing.assert_allclose([*found.mean, *found.var], recorded["Keras, mask"], rtol=1e-7)
    rng = np.random.default_rng(0)
    x, dout = rng.normal(5, 2, (2, 3, 4, 9))
    where = (np.arange(9) < 6)[None, None]
    results = []
    for length in (6, 9):
        given = x[..., :length], np.ones(4), np.zeros(4)
        y, saved = bnlib.batchnorm_forward(*given, where=where[..., :length])
        gradients = bnlib.batchnorm_backward(dout[..., :length], saved)
        results.append((y[..., :6], gradients[0][..., :6], *gradients[1:], *saved.statistics))
    for short, long in zip(*results, strict=True):
        np.testing.assert_allclose(short, long, rtol=1e-12, atol=1e-14)


def test_case_08_two_updates_of_the_mended_momentum_are_one():
    recorded = RECORDED["case_8"]
    mended = replace(PYTORCH, momentum=1 - np.sqrt(0.9))
    runs = {"plain": (PYTORCH, 1), "checkpoint": (PYTORCH, 2), "mended": (mended, 2)}
    for name, (convention, times) in runs.items():
        running = RunningStatistics.initial(1, convention)
        for _ in range(times):
            running = running.update(ROWS, convention)
        row = recorded[f"PyTorch, {name}"]
        np.testing.assert_allclose(kept(running), row["running"], rtol=1e-14)
        assert running.batches == row["batches"]
        assert row["dx"] == recorded["PyTorch, plain"]["dx"]
    np.testing.assert_allclose(
        recorded["PyTorch, mended"]["running"], recorded["PyTorch, plain"]["running"], rtol=1e-14
    )


def test_case_09_accumulation_is_ghost_batch_norm():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(2, 3, (12, 5)), rng.normal(size=(5, 4))
    dout, gamma, beta = rng.normal(size=(12, 4)), rng.uniform(1, 2, 4), rng.normal(size=4)

    def gradient(x, dout, norm=bnlib.batchnorm_forward, back=bnlib.batchnorm_backward):
        return x.T @ back(dout, norm(x @ weight, gamma, beta)[1])[0] / len(x)

    def accumulated(**norm):
        pieces = zip(np.split(x, 3), np.split(dout, 3), strict=True)
        return np.mean([gradient(*piece, **norm) for piece in pieces], axis=0)

    def ghost(weight):  # one function of the weight, three sets of statistics
        pieces = np.split(x @ weight, 3)
        return np.concatenate([reference.batchnorm_forward(a, gamma, beta) for a in pieces])

    numerical = gradcheck.numerical_gradient(ghost, weight, dout) / len(x)
    assert gradcheck.norm_error(accumulated(), numerical) < 1e-8
    assert gradcheck.norm_error(accumulated(), gradient(x, dout)) > 0.1
    layer = {"norm": bnlib.layernorm_forward, "back": bnlib.layernorm_backward}
    assert gradcheck.norm_error(accumulated(**layer), gradient(x, dout, **layer)) < 1e-12


def test_case_10_scale_before_a_norm_changes_only_the_steps():
    rng = np.random.default_rng(0)
    x, weight, dout = rng.normal(2, 3, (12, 5)), rng.normal(size=(5, 1)), rng.normal(size=(12, 1))
    found = []
    for scale in (1, 10):
        y, saved = bnlib.batchnorm_forward(x @ (scale * weight), [1], [0], eps=0)
        found.append((y, x.T @ bnlib.batchnorm_backward(dout, saved)[0]))
    (y, g), (y_scaled, g_scaled) = found
    np.testing.assert_allclose(y_scaled, y, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(10 * g_scaled, g, rtol=1e-10, atol=1e-13)
    assert abs(np.vdot(g, weight)) < 1e-12 * np.linalg.norm(g) * np.linalg.norm(weight)


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_case_10_decay_without_gradient_leaves_gamma_and_beta(optimizer):
    start = {"weight": np.ones((2, 3)), "gamma": np.ones(2), "beta": np.ones(2)}
    everything = RECORDED["case_10"][f"PyTorch, {optimizer}"]
    grouped = RECORDED["case_10"][f"PyTorch, {optimizer}, two groups"]
    shrunk = 1 - 0.1 * everything["weight_decay"]
    for name, value in start.items():
        np.testing.assert_allclose(everything[name], shrunk, rtol=1e-15)
        if value.ndim > 1:
            assert grouped[name] == everything[name]
        else:
            assert grouped[name] == 1


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_case_11_dropout_before_a_norm_shrinks_evaluation(p):
    positive = np.maximum(np.random.default_rng(0).normal(1, 1, size=(5000, 1)), 0)
    mean, var, _ = bnlib.batch_statistics(positive)
    # every mask at once: a share p of zeros, the rest divided by 1 - p
    zeros, kept_ones = round(10 * p), 10 - round(10 * p)
    dropped = np.concatenate([0 * positive] * zeros + [positive / (1 - p)] * kept_ones)
    shifted = bnlib.batch_statistics(dropped)
    np.testing.assert_allclose(shifted.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(shifted.var, var + p / (1 - p) * (var + mean**2), rtol=1e-12)
    shrunk = bnlib.batchnorm_inference(positive, [1], [0], shifted.mean, shifted.var)
    mended = bnlib.batchnorm_inference(positive, [1], [0], mean, var)
    assert shrunk.std() < 0.9
    np.testing.assert_allclose(mended.std(), 1, rtol=1e-4)  # eps


def upsampled(image, filters):
    """Return a transposed convolution of stride 2 with filters (C_in, C, 2, 2), by its loops."""
    n, _, height, width = image.shape
    y = np.zeros((n, filters.shape[1], 2 * height, 2 * width))
    for h, w in np.ndindex(height, width):
        y[..., 2 * h : 2 * h + 2, 2 * w : 2 * w + 2] = np.tensordot(image[..., h, w], filters, 1)
    return y


def test_case_12_a_square_weight_is_folded_along_its_outputs():
    recorded = RECORDED["case_12"]
    apart = recorded["PyTorch, float32"]
    assert apart["sum of the differences"] / apart["numbers"] < 1e-7
    rng = np.random.default_rng(0)
    weight, norm, x = rng.normal(size=(3, 3)), rng.uniform(0.5, 2, (4, 3)), rng.normal(size=(8, 3))
    want = bnlib.batchnorm_inference(x @ weight.T, *norm)
    for layout, right in (("out, in", True), ("in, out", False)):
        folded, bias = fold_affine(weight, None, *norm, layout=layout)
        assert np.allclose(x @ folded.T + bias, want, rtol=1e-12, atol=1e-13) == right
    image, filters = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(3, 3, 2, 2))
    want = bnlib.batchnorm_inference(upsampled(image, filters), *norm)
    for layout, right in (("in, out, ...", True), ("out, in, ...", False)):
        folded, bias = fold_convolution(filters, None, *norm, layout=layout)
        found = upsampled(image, folded) + bias[:, None, None]
        assert np.allclose(found, want, rtol=1e-12, atol=1e-12) == right
    grouped = np.ones((4, 2, 3, 3))
    assert "must match" in recorded["PyTorch, transposed, 2 groups"]
    with pytest.raises(ValueError, match="gamma must have shape"):
        fold_convolution(grouped, None, *np.ones((4, 4)), layout="in, out, ...")


def test_case_12_folding_forward_needs_another_padding():
    rng = np.random.default_rng(0)
    x, filters = rng.normal(5, 2, (2, 1, 6, 7)), rng.normal(size=(3, 1, 3, 3))
    norm = gamma, beta, mean, var = np.array([[2.0], [3.0], [5.0], [4.0]])
    want = convolve(bnlib.batchnorm_inference(x, *norm), filters, np.zeros(3))
    scale = gamma / np.sqrt(var + 1e-5)
    shift = beta - mean * scale
    folded = scale * filters, shift * filters.sum(axis=(1, 2, 3))
    wrong = np.abs(convolve(x, *folded) - want) > 1e-9
    assert not wrong[..., 1:-1, 1:-1].any()
    assert wrong[..., 0, :].any()
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-(shift / scale)[0])
    right = convolve(padded, *folded)[..., 1:-1, 1:-1]
    np.testing.assert_allclose(right, want, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("cuts", [[6], [7], [8], [0, 3], [1, 2, 3]])
def test_case_13_unequal_shards_merge_to_the_whole(cuts):
    rows = np.array([[1.0], [2], [3], [4], [5], [6], [20], [22]])
    merged = merge_all(Moments.of(part) for part in np.split(rows, cuts)).statistics()
    np.testing.assert_allclose(merged.mean, [63 / 8], rtol=1e-15)
    np.testing.assert_allclose(merged.var, [975 / 8 - (63 / 8) ** 2], rtol=1e-14)
    assert merged.count == 8


def test_case_14_an_offset_costs_two_passes_few_digits():
    stored = json.loads(offsets.TARGET.read_text(encoding="utf-8"))["layers"]
    at = offsets.OFFSETS.index(1e4)
    assert stored["Flax"]["errors"][at] > 1
    assert stored["Flax, use_fast_variance=False"]["errors"][at] < 0.01
    x = offsets.batch(1e4)
    y, _ = bnlib.batchnorm_forward(x, np.ones(3), np.zeros(3))
    assert np.abs(y - offsets.exact(x)).max() < 1e-5  # float32 y, up to 4 in size
    one_pass = (x * x).mean((0, 2, 3)) - x.mean((0, 2, 3)) ** 2
    assert np.all(np.abs(one_pass - 1) > 0.5)


def bfloat16(number):
    """Round to 8 significant bits, ties to even, by arithmetic instead of by bits."""
    if number == 0:
        return 0.0
    step = 2.0 ** (np.floor(np.log2(abs(number))) - 7)
    return float(np.round(number / step) * step)


@pytest.mark.parametrize("momentum", [0.1, 0.01])
def test_case_15_an_average_in_bfloat16_stops_short(momentum):
    mean, var = 0.0, 1.0
    new, old = bfloat16(momentum), bfloat16(1 - momentum)
    for _ in range(2000):
        mean = bfloat16(bfloat16(old * mean) + bfloat16(new * 100))
        var = bfloat16(bfloat16(old * var) + bfloat16(new * 2))
    recorded = RECORDED["case_15"]
    assert [mean, var] == recorded[f"PyTorch, bfloat16, momentum {momentum}"]
    running = RunningStatistics([0.0], [1.0])
    x = np.array([[99.0], [101.0]], np.float16)
    for _ in range(2000):
        running = running.update(x, replace(PYTORCH, momentum=momentum))
    for found in (kept(running), recorded[f"PyTorch, float32, momentum {momentum}"]):
        np.testing.assert_allclose(found, [100, 2], rtol=1e-5)


def test_case_15_a_variance_beyond_float16_does_not_silence_the_layer():
    x = np.array([[300.0], [-600.0]], np.float16)
    y = bnlib.batchnorm_inference(x, [1], [0], [0], [90_000.0])
    np.testing.assert_allclose(y, [[1], [-2]], rtol=1e-3)
    y, saved = bnlib.batchnorm_forward(x, [1], [0])
    assert saved.statistics.var == 450.0**2  # beyond 65504
    np.testing.assert_allclose(y, [[1], [-1]], rtol=1e-3)


def test_case_16_layer_norms_are_told_apart_by_their_means():
    x = np.random.default_rng(0).normal(3, 2, (2, 6, 4, 5)) * np.arange(1, 7)[:, None, None]
    gamma, beta = np.ones(6), np.zeros(6)
    positions, _ = bnlib.layernorm_forward(x, gamma, beta, axes=1)
    image, _ = bnlib.groupnorm_forward(x, gamma, beta, groups=1)
    for y, over_channels in ((positions, True), (image, False)):
        assert (np.abs(y.mean(axis=1)).max() < 1e-12) == over_channels
        np.testing.assert_allclose(y.mean(axis=(1, 2, 3)), 0, atol=1e-12)
    by_loops = np.empty_like(x)
    for n, h, w in np.ndindex(2, 4, 5):
        values = x[n, :, h, w]
        by_loops[n, :, h, w] = (values - values.mean()) / np.sqrt(values.var() + 1e-5)
    np.testing.assert_allclose(positions, by_loops, rtol=1e-12, atol=1e-12)
