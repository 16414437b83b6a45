"""How far a student is: the states of all exercises as a table, and as a row of signs."""

from collections import Counter
from dataclasses import dataclass

from bnlib.exercises.checker import record
from bnlib.exercises.checker.shown import COLORS, SIGNS

LOOKS = {"solved": "right", "tried": "wrong", "open": "open"}


@dataclass(frozen=True, repr=False)
class Progress:
    """The state of each exercise, by notebook; it shows itself as a table."""

    states: dict  # notebook -> {exercise: state}

    def counts(self, notebook):
        """Return how many exercises of a notebook are solved, tried and open."""
        found = Counter(self.states[notebook].values())
        return tuple(found[state] for state in LOOKS)

    def totals(self):
        """Return the same of all notebooks."""
        return tuple(map(sum, zip(*map(self.counts, self.states), strict=True)))

    def __repr__(self):
        if len(self.states) == 1:
            return self._one(*self.states)
        head = f"{'notebook':8}  {'solved':>6}  {'tried':>6}  {'open':>6}"
        rows = {**{name: self.counts(name) for name in self.states}, "all": self.totals()}
        width = max(map(len, self.states.values()))
        signs = {name: self._signs(name).ljust(width) for name in self.states}
        lines = [
            f"{name:8}  {solved:6}  {tried:6}  {left:6}  {signs.get(name, '')}".rstrip()
            for name, (solved, tried, left) in rows.items()
        ]
        return "\n".join([head, *lines, KEY])

    def _one(self, notebook):
        solved, *_ = self.counts(notebook)
        every = self.states[notebook]
        lines = [f"{SIGNS[LOOKS[state]]} {name}: {state}" for name, state in every.items()]
        head = f"Notebook {notebook}: {solved} of {len(every)} exercises solved."
        return "\n".join([head, *lines])

    def _signs(self, notebook):
        return "".join(SIGNS[LOOKS[state]] for state in self.states[notebook].values())

    def _repr_html_(self):
        rows = "".join(map(self._row, self.states))
        solved, tried, left = self.totals()
        numbers = f"<td>{solved}</td><td>{tried}</td><td>{left}</td>"
        return (
            '<table class="bnlib-progress"><thead><tr><th>notebook</th><th>solved</th>'
            "<th>tried</th><th>open</th><th>exercises, in order</th></tr></thead><tbody>"
            f"{rows}<tr><th>all</th>{numbers}<td>{KEY}</td></tr></tbody></table>"
        )

    def _row(self, notebook):
        numbers = "".join(f"<td>{count}</td>" for count in self.counts(notebook))
        squares = "".join(_square(*pair) for pair in self.states[notebook].items())
        return f'<tr><th>{notebook}</th>{numbers}<td style="text-align: left">{squares}</td></tr>'


KEY = ", ".join(f"{SIGNS[look]} {state}" for state, look in LOOKS.items())


def _square(name, state):
    """Draw an exercise: a square with its sign, in the colour of its state."""
    look = LOOKS[state]
    return (
        f'<span title="{name}: {state}" style="display: inline-block; width: 1.5em; '
        f"margin: 1px; text-align: center; color: white; background: {COLORS[look]}"
        f'">{SIGNS[look]}</span>'
    )


def of(exercises, notebook=None):
    """Return the states of exercises, a dictionary by name; of one notebook, as "02", or of all.

    Raises
    ------
    ValueError
        If no exercise belongs to the notebook.
    """
    known, states = record.known(), {}
    for name, one in exercises.items():
        if notebook in (None, one.notebook):
            states.setdefault(one.notebook, {})[name] = known.get(name, "open")
    if not states:
        every = ", ".join(dict.fromkeys(one.notebook for one in exercises.values()))
        raise ValueError(f"notebook must be one of {every}; got {notebook!r}")
    return Progress(states)
