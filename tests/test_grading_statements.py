"""Which statements of a notebook an answer needs, and which of its definitions counts."""

import ast

import pytest

from bnlib.grading import statements

STUB = "def answer(x):\n    return ...  # your code here\n"


def run_for(*cells, name="answer", stub=STUB):
    """Return the text of the statements that are run for an answer, or None."""
    notebook = statements.read(cells)
    place = statements.counted(notebook, name, stub)
    if place is None:
        return None
    return [ast.unparse(one.node) for one in statements.needed(notebook, place)]


def test_only_what_the_answer_reads_is_run():
    cells = (
        "import numpy as np\nimport torch\nAXES = (0, 2)",
        "x = train()\nprint(x)\nfor k in range(9): plot(k)",
        "def answer(x):\n    return helper(np.mean(x, AXES))",
        "def other(x): return x",
    )
    run = run_for(*cells[:2], "def helper(v):\n    return v", *cells[2:])
    assert [line.split("\n")[0] for line in run] == [
        *("import numpy as np", "AXES = (0, 2)", "def helper(v):", "def answer(x):"),
    ]


def test_last_definition_counts_wherever_it_stands():
    assert run_for("def answer(x): return 1", "def answer(x): return 2")[-1].endswith("return 2")
    assert run_for("answer = 1", "answer = lambda x: 2") == ["answer = lambda x: 2"]


def test_stub_below_the_answer_changes_nothing_and_alone_is_none():
    assert run_for("def answer(x): return 1", STUB)[-1].endswith("return 1")
    assert run_for(STUB) is None
    assert run_for("x = 1") is None
    assert run_for("answer = ...  # your answer here", stub="answer = ...") is None


def test_helper_that_a_later_cell_redefines_is_the_earlier_one():
    cells = ("def h(): return 1", "def answer(x): return h()", "def h(): return 2")
    assert run_for(*cells)[0].endswith("return 1")


def test_helper_in_the_same_cell_or_only_further_down_is_found():
    assert len(run_for("def answer(x): return h()\ndef h(): return 1")) == 2
    assert len(run_for("def answer(x): return h()", "def h(): return 1")) == 2


def test_value_that_reads_the_name_it_defines_gets_the_definition():
    assert len(run_for("def answer(): return 1", "answer = answer()")) == 2


def test_name_that_is_changed_step_by_step_is_run_in_all_steps():
    cells = ("t = {}", "t['a'] = 1\nt['b'] = 2\nt.c = 3\nt |= {}", "def answer(x): return t[x]")
    assert len(run_for(*cells)) == 6
    assert len(run_for("t = 0", "t = 1", "def answer(x): return t")) == 2


def test_reads_in_defaults_decorators_classes_and_comprehensions_count():
    cells = ("a = b = c = d = e = 1", "@a\ndef answer(x=b): return [c for i in x]")
    assert len(run_for(*cells)) == 2
    assert len(run_for("d = 1", "class K:\n    v = d", "def answer(x): return K().v")) == 3


def test_star_imports_are_run():
    assert run_for("from numpy import *", "def answer(x): return mean(x)")[0].endswith("*")


@pytest.mark.parametrize(
    "line",
    [
        "%matplotlib inline",
        "!ls",
        "files = !ls",
        "%time answer(1)",
        "answer?",
        "?answer",
        "a, b = %x",
    ],
)
def test_lines_of_ipython_are_left_out(line):
    assert run_for(f"{line}\ndef answer(x):\n    return x % 3")[-1].endswith("x % 3")
    assert run_for(f"if 1:\n    {line}\ndef answer(x): return 1") is not None


def test_cell_magics_of_python_keep_their_body_and_others_do_not():
    assert run_for("%%time\ndef answer(x): return 1")
    assert run_for("%%bash\ndef answer(x): return 1") is None
    assert run_for("%%") is None


@pytest.mark.parametrize(
    "cell", ["def answer(x):\n  return (", "answer = = 3", "def answer(x)\n", "\0"]
)
def test_cell_that_does_not_parse_is_named_and_hurts_no_other(cell):
    notebook = statements.read([cell, "def other(): pass"])
    assert 0 in notebook.broken
    assert len(notebook.statements) == 1
    why = statements.why_broken(notebook, "answer")
    assert (why or "").startswith("SyntaxError") == ("answer" in cell)


def test_nested_beyond_what_python_parses_is_broken():
    for cell in ("(" * 10**4, "x = " + "-" * 10**5 + "1"):
        assert statements.read([cell]).broken


def test_checks_that_are_called_are_seen_in_cells_that_do_not_parse():
    assert statements.read(["exercises.undo.check(undo", "exercises . a . check(a)"]).checked == {
        *("undo", "a")
    }
