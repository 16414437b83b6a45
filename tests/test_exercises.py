"""The exercises' own promises: right answers pass, catalogued mistakes are named, messages help."""

import inspect
import pydoc
import re
import time
from collections import Counter
from functools import cache

import numpy as np
import pytest
from sampling import PARTS, STEP

from bnlib import exercises, faults
from bnlib.exercises import Prediction, plain

PREDICTIONS = {n: e for n, e in exercises.ALL.items() if isinstance(e, Prediction)}
FUNCTIONS = {n: e for n, e in exercises.ALL.items() if n not in PREDICTIONS}
STEPS = [20, pytest.param(1, marks=pytest.mark.slow)]  # every which mistake
MISTAKES = [(name, mistake) for name, e in FUNCTIONS.items() for mistake in e.mistakes]


@cache
def checked(name, k):
    """Return what a second check says of a mistake, and the seconds that the first one took."""
    answer = FUNCTIONS[name].mistakes[k].function
    started = time.process_time()  # the machine's other work does not count
    first = FUNCTIONS[name].check(answer)
    seconds = time.process_time() - started
    return first, FUNCTIONS[name].check(answer), seconds


def checks(name, step):
    mistakes = FUNCTIONS[name].mistakes
    return [(mistakes[k], *checked(name, k)) for k in range(0, len(mistakes), step)]


def right(exercise):
    return exercise.answer() if isinstance(exercise, Prediction) else exercise.answer


def test_every_notebook_has_three_exercises_or_more():
    counts = Counter(exercise.notebook for exercise in exercises.ALL.values())
    assert all(counts[f"{k:02d}"] >= 3 for k in range(1, 11)), counts


@pytest.mark.parametrize("name", exercises.ALL)
def test_bnlibs_own_answer_is_correct(name):
    assert exercises.ALL[name].check(right(exercises.ALL[name])).correct is True


@pytest.mark.parametrize("name", exercises.ALL)
def test_solution_runs_as_it_is_and_is_correct(name):
    exercise, scope = exercises.ALL[name], {}
    exec(str(exercise.solution()), scope)
    assert exercise.check(scope[name]).correct is True


@pytest.mark.parametrize("name", exercises.ALL)
def test_solution_is_plain_numpy_and_says_where_bnlib_does_it(name):
    code, _, places = str(exercises.ALL[name].solution()).partition("\n# In bnlib:\n")
    imports = [line for line in code.splitlines() if re.match(r"\s*(import|from) ", line)]
    standard = ("import numpy as np", "from itertools import combinations")
    judges = ("from bnlib.judges import reference",)  # which notebook 07 hands out
    assert set(imports) <= {*standard, *judges}
    for place in re.findall(r"^#   (\S+)$", places, re.MULTILINE):
        assert pydoc.locate(place) is not None, place


def test_every_plain_answer_belongs_to_an_exercise():
    written = {name for name, one in vars(plain).items() if inspect.isfunction(one)}
    assert written <= set(exercises.ALL)
    for name in written & set(FUNCTIONS):
        parameters = inspect.signature(vars(plain)[name]).parameters
        given = inspect.signature(exercises.ALL[name].answer).parameters
        assert tuple(parameters) == tuple(given)


@pytest.mark.parametrize("name", exercises.ALL)
def test_stub_counts_as_not_written(name):
    exercise, scope = exercises.ALL[name], {}
    *stub, check = exercise.stub().splitlines()
    exec("\n".join(stub), scope)
    assert check == f"exercises.{name}.check({name})"
    result = exercise.check(scope[name])
    assert result.correct is None
    assert f"exercises.{name}.hint(1)" in str(result)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("blank", [None, ..., "raises", "dots"])
def test_what_is_not_written_is_neither_right_nor_wrong(name, blank):
    def raises(*arguments):
        raise NotImplementedError

    def dots(*arguments):
        return tuple(... for _ in FUNCTIONS[name].parts)

    answer = {"raises": raises, "dots": dots}.get(blank, blank)
    assert FUNCTIONS[name].check(answer).correct is None


def test_every_catalogued_fault_belongs_to_an_exercise():
    known = {mistake.name for _, mistake in MISTAKES}
    assert set(faults.CATALOGUE) <= known


def named_rightly(step):
    made = [(name, *row) for name in FUNCTIONS for row in checks(name, step)]
    accepted = [(name, mistake.name) for name, mistake, first, *_ in made if first.correct]
    assert accepted == []
    named = [m.name == two.fault and m.mistake in str(two) for _, m, _, two, _ in made]
    print(f"\n{len(made)} mistakes, all caught; {sum(named)} named rightly")
    return np.mean(named)


def test_mistakes_are_caught_and_nearly_all_are_named():
    assert named_rightly(step=20) >= 0.98


@pytest.mark.slow
def test_every_mistake_is_caught_and_nearly_all_are_named():
    assert named_rightly(step=1) >= 0.98


@pytest.mark.parametrize("part", PARTS)
def test_every_catalogued_fault_is_caught_and_nearly_all_are_named(part):
    tasks = {
        "forward": "spatial_forward",
        "backward": "spatial_backward",
        "running": "running_layer",
        "group": "group_norm",
    }
    named = []
    for fault in list(faults.CATALOGUE.values())[part::STEP]:
        result = exercises.ALL[tasks[fault.task]].check(fault.function)
        assert result.correct is False, fault.name
        named.append(result.fault == fault.name)
    print(f"\n{len(named)} catalogued faults, all caught; {sum(named)} named rightly")
    assert np.mean(named) >= 0.9


@pytest.mark.parametrize("name", PREDICTIONS)
def test_every_foreseen_wrong_prediction_is_answered(name):
    exercise = PREDICTIONS[name]
    for value, sentence in exercise.mistakes:
        exercise.check(value)
        result = exercise.check(value)  # the cure comes with the second miss
        assert result.correct is False
        assert sentence in str(result)


def test_half_a_prediction_is_not_blank():
    assert exercises.shape_of_mu.check((...,)).correct is None
    assert exercises.shape_of_mu.check((None, 8)).correct is False


@pytest.mark.parametrize("name", PREDICTIONS)
@pytest.mark.parametrize("value", ["text", True, [[1], [2, 3]], 1j, object(), len, np.nan, {}, -7])
def test_senseless_predictions_are_wrong(name, value):
    assert PREDICTIONS[name].check(value).correct is False


def test_predictions_take_lists_and_arrays_for_tuples():
    for value in ([8], np.array([8]), (8,)):
        assert exercises.shape_of_mu.check(value).correct is True


@pytest.mark.parametrize("name", exercises.ALL)
def test_hints_lead_on(name):
    exercise = exercises.ALL[name]
    assert len(exercise.hints) >= 3
    for k in range(1, len(exercise.hints) + 1):
        assert repr(exercise.hint(k)).startswith(f"Hint {k} of {len(exercise.hints)}: ")
    assert "hints" in exercise.hint(99)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_messages_are_short(name, step):
    for _, first, second, _ in checks(name, step):
        for result in (first, second):
            lines = str(result).splitlines()
            assert len(lines) <= 4
            assert max(map(len, lines)) <= 200, lines


def test_check_prints_nothing(capfd):
    def noisy(x):
        print("loud")
        return x.mean(axis=(0, 2, 3))

    assert exercises.channel_mean.check(noisy).correct is True
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_check_answers_in_under_half_a_second(name, step):
    assert max(seconds for *_, seconds in checks(name, step)) < 0.5
    started = time.process_time()
    FUNCTIONS[name].check(FUNCTIONS[name].answer)
    assert time.process_time() - started < 0.5


def test_no_two_exercises_share_a_name():
    assert len(exercises.ALL) == len({e.name for e in exercises.ALL.values()})
    assert all(exercises.ALL[e.name] is e for e in exercises.ALL.values())


def test_numbers_that_differ_late_are_written_with_the_digits_that_differ():
    result = exercises.complex_step.check(lambda f, x: (f(x + 1e-5) - f(x - 1e-5)) / 2e-5)
    ours, right = re.search(r"slope is (\S+); expected (\S+)\.", str(result)).groups()
    assert f"{float(ours):.6g}" == f"{float(right):.6g}"
    assert ours != right
