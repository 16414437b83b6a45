"""The explorers' frames: all pictures that a page shows without a kernel, and its controls.

A frame is the picture that the widget draws for a state. Frames are cut into pieces before each
element, and a piece that several frames have is stored once: so a photograph's maps are shared.
Where the controls have many states together, one control moves at a time, from the start.
"""

import json
import re
from functools import cache
from itertools import product
from math import prod

import ipywidgets

from bnlib import widgets

MOST = 100  # frames of all controls together; beyond it, one control moves at a time
PIECE = re.compile(r"(?=<)")


@cache
def every():
    """Map each explorer's name to the explorer."""
    made = [getattr(widgets, name)() for name in widgets.__all__]
    return {explorer.name: explorer for explorer in made}


def scripts():
    """Yield each explorer's name and the script that gives its frames to the page."""
    for name, explorer in every().items():
        data = json.dumps(frames(explorer), ensure_ascii=False, separators=(",", ":"))
        yield name, f"bnlibExplorers[{json.dumps(name)}]({data});\n"


def frames(explorer):
    """Return what a page needs: rows of controls, the start, the pieces, and each state's frame.

    A frame's key is the index of each control's value; its value, the indices of its pieces.
    """
    rows = controls(explorer)
    places = [control for row in rows for control in row if control["kind"] != "button"]
    every_value = {control["name"]: values(explorer, control["name"]) for control in places}
    start = [every_value[name].index(explorer.controls[name].value) for name in every_value]
    pieces, shown = {}, {}
    for state in states([len(options) for options in every_value.values()], start):
        chosen = {name: every_value[name][k] for k, name in zip(state, every_value, strict=True)}
        cut = PIECE.split(explorer.draw(**chosen).svg)
        shown[",".join(map(str, state))] = [pieces.setdefault(p, len(pieces)) for p in cut]
    return {"rows": rows, "start": start, "pieces": list(pieces), "frames": shown}


def states(sizes, start):
    """Yield the states of controls with so many values: all, or one control away from the start."""
    if prod(sizes) <= MOST:
        yield from product(*map(range, sizes))
        return
    seen = dict.fromkeys(
        (*start[:k], value, *start[k + 1 :])
        for k, size in enumerate(sizes)
        for value in range(size)
    )
    yield from seen


def controls(explorer):
    """Return the rows of controls as a page needs them, asked of the widget."""
    rows = [row for row in explorer.root.children if not is_picture(explorer, row)]
    return [[described(explorer, widget) for widget in members(row)] for row in rows]


def is_picture(explorer, row):
    """Tell whether a row is a text, or what the picture stands in."""
    return isinstance(row, ipywidgets.HTML) or explorer.figure in getattr(row, "children", ())


def members(row):
    """Return the controls of a row, which may be one control."""
    return row.children if isinstance(row, ipywidgets.HBox) else (row,)


def described(explorer, widget):
    """Return a control's kind, its label, and what it can be; of a button, what it moves."""
    if isinstance(widget, ipywidgets.Button):
        return {"kind": "button", "label": widget.description, **moved(explorer, widget)}
    name = next(name for name, control in explorer.controls.items() if control is widget)
    kind = "radio" if isinstance(widget, ipywidgets.ToggleButtons) else "range"
    said = [label for label, _ in options(widget)]
    return {"kind": kind, "name": name, "label": widget.description, "values": said}


def options(widget):
    """List what a control can be: what it says, and its value."""
    if hasattr(widget, "options"):
        pairs = (
            option if isinstance(option, tuple) else (option,) * 2 for option in widget.options
        )
        return [(str(label), value) for label, value in pairs]
    count = round((widget.max - widget.min) / widget.step)
    every_value = [widget.min + k * widget.step for k in range(count + 1)]
    return [(f"{value:g}", value) for value in every_value]


def values(explorer, name):
    """List the values that a control can take."""
    return [value for _, value in options(explorer.controls[name])]


def moved(explorer, button):
    """Say which control a button moves, and by how many places: it is pressed, and put back."""
    before = {name: control.value for name, control in explorer.controls.items()}
    for name, control in explorer.controls.items():
        places = values(explorer, name)
        control.value = places[len(places) // 2]
        button.click()
        step = places.index(control.value) - len(places) // 2
        control.value = before[name]
        if step:
            return {"name": name, "step": step}
    raise ValueError(f"the button {button.description} moves no control")
