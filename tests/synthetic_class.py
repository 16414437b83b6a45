"""A class of synthetic students, whose grades are known before anything is graded.

Answers are the right ones of student_answers.py, the wrong ones of student_mistakes.py, every
mistake of the exercises' catalogues, and what students do besides: leave blank, loop, exit, fork.
What a mistake is called is taken from the exercise's own check in this process; what is right,
stopped or an error is written down here.
"""

import json
import re
from functools import cache, partial
from itertools import zip_longest
from typing import NamedTuple

from student_answers import RIGHT
from student_mistakes import WRONG

from bnlib import exercises
from bnlib.exercises import Prediction
from bnlib.exercises.checker.sandbox import wider
from tools.copies import student_copy
from tools.nbfiles import NOTEBOOKS, ROOT, read

SEEDS = (11, 12)
CHECK = re.compile(r"^exercises\.(\w+)\.check\(\1\)$", re.MULTILINE)
# What an answer sees of the exercises is a stub; here come the real ones, for their mistakes, and
# the students of the tests.
PRELUDE = f"""import importlib, sys
import numpy as np
cleared = [sys.modules.pop(n) for n in list(sys.modules) if n.startswith("bnlib.exercises")]
catalogue = (cleared, importlib.import_module("bnlib.exercises"))[1].ALL
path = (catalogue, sys.path.insert(0, {str(ROOT / "tests")!r}))
RIGHT = (path, importlib.import_module("student_answers").RIGHT)[1]
WRONG = (path, importlib.import_module("student_mistakes").WRONG)[1]
"""


class Answer(NamedTuple):
    """The text of an answer, and what it must get."""

    text: str
    verdict: str
    mistake: str = ""


def behaving(name, body, verdict, mistake):
    """Return an answer that does something besides, as a function of the exercise's arguments."""
    head = exercises.ALL[name].stub().partition("\n")[0]
    return Answer(f"import os, sys, time, threading\n{head}\n" + body, verdict, mistake)


BEHAVIOURS = (
    ("    while True:\n        pass", "stopped", "does not end"),
    (
        "    while True:\n        try:\n            time.time()\n        except Exception:\n"
        "            pass",
        *("stopped", "does not end"),
    ),
    ("    return np.ones(10**12)", "stopped", "memory"),
    ("    kept = []\n    while True:\n        kept.append(bytes(10**7))", "stopped", "memory"),
    ("    os._exit(0)", "stopped", "ended by itself"),
    ("    sys.exit()", "stopped", "ended by itself"),
    ("    os.kill(os.getpid(), 9)", "stopped", "ended by itself"),
    ("    os.abort()", "stopped", "ended by itself"),
    ("    while True:\n        os.fork()", "error", "BlockingIOError"),
    ("    threading.Thread(target=time.sleep, args=(99,)).start()", "error", "RuntimeError"),
    ("    return input('which? ')", "error", "EOFError"),
    ("    open('f', 'wb').write(bytes(10**8))", "error", "OSError"),
    ("    return unheard_of", "error", "NameError"),
    ("    return (", "error", "SyntaxError"),
    (
        "    np.allclose = np.array_equal = lambda *a, **k: True\n    return 'right'",
        *("wrong", "wrong results"),
    ),
    ("    raise NotImplementedError", "not written", ""),
    ("    pass", "not written", ""),
)
SLEEPING = ("    time.sleep(99)", "stopped", "does not end")
# What a right answer may do besides.
HARMLESS = (
    "print('x' * 10**6)\n{right}",
    "%matplotlib inline\n!ls\n{right}",
    "{stub}\n{right}\n{stub}",
    "def {name}(*values):\n    return 0\n{right}",
    "import torch_that_is_not_there\n{right}",
)


@cache
def checked(name, k, kind):
    """Return verdict and mistake of a wrong answer by the exercise's check, in this process."""
    exercise = exercises.ALL[name]
    answer = {
        "wrong": lambda: WRONG[name][k][1],
        "catalogue": lambda: (
            exercise.mistakes[k][0]
            if isinstance(exercise, Prediction)
            else exercise.mistakes[k].function
        ),
    }[kind]()
    exercise.forget()
    for seed in SEEDS:
        more = {} if isinstance(exercise, Prediction) else {"seed": seed}
        with wider(60):  # a slow one is to be named on a busy machine, too
            result = exercise.check(answer, **more)
        if result.correct is not True:
            break
    fault = result.fault or ""
    if result.correct is False:
        return ("error" if re.fullmatch(r"\w+Error", fault) else "wrong"), fault
    return {True: "correct", None: "not written"}[result.correct], ""


def answers(name):
    """List what makes the answers to one exercise: right, each known mistake, wrong, and blank.

    They are made only when they are called: what a mistake is called takes a check.
    """
    exercise = exercises.ALL[name]
    is_prediction = isinstance(exercise, Prediction)
    solution = f"{exercise.solution()}\n" + is_prediction * f"{name} = {name}()"
    made = [partial(Answer, solution, "correct")]
    made += [partial(right, name, k) for k in range(len(RIGHT.get(name, ())))]
    made += [partial(catalogued, name, k) for k in range(len(exercise.mistakes))]
    made += [partial(wrong, name, k) for k in range(len(WRONG.get(name, ())))]
    return [*made, partial(Answer, exercise.stub(), "not written")]


def right(name, k=0):
    return Answer(f"{name} = RIGHT[{name!r}][{k}]", "correct")


def catalogued(name, k):
    part = "[0]" if isinstance(exercises.ALL[name], Prediction) else ".function"
    text = f"{name} = catalogue[{name!r}].mistakes[{k}]{part}"
    return Answer(text, *checked(name, k, "catalogue"))


def wrong(name, k):
    return Answer(f"{name} = WRONG[{name!r}][{k}][1]", *checked(name, k, "wrong"))


def functions(number):
    """List the exercises of a notebook that ask for a function."""
    return [
        name
        for name, one in exercises.ALL.items()
        if one.notebook == number and not isinstance(one, Prediction)
    ]


def behaviours(number):
    """List answers for a notebook's functions, one for each, that do something besides."""
    names = functions(number)
    words = {"name": names[0], "right": right(names[0]).text, "stub": stub(names[0])}
    texts = [Answer(text.format(**words), "correct") for text in HARMLESS]
    made = [{names[0]: answer} for answer in texts]
    for k in range(0, len(BEHAVIOURS), len(names)):
        some = zip(names, BEHAVIOURS[k : k + len(names)], strict=False)
        made.append({name: behaving(name, *behaviour) for name, behaviour in some})
    return made


def stub(name):
    return exercises.ALL[name].stub().rstrip()


def plans(number, only=None):
    """List what to write into each copy of a notebook: an answer for each of some exercises.

    only names some of the copies without special behaviours, for a small class.
    """
    names = [name for name, one in exercises.ALL.items() if one.notebook == number]
    rows = list(zip_longest(*map(answers, names)))
    chosen = rows if only is None else [rows[k] for k in only]
    return [
        {name: make() for name, make in zip(names, row, strict=True) if make is not None}
        for row in chosen
    ]


@cache
def original(number):
    (file,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    return file.name, student_copy(read(file))


def filled_in(number, plan):
    """Return a notebook with these answers, and with outputs that claim that all is right."""
    name, notebook = original(number)
    notebook = json.loads(json.dumps(notebook))
    for cell in notebook["cells"]:
        found = CHECK.search("".join(cell["source"]))
        if cell["cell_type"] == "code" and found:
            if found[1] in plan:
                cell["source"] = f"{plan[found[1]].text}\n\n{found[0]}"
            data = {"text/plain": ["Correct, in all 99 cases."]}
            cell["outputs"] = [{"output_type": "execute_result", "data": data, "metadata": {}}]
    checks = [bool(CHECK.search("".join(cell["source"]))) for cell in notebook["cells"]]
    first = checks.index(True)  # further up, the notebook's own names would take the place of some
    prelude = {"cell_type": "code", "source": PRELUDE, "metadata": {}, "outputs": []}
    notebook["cells"].insert(first, prelude)
    return name, json.dumps(notebook)


def truth(number, plan):
    """Return exercise, verdict and mistake of each exercise of a notebook."""
    blank = Answer("", "not written")
    names = [name for name, one in exercises.ALL.items() if one.notebook == number]
    chosen = [(name, plan.get(name, blank)) for name in names]
    return [(number, name, one.verdict, one.mistake) for name, one in chosen]


DAMAGED = {  # name of the file: what is in it, and the reason in its row
    "empty.ipynb": (b"", "empty file"),
    "half.ipynb": (b'{"cells": [{"cell_type": "code", "source": "x = ', "damaged: not JSON"),
    "latin.ipynb": ('{"cells": ["\u00e4"]}'.encode("latin-1"), "damaged: not UTF-8"),
    "list.ipynb": (b"[1, 2, 3]", "damaged: no notebook"),
    "deep.ipynb": (b"[" * 10**5, "damaged: not JSON"),
    "text.ipynb": (b'{"cells": [{"cell_type": "markdown", "source": "hi"}]}', "no code cells"),
    "huge.ipynb": (b" " * (21 * 2**20), "huge: 21 MB"),
}
STRANGE = ("=1+1", "+49 123", "-Ana", "@home", "Zo\u00eb \u00c5berg", "\u674e \u660e", 'a, b "c"')


def students(count):
    """List the names of so many students, some of them strange."""
    return [*STRANGE, *(f"student {k:03}" for k in range(count - len(STRANGE)))][:count]


def write(folder, plans_by_number, count):
    """Write the submissions of so many students; return the rows that their grades must have."""
    names, rows, made = students(count), [], 0
    for number, listed in plans_by_number.items():
        for plan in listed:
            student = names[made % count]
            file, text = filled_in(number, plan)
            (folder / student).mkdir(exist_ok=True)
            (folder / student / file).write_text(text, encoding="utf-8")
            rows += [(student, *row) for row in truth(number, plan)]
            made += 1
    for k, (file, (data, reason)) in enumerate(DAMAGED.items()):
        student = names[(made + k) % count]
        (folder / student).mkdir(exist_ok=True)
        (folder / student / file).write_bytes(data)
        rows.append((student, f"{student}/{file}", "", "error", reason))
    return rows
