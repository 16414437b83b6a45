"""A fourth student, who predicts: rightly, nearly, wrongly, and not at all."""

import re
from itertools import pairwise

import nbformat
import numpy as np
import pytest

from bnlib.exercises import predict
from bnlib.exercises.predict import ALL, Choice, Names, Number, Numbers
from tools.nbfiles import find
from tools.notebook_style import PREDICT

CALL = re.compile(r"^predict\.(\w+)\(\.\.\.\)  # \S.*$")


def notebooks():
    return {path.stem: nbformat.read(path, as_version=4).cells for path in find("")}


def cells_that_ask():
    """Yield (name, cell before, cell) of each typed prediction in the notebooks."""
    for cells in notebooks().values():
        for before, cell in pairwise(cells):
            found = cell.cell_type == "code" and CALL.match(cell.source)
            if found:
                yield found[1], before, cell


def right_answer(typed):
    return typed.right if isinstance(typed, Names) else (typed.right,)


def said(name, *answer):
    return getattr(predict, name)(*answer)


def test_every_prediction_stands_once_in_a_notebook():
    assert sorted(name for name, _, _ in cells_that_ask()) == sorted(ALL)


def test_cell_stands_below_its_question_and_is_not_answered():
    for name, before, cell in cells_that_ask():
        assert PREDICT.search(before.source), name
        (output,) = cell.outputs
        assert output.data["text/plain"].startswith("No prediction yet"), name


def test_a_third_of_the_predictions_can_be_typed():
    asked = sum(
        bool(PREDICT.search(cell.source))
        for cells in notebooks().values()
        for cell in cells
        if cell.cell_type == "markdown"
    )
    print(f"{len(ALL)} of {asked} predictions are typed")
    assert 3 * len(ALL) >= asked


@pytest.mark.parametrize("name", ALL)
def test_right_prediction_is_told_so_with_the_reason(name):
    verdict = said(name, *right_answer(ALL[name]))
    assert verdict.verdict == "right"
    assert repr(verdict) == f"Right. {ALL[name].why}"


@pytest.mark.parametrize("name", ALL)
def test_likely_mistake_is_told_why(name):
    for miss, sentence in ALL[name].misses.items():
        verdict = said(name, miss)
        assert verdict.verdict == "not"
        assert sentence in repr(verdict)
        assert not ALL[name].equal(ALL[name].read((miss,)), ALL[name].right)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("nothing", [(), (...,), (None,)])
def test_no_prediction_is_no_mistake(name, nothing):
    assert said(name, *nothing).verdict is None


class Strange:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("not an array")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "answer", ["", "a walrus", 1e300, -7, np.nan, True, 1j, [1, [2]], {}, (), Strange(), [0.5]]
)
def test_odd_answer_is_refused_in_words(name, answer):
    verdict = said(name, answer)
    assert verdict.verdict in ("not", "close", None)
    assert verdict.message.endswith(".")


@pytest.mark.parametrize("name", [name for name in ALL if isinstance(ALL[name], Number)])
def test_number_is_close_within_its_factor(name):
    typed = ALL[name]
    near = typed.right * (1 + 0.9 * (typed.factor - 1))
    expected = "close" if typed.factor > 1 and typed.right else "right"
    assert said(name, near).verdict == expected
    if typed.right:
        assert said(name, 100 * typed.right).verdict == "not"


def test_numbers_in_another_order_are_close():
    assert said("first_row", (16, 8, 0)).verdict == "close"
    assert said("first_row", 0, 8, 16).verdict == "right"
    assert said("first_row", np.array([0, 8, 16])).verdict == "right"


def test_some_of_the_names_are_close():
    assert said("symmetric", "closed form").verdict == "close"
    assert said("symmetric", "no last term").verdict == "not"
    assert said("symmetric", {"Closed form", "twice too large "}).verdict == "right"


@pytest.mark.parametrize("answer", [0, 6, 2.5, "2", (1, 2), True])
def test_choice_is_one_number_from_1_to_5(answer):
    verdict = said("case_7", answer)
    assert verdict.message == "Not right. The answer is one number from 1 to 5."


def test_choice_says_of_every_wrong_cause_what_speaks_against_it():
    for typed in ALL.values():
        if isinstance(typed, Choice):
            assert {typed.right, *typed.misses} == {1, 2, 3, 4, 5}


def test_every_kind_is_in_use():
    assert {type(typed) for typed in ALL.values()} == {Number, Numbers, Names, Choice}
