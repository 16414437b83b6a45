"""The rows of wrong running statistics. A part of the judge `bnlib.faults`.

The right recipe is CS231n's: momentum weighs the old value, and the running variance is biased.
"""

import numpy as np

from bnlib.judges.faults.recipes import channel_sums

SLIP = "common slip"

RUNNING = [
    (
        "momentum flipped",
        "Momentum weighs the new value; it must weigh the old one.",
        "cs231n issue 180: the course's checks were passed with it",
        {"old": lambda v: 1 - v.momentum if v.training else 1.0},
    ),
    (
        "running variance divided by m - 1",
        "The running variance gets the variance divided by m - 1; it must get that divided by m.",
        "a difference between frameworks: pytorch issue 60528",
        {"new_var": lambda v: v.old * v.running_var + v.new * v.var * v.m / (v.m - 1)},
    ),
    (
        "running standard deviation",
        "The standard deviation is averaged; the running value is a variance.",
        SLIP,
        {"new_var": lambda v: v.old * v.running_var + v.new * np.sqrt(v.var)},
    ),
    (
        "weights that do not sum to 1",
        "The new value counts 1; it must count 1 - momentum.",
        SLIP,
        {"new": lambda v: 1.0 * v.training},
    ),
    (
        "running mean not updated",
        "The running mean is returned as it came; training must update it.",
        SLIP,
        {"new_mean": lambda v: v.running_mean},
    ),
    (
        "running variance not updated",
        "The running variance is returned as it came; training must update it.",
        SLIP,
        {"new_var": lambda v: v.running_var},
    ),
    (
        "running mean replaced",
        "The running mean is the last batch's; it is an average over many.",
        SLIP,
        {"new_mean": lambda v: v.mu if v.training else v.running_mean},
    ),
    (
        "mean square as running variance",
        "The running variance gets the mean of x squared; subtract the mean from x first.",
        SLIP,
        {"new_var": lambda v: v.old * v.running_var + v.new * channel_sums(v.x**2) / v.m},
    ),
    (
        "batch statistics in evaluation",
        "Evaluation normalizes by the batch's own statistics; it must use the running ones.",
        "CS231n, assignment 2, as of 2026: its printed numbers look right with it",
        {"used_mean": lambda v: v.mu, "used_var": lambda v: v.var},
    ),
    (
        "running statistics in training",
        "Training normalizes by the running statistics; it must use the batch's own.",
        SLIP,
        {"used_mean": lambda v: v.running_mean, "used_var": lambda v: v.running_var},
    ),
    (
        "updated statistics in training",
        "Training normalizes by the statistics after their update; it must use the batch's own.",
        SLIP,
        {
            "used_mean": lambda v: v.new_mean if v.training else v.running_mean,
            "used_var": lambda v: v.new_var if v.training else v.running_var,
        },
    ),
    (
        "updating in evaluation",
        "Evaluation updates the running statistics; it must leave them as they are.",
        SLIP,
        {"old": lambda v: v.momentum},
    ),
]
