"""Students as they are: right in many ways, wrong in ways nobody foresaw, and hostile."""

import sys
import threading
import time
from itertools import islice

import numpy as np
import pytest
from sampling import PARTS, STEP, sampled
from small_edits import edits
from student_answers import RIGHT
from student_mistakes import WRONG

from bnlib import exercises
from bnlib.exercises.checker import outcomes, sandbox

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="no signals to stop a loop")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")


@pytest.mark.parametrize(
    ("name", "answer"),
    [one for name, answers in RIGHT.items() for one in sampled((name, a) for a in answers)],
)
def test_right_answer_is_accepted_however_it_is_written(name, answer):
    result = exercises.ALL[name].check(answer)
    assert result.correct is True, str(result)


def test_main_functions_have_five_right_answers_each():
    assert all(len(answers) >= 5 for answers in RIGHT.values())


EQUIVALENT = {  # part of the edited line, or the whole: why the edit changes nothing
    "reshape(1, -2, 1, 1)": "NumPy takes any negative size for the one to be worked out",
    "reshape(-2, C)": "as above",
    "reshape(x.shape[1], -2)": "as above",
    "strict=False": "the lengths are equal anyhow",
    "dx[n, c, :]": "the axes behind are taken whole",
    "momentum if training else": "in evaluation both statistics are the running ones",
    "reshape(-2, ": "NumPy takes any negative size for the one to be worked out",
    "groups, -2)": "as above",
    "largest = -1.0": "an error is never below 0",
    "[:, None, None]": "broadcasting adds the first axis by itself",
    "x.mean(axis=2).mean(axis=2)": "H and W are averaged in the other order",
}


def equivalent(description):
    """Say why an edit changes nothing that a caller could see; None where it does."""
    return next((why for part, why in EQUIVALENT.items() if part in description), None)


def made_edits(step=1):
    """Yield (exercise, description, edited function), every step-th of them."""
    ways = (
        (name, way)
        for name, answers in RIGHT.items()
        if not isinstance(exercises.ALL[name], exercises.Challenge)  # a check has no one result
        for answer in dict.fromkeys(answers)
        if answer.__name__ != "<lambda>"
        for way in edits(answer)
    )
    return ((name, *way()) for name, way in islice(ways, 0, None, step))


def fails_in(exercise, answer, seed):
    """Return in which batches an answer is wrong; None where the check refuses it anyhow."""
    trial = exercise.trial(seed)
    found = outcomes.run(answer, trial.cases, exercise.arguments, exercise.parts)
    wrong = list(trial.wrong(found))
    return wrong or (None if exercise.check(answer, seed=seed).correct is not True else [])


def score_of(seed, step=1):
    """Return the share of edits that are refused, and print what is not."""
    made, accepted, drawn_only = 0, [], 0
    for name, description, edited in made_edits(step):
        exercise = exercises.ALL[name]
        wrong = fails_in(exercise, edited, seed)
        made += 1
        if wrong == []:
            accepted.append(f"{name}: {description}")
        drawn_only += bool(wrong) and min(wrong) >= len(exercise.domain.named)
    unexplained = [line for line in accepted if not equivalent(line)]
    print("\n".join(accepted))
    counted = made - (len(accepted) - len(unexplained))
    score = 1 - len(unexplained) / counted
    print(
        f"\nseed {seed}: {made} edits; of {counted} that change something, {100 * score:.2f} % are "
        f"refused, {drawn_only} of them by drawn batches alone"
    )
    return score, made


def test_small_edits_are_refused():
    score, made = score_of(seed=0, step=163)
    assert made > 20
    assert score >= 0.995


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))  # a seed edits other places
def test_many_small_edits_are_refused(seed):
    score, made = score_of(seed, step=3)
    assert made > 500
    assert score >= 0.995


def test_every_exercise_has_three_likely_mistakes():
    assert set(WRONG) == set(exercises.ALL)
    assert all(len(mistakes) >= 3 for mistakes in WRONG.values())


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", WRONG)
def test_likely_mistake_is_named(name, part):
    exercises.ALL[name].tell_all()  # the cure comes with the second miss
    for words, wrong in WRONG[name][part::STEP]:
        result = exercises.ALL[name].check(wrong)
        assert result.correct is False
        assert words in str(result)


# Hostile and hapless answers, each with a word that the message must hold.
COUNTER = {"calls": 0}
eps = 1e-5  # a global that a careless answer reads
x = np.ones((2, 3))


def returns_text(x):
    return "the mean"


def returns_words(x):
    return np.array(["a", "b"])


def returns_complex(x):
    return x.mean(axis=(0, 2, 3)) * (1 + 0j)


def returns_the_wrong_shape(x):
    return x.mean(axis=(0, 2))


def returns_ragged_lists(x):
    return [[1.0], [2.0, 3.0]]


def returns_nan(x):
    return x.mean(axis=(0, 2, 3)) * np.nan


def returns_a_cache_too(x):
    return x.mean(axis=(0, 2, 3)), {}


def returns_itself(x):
    return returns_itself


def keeps_dims(x):
    return x.mean(axis=(0, 2, 3), keepdims=True)


def mutates(x):
    x -= 1
    return x.mean(axis=(0, 2, 3)) + 1


def uses_a_global(a):
    return x.mean(axis=0)


def raises(x):
    y = x.mean(axis=(0, 2, 3))
    return y + np.ones(17)


def takes_too_many(x, gamma):
    return x


def leaves(x):
    sys.exit(3)


def recurses(x):
    return recurses(x)


def loops(x):
    while True:
        pass


def loops_and_catches(x):
    while True:
        try:
            x = x + 0
        except Exception:
            x = 0


def sleeps(x):
    time.sleep(60)


def allocates(x):
    return np.ones(10**12)


def grows(x):
    lists = []
    while True:
        lists.append([0] * 10**6)


def counts_its_calls(x):
    COUNTER["calls"] += 1
    return x.mean(axis=(0, 2, 3)) + (COUNTER["calls"] % 2 == 0)


class Strange:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("not an array")


def returns_a_strange_object(x):
    return Strange()


HOSTILE = {
    returns_text: "type str",
    returns_words: "array of",
    returns_complex: "complex",
    returns_the_wrong_shape: "shape",
    returns_ragged_lists: "real numbers",
    returns_nan: "nan",
    returns_a_cache_too: "tuple of 2",
    returns_itself: "real numbers",
    keeps_dims: "drop the axes of size 1",
    mutates: "changes its argument x",
    uses_a_global: "reads x from outside",
    raises: "line 3: return y + np.ones(17)",
    takes_too_many: "TypeError",
    leaves: "SystemExit",
    recurses: "RecursionError",
    counts_its_calls: "expected",
    returns_a_strange_object: "real numbers",
}


@pytest.mark.parametrize("answer", HOSTILE, ids=lambda f: f.__name__)
def test_hostile_answer_is_refused_with_the_reason(answer):
    result = exercises.channel_mean.check(answer)
    assert result.correct is False
    assert HOSTILE[answer] in str(result), str(result)
    assert "bnlib" not in str(result)


@posix_only
@pytest.mark.parametrize("answer", [loops, loops_and_catches])
def test_endless_loop_is_stopped(answer):
    started = time.process_time()
    result = exercises.channel_mean.check(answer)
    assert result.correct is False
    assert "did not come to an end" in str(result)
    assert time.process_time() - started < 0.5


@posix_only
def test_sleeper_is_woken(monkeypatch):
    monkeypatch.setattr(sandbox, "WALL_SECONDS", 0.2)
    assert "did not come to an end" in str(exercises.channel_mean.check(sleeps))


@linux_only
@pytest.mark.parametrize("answer", [allocates, pytest.param(grows, marks=pytest.mark.slow)])
def test_eater_of_memory_is_stopped(answer):
    result = exercises.channel_mean.check(answer)
    assert result.correct is False
    assert result.fault in ("memory", "does not end")


@posix_only
def test_limits_are_put_back():
    import resource
    import signal

    def state():
        numbers = (signal.SIGVTALRM, signal.SIGALRM)
        timers = (signal.ITIMER_VIRTUAL, signal.ITIMER_REAL)
        return (
            [signal.getsignal(number) for number in numbers],
            [signal.getitimer(timer) for timer in timers],
            resource.getrlimit(resource.RLIMIT_AS),
            np.geterr(),
            sys.stdout,
        )

    before = state()
    for answer in (loops, raises, keeps_dims, allocates, leaves):
        exercises.channel_mean.check(answer)
        assert state() == before


@posix_only
def test_an_alarm_of_the_callers_own_survives():
    import signal

    old = signal.signal(signal.SIGALRM, lambda *ignored: None)
    try:
        signal.setitimer(signal.ITIMER_REAL, 100)
        exercises.channel_mean.check(loops)
        assert 90 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_check_works_in_another_thread():
    found = []
    thread = threading.Thread(
        target=lambda: found.append(exercises.channel_mean.check(lambda x: x.mean((0, 2, 3))))
    )
    thread.start()
    thread.join()
    assert found[0].correct is True


def test_students_random_numbers_are_not_disturbed():
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    exercises.channel_mean.check(keeps_dims)
    assert np.random.rand() == expected  # noqa: NPY002


def sign(dout, x, gamma, eps):
    dx, dgamma, dbeta = RIGHT["spatial_backward"][0](dout, x, gamma, eps)
    return -dx, dgamma, dbeta


def factor_m(dout, x, gamma, eps):
    dx, dgamma, dbeta = RIGHT["spatial_backward"][0](dout, x, gamma, eps)
    return dx * (x.size // x.shape[1]), dgamma, dbeta


def other_order(dout, x, gamma, eps):
    return RIGHT["spatial_backward"][0](dout, x, gamma, eps)[::-1]


def kept(dout, x, gamma, eps):
    dx, dgamma, dbeta = RIGHT["spatial_backward"][0](dout, x, gamma, eps)
    return dx, dgamma.reshape(1, -1, 1, 1), dbeta


def half(dout, x, gamma, eps):
    dx, dgamma, dbeta = RIGHT["spatial_backward"][0](dout, x, gamma, eps)
    return dx, dgamma, dbeta / 2


def forgets_eps(dout, x, gamma, epsilon):
    return RIGHT["spatial_backward"][0](dout, x, gamma, eps)


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        (sign, "sign", "dx has the wrong sign"),
        (factor_m, "factor", "dx is m times"),
        (other_order, "order of results", "return dx, dgamma, dbeta"),
        (kept, "axes of size 1", "drop the axes of size 1"),
        (half, "factor", "dbeta is 1/2 times"),
        (forgets_eps, "a global in place of an argument", "reads eps from outside"),
    ],
)
def test_usual_slip_is_named(answer, fault, words):
    result = exercises.spatial_backward.check(answer)
    assert result.fault == fault, str(result)
    assert words in str(result)


def test_transposed_axes_are_named():
    result = exercises.to_table.check(lambda x: np.moveaxis(x, 1, -1).reshape(-1, x.shape[1]).T)
    assert result.correct is False
    assert result.fault in ("transposed", "one row for each channel")


def test_missing_keepdims_is_named():
    result = exercises.scale_channels.check(
        lambda x, gamma: np.squeeze(gamma.reshape(1, -1, 1, 1) * x[:1, :, :1, :1])
    )
    assert result.correct is False


def test_vectors_that_are_not_reshaped_are_explained():
    def forward(x, gamma, beta, eps):
        mu, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        return gamma * (x - mu) / np.sqrt(var + eps) + beta

    result = exercises.spatial_forward.check(forward)
    assert result.fault == "shapes that do not fit"
    assert "(1, C, 1, 1)" in str(result)


def test_exception_is_not_blamed_on_an_unused_argument():
    result = exercises.channel_mean.check(lambda x: unknown)  # noqa: F821
    assert result.fault == "NameError"
    assert "never uses" not in str(result)


def test_argument_that_the_solution_does_without_is_not_missed():
    def update(running_mean, running_var, mean, var, m, momentum):
        return 0.5 * momentum * running_mean + mean, running_var + var

    assert "argument m" not in str(exercises.update_course.check(update))


def test_own_method_is_not_asked_for_self():
    class Answers:
        def mean(self, x):
            return x.mean(axis=(0, 2, 3))

        def doubled(self, x):
            return 2 * x.mean(axis=(0, 2, 3)) + 1

    assert exercises.channel_mean.check(Answers().mean).correct is True
    assert "self" not in str(exercises.channel_mean.check(Answers().doubled))


@pytest.mark.parametrize("blank", [None, ...])
def test_value_that_is_still_missing_is_named(blank):
    def gradients(dout, xhat):
        return (dout * xhat).sum(axis=(0, 2, 3)), blank

    result = exercises.parameter_gradients.check(gradients)
    assert result.correct is False
    assert "dbeta is still" in str(result)


def test_half_that_is_written_is_judged():
    def layer(x, running_mean, running_var, momentum, training, eps):
        if training:
            return exercises.running_layer.answer(
                x, running_mean, running_var, momentum, training, eps
            )

    result = exercises.running_layer.check(layer)
    assert result.correct is False
    assert "Case evaluation" in str(result)


@pytest.mark.parametrize("wide", [np.float32, np.float64])
def test_values_that_are_moved_keep_their_type(wide):
    def to_table(x):
        return wide(np.moveaxis(x, 1, -1).reshape(-1, x.shape[1]))

    def from_table(table, shape):
        return wide(exercises.from_table.answer(table, shape))

    for answer in (to_table, from_table):
        result = exercises.ALL[answer.__name__].check(answer)
        assert result.correct is False
        assert "as it came" in str(result)


def test_values_that_are_moved_stay_exact():
    result = exercises.to_table.check(
        lambda x: np.nextafter(np.moveaxis(x, 1, -1).reshape(-1, x.shape[1]), x.dtype.type(99))
    )
    assert result.correct is False


def test_right_parts_of_an_unknown_mistake_are_named():
    def backward(dout, x, gamma, eps):
        dx, dgamma, dbeta = RIGHT["spatial_backward"][0](dout, x, gamma, eps)
        return np.cos(dx), dgamma, dbeta

    assert "dgamma and dbeta are right." in str(exercises.spatial_backward.check(backward))


@pytest.mark.parametrize("value", [(280,), [280], np.array([280])])
def test_number_in_brackets_is_no_number(value):
    result = exercises.count_m.check(value)
    assert f"a number, not a {type(value).__name__}" in str(result)


def test_shapes_that_do_not_fit_are_explained_by_what_they_are():
    result = exercises.normalize_table.check(lambda x, eps: x - x.mean(axis=1) + eps)
    assert "Two shapes do not fit" in str(result)
    assert "keepdims=True keeps its axes" in str(result)
    assert "(N, C, H, W)" not in str(result)


def test_keepdims_is_named_only_where_axes_may_be_lost():
    result = exercises.normalize_table.check(lambda x, eps: x + np.ones((7, 11)) + eps)
    assert "Two shapes do not fit" in str(result)
    assert "keepdims" not in str(result)
