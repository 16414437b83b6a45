"""Explorers for notebooks: figures with controls, where ipywidgets is installed.

>>> from bnlib import widgets
>>> explorer = widgets.axes_explorer()  # as the last line of a cell, it is shown
"""

from bnlib.widgets.axes import axes_explorer

__all__ = ["axes_explorer"]
