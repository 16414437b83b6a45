"""Answers are judged as the checks judge them, whatever else they do."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

if not hasattr(os, "fork"):
    pytest.skip("grading needs fork", allow_module_level=True)

from bnlib import exercises
from bnlib.grading import answers, judge
from bnlib.grading.process import Process, has_bubblewrap
from bnlib.judges.sweeps import count_sweeps

CHECK = "exercises.channel_mean.check(channel_mean)"
RIGHT = "def channel_mean(x):\n    return x.mean(axis=(0, 2, 3))"
USUAL = "import os, sys, time, signal\nimport numpy as np\nfrom bnlib import exercises"
slow = pytest.mark.slow


def row_of(*cells, name="channel_mean", bubblewrap=False):
    """Return the row of an exercise in a notebook of these cells."""
    rows = judge.grade([USUAL, *cells, CHECK], "a.ipynb", (5, 6), bubblewrap)
    return next(row for row in rows if row.exercise == name)


def outcome(*cells, **more):
    row = row_of(*cells, **more)
    return row.verdict, row.mistake


def test_right_answer_is_correct_with_all_seeds():
    assert outcome(RIGHT) == ("correct", "")


def test_row_says_what_the_check_says_with_the_cure_and_the_seed():
    row = row_of("def channel_mean(x):\n    return x.mean(axis=(0, 1))")
    assert row[:4] == ("01", "channel_mean", "wrong", "mean over axes (0, 1)")
    assert row.sentence.endswith("every axis but 1 is wanted: (0, 2, 3).")
    assert row.sentence in row.said
    assert "check(channel_mean, seed=5) shows it" in row.said
    assert row.seconds > 0


def test_notebook_is_known_by_what_it_checks_or_else_defines():
    first = [name for name, one in exercises.ALL.items() if one.notebook == "01"]
    assert judge.expected(["undo"], ["to_table"]) == first
    assert judge.expected([], ["undo", "x"]) == first
    assert judge.expected(["nothing"], []) == []


def test_several_notebooks_in_one_file_all_count():
    both = {name for name, one in exercises.ALL.items() if one.notebook in ("01", "02")}
    assert set(judge.expected(both, [])) == both


def test_one_exercise_of_another_notebook_does_not_make_it_that():
    names = [name for name, one in exercises.ALL.items() if one.notebook == "02"]
    assert judge.expected([*names, "undo"], []) == names


def test_file_without_an_exercise_is_one_row():
    (row,) = judge.grade(["x = 1"], "a.ipynb", (5,))
    assert row[:4] == ("a.ipynb", "", "error", judge.NO_EXERCISE)


def test_keyword_only_arguments_are_passed_by_name():
    right = "def normalize_table(x, *, eps):\n    return (x - x.mean(0)) / np.sqrt(x.var(0) + eps)"
    assert outcome(right, name="normalize_table") == ("correct", "")


def test_function_that_is_an_argument_is_called_from_the_other_process():
    cells = ("def central_difference(f, x, h):\n    return (f(x + h) - f(x - h)) / (2 * h)",)
    cells += ("exercises.central_difference.check(central_difference)",)
    rows = judge.grade([*cells], "a.ipynb", (5,))
    assert {row.exercise: row.verdict for row in rows}["central_difference"] == "correct"


BODIES = [
    ("os._exit(0)", "stopped", "ended by itself"),
    ("sys.exit('bye')", "stopped", "ended by itself"),
    ("return np.ones(10**12)", "stopped", "memory"),
    ("return input()", "error", "EOFError"),
    ("return x.mean(axis=(0, 2, 3)) + missing", "error", "NameError"),
    ("x *= 2\n    return x.mean(axis=(0, 2, 3)) / 2", "wrong", "argument changed in place"),
    ("x.shape = (-1,)\n    return x[:1]", "wrong", ""),
    ("print('x' * 10**6)\n    return x.mean((0, 2, 3))", "correct", ""),
]
SLOW_BODIES = [
    ("while True: pass", "stopped", "does not end"),
    ("signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n    while True: pass", *("stopped",) * 2),
    ("time.sleep(999)", "stopped", "does not end"),
    ("return [0] * 10**10", "stopped", "memory"),
    ("kept = []\n    while True: kept.append(bytes(10**7))", "stopped", "memory"),
    ("os.kill(os.getpid(), signal.SIGKILL)", "stopped", "ended by itself"),
    ("os.kill(0, signal.SIGKILL)", "stopped", "ended by itself"),
    ("os.closerange(0, 999)\n    return 1", "stopped", "ended by itself"),
    (
        "for k in range(3, 30):\n        try: os.write(k, b'junk' * 99)\n"
        "        except OSError: pass\n    return 1",
        *("stopped", None),
    ),
    ("return channel_mean(x)", "error", "RecursionError"),
    ("sys.setrecursionlimit(10**9)\n    return channel_mean(x)", "stopped", None),
    ("while True: os.fork()", "error", "BlockingIOError"),
    (
        "import threading\n    threading.Thread(target=time.sleep, args=(99,)).start()",
        "error",
        None,
    ),
    ("open('big', 'wb').write(bytes(10**8))", "error", "OSError"),
    ("import subprocess\n    subprocess.run(['sleep', '99'])", "error", None),
    ("raise KeyboardInterrupt", "stopped", "ended by itself"),
    ("raise MemoryError", "stopped", "memory"),
    ("raise type('TookTooLong', (BaseException,), {})", "error", "TookTooLong"),
    ("raise type('E', (Exception,), {'__str__': lambda s: 1 / 0})", "error", "E"),
    ("raise ValueError('\\ud800')", "error", "ValueError"),
    ("raise type('=1+1', (Exception,), {})", "error", None),
    ("return (x.mean(axis=(0, 2, 3)) for _ in 'a')", "wrong", "wrong results"),
    ("return np.zeros(10**8)", "wrong", None),
    ("return [[]] * 10**5", "wrong", None),
    ("y = []\n    y.append(y)\n    return y", "wrong", None),
    ("return type('A', (), {'__array__': lambda s, *a: 1 / 0})()", "wrong", "wrong results"),
    ("for m in list(sys.modules.values()): vars(m).clear()", "stopped", None),
]


@pytest.mark.parametrize(
    ("body", "verdict", "mistake"), [*BODIES, *(pytest.param(*b, marks=slow) for b in SLOW_BODIES)]
)
def test_answer_that_does_something_besides_gets_its_verdict(body, verdict, mistake):
    started = time.perf_counter()
    found = outcome(f"def channel_mean(x):\n    {body}")
    assert found[0] == verdict
    assert mistake in (None, "stopped", found[1])
    assert time.perf_counter() - started < 60


CELLS = {
    "what a check is replaced by": (
        "exercises.channel_mean = exercises\nexercises.check = print",
        "def channel_mean(x):\n    exercises\n    return 0 * x[0, :, 0, 0]",
        *("wrong", None),
    ),
    "the machinery of the answer's own process": (
        "import gc",
        "def channel_mean(x):\n    for m in ('channel', 'child', 'limits'):\n"
        "        vars(sys.modules.get('bnlib.grading.' + m, sys)).update(encode=lambda *a: 1)\n"
        "    return x",
        *("stopped", None),
    ),
    "numpy": (
        "np.allclose = np.array_equal = np.all = np.abs = lambda *a, **k: True",
        "def channel_mean(x):\n    return np.zeros(x.shape[1])",
        *("wrong", None),
    ),
    "an answer that remembers": (
        "seen = []",
        "def channel_mean(x):\n    seen.append(x.mean((0, 2, 3)))\n    return seen[0]",
        *("wrong", "remembers"),
    ),
    "one that counts its calls": (
        "calls = {'n': 0}",
        "def channel_mean(x):\n    calls['n'] += 1\n    return x.mean((0, 2, 3)) + calls['n'] % 2",
        *("wrong", None),
    ),
    "a loop at the top of a cell": ("while True: pass", RIGHT, *("correct", "")),
    "an exit at the top": ("sys.exit()\nos._exit(1)", RIGHT, *("correct", "")),
    "a loop that the answer needs": (
        "n = 0\nwhile True: n += 1",
        "def channel_mean(x):\n    return n",
        *("stopped", "does not end"),
    ),
    "a stub below the answer": (RIGHT, exercises.channel_mean.stub(), *("correct", "")),
    "two answers": (RIGHT, "def channel_mean(x):\n    return x.mean()", *("wrong", None)),
    "a name that is no function": ("channel_mean = 3", "", *("wrong", "not a function")),
    "a cell that does not parse": (
        "def channel_mean(x):\n    return (",
        "",
        *("error", "SyntaxError"),
    ),
    "a definition that raises": ("channel_mean = 1 / 0", "", *("error", "ZeroDivisionError")),
    "a decorator that is missing": (f"@njit\n{RIGHT}", "", *("error", "NameError")),
    "magics": ("%matplotlib inline\n!rm -rf x\n" + RIGHT, "%%bash\nexit", *("correct", "")),
}
QUICK = ("what a check is replaced by", "an answer that remembers", "a cell that does not parse")


@pytest.mark.parametrize("kind", [k if k in QUICK else pytest.param(k, marks=slow) for k in CELLS])
def test_notebook_with_something_besides_gets_its_verdict(kind):
    *cells, verdict, mistake = CELLS[kind]
    found = outcome(*cells)
    assert found[0] == verdict
    assert mistake in (None, found[1])


@pytest.mark.parametrize(
    "body", ["return x.mean(axis=(0, 2, 3))", "y = 2 * x - x\n    return y + 0"]
)
def test_sweeps_are_counted_where_they_are_taken(body):
    scope = {}
    exec(f"def channel_mean(x):\n    {body}", scope)
    process = Process([f"def channel_mean(x):\n    {body}"], False)
    try:
        answer = answers.Session(process, exercises.channel_mean).answer()
        counted = [
            count_sweeps(one, np.ones((2, 3, 4, 5))) for one in (answer, scope["channel_mean"])
        ]
    finally:
        process.end()
    assert counted[0] == counted[1] != (0, 0)


def test_one_answer_that_ends_its_process_harms_no_other():
    undo = "def undo(x, eps):\n    return np.sqrt(x.var((0, 2, 3)) + eps), x.mean((0, 2, 3))"
    rows = judge.grade([USUAL, "def channel_mean(x):\n    os._exit(1)", undo, CHECK], "a", (5,))
    verdicts = {row.exercise: row.verdict for row in rows}
    assert verdicts == dict.fromkeys(verdicts, "not written") | {
        **{"channel_mean": "stopped", "undo": "correct"}
    }


def test_failure_of_what_an_answer_needs_is_told():
    cells = "k = 1 / 0", "def channel_mean(x):\n    return x.mean((0, 2, 3)) * k"
    row = row_of(*cells)
    assert (row.verdict, row.mistake) == ("error", "NameError")
    assert "Before it, cell 2: ZeroDivisionError" in row.said
    row = row_of(cells[0], "channel_mean = k")
    assert (row.verdict, row.mistake) == ("error", "NameError")
    assert "Before it, cell 2: ZeroDivisionError" in row.said


def test_stopped_answer_is_asked_once(monkeypatch):
    monkeypatch.setattr(answers, "WALL_SECONDS", 1)
    started = time.perf_counter()
    assert outcome("def channel_mean(x):\n    time.sleep(99)") == ("stopped", "does not end")
    assert time.perf_counter() - started < 10


@slow
def test_files_that_an_answer_writes_do_not_stay(tmp_path):
    target = tmp_path / "written"
    body = f"open('here', 'w').write('x')\n    open({str(target)!r}, 'w').write('x')\n    return 1"
    row = row_of(f"def channel_mean(x):\n    {body}", bubblewrap=has_bubblewrap())
    if os.geteuid() == 0 or has_bubblewrap():
        assert (row.verdict, target.exists()) == ("error", False)
    assert not list(Path("/tmp").glob("bnlib-grading-*/here"))


@slow
@pytest.mark.skipif(not has_bubblewrap(), reason="bubblewrap is not installed, or may not work")
def test_bubblewrap_leaves_no_network_and_no_other_process():
    body = "import socket\n    socket.create_connection(('127.0.0.1', 9), 1)\n    return 1"
    assert outcome(f"def channel_mean(x):\n    {body}", bubblewrap=True)[0] == "error"
    body = "return [len([p for p in os.listdir('/proc') if p.isdigit()])]"
    said = row_of(f"def channel_mean(x):\n    {body}", bubblewrap=True)
    assert said.verdict == "wrong"
    assert outcome(RIGHT, bubblewrap=True) == ("correct", "")
