"""The questions on the notebook before: three each, judged one by one, asked in the next one."""

import re

import nbformat
import pytest

from bnlib import recap
from bnlib.exercises.predict import Names, Number, Numbers
from tools.nbfiles import find

CALL = re.compile(r"^recap\.(\w+)\(\n((?:    \.\.\.,  # \d: .+\n){3})\)$", re.MULTILINE)
NUMBERED = find("")


def right(question):
    return question.right if not isinstance(question, Names) else tuple(question.right)


def cells_that_ask(path):
    """List the indices of a notebook's cells that call a recap, with its name."""
    cells = nbformat.read(path, as_version=4).cells
    found = ((k, CALL.search(cell.source)) for k, cell in enumerate(cells))
    return [(k, match[1]) for k, match in found if match], cells


def test_every_notebook_but_the_first_asks_about_one_before_and_none_twice():
    asked = [[name for _, name in cells_that_ask(path)[0]] for path in NUMBERED]
    assert asked[0] == []
    assert [len(names) for names in asked[1:]] == [1] * (len(NUMBERED) - 1)
    assert sorted(name for names in asked for name in names) == sorted(recap.ALL)


@pytest.mark.parametrize("path", NUMBERED[1:], ids=lambda path: path.stem)
def test_three_questions_stand_before_the_first_heading_and_are_open(path):
    ((k, _),), cells = cells_that_ask(path)
    above = "".join(cell.source for cell in cells[1:k])
    assert not re.search("^## (?!Recap)", above, re.MULTILINE)
    before = NUMBERED[NUMBERED.index(path) - 1]
    assert before.name in cells[k - 1].source
    assert re.findall(r"^(\d)\. ", cells[k - 1].source, re.MULTILINE) == ["1", "2", "3"]
    (output,) = cells[k].outputs
    assert output.data["text/plain"].count("No prediction yet") == 3


@pytest.mark.parametrize("name", recap.ALL)
def test_right_answers_are_told_so_and_likely_misses_are_told_why(name):
    one = recap.ALL[name]
    assert len(one.questions) == 3
    every = one(*map(right, one.questions))
    assert [verdict.verdict for verdict in every.verdicts] == ["right"] * 3
    for k, question in enumerate(one.questions):
        for miss, sentence in question.misses.items():
            answers = [...] * 3
            answers[k] = miss
            verdict = one(*answers).verdicts[k]
            assert (verdict.verdict, verdict.message) == ("not", f"Not right. {sentence}")


def test_answers_are_judged_one_by_one():
    found = recap.concept(200, ..., 5)
    assert [one.verdict for one in found.verdicts] == ["right", None, "not"]
    assert repr(found).splitlines()[1].startswith("2. No prediction yet")
    assert found._repr_html_().count('class="bnlib-') == 3


@pytest.mark.parametrize("answers", [(), (...,), (..., ..., ...)])
def test_missing_answers_are_open(answers):
    assert [one.verdict for one in recap.start(*answers).verdicts] == [None] * 3


def test_too_many_answers_are_refused():
    assert repr(recap.start(1, 2, 3, 4)) == "1. Not right. 3 answers are asked for; got 4."


def test_words_have_no_miss_that_is_right():
    for one in recap.ALL.values():
        for question in one.questions:
            assert isinstance(question, Number | Numbers | Names)
            assert not any(
                question.equal(question.read((m,)), question.right) for m in question.misses
            )
