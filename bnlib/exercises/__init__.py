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
    nb12_shards,
    overview,
    plain,
)
from bnlib.exercises.checker.challenge import Challenge
from bnlib.exercises.checker.exercise import Exercise
from bnlib.exercises.checker.prediction import Prediction
from bnlib.exercises.checker.question import Question, Result

ORDER = {  # as they stand in each notebook, from top to bottom; `progress` shows them so
    "01": "normalize_table channel_mean normalize_images shape_of_mu count_m undo",
    "02": "to_table from_table scale_channels predicted_std inference spatial_forward",
    "03": "central_difference error_falls_by complex_step rel_error numerical_gradient",
    "04": "spread_back two_paths step_9 step_8 step_7 step_6 step_5 step_4 step_3 step_2 step_1 "
    "staged_backward",
    "05": "centre_back closed_form_dx parameter_gradients project leftover scale_of_dx "
    "spatial_backward rms_backward",
    "06": "scatter_of_the_mean unbiased update_course debias merge_moments update_pytorch "
    "stable_variance running_layer",
    "07": "check_forward fewest_checks check_layer",
    "08": "norm_means position_norm group_norm",
    "09": "recalibrate frozen_backward fold_with_bias",
    "10": "sweeps_of_the_line scale_and_shift predicted_milliseconds",
    "12": "merge_shards shard_gradient",
}
PLACES = {name: place for place, name in enumerate(" ".join(ORDER.values()).split())}

FOUND = {
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
        nb12_shards,
    )
    for name, found in vars(module).items()
    if isinstance(found, Question)
}

ALL = dict(sorted(FOUND.items(), key=lambda pair: PLACES.get(pair[0], len(PLACES))))

for name, found in ALL.items():
    found.plain = getattr(plain, name, found.answer)


def progress(notebook=None):
    """Show which exercises are solved, tried and open: of one notebook, as "02", or of all.

    Where it is kept, and when, says `checker.record`.
    """
    return overview.of(ALL, notebook)


__all__ = ["ALL", "Challenge", "Exercise", "Prediction", "Result", "progress", *ALL]

globals().update(ALL)
