"""A challenge asks for a check, and says what it refuses, what it misses, and what it costs."""

import numpy as np
import pytest
from sampling import sampled

from bnlib import exercises
from bnlib.exercises import nb07_checks

FORWARD, LAYER = exercises.check_forward, exercises.check_layer


def test_a_check_that_says_yes_misses_everything_and_names_some():
    said = str(FORWARD.check(lambda layer: True))
    assert "catches 0 of 33" in said
    assert "refuses 0 of 4" in said
    assert "; and 30 more." in said


def test_a_check_that_says_no_refuses_every_right_layer():
    score = FORWARD.score(lambda layer: False)
    assert set(score.refused) == set(nb07_checks.RIGHT)
    assert score.missed == ()


def endless(layer):
    while True:
        pass


WITHOUT_A_VERDICT = {
    "AttributeError": lambda layer: layer.forward,
    "NameError": lambda layer: unheard_of,  # noqa: F821
    "KeyError": lambda layer: layer["backwards"],
    "memory": lambda layer: np.ones(10**12),
    "wrong results": lambda layer: "right",
    "does not end": endless,
}


@pytest.mark.parametrize(("kind", "check"), sampled(WITHOUT_A_VERDICT.items(), step=2))
def test_an_error_on_right_code_is_the_checks_own_and_has_its_kind(kind, check):
    result = FORWARD.check(check)
    assert result.fault == kind
    assert "On code that is right" in str(result)


def test_an_error_on_wrong_code_alone_is_a_catch():
    right = [layer["forward"] for layer in nb07_checks.RIGHT.values()]

    def raises(layer):
        if layer["forward"] not in right:
            raise ValueError
        return True

    assert FORWARD.check(raises).correct is True


def test_a_check_that_never_ends_passes_nothing():
    def loops(layer):
        while True:
            pass

    assert FORWARD._verdict(loops, nb07_checks.RECIPE)[0] is False


def test_calls_are_counted_beside_bnlibs_own():
    def twice(layer):
        return LAYER.answer(layer) and LAYER.answer(layer)

    said = str(LAYER.check(twice))
    assert "10 times; bnlib's check, 5 times" in said


def test_a_right_answer_that_costs_too_much_is_not_yet_right():
    def four_operations(x, mean, inv_std, gamma, beta):
        vectors = (v.reshape(1, -1, 1, 1) for v in (mean, inv_std, gamma, beta))
        mean, inv_std, gamma, beta = vectors
        return gamma * (x - mean) * inv_std + beta

    result = exercises.scale_and_shift.check(four_operations)
    assert result.fault == "demand"
    assert "costs 8 sweeps" in str(result)
