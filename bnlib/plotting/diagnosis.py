"""The decision picture of the clinic: from a symptom to its cause, and to the test for it."""

from bnlib.plotting.style import FAINT, INK, PALE

WIDTH, ROW, SIZE = 8.8, 0.27, 8.5  # inches, inches, points
COLUMNS = {"symptom": 0.1, "cause": 3.0, "test": 6.1}  # where each begins, in inches
GAP = 0.42  # inches before a column that its arrow has


def diagnosis(ax, groups):
    """Draw one line for each case, symptom to cause to test; each arrow bears the case's number.

    Parameters
    ----------
    ax : matplotlib Axes
        Emptied. Its figure is made as large as the picture needs.
    groups : mapping from str to sequence
        Where symptoms show, and the cases there: number, symptom, cause, test.

    Returns
    -------
    ax
    """
    rows = sum(map(len, groups.values())) + len(groups) + 1
    ax.clear()
    ax.set(xlim=(0, WIDTH), ylim=(rows, 0))
    ax.set_axis_off()
    ax.figure.set_size_inches(WIDTH, ROW * rows + 0.3)
    for name, x in COLUMNS.items():
        ax.text(x, 0.5, name, size=SIZE, color=FAINT, va="center")
    row = 1
    for place, cases in groups.items():
        ax.axhspan(row + 0.05, row + 0.95, color=PALE)
        ax.text(COLUMNS["symptom"], row + 0.5, place, size=SIZE, weight="bold", va="center")
        for below, (number, *texts) in enumerate(cases, 1):
            _case(ax, row + below + 0.5, number, texts)
        row += 1 + len(cases)
    return ax


def _case(ax, y, number, texts):
    for x, text in zip(COLUMNS.values(), texts, strict=True):
        ax.text(x, y, text, size=SIZE, color=INK, va="center")
    for x in (COLUMNS["cause"], COLUMNS["test"]):
        tail, head = (x - GAP, y), (x - 0.05, y)
        ax.annotate("", head, tail, arrowprops={"arrowstyle": "-|>", "color": FAINT, "lw": 1})
        box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": FAINT}
        ax.text(x - 0.27, y, number, size=6.5, ha="center", va="center", bbox=box)
