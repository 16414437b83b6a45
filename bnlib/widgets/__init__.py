"""Explorers for notebooks: figures with controls, where ipywidgets is installed.

>>> from bnlib import widgets
>>> explorer = widgets.batch_laboratory()  # as the last line of a cell, it is shown
"""

import bnlib.plotting  # noqa: F401  says what is missing, if something is
from bnlib.widgets.axes import axes_explorer
from bnlib.widgets.laboratory import batch_laboratory
from bnlib.widgets.stepper import graph_stepper

__all__ = ["axes_explorer", "batch_laboratory", "graph_stepper"]
