"""The figures of the notebooks: arrays and an Axes in, the Axes out. One import has them all.

`style` is the look of every figure and `show`; the other modules draw.
"""

try:
    import IPython  # noqa: F401
    import matplotlib  # noqa: F401
except ImportError as error:
    raise ImportError(
        f'bnlib.plotting needs {error.name}, which is not installed: pip install "bnlib[notebooks]"'
    ) from error

from bnlib.plotting.batches import (
    averaged_together,
    channel_densities,
    channel_rows,
    histogram,
    numbered,
)
from bnlib.plotting.errors import offset_errors, secants, step_errors
from bnlib.plotting.graph_picture import computational_graph
from bnlib.plotting.lines import curves, eps_curve, line_and_residuals
from bnlib.plotting.runs import bands
from bnlib.plotting.speed import cost_by_size, predicted_and_measured, scaling
from bnlib.plotting.style import CHANNELS, COLORS, GROUPS, LINES, MARKERS, SERIES, show, use_style
from bnlib.plotting.verdict_matrix import verdicts

__all__ = [
    "CHANNELS",
    "COLORS",
    "GROUPS",
    "LINES",
    "MARKERS",
    "SERIES",
    "averaged_together",
    "bands",
    "channel_densities",
    "channel_rows",
    "computational_graph",
    "cost_by_size",
    "curves",
    "eps_curve",
    "histogram",
    "line_and_residuals",
    "numbered",
    "offset_errors",
    "predicted_and_measured",
    "scaling",
    "secants",
    "show",
    "step_errors",
    "use_style",
    "verdicts",
]
