"""The catalogue: its right recipes are right, and every fault is wrong, in its own way."""

from itertools import combinations

import numpy as np
import pytest
from strategies import random_case

from bnlib import faults, layers, reference
from bnlib.judges.faults.recipes import RECIPES, column
from bnlib.running import RunningStatistics

EPS = 1e-2  # large enough for a fault of eps to show
KINDS = {"forward", "backward", "running", "other norm"}


def batch(task, shape=(2, 4, 3, 5)):
    """Return arguments for a recipe, an offset that float64 bears and a one-pass variance feels."""
    case = random_case(shape)
    gamma = np.where(case.gamma == 0, 0.5, case.gamma)
    x = case.x + 1e6 if task == "forward" else case.x
    running = np.linspace(5, 9, shape[1]), np.linspace(1, 4, shape[1])
    return {
        "forward": [(x, gamma, case.beta, EPS)],
        "backward": [(case.dout, case.x, gamma, EPS)],
        "running": [(case.x, *running, 0.8, training, EPS) for training in (True, False)],
        "group": [(case.x, gamma, case.beta, 2, EPS)],
    }[task]


def results(function, task, shape):
    """Return all results as flat arrays; an exception counts as a result of its own."""
    found = []
    for arguments in batch(task, shape):
        try:
            with np.errstate(all="ignore"):
                value = function(*arguments)
        except ValueError:
            found.append(None)
        else:
            found.extend(value if isinstance(value, tuple) else (value,))
    return found


def differ(a, b):
    return any(
        (p is None) != (q is None)
        or (p is not None and (p.shape != q.shape or not np.allclose(p, q, rtol=1e-8, atol=1e-10)))
        for p, q in zip(a, b, strict=False)
    ) or len(a) != len(b)


def test_recipe_forward_agrees_with_the_loops():
    case = random_case()
    y = RECIPES["forward"](case.x, case.gamma, case.beta, EPS)
    np.testing.assert_allclose(
        y, reference.batchnorm_forward(case.x, case.gamma, case.beta, EPS), rtol=1e-12, atol=1e-13
    )


def test_recipe_backward_agrees_with_the_loops():
    case = random_case()
    found = RECIPES["backward"](case.dout, case.x, case.gamma, EPS)
    for got, judge in zip(
        found, reference.batchnorm_backward(case.dout, case.x, case.gamma, EPS), strict=True
    ):
        np.testing.assert_allclose(got, judge, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_recipe_of_running_statistics_agrees_with_the_course(training):
    from dataclasses import replace

    from bnlib.conventions import CS231N

    (arguments,) = (a for a in batch("running") if a[4] is training)
    x, mean, var, momentum, _, eps = arguments
    y, new_mean, new_var = RECIPES["running"](*arguments)
    now = RunningStatistics(mean, var)
    after = now.update(x, replace(CS231N, momentum=momentum)) if training else now
    ones, zeros = np.ones(4), np.zeros(4)
    expected = (
        reference.batchnorm_forward(x, ones, zeros, eps)
        if training
        else reference.batchnorm_inference(x, ones, zeros, mean, var, eps)
    )
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(new_mean, after.mean, rtol=1e-13)
    np.testing.assert_allclose(new_var, after.var, rtol=1e-13)


def test_recipe_of_group_norm_agrees_with_the_layer():
    (arguments,) = batch("group")
    x, gamma, beta, groups, eps = arguments
    expected, _ = layers.groupnorm_forward(x, gamma, beta, groups, eps=eps)
    np.testing.assert_allclose(RECIPES["group"](*arguments), expected, rtol=1e-12, atol=1e-13)


def test_catalogue_has_at_least_thirty_faults_of_four_kinds():
    assert len(faults.CATALOGUE) >= 30
    assert {fault.kind for fault in faults.CATALOGUE.values()} == KINDS
    assert all(name == fault.name for name, fault in faults.CATALOGUE.items())


@pytest.mark.parametrize("name", faults.CATALOGUE)
def test_mistake_is_one_readable_line(name):
    fault = faults.CATALOGUE[name]
    assert fault.mistake.endswith(".")
    assert 15 < len(fault.mistake) < 110
    assert fault.seen


SHAPES = ((2, 6, 3, 5), (2, 4, 3, 4), (4, 4, 4, 4))  # all different, C == W, all equal


@pytest.mark.parametrize("name", faults.CATALOGUE)
def test_fault_is_wrong(name):
    fault = faults.CATALOGUE[name]
    right = RECIPES[fault.task]
    assert any(differ(results(fault, fault.task, s), results(right, fault.task, s)) for s in SHAPES)


@pytest.mark.parametrize("task", RECIPES)
def test_no_two_faults_are_the_same(task):
    found = {
        fault.name: [r for s in SHAPES for r in results(fault, task, s)]
        for fault in faults.of_task(task)
    }
    same = [pair for pair in combinations(found, 2) if not differ(*(found[n] for n in pair))]
    assert same == []


@pytest.mark.parametrize("task", RECIPES)
def test_fault_leaves_its_arguments_alone(task):
    for fault in faults.of_task(task):
        for arguments in batch(task):
            copies = [np.copy(a) for a in arguments]
            with np.errstate(all="ignore"):
                try:
                    fault(*arguments)
                except ValueError:
                    continue
            for a, b in zip(arguments, copies, strict=True):
                np.testing.assert_array_equal(a, b)


def test_replacing_an_unknown_step_is_an_error():
    with pytest.raises(ValueError, match="no step xhta"):
        RECIPES["forward"].replacing(xhta=lambda v: v.x)


def test_a_replaced_step_is_followed_by_the_others():
    doubled = RECIPES["forward"].replacing(xhat=lambda v: 2 * v.d / v.std)
    case = random_case()
    once = RECIPES["forward"](case.x, case.gamma, case.beta, EPS) - column(case.beta)
    twice = doubled(case.x, case.gamma, case.beta, EPS) - column(case.beta)
    np.testing.assert_allclose(twice, 2 * once, atol=1e-13)
