"""The picture of notebook 07: wrong implementations against checks."""

from bnlib.plotting.style import COLORS

WORDS = {True: "caught", False: "fooled", None: "·"}  # a dot where the part is never run


def verdicts(ax, groups, checks, chosen=()):
    """Write in each cell whether a check caught a mistake or was fooled, and shade the fooled.

    Where a check never runs the part, a dot stands, without a shade.

    Each group of mistakes has a row above it, with their number and how many each check caught.
    The columns have their names above and below.

    Parameters
    ----------
    ax : matplotlib Axes
    groups : dict
        Heading -> name of the mistake -> a verdict for each check: True where it was caught,
        False where it was not, None where the check does not run that part at all.
    checks : list of str
        Names of the columns.
    chosen : sequence of int, optional
        The columns to outline.

    Returns
    -------
    matplotlib Axes
    """
    labels, headings = [], []
    for heading, table in groups.items():
        headings.append(len(labels))
        counts = [_count(column) for column in zip(*table.values(), strict=True)]
        _row(ax, len(labels), counts, weight="bold")
        labels.append(f"{heading}: {len(table)} mistakes")
        for name, verdict in table.items():
            _row(ax, len(labels), [WORDS[v] for v in verdict], color=COLORS["muted"])
            labels.append(name)
    ax.set(xlim=(-0.5, len(checks) - 0.5), ylim=(len(labels) - 0.5, -0.5))
    ax.set_xticks(range(len(checks)), checks, fontsize=8)
    ax.tick_params(length=0, labeltop=True)  # the foot of a long table is far from its head
    ax.set_yticks(range(len(labels)), labels, fontsize=8)
    for k in headings:
        ax.get_yticklabels()[k].set(weight="bold")
    for k in chosen:
        tick = ax.xaxis.get_major_ticks()[k]
        for label in (tick.label1, tick.label2):
            label.set(weight="bold", color=COLORS["value"])
        outline = {"fill": False, "edgecolor": COLORS["value"], "linewidth": 2, "clip_on": False}
        ax.bar(k, len(labels), width=0.96, bottom=-0.5, **outline)
    ax.spines[["left", "bottom"]].set_visible(False)
    return ax


def _count(column):
    """Say how many of a column's verdicts are true, and of how many."""
    if None in column:
        return "not run"
    return f"{sum(column)} of {len(column)}"


def _row(ax, row, words, **style):
    fooled = [(k - 0.5, 1) for k, word in enumerate(words) if word == WORDS[False]]
    shade = {"color": COLORS["gradient"], "alpha": 0.18, "linewidth": 0}
    ax.broken_barh(fooled, (row - 0.5, 1), **shade)
    for column, word in enumerate(words):
        looks = {"weight": "bold"} if word == WORDS[False] else style
        ax.text(column, row, word, ha="center", va="center", fontsize=8, **looks)
