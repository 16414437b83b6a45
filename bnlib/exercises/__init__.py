"""The exercises of the notebooks: `check` an answer, ask for a `hint`, look at the `solution`.

>>> from bnlib import exercises
>>> exercises.count_m.check(...)
Not written yet. For a hint, run exercises.count_m.hint(1).
>>> exercises.count_m.check(35)
Not right yet. That is H * W. For a hint, run exercises.count_m.hint(1).
>>> exercises.count_m.check(35)
Not right yet. That is H * W; the images are averaged as well.
>>> exercises.count_m.hint(1)
Hint 1 of 3: Which axes are averaged? Multiply their sizes.
>>> exercises.count_m.check(280).correct
True

A function is checked on many small batches, drawn from all that is legal: `check(answer, seed=1)`
draws others, and `case()` hands over the batch on which the last check failed. Deliberate cheating
inside one process, such as replacing NumPy's functions, is not defended against.

`ALL` maps each name to its exercise, and `progress()` shows how far you are.
"""

from bnlib.exercises import (
    nb01_concept,
    nb01_undoing,
    nb02_forward,
    nb02_tables,
    nb03_errors,
    nb03_gradient,
    nb03_slopes,
    nb04_nodes,
    nb04_staged,
    nb04_walk,
    nb05_closed_form,
    nb05_others,
    nb05_projection,
    nb06_layer,
    nb06_merging,
    nb06_statistics,
    nb06_updates,
    nb07_checks,
    nb07_sets,
    nb08_axes,
    nb08_groups,
    nb09_statistics,
    nb10_sweeps,
    overview,
    plain,
)
from bnlib.exercises.checker.challenge import Challenge
from bnlib.exercises.checker.exercise import Exercise
from bnlib.exercises.checker.prediction import Prediction
from bnlib.exercises.checker.question import Question, Result

ALL = {
    name: found
    for module in (
        nb01_concept,
        nb01_undoing,
        nb02_tables,
        nb02_forward,
        nb03_slopes,
        nb03_errors,
        nb03_gradient,
        nb04_nodes,
        nb04_walk,
        nb04_staged,
        nb05_closed_form,
        nb05_projection,
        nb05_others,
        nb06_statistics,
        nb06_merging,
        nb06_updates,
        nb06_layer,
        nb07_checks,
        nb07_sets,
        nb08_axes,
        nb08_groups,
        nb09_statistics,
        nb10_sweeps,
    )
    for name, found in vars(module).items()
    if isinstance(found, Question)
}

for name, found in ALL.items():
    found.plain = getattr(plain, name, found.answer)


def progress(notebook=None):
    """Show which exercises are solved, tried and open: of one notebook, as "02", or of all.

    Where it is kept, and when, says `checker.record`.
    """
    return overview.of(ALL, notebook)


__all__ = ["ALL", "Challenge", "Exercise", "Prediction", "Result", "progress", *ALL]

globals().update(ALL)
