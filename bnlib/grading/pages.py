"""The teacher's report and a feedback page for each student: plain HTML, without a script."""

import hashlib
import re
from collections import Counter, defaultdict
from html import escape

from bnlib import exercises
from bnlib.grading.judge import CORRECT, ERROR, NOT_WRITTEN, STOPPED, VERDICTS

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8888; padding: .3rem .6rem; text-align: left;
  vertical-align: top; }
.long { overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: .9rem/1.4 monospace; }
@media print {
  :root { color-scheme: light; }
  body { max-width: none; margin: 0; }
  tr, section { break-inside: avoid; }
}
"""
LONG = 30  # letters of a word that may be broken
# What the feedback says where the check says nothing of use.
NEXT = {
    CORRECT: "Correct.",
    NOT_WRITTEN: "Not written yet. exercises.{name}.hint(1) gives a first hint.",
}


def page(title, *parts):
    """Return a whole page; the parts are HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join([f"<h1>{text(title)}</h1>", *parts])
        + "\n</body>\n</html>\n"
    )


def text(words):
    """Return words as HTML; whichever way they are written, they stay in their place."""
    longest = max(map(len, str(words).split()), default=0)
    kind = ' class="long"' if longest > LONG else ""
    return f"<bdi{kind}>{escape(str(words))}</bdi>"


def table(head, rows):
    """Return a table; numbers, and what stands above them, are to the right."""
    rows = list(rows)
    numbers = [all(isinstance(cell, int) for cell in column) for column in zip(*rows, strict=True)]
    numbers = numbers or [False] * len(head)
    lines = [_row(head, "th", numbers), *(_row(row, "td", numbers) for row in rows)]
    return "\n".join(["<table>", *lines, "</table>"])


def _row(cells, tag, numbers):
    made = []
    for cell, number in zip(cells, numbers, strict=True):
        kind = ' class="number"' if number else ""
        html = cell if isinstance(cell, Html) else text(cell)
        made.append(f"<{tag}{kind}>{html}</{tag}>")
    return f"<tr>{''.join(made)}</tr>"


class Html(str):
    """A text that is HTML already."""

    __slots__ = ()


def file_of(student):
    """Return the name of a student's page: readable, and another one for every student."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", student).strip("-").lower()[:40]
    digest = hashlib.sha256(student.encode("utf-8", "replace")).hexdigest()[:10]
    return f"{readable}-{digest}.html" if readable else f"{digest}.html"


# Feedback


def feedback(student, graded):
    """Return a student's page."""
    by_notebook = defaultdict(list)
    for one in graded:
        by_notebook[one.row.notebook].append(one)
    parts = []
    for notebook, rows in by_notebook.items():
        right = sum(one.row.verdict == CORRECT for one in rows)
        known = rows[0].row.exercise
        title = f"Notebook {notebook}: {right} of {len(rows)} correct" if known else notebook
        parts += [f"<section><h2>{text(title)}</h2>", _judged(rows), "</section>"]
    return page(f"Feedback for {student}", *parts)


def _judged(graded):
    files = sorted({one.file for one in graded})
    rows = [(one.row.exercise or "the file", one.row.verdict, _said(one.row)) for one in graded]
    return f"<p>From {', '.join(map(text, files))}</p>\n" + table(
        ("exercise", "verdict", "what the check says"), rows
    )


def _said(row):
    begins = NEXT.get(row.verdict, "").format(name=row.exercise)
    said = row.said if row.verdict != CORRECT else ""
    lines = [line for line in (begins, said) if line]
    return Html("<pre>" + escape("\n".join(lines)) + "</pre>")


# Report


def report(class_rows):
    """Return the teacher's page."""
    judged = [one for one in class_rows if one.row.exercise]
    students = sorted({one.student for one in class_rows})
    count = f"{len(students)} students, {len(judged)} answers."
    return page(
        "Report on the class",
        f"<p>{count}</p>",
        *("<h2>Exercises</h2>", _exercises(judged)),
        *("<h2>Mistakes</h2>", _mistakes(judged)),
        *("<h2>To look at</h2>", _by_hand(class_rows)),
        *("<h2>Students</h2>", _students(class_rows)),
    )


def _exercises(judged):
    counts = defaultdict(Counter)
    for one in judged:
        counts[one.row.notebook, one.row.exercise][one.row.verdict] += 1
    order = {name: k for k, name in enumerate(exercises.ALL)}
    rows = [
        (*key, *(counts[key][verdict] for verdict in VERDICTS))
        for key in sorted(counts, key=lambda key: order.get(key[1], len(order)))
    ]
    return table(("notebook", "exercise", *VERDICTS), rows)


def _mistakes(judged):
    """Return a table of the mistakes with a name, the most frequent of an exercise first."""
    wrong = [one.row for one in judged if one.row.verdict not in (CORRECT, NOT_WRITTEN)]
    counts = Counter((row.exercise, row.verdict, row.mistake) for row in wrong)
    sentences = {
        (row.exercise, row.verdict, row.mistake): row.sentence or _words(row) for row in wrong
    }
    order = {name: k for k, name in enumerate(exercises.ALL)}
    keys = sorted(counts, key=lambda key: (order.get(key[0], len(order)), -counts[key], key))
    rows = [(key[0], key[2] or "not in the catalogue", counts[key], sentences[key]) for key in keys]
    return table(("exercise", "mistake", "how often", "what the student is told"), rows)


def _words(row):
    """Return what is said of a mistake without a sentence: of an exception, where it arose."""
    return row.said if row.verdict == STOPPED else ""


def _by_hand(class_rows):
    rows = [
        (one.student, one.file, one.row.exercise or "the file", one.row.verdict, one.row.mistake)
        for one in class_rows
        if one.row.verdict in (STOPPED, ERROR)
    ]
    return table(("student", "file", "exercise", "verdict", "why"), rows)


def _students(class_rows):
    counts = defaultdict(Counter)
    for one in class_rows:
        counts[one.student][one.row.verdict] += 1
    rows = [
        (_link(student), *(counts[student][verdict] for verdict in VERDICTS))
        for student in sorted(counts, key=str.casefold)
    ]
    return table(("student", *VERDICTS), rows)


def _link(student):
    return Html(f'<a href="feedback/{file_of(student)}">{text(student)}</a>')
