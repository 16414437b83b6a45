"""Check what makes single notebooks a series: links, words, stated times, and how each ends.

    python -m tools.course

Each rule takes a notebook and its path, and yields complaints. ``make lint`` prints them.
"""

import re
import sys
from functools import cache

import nbformat

from tools.nbfiles import NOTEBOOKS, ROOT, find
from tools.notebook_style import FENCE, code_cells, headings, report
from tools.pace import CHECK, pace

GLOSSARY = ROOT / "docs" / "glossary.md"
MENTION = re.compile(r"\b[Nn]otebooks? (\d\d)\b")
LINKED = re.compile(r"\[([^\]]*)\]\(([^)\s]*)\)")
HINT = re.compile(r"<details><summary>Hint \d</summary>.*?</details>", re.DOTALL)  # as in the code
# What is no running text: code, formulas, headings, hints.
NO_PROSE = re.compile(
    rf"{FENCE.pattern}|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$|^#+ [^\n]*$|<summary>.*?</summary>"
    rf"|{HINT.pattern}",
    re.MULTILINE | re.DOTALL,
)
STATED = re.compile(r"\*\*Time\.\*\* (\d+) minutes")
ROW = re.compile(r"^\| \[[^\]]*\]\(([\w.]+\.ipynb)\) \|.*?\| (\d+) \|", re.MULTILINE)
NEAR = 0.2  # by this share a stated time may differ from the one that is counted
SOLVED = "What you have solved"


def blanked(text):
    """Return a text with what is no prose in blanks, so that places stay."""
    return NO_PROSE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def texts(notebook):
    """List (index, source) of the markdown cells."""
    return [(k, c.source) for k, c in enumerate(notebook.cells) if c.cell_type == "markdown"]


@cache
def terms():
    """Map each term of the glossary to its anchor."""
    found = re.findall(r"^## (.+)$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    return {term: term.lower().replace(" ", "-") for term in found}


def first_use(notebook, term):
    """Return (index of the cell, start, end) of the first use of a term in prose, or None."""
    word = re.compile(rf"\b{re.escape(term)}s?\b", re.IGNORECASE)
    for k, source in texts(notebook):
        if found := word.search(blanked(source)):
            return k, found.start(), found.end()


def mentions_are_links(notebook, path):
    """Another notebook is mentioned by a link to it, so that a reader can go there and back."""
    numbers = {other.stem[:2]: other.name for other in find("")}
    for k, source in texts(notebook):
        for text, target in LINKED.findall(source):
            named = MENTION.search(text)
            if named and target != numbers.get(named[1]):
                yield f"cell {k}: [{text}] leads to {target}, not to {numbers.get(named[1])}"
            elif target.endswith(".ipynb") and not (NOTEBOOKS / target).exists():
                yield f"cell {k}: [{text}] leads to {target}, which is not there"
        for number in MENTION.findall(LINKED.sub("", HINT.sub("", FENCE.sub("", source)))):
            if number in numbers and number != path.stem[:2]:
                yield f"cell {k}: notebook {number} is mentioned without a link"


def terms_are_linked(notebook, path):
    """The first use of a glossary's term leads there; 00 links the glossary as a whole."""
    if path.stem.startswith("00"):
        return
    for term, anchor in terms().items():
        if (use := first_use(notebook, term)) is None:
            continue
        k, start, end = use
        link = f"](../docs/glossary.md#{anchor})"
        source = notebook.cells[k].source
        if not (source[start - 1] == "[" and source[end:].startswith(link)):
            yield f"cell {k}: the first use of {term!r} is no link to ../docs/glossary.md#{anchor}"


def terms_exist(notebook, path):
    """A link to the glossary leads to a term that it has."""
    for k, source in texts(notebook):
        for _, target in LINKED.findall(source):
            page, _, anchor = target.partition("#")
            if page == "../docs/glossary.md" and anchor and anchor not in terms().values():
                yield f"cell {k}: the glossary has no {anchor!r}"


def ends_with_what_is_solved(notebook, path):
    """Below the last section stands which exercises of the notebook are solved."""
    titles = [text for _, level, text in headings(notebook) if level == 2]
    checked = any(CHECK.search(cell.source) for _, cell in code_cells(notebook))
    last = [cell.source for _, cell in code_cells(notebook)][-1:]
    number = path.stem[:2]
    wanted = f'exercises.progress("{number}")' if checked else "exercises.progress()"
    if titles[-5:-4] != [SOLVED] or wanted not in "".join(last):
        yield f"the last section before the summary must be {SOLVED!r}, with {wanted}"


def time_is_as_counted(notebook, path):
    """The opening's minutes, and those of the map in 00, are near those that are counted."""
    counted = pace(notebook).minutes
    opening = STATED.search(notebook.cells[0].source)
    stated = {"its opening": int(opening[1]) if opening else None, "the map": _on_map(path.name)}
    for where, minutes in stated.items():
        if minutes is None or abs(minutes - counted) > NEAR * counted:
            yield f"{where} says {minutes} minutes; words, cells and exercises make {counted:.0f}"


def _on_map(name):
    """Return the minutes that the map of notebook 00 states for a notebook, or None."""
    start = nbformat.read(find("00")[0], as_version=4)
    if name == find("00")[0].name:
        return int(STATED.search(start.cells[0].source)[1])
    rows = [pair for _, source in texts(start) for pair in ROW.findall(source)]
    return next((int(minutes) for target, minutes in rows if target == name), None)


RULES = (
    mentions_are_links,
    terms_are_linked,
    terms_exist,
    ends_with_what_is_solved,
    time_is_as_counted,
)


def complaints(path):
    """List all that is wrong with a notebook as a part of the series."""
    notebook = nbformat.read(path, as_version=4)
    return [line for rule in RULES for line in rule(notebook, path)]


if __name__ == "__main__":
    sys.exit(report(complaints))
