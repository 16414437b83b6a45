"""The picture of notebook 07: wrong implementations against checks."""

from bnlib.plotting import COLORS

WORDS = {True: "caught", False: "fooled"}


def verdicts(ax, table, checks):
    """Write in each cell whether a check caught a mistake, or was fooled, and shade the fooled.

    Parameters
    ----------
    ax : matplotlib Axes
    table : dict
        Name of the mistake -> one truth value for each check, true where it was caught.
    checks : list of str
        Names of the columns.

    Returns
    -------
    matplotlib Axes
    """
    for row, caught in enumerate(table.values()):
        for column, verdict in enumerate(caught):
            verdict = bool(verdict)
            if not verdict:
                ax.axhspan(
                    row - 0.5,
                    row + 0.5,
                    xmin=column / len(checks),
                    xmax=(column + 1) / len(checks),
                    color=COLORS["gradient"],
                    alpha=0.18,
                    linewidth=0,
                )
            style = {"color": COLORS["muted"]} if verdict else {"weight": "bold"}
            ax.text(column, row, WORDS[verdict], ha="center", va="center", fontsize=7, **style)
    ax.set(xlim=(-0.5, len(checks) - 0.5), ylim=(len(table) - 0.5, -0.5))
    ax.set_xticks(range(len(checks)), checks, fontsize=8)
    ax.set_yticks(range(len(table)), table, fontsize=7)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    return ax
