"""What all explorers share: controls and a picture that follows them, or one still picture."""

from html import escape

from bnlib.plotting.style import TURNED, forms, themed
from bnlib.widgets.overlay import over
from bnlib.widgets.svg import captioned

MISSING = "The figure does not move, since ipywidgets is missing: pip install ipywidgets"
STILL = "A still picture. Run its cell, and it follows mouse and keys."
WAKE = "If nothing moves, the kernel has ended or was restarted: run this cell again."
# ipywidgets marks the focus by a thin pale line, or by a colour alone. At the end of its way, a
# slider's handle would touch the words beside it.
STYLE = (
    ".bnlib-explorer :focus-visible "
    "{ outline: 3px solid var(--jp-brand-color1) !important; outline-offset: 1px }"
    " .bnlib-explorer .widget-readout { margin-left: 16px }"
    " [data-jp-theme-light='false'] .bnlib-explorer :is(svg[role='img'], svg image)"
    f" {{ filter: {TURNED} }}"
)


class Explorer:
    """A picture that follows its controls; a notebook shows it as a cell's last expression.

    In JupyterLab it is alive. Where no widget can be shown, on GitHub or in print, a still
    picture stands in its place, and so it does where ipywidgets is not installed.

    Parameters
    ----------
    name : str
        Its CSS class is ``bnlib-`` and this name.
    draw : callable
        draw(**state) returns a `svg.Picture`.
    build : callable
        build(ipywidgets) returns the controls, name -> widget, and the rows they stand in.
    still : dict
        The state of the still picture.
    places : callable, optional
        places(controls) returns the parts of the picture that a click chooses, `overlay.Place`.
    """

    def __init__(self, name, draw, build, still, places=None):
        self.name = name
        self.draw = draw
        self.still = draw(**still)
        self.controls, self.root = {}, None
        try:
            import ipywidgets
        except ImportError:
            print(MISSING)
            return
        self.controls, rows = build(ipywidgets)
        self.figure = ipywidgets.HTML()
        stage, rules = self.figure, ""
        if places is not None:
            found = places(self.controls)
            stage, rules = over(ipywidgets, self.figure, self.still.size, found)
        style = ipywidgets.HTML(f"<style>{STYLE} {rules}</style>", layout={"display": "none"})
        wake = ipywidgets.HTML(f"<small>{WAKE}</small>")
        self.root = ipywidgets.VBox([*rows, stage, wake, style])
        self.root.add_class("bnlib-explorer").add_class(f"bnlib-{name}")
        for control in self.controls.values():
            control.observe(self._redraw, names="value")
        self._redraw()

    def _redraw(self, change=None):
        state = {name: control.value for name, control in self.controls.items()}
        svg, alt, *_ = self.draw(**state)
        self.figure.value = f'{svg}<p role="status" style="margin: 0">{escape(alt)}</p>'

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = forms(themed(captioned(self.still, STILL)), self.still.alt)
        live = {} if self.root is None else self.root._repr_mimebundle_()
        return {**live, **bundle}
