from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from bnlib.conventions import CS231N, FLAX, KERAS, ONNX, PYTORCH
from bnlib.layers import batchnorm_inference
from bnlib.running import RunningStatistics
from bnlib.statistics import BatchStatistics, batch_statistics

CUMULATIVE = replace(PYTORCH, name="cumulative", momentum=None)
START = RunningStatistics([1.0, 2.0], [3.0, 4.0])


def statistics(mean, var=1.0, m=8, channels=1):
    """Return statistics of a batch, by default with one channel."""
    return BatchStatistics(np.full(channels, mean), np.full(channels, var), m)


def batches(k, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(7, 3, (n, 2, 3, 4)) for n in rng.integers(1, 6, k)]


def after(all_batches, convention, running=None):
    running = running or RunningStatistics.initial(2, convention)
    for batch in all_batches:
        running = running.update(batch, convention)
    return running


def test_start_is_what_the_convention_says():
    for convention, var in ((CS231N, 0), (PYTORCH, 1), (KERAS, 1), (FLAX, 1)):
        start = RunningStatistics.initial(2, convention)
        assert (start.mean.tolist(), start.var.tolist()) == ([0, 0], [var, var])
        assert (start.batches, start.initial_share) == (0, 1)


def test_onnx_leaves_the_start_to_the_caller():
    with pytest.raises(ValueError, match=r"ONNX leaves the initial values to the caller"):
        RunningStatistics.initial(2, ONNX)


def test_update_weighs_old_and_new_and_corrects_the_variance():
    batch = BatchStatistics(np.array([11.0, 0.0]), np.array([5.0, 10.0]), 6)
    quarter = replace(CS231N, momentum=0.25)
    running = START.update(batch, quarter)
    assert running.mean.tolist() == [0.25 * 1 + 0.75 * 11, 0.25 * 2]
    assert running.var.tolist() == [0.25 * 3 + 0.75 * 5, 0.25 * 4 + 0.75 * 10]
    unbiased = START.update(batch, replace(quarter, divisor="m - 1"))
    assert unbiased.var.tolist() == [0.25 * 3 + 0.75 * 6, 0.25 * 4 + 0.75 * 12]
    assert START.update(batch, replace(quarter, weighs="new")).mean.tolist() == [3.5, 1.5]


def test_update_takes_the_batch_or_its_statistics():
    for x in batches(3):
        a, b = (START.update(batch, PYTORCH) for batch in (x, batch_statistics(x)))
        np.testing.assert_allclose(a.mean, b.mean, rtol=1e-15)
        np.testing.assert_allclose(a.var, b.var, rtol=1e-15)


def test_update_leaves_the_old_value_as_it_was_and_shares_nothing_with_it():
    x = batches(1)[0]
    running = START.update(x, PYTORCH)
    kept = running.update(x[:0], PYTORCH)
    assert (START.mean.tolist(), START.var.tolist(), START.batches) == ([1, 2], [3, 4], 0)
    arrays = [v for r in (START, running, kept) for v in (r.mean, r.var)]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_state_copies_what_it_is_given_and_cannot_be_reassigned():
    given = np.array([1.0, 2.0])
    running = RunningStatistics(given, given)
    given[:] = 9
    assert running.mean.tolist() == running.var.tolist() == [1, 2]
    with pytest.raises(FrozenInstanceError):
        running.mean = given


def test_share_of_the_initial_value_is_the_kth_power_of_what_the_old_weighs():
    for convention, old in ((CS231N, 0.9), (PYTORCH, 0.9), (KERAS, 0.99)):
        running = after(batches(5), convention)
        assert running.batches == 5
        assert running.initial_share == pytest.approx(old**5, rel=1e-14)  # five roundings


@pytest.mark.parametrize("convention", [CS231N, PYTORCH, KERAS, CUMULATIVE])
def test_debiased_is_the_weighted_mean_of_the_batches(convention):
    seen = batches(4)
    running = after(seen, convention)
    old, _ = convention.weights(batches=1)  # 0 for the cumulative average, which has no bias
    weights = np.ones(4) if convention is CUMULATIVE else old ** np.arange(3, -1, -1.0)
    weights /= weights.sum()
    ddof = int(convention.divisor == "m - 1")
    mean = sum(w * x.mean(axis=(0, 2, 3)) for w, x in zip(weights, seen, strict=True))
    var = sum(w * x.var(axis=(0, 2, 3), ddof=ddof) for w, x in zip(weights, seen, strict=True))
    debiased = running.debiased(convention)
    # Keras: the share is 0.96, so the subtraction leaves 1/25 of the value, and costs two digits.
    np.testing.assert_allclose(debiased.mean, mean, rtol=1e-13)
    np.testing.assert_allclose(debiased.var, var, rtol=1e-13)
    assert debiased.initial_share == 0


def test_debiased_again_is_the_same():
    once = after(batches(4), KERAS).debiased(KERAS)
    twice = once.debiased(KERAS)
    assert (twice.mean.tolist(), twice.var.tolist()) == (once.mean.tolist(), once.var.tolist())


def test_debiased_variance_of_constant_batches_does_not_fall_below_zero():
    convention = replace(KERAS, initial_var=3.0)
    running = after([np.full((2, 2), 5.0)] * 4, convention)
    share = running.initial_share
    assert (running.var - share * 3 < 0).all()  # by rounding: what would be refused as a variance
    debiased = running.debiased(convention)
    np.testing.assert_allclose(debiased.mean, 5, rtol=1e-13)
    assert debiased.var.tolist() == [0, 0]


def test_nothing_can_be_debiased_before_the_first_batch():
    with pytest.raises(ValueError, match="nothing but the initial values"):
        RunningStatistics.initial(2, CS231N).debiased(CS231N)


def test_cumulative_average_forgets_the_start_and_weighs_all_batches_the_same():
    running = RunningStatistics([1e9], [1e9], initial_share=1.0)
    for mean in (3.0, 6.0, 21.0):
        running = running.update(statistics(mean, var=7.0), CUMULATIVE)
    np.testing.assert_allclose(running.mean, 10, rtol=1e-15)
    np.testing.assert_allclose(running.var, 8, rtol=1e-15)  # 7 * 8/7
    assert running.initial_share == 0


def test_empty_batch_keeps_the_statistics_but_counts_as_pytorch_counts():
    empty = np.ones((0, 1, 3, 4))
    assert after([empty], PYTORCH, RunningStatistics([5.0], [2.0])).mean == 5
    running = RunningStatistics.initial(1, CUMULATIVE)
    for batch in (statistics(10.0), empty, statistics(40.0)):
        running = running.update(batch, CUMULATIVE)
    # Of two batches the mean is 25; seen in PyTorch 2.13: the second weighs a third.
    np.testing.assert_allclose(running.mean, 20, rtol=1e-15)


@pytest.mark.parametrize("shape", [(0, 2), (0, 2, 3, 4), (3, 2, 0, 4)])
def test_empty_batch_turns_statistics_to_nan_where_the_convention_says_so(shape):
    with pytest.warns(RuntimeWarning, match=r"channels \[0, 1\] are not finite"):
        running = START.update(np.ones(shape), KERAS)
    assert np.isnan([running.mean, running.var]).all()


def test_empty_batch_is_an_error_where_the_convention_says_so():
    with pytest.raises(ValueError, match="empty, which is an error by convention Keras 3"):
        START.update(np.ones((0, 2)), replace(KERAS, empty_batch="error"))


def test_one_value_per_channel_adds_variance_zero_or_is_an_error():
    x = np.array([[5.0, 6.0]])
    running = START.update(x, CS231N)
    np.testing.assert_allclose(running.var, [2.7, 3.6], rtol=1e-15)
    with pytest.raises(ValueError, match="one value per channel, an error by convention PyTorch"):
        START.update(x, PYTORCH)
    with pytest.raises(ValueError, match="no unbiased variance: it is 0/0"):
        START.update(x, replace(PYTORCH, one_value="beta"))


def test_nan_stays_in_its_channel():
    x = batches(1)[0]
    x[0, 1, 0, 0] = np.nan
    with pytest.warns(RuntimeWarning, match=r"batch statistics of channels \[1\] are not finite"):
        running = START.update(x, PYTORCH)
    assert np.isnan(running.mean).tolist() == np.isnan(running.var).tolist() == [False, True]


def test_float32_batch_given_whole_keeps_the_mean_in_float64():
    x = (1e7 + np.random.default_rng(0).standard_normal((64, 2))).astype(np.float32)
    exact = x.astype(np.float64).mean(axis=0)
    whole = START.update(x, replace(CS231N, momentum=0))
    rounded = START.update(batch_statistics(x), replace(CS231N, momentum=0))
    assert np.abs(whole.mean - exact).max() < 2e-9  # a spacing of float64 at 1e7
    assert 0.01 < np.abs(rounded.mean - exact).max() <= 0.5  # the spacing of float32 is 1


def test_inference_takes_them_by_name_with_the_conventions_eps():
    x = np.array([[3.0, 5.0]])
    statistics = START.for_inference(replace(KERAS, eps=1.0))
    y = batchnorm_inference(x, [1, 1], [0, 10], **statistics)
    np.testing.assert_allclose(y, [[2 / 2, 3 / np.sqrt(5) + 10]], rtol=1e-15)


def test_convention_that_evaluates_with_the_batch_has_nothing_for_inference():
    with pytest.raises(ValueError, match="use batchnorm_forward"):
        START.for_inference(replace(PYTORCH, evaluation="batch"))


@pytest.mark.parametrize(
    ("mean", "var", "error", "message"),
    [
        ([1.0], [1.0, 2.0], ValueError, r"must both be \(C,\); got \(1,\) and \(2,\)"),
        ([[1.0]], [[1.0]], ValueError, r"must both be \(C,\); got \(1, 1\) and \(1, 1\)"),
        ([1j], [1.0], TypeError, "running mean must hold real numbers"),
    ],
)
def test_state_that_cannot_be_is_refused(mean, var, error, message):
    with pytest.raises(error, match=message):
        RunningStatistics(mean, var)


@pytest.mark.parametrize("batch", [np.ones((4, 1)), statistics(1.0)])
def test_batch_of_other_channels_is_refused_not_broadcast(batch):
    with pytest.raises(ValueError, match="batch has 1 channels; expected 2"):
        START.update(batch, KERAS)


# A batch that is not finite

SPOILT = BatchStatistics(np.array([np.nan, 5.0]), np.array([np.inf, 7.0]), 4)


@pytest.mark.parametrize("convention", [PYTORCH, replace(PYTORCH, momentum=0.0), KERAS, CUMULATIVE])
def test_a_batch_that_is_not_finite_spoils_its_channels_with_a_warning(convention):
    with pytest.warns(RuntimeWarning, match=r"batch statistics of channels \[0\] are not finite"):
        running = START.update(SPOILT, convention)
    assert not np.isfinite([running.mean[0], running.var[0]]).any()
    old, new = convention.weights(1)
    assert running.mean[1] == old * 2 + new * 5  # the other channel as ever


def test_every_spoilt_channel_is_named():
    values = np.array([1.0, np.nan, 2.0, -np.inf])
    start = RunningStatistics(np.zeros(4), np.ones(4))
    with pytest.warns(RuntimeWarning, match=r"channels \[1, 3\]"):
        start.update(BatchStatistics(values, np.ones(4), 9), KERAS)


@pytest.mark.parametrize("convention", [PYTORCH, KERAS, CUMULATIVE])
def test_skipping_channels_go_on_as_if_the_batch_had_not_been(convention):
    convention = replace(convention, non_finite="skip")
    start = replace(START, initial_share=1.0)
    seen = [statistics(3.0, 2.0, 4, 2), SPOILT, statistics(8.0, 1.0, 4, 2)]
    running = after(seen, convention, start)
    without, with_it = (
        after(seen[::2], convention, start),
        after(
            [seen[0], BatchStatistics(np.array([0.0, 5.0]), np.array([0.0, 7.0]), 4), seen[2]],
            convention,
            start,
        ),
    )
    for name in ("mean", "var", "batches", "initial_share"):
        got = np.broadcast_to(getattr(running, name), 2)
        assert got[0] == np.broadcast_to(getattr(without, name), 2)[0], name
        assert got[1] == np.broadcast_to(getattr(with_it, name), 2)[1], name
    if convention.momentum is not None:
        debiased = after(seen, convention, RunningStatistics.initial(2, convention))
        assert np.isfinite(debiased.debiased(convention).var).all()


def test_nothing_is_skipped_or_warned_of_where_all_is_finite():
    running = START.update(statistics(3.0, channels=2), replace(KERAS, non_finite="skip"))
    assert running.batches == 1
    assert (running.mean == START.update(statistics(3.0, channels=2), KERAS).mean).all()


def test_a_batch_that_is_not_finite_may_be_an_error():
    with pytest.raises(ValueError, match=r"batch statistics of channels \[0\] are not finite"):
        START.update(SPOILT, replace(KERAS, non_finite="error"))


def test_an_empty_batch_is_skipped_too():
    running = START.update(np.ones((0, 2)), replace(KERAS, non_finite="skip"))
    assert (running.mean == START.mean).all()
    assert np.all(running.batches == 0)


# A loaded checkpoint


def test_what_a_checkpoint_started_from_is_unknown():
    loaded = RunningStatistics([5.0], [2.0], batches=100)
    assert loaded.initial_share is None
    assert loaded.update(statistics(4.0, channels=1), KERAS).initial_share is None
    for running in (loaded, loaded.update(statistics(4.0, channels=1), KERAS)):
        with pytest.raises(ValueError, match="initial_share is unknown: give it"):
            running.debiased(KERAS)


def test_a_checkpoint_whose_share_is_told_is_debiased_rightly():
    seen = batches(5)
    kept = after(seen, KERAS)
    loaded = RunningStatistics(kept.mean, kept.var, 5, initial_share=0.99**5)
    np.testing.assert_allclose(loaded.debiased(KERAS).mean, kept.debiased(KERAS).mean, rtol=1e-13)


def test_debiasing_what_was_kept_otherwise_is_refused_not_clipped():
    loaded = RunningStatistics([0.0, 0.0], [1.0, 0.2], 100, initial_share=0.9)
    with pytest.raises(ValueError, match="channel 1 would have a negative variance; is init"):
        loaded.debiased(KERAS)


# A variance a little below 0


def test_a_variance_below_zero_is_taken_as_far_as_eps_makes_up_for_it():
    running = RunningStatistics([1.0], [-9e-4])
    y = batchnorm_inference([[2.0]], [1.0], [0.0], **running.for_inference(KERAS))
    np.testing.assert_allclose(y, 1 / np.sqrt(1e-3 - 9e-4), rtol=1e-12)
    with pytest.raises(
        ValueError, match=r"running_var must not be negative.*channel 0 has -0.0009"
    ):
        batchnorm_inference([[2.0]], [1.0], [0.0], **running.for_inference(PYTORCH))
