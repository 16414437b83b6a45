import json
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

from bnlib.conventions import CS231N, FLAX, KERAS, ONNX, PYTORCH, Convention
from bnlib.layers import (
    batchnorm_forward,
    batchnorm_inference,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    spatial_batchnorm_inference,
)
from bnlib.running import RunningStatistics
from bnlib.statistics import BatchStatistics
from tests.golden import make

GOLDEN = Path(__file__).parent / "golden"
PRESETS = {"pytorch": PYTORCH, "keras": KERAS, "flax": FLAX}


def stored(name):
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


INPUTS = stored("inputs")
VECTORS = {name: stored(name) for name in PRESETS}
every_framework = pytest.mark.parametrize("name", PRESETS)


def replay(convention):
    """Train on the golden inputs and evaluate: what bnlib answers, as a framework's file has it."""
    gamma, beta = INPUTS["gamma"], INPUTS["beta"]
    running = RunningStatistics.initial(len(gamma), convention)
    steps = []
    for step in INPUTS["steps"]:
        y, cache = spatial_batchnorm_forward(step["x"], gamma, beta, eps=convention.eps)
        gradients = spatial_batchnorm_backward(step["dout"], cache)
        running = running.update(cache.statistics, convention)
        named = dict(zip(("dx", "dgamma", "dbeta"), gradients, strict=True))
        named |= {"y": y, "running_mean": running.mean, "running_var": running.var}
        steps.append(named)
    statistics = running.for_inference(convention)
    x = INPUTS["evaluation"]["x"]
    return steps, spatial_batchnorm_inference(x, gamma, beta, **statistics)


def mismatches(convention, vectors):
    """Name everything in which the convention's answers differ from the stored ones."""
    steps, evaluation = replay(convention)
    pairs = [("evaluation", evaluation, vectors["evaluation"]["y"])]
    for ours, theirs in zip(steps, vectors["steps"], strict=True):
        pairs += [(key, ours[key], theirs[key]) for key in theirs]
    # All is float64. Flax takes the variance as E[x^2] - E[x]^2, which costs three digits in the
    # third channel, mean 20 and standard deviation 0.5: 2e-12 is seen, from the others 5e-14.
    close = {"rtol": 1e-11, "atol": 1e-11}
    return {name for name, ours, theirs in pairs if not np.allclose(ours, theirs, **close)}


@every_framework
def test_preset_reproduces_the_golden_vectors(name):
    assert mismatches(PRESETS[name], VECTORS[name]) == set()


@every_framework
def test_golden_vectors_hold_every_quantity_of_every_step(name):
    quantities = {"y", "dx", "dgamma", "dbeta", "running_mean", "running_var"}
    assert [set(step) for step in VECTORS[name]["steps"]] == 3 * [quantities]


def test_golden_inputs_are_what_the_script_makes():
    assert make.make_inputs() == INPUTS


def test_script_says_what_is_missing_where_a_framework_is_not_installed(monkeypatch):
    class Missing:
        packages = ("nothing", "nowhere")

        def __init__(self, gamma, beta):
            import nothing_of_this_name  # noqa: F401

    monkeypatch.setitem(make.FRAMEWORKS, "missing", Missing)
    assert make.main(["missing"]).startswith("missing: needs nothing and nowhere in this Python")
    assert make.main([]) == make.main(["tensorflow"]) == make.__doc__


@every_framework
def test_preset_has_the_defaults_that_the_framework_reports(name):
    preset, vectors = PRESETS[name], VECTORS[name]
    assert (preset.eps, preset.momentum) == (vectors["eps"], vectors["momentum"])
    start = {"running_mean": [preset.initial_mean] * 3, "running_var": [preset.initial_var] * 3}
    assert start == vectors["initial"]


@every_framework
def test_preset_does_at_the_edges_what_the_framework_did(name):
    preset, vectors = PRESETS[name], VECTORS[name]
    assert preset.one_value == vectors["one_value"]
    assert preset.empty_batch == vectors["empty_batch"]


STATISTICS = {"running_mean", "running_var", "evaluation"}


@every_framework
def test_flipped_momentum_fails_the_golden_vectors(name):
    flipped = {"old": "new", "new": "old"}[PRESETS[name].weighs]
    planted = replace(PRESETS[name], weighs=flipped)
    assert mismatches(planted, VECTORS[name]) == STATISTICS


@every_framework
def test_wrong_divisor_fails_the_golden_vectors(name):
    wrong = {"m": "m - 1", "m - 1": "m"}[PRESETS[name].divisor]
    planted = replace(PRESETS[name], divisor=wrong)
    assert mismatches(planted, VECTORS[name]) == STATISTICS - {"running_mean"}


@every_framework
def test_wrong_initial_variance_fails_the_golden_vectors(name):
    planted = replace(PRESETS[name], initial_var=0)
    assert mismatches(planted, VECTORS[name]) == STATISTICS - {"running_mean"}


@every_framework
def test_wrong_initial_mean_fails_the_golden_vectors(name):
    planted = replace(PRESETS[name], initial_mean=1e-9)
    assert mismatches(planted, VECTORS[name]) == STATISTICS - {"running_var"}


@every_framework
def test_momentum_off_by_a_millionth_fails_the_golden_vectors(name):
    planted = replace(PRESETS[name], momentum=PRESETS[name].momentum + 1e-6)
    assert mismatches(planted, VECTORS[name]) == STATISTICS


@every_framework
def test_eps_off_by_a_tenth_fails_the_golden_vectors(name):
    planted = replace(PRESETS[name], eps=1.1 * PRESETS[name].eps)
    assert mismatches(planted, VECTORS[name]) == {"y", "dx", "dgamma", "evaluation"}


@every_framework
def test_no_other_preset_reproduces_a_frameworks_vectors(name):
    others = [preset for key, preset in PRESETS.items() if key != name] + [CS231N]
    assert all(mismatches(preset, VECTORS[name]) for preset in others)


def test_cumulative_average_is_that_of_pytorch_with_momentum_none():
    steps, _ = replay(replace(PYTORCH, momentum=None))
    for ours, theirs in zip(steps, VECTORS["pytorch"]["cumulative"], strict=True):
        for key in ("running_mean", "running_var"):
            np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-14)  # a few roundings


def test_pytorch_issue_60528_has_the_unbiased_running_variance():
    n, position = np.ogrid[:4, :4]
    x = np.zeros((4, 3, 4))
    x[:, 0] = n + position + 1
    y, cache = batchnorm_forward(x, np.ones(3), np.zeros(3), eps=PYTORCH.eps)
    start = RunningStatistics.initial(3, PYTORCH)
    # The digits that the issue prints.
    assert y[0, 0].round(4).tolist() == [-1.8974, -1.2649, -0.6325, 0]
    assert start.update(cache.statistics, PYTORCH).var[0].round(5) == 1.16667
    biased = replace(PYTORCH, divisor="m")
    assert start.update(cache.statistics, biased).var[0].round(5) == 1.15


def test_cs231n_is_the_courses_formula():
    # Written as the course's text has it: running = momentum * running + (1 - momentum) * sample.
    x = np.random.default_rng(0).normal(7, 3, (6, 2))
    running = RunningStatistics.initial(2, CS231N)
    mean, var = np.zeros(2), np.zeros(2)
    for batch in (x[:4], x[1:], x[::2]):
        running = running.update(batch, CS231N)
        mean = 0.9 * mean + (1 - 0.9) * batch.mean(axis=0)
        var = 0.9 * var + (1 - 0.9) * batch.var(axis=0)
    np.testing.assert_allclose(running.mean, mean, rtol=1e-14)  # a few roundings
    np.testing.assert_allclose(running.var, var, rtol=1e-14)
    assert (CS231N.eps, CS231N.momentum) == (1e-5, 0.9)


VARIANTS = [
    CS231N,
    PYTORCH,
    KERAS,
    FLAX,
    ONNX,
    replace(PYTORCH, momentum=None),
    replace(KERAS, weighs="new", momentum=0.25, divisor="m - 1"),
]


def formulas(text):
    """Return the right-hand sides of an explanation's formulas; there are two for y."""
    lines = [line.split(" = ") for line in text.splitlines() if line.startswith("    ")]
    found = {}
    for name, formula in lines:
        name = "evaluation" if name.strip() == "y" and "y" in found else name.strip()
        found[name] = formula.replace("^", "**")
    return found


@pytest.mark.parametrize("convention", VARIANTS)
def test_explained_formulas_compute_what_the_library_computes(convention):
    x, gamma, beta = np.array([3.0, 5.0, 11.0]), 2.0, -1.0
    start = RunningStatistics([4.0], [9.0], batches=6)
    after = start.update(x[:, None], convention)
    said = formulas(convention.explain())
    names = {"x": x, "gamma": gamma, "beta": beta, "m": 3, "k": 7, "sum": np.sum, "sqrt": np.sqrt}
    names |= {"running_mean": 4.0, "running_var": 9.0}
    for name in ("mu", "var"):
        names[name] = eval(said[name], {}, names)
    y, _ = batchnorm_forward(x[:, None], [gamma], [beta], eps=convention.eps)
    np.testing.assert_allclose(eval(said["y"], {}, names), y[:, 0], rtol=1e-14)
    names["running_mean"] = eval(said["running_mean"], {}, names)
    names["running_var"] = eval(said["running_var"], {}, names)
    np.testing.assert_allclose(names["running_mean"], after.mean[0], rtol=1e-14)
    np.testing.assert_allclose(names["running_var"], after.var[0], rtol=1e-14)
    y = batchnorm_inference(x[:, None], [gamma], [beta], **after.for_inference(convention))
    np.testing.assert_allclose(eval(said["evaluation"], {}, names), y[:, 0], rtol=1e-14)


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"weighs": "new"}, "momentum 0.9 weighs the new:"),
        ({"divisor": "m - 1"}, "is unbiased: its divisor is m - 1."),
        ({"momentum": None}, "the average over the k batches so far"),
        ({"initial_mean": None}, "mean starts from a given value, the running variance from 0."),
        ({"evaluation": "batch"}, "Evaluation normalizes with the batch's own statistics"),
        ({"one_value": "error"}, "on one value per channel: an error."),
        ({"empty_batch": "kept"}, "on an empty batch: the running statistics stay"),
        ({"empty_batch": "error"}, "on an empty batch: an error."),
        ({"non_finite": "skip"}, "infinity in a channel: its running statistics skip the batch."),
        ({"non_finite": "error"}, "NaN or infinity in a channel: an error."),
        ({"name": "my own"}, "my own\n"),
    ],
)
def test_explanation_follows_every_field(change, phrase):
    assert phrase not in CS231N.explain()
    assert phrase in replace(CS231N, **change).explain()


@pytest.mark.parametrize(
    ("field", "value", "error", "message"),
    [
        ("eps", -1e-5, ValueError, "eps must be finite and at least 0; got -1e-05"),
        ("eps", float("inf"), ValueError, "eps must be finite and at least 0; got inf"),
        ("eps", None, TypeError, "eps must be a number; got None"),
        ("momentum", 1.1, ValueError, "momentum must be between 0 and 1; got 1.1"),
        ("momentum", float("nan"), ValueError, "momentum must be between 0 and 1; got nan"),
        ("momentum", "0.9", TypeError, "momentum must be a number; got '0.9'"),
        ("initial_mean", float("nan"), ValueError, "initial_mean must be finite; got nan"),
        ("initial_var", -1, ValueError, "initial_var must be finite and at least 0; got -1"),
        ("weighs", "both", ValueError, "weighs must be 'old' or 'new'; got 'both'"),
        ("divisor", "n", ValueError, "divisor must be 'm' or 'm - 1'; got 'n'"),
        ("evaluation", None, ValueError, "evaluation must be 'running' or 'batch'; got None"),
        ("one_value", 0, ValueError, "one_value must be 'beta' or 'error'; got 0"),
        ("empty_batch", "", ValueError, "empty_batch must be 'kept' or 'nan' or 'error'; got ''"),
        ("non_finite", 1, ValueError, "non_finite must be 'warn' or 'skip' or 'error'; got 1"),
    ],
)
def test_field_out_of_range_is_refused_by_name(field, value, error, message):
    with pytest.raises(error) as raised:
        Convention(name="mine", **{field: value})
    assert str(raised.value) == message


def test_convention_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        PYTORCH.momentum = 0.9


def test_momentum_of_any_number_type_leaves_float32_statistics_float32():
    convention = replace(CS231N, momentum=np.float64(0.75))
    start = RunningStatistics(np.zeros(1, np.float32), np.zeros(1, np.float32))
    batch = BatchStatistics(np.ones(1, np.float32), np.ones(1, np.float32), 4)
    after = start.update(batch, convention)
    assert (after.mean, after.mean.dtype) == (0.25, np.float32)


# Running statistics moved from one convention to another


def evaluated(convention, running):
    x, gamma, beta = INPUTS["evaluation"]["x"], INPUTS["gamma"], INPUTS["beta"]
    return spatial_batchnorm_inference(x, gamma, beta, **running.for_inference(convention))


def recorded(name):
    """Return the running statistics of a framework's own layer, and its evaluation."""
    last = VECTORS[name]["steps"][-1]
    running = RunningStatistics(last["running_mean"], last["running_var"], batches=3)
    return running, np.array(VECTORS[name]["evaluation"]["y"])


@every_framework
@pytest.mark.parametrize("to", [CS231N, PYTORCH, KERAS, FLAX, replace(KERAS, eps=0.1)])
def test_moved_statistics_give_the_frameworks_own_outputs(name, to):
    running, y = recorded(name)
    moved = PRESETS[name].moved(running, to=to)
    np.testing.assert_allclose(evaluated(to, moved), y, rtol=1e-11, atol=1e-11)
    assert (moved.mean == running.mean).all()
    assert moved.initial_share is None


@pytest.mark.parametrize(("name", "to"), [("keras", PYTORCH), ("pytorch", KERAS)])
def test_statistics_that_are_not_moved_give_others(name, to):
    running, y = recorded(name)
    assert np.abs(evaluated(to, running) - y).max() > 1e-4


def test_a_variance_moved_below_zero_gives_the_same_outputs():
    running = RunningStatistics([5.0], [1e-4])
    moved = PYTORCH.moved(running, to=KERAS)
    assert moved.var < 0
    for x in ([[5.1]], [[-3.0]]):
        here, there = (
            batchnorm_inference(x, [2.0], [1.0], **r.for_inference(c))
            for r, c in ((running, PYTORCH), (moved, KERAS))
        )
        np.testing.assert_allclose(there, here, rtol=1e-10)
    back = KERAS.moved(moved, to=PYTORCH)
    np.testing.assert_allclose(back.var, running.var, rtol=1e-12)


def test_moving_float32_statistics_costs_no_digits():
    running = RunningStatistics(np.zeros(1, np.float32), np.array([1e6], np.float32))
    assert PYTORCH.moved(running, to=KERAS).var == 1e6 + (1e-5 - 1e-3)


@pytest.mark.parametrize(
    ("convention", "to", "statistics", "error", "says"),
    [
        (PYTORCH, "keras", RunningStatistics([1.0], [1.0]), TypeError, "to=Convention.*got .*str"),
        (PYTORCH, KERAS, {"mean": [1.0]}, TypeError, "moved takes RunningStatistics.*got dict"),
        (
            replace(PYTORCH, evaluation="batch"),
            KERAS,
            RunningStatistics([1.0], [1.0]),
            ValueError,
            "evaluate with running statistics",
        ),
        (
            KERAS,
            replace(PYTORCH, evaluation="batch"),
            RunningStatistics([1.0], [1.0]),
            ValueError,
            "evaluate with running statistics",
        ),
        (PYTORCH, KERAS, RunningStatistics([1.0], [-1e-5]), ValueError, "running_var . eps must"),
    ],
)
def test_what_cannot_be_moved_is_named(convention, to, statistics, error, says):
    with pytest.raises(error, match=says):
        convention.moved(statistics, to=to)
