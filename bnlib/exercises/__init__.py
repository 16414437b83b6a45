"""The exercises of the notebooks: `check` an answer, ask for a `hint`, look at the `solution`.

>>> from bnlib import exercises
>>> exercises.count_m.check(...)
Not written yet. For a hint, run exercises.count_m.hint(1).
>>> exercises.count_m.check(35)
Not right yet. That is H * W; the images are averaged as well.
>>> exercises.count_m.hint(1)
Hint 1 of 3: Which axes are averaged? Multiply their sizes.
>>> exercises.count_m.check(280).correct
True

`ALL` maps each name to its exercise.
"""

from bnlib.exercises import (
    closed_form,
    concept,
    errors,
    forward,
    gradcheck,
    graph,
    groups,
    merging,
    projection,
    running,
    slopes,
    statistics,
    tables,
    undoing,
    updates,
    walk,
)
from bnlib.exercises.checking import Exercise, Result

ALL = {
    name: found
    for module in (
        concept,
        undoing,
        tables,
        forward,
        slopes,
        errors,
        gradcheck,
        graph,
        walk,
        closed_form,
        projection,
        statistics,
        merging,
        updates,
        running,
        groups,
    )
    for name, found in vars(module).items()
    if isinstance(found, Exercise)
}

__all__ = ["ALL", "Exercise", "Result", *ALL]

globals().update(ALL)
