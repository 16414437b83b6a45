"""How long a notebook takes a student: its words, its cells, its questions, its exercises.

    python -m tools.pace

prints the table. The rates are those of careful reading and of a first try: 200 words a minute; a
minute for a code cell, which is read, run and looked at; a minute more to think about a
prediction, two for the three questions at the start, and five to write and repair an exercise.
"""

import re
from dataclasses import dataclass

import nbformat

from tools.nbfiles import find
from tools.notebook_style import PREDICT, code_cells, prose

WORDS_A_MINUTE = 200
CELL, PREDICTION, RECAP, EXERCISE = 1, 1, 2, 5  # minutes
TAGS = re.compile(r"<[^>]+>|\]\([^)]*\)")
ONE_WORD = re.compile(r"\$+[^$]*\$+|`[^`]*`")
CHECK = re.compile(r"^exercises\.(\w+)\.check\(", re.MULTILINE)


@dataclass(frozen=True)
class Pace:
    """What a notebook holds, and the minutes that it takes."""

    words: int
    cells: int
    predictions: int
    typed: int
    recaps: int
    exercises: tuple[int, ...]  # the index of each one's cell

    @property
    def minutes(self):
        """Return the minutes, by the rates above."""
        return (
            self.words / WORDS_A_MINUTE
            + CELL * self.cells
            + PREDICTION * self.predictions
            + RECAP * self.recaps
            + EXERCISE * len(self.exercises)
        )


def pace(notebook):
    """Measure a notebook; a formula or a piece of code within a line counts as one word."""
    texts = [ONE_WORD.sub(" x ", TAGS.sub(" ", prose(cell))) for cell in notebook.cells]
    sources = [(k, cell.source) for k, cell in code_cells(notebook)]
    return Pace(
        words=sum(len(re.findall(r"\w[\w'-]*", text)) for text in texts),
        cells=len(sources),
        predictions=sum(len(PREDICT.findall(prose(cell))) for cell in notebook.cells),
        typed=sum(source.startswith("predict.") for _, source in sources),
        recaps=sum("\nrecap." in source for _, source in sources),
        exercises=tuple(k for k, source in sources for _ in CHECK.findall(source)),
    )


def main():
    """Print a row for each notebook."""
    print("notebook                     words cells predictions typed exercises (cells) minutes")
    for path in find(""):
        found = pace(nbformat.read(path, as_version=4))
        where = " ".join(map(str, found.exercises))
        print(
            f"{path.stem:28} {found.words:5} {found.cells:5} {found.predictions:5} {found.typed:5}"
            f" {len(found.exercises):3} ({where}) {found.minutes:.0f}"
        )


if __name__ == "__main__":
    main()
