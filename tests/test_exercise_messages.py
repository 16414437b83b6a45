"""Messages are true, short, and about the case they show; nothing a student raises gets out."""

import functools
import math
from collections import namedtuple
from fractions import Fraction

import numpy as np
import pytest
from student_answers import AXES, backward_closed, column, forward_keepdims

from bnlib import exercises


def test_decorated_function_is_not_accused_of_unused_arguments():
    def decorated(function):
        @functools.wraps(function)
        def wrapper(*arguments):
            return function(*arguments)

        return wrapper

    @decorated
    def wrong(x, gamma, beta, eps):
        return np.cos(forward_keepdims(x, gamma, beta, eps))

    @decorated
    def without_eps(x, gamma, beta, eps):
        return np.cos(forward_keepdims(x, gamma, beta, 1e-5))

    assert exercises.spatial_forward.check(decorated(forward_keepdims)).correct is True
    assert "never uses" not in str(exercises.spatial_forward.check(wrong))
    assert "never uses its argument eps" in str(exercises.spatial_forward.check(without_eps))


mu, var = np.ones((1, 3, 1, 1)), np.ones((1, 3, 1, 1))  # as an earlier cell may have left them


def test_array_of_an_earlier_cell_is_named():
    result = exercises.normalize_images.check(lambda x, eps: (x - mu) / np.sqrt(var + eps))
    assert "reads mu from outside" in str(result)


def test_arguments_by_keyword_only_are_given_by_keyword():
    def forward(x, gamma, beta, *, eps=1e-5):
        return forward_keepdims(x, gamma, beta, eps)

    assert exercises.spatial_forward.check(forward).correct is True


def test_results_in_a_named_tuple_are_accepted():
    gradients = namedtuple("Gradients", "dx dgamma dbeta")
    result = exercises.spatial_backward.check(lambda *given: gradients(*backward_closed(*given)))
    assert result.correct is True


def test_fraction_is_a_number():
    assert exercises.scatter_of_the_mean.check(Fraction(18, 2)).correct is True
    assert exercises.scatter_of_the_mean.check(Fraction(1, 9)).correct is False


class UnspeakableError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Outlaw(BaseException):
    pass


@pytest.mark.parametrize("error", [UnspeakableError(), Outlaw("x"), GeneratorExit(), ValueError()])
def test_any_exception_but_an_interrupt_is_reported(error):
    def mean(x):
        raise error

    result = exercises.channel_mean.check(mean)
    assert result.fault == type(error).__name__
    assert "line 2: raise error" in str(result)


def test_interrupt_by_the_student_is_passed_on():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exercises.channel_mean.check(interrupted)


@pytest.mark.parametrize("words", ["long " * 10**4, "x" * 10**4, "line\n" * 100])
def test_words_of_an_exception_are_cut(words):
    def talks(x):
        raise ValueError(words)

    lines = str(exercises.channel_mean.check(talks)).splitlines()
    assert len(lines) == 4  # what, which batch, the line, where more is
    assert max(map(len, lines)) <= 200


def test_line_of_a_helper_is_counted_from_the_helper():
    def helper(x):
        return x + np.ones(17)

    def mean(x):
        return helper(x)

    assert "line 2 of helper: return x + np.ones(17)" in str(exercises.channel_mean.check(mean))


def test_line_of_an_endless_loop_is_shown_with_its_case():
    def mean(x):
        while len(x) == 3:
            pass
        return x.mean(axis=AXES)

    message = str(exercises.channel_mean.check(mean))
    if "did not come to an end" in message:  # where the platform can stop a loop
        assert "Case a large eps" in message
        assert "while len(x) == 3" in message or "pass" in message


def test_slip_belongs_to_the_case_that_is_shown():
    def gradient(f, x, dout, h):
        found = np.zeros(x.shape)
        for place in np.ndindex(x.shape):
            found[place] = np.dot(f(x + h) - f(x - h), dout)
        return found

    result = exercises.numerical_gradient.check(gradient)
    assert "not aligned" in str(result)
    assert "np.dot and @ multiply matrices" in str(result)
    assert "A place of an array holds one number" not in str(result)


def test_layer_written_for_evaluation_alone_is_judged():
    def layer(x, running_mean, running_var, momentum, training, eps):
        if not training:
            return exercises.running_layer.answer(
                x, running_mean, running_var, momentum, training, eps
            )

    result = exercises.running_layer.check(layer)
    assert result.correct is False
    assert "Case training" in str(result)


def test_change_by_items_is_explained_as_a_change_in_place():
    def scaled(x, gamma):
        for c in range(len(gamma)):
            x[:, c] *= gamma[c]
        return x

    result = exercises.scale_channels.check(scaled)
    assert result.fault == "argument changed in place"
    assert "x[...] = ..." in str(result)


def test_squeeze_of_one_channel_is_refused():
    result = exercises.channel_mean.check(lambda x: np.squeeze(x.mean(axis=AXES, keepdims=True)))
    assert result.correct is False
    assert "an axis of size 1 is lost" in str(result)


def test_gradient_for_two_axes_alone_is_refused():
    def gradient(f, x, dout, h):
        found = np.zeros(x.shape)
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                above, below = np.array(x, dtype=float), np.array(x, dtype=float)
                above[i, j] += h
                below[i, j] -= h
                found[i, j] = np.sum((f(above) - f(below)) * dout) / (2 * h)
        return found

    result = exercises.numerical_gradient.check(gradient)
    assert result.fault == "two axes only"


def test_one_step_at_a_time_is_not_called_all_at_once():
    def gradient(f, x, dout, h):
        found = np.zeros(x.shape)
        for place in np.ndindex(x.shape):
            above, below = np.array(x, dtype=float), np.array(x, dtype=float)
            above[place] += h
            below[place] -= h
            found[place] = np.sum(f(above) - f(below)) * dout[place] / (2 * h)
        return found

    assert exercises.numerical_gradient.check(gradient).fault == "own entry of dout"


@pytest.mark.parametrize(
    ("name", "factor", "answer"),
    [
        ("step_5", "3", lambda dsqrt_var, sqrt_var: 1.5 * dsqrt_var / sqrt_var),
        ("rel_error", "2", lambda a, b: 2 * exercises.rel_error.answer(a, b)),
        ("channel_mean", "1/C", lambda x: x.sum(axis=AXES) / x.size),
        ("leftover", "100", lambda var, eps: 100 * eps / (var + eps)),
    ],
)
def test_constant_factor_is_named(name, factor, answer):
    assert f"is {factor} times what it should be" in str(exercises.ALL[name].check(answer))


@pytest.mark.parametrize("factor", [1 + 1e-9, -1 - 1e-9])
def test_factor_that_would_read_as_1_is_not_named(factor):
    result = exercises.channel_mean.check(lambda x: factor * x.mean(axis=AXES))
    assert result.correct is False
    assert "1 times" not in str(result)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("A list stands where", lambda x: np.mean(x, axis=[0, 2, 3])),
        ("name the argument: keepdims=True", lambda x: np.mean(x, AXES, True)),
        ("Axes count from 0", lambda x: x.mean(axis=2).mean(axis=3)),
        ("One of the values is None", lambda x: x - print()),
        ("square brackets: x.shape[1]", lambda x: x.sum(axis=AXES) / x.shape(1)),
        ("a product needs its *", lambda x: x(x - 1)),
        ("np.sqrt takes an array", lambda x: math.sqrt(x)),
        ("sizes differ from case to case", lambda x: x.transpose(1, 0, 2, 3).reshape(3, 7)),
        ("A power is written **", lambda x: x.mean(axis=AXES) ^ 2),
        ("np.dot and @ multiply matrices", lambda x: np.dot(x, x)),
        ("np.maximum(a, b) compares", lambda x: np.max(1e-8, np.abs(x))),
        ("A list of unequal parts", lambda x: np.max([1e-8, np.abs(x)])),
    ],
)
def test_usual_exception_is_explained(words, answer):
    assert words in str(exercises.channel_mean.check(answer))


def test_eps_written_in_is_not_called_missing():
    def inference(x, gamma, beta, running_mean, running_var, eps):
        d = x - column(running_mean)
        return column(gamma) * d / np.sqrt(column(running_var) + 1e-5) + column(beta)

    assert "eps is written in as 1e-5" in str(exercises.inference.check(inference))
