"""What a graph accepts: each check returns what it found, or an error that names the node."""

import numpy as np
from numpy.typing import ArrayLike

from bnlib.graph.primitives import shape_text


def number_array(value: ArrayLike, name: str) -> np.ndarray:
    """Return a copy of value, real or complex; integers and booleans become float64."""
    value = np.array(value, subok=True)
    if value.dtype.kind not in "biufc":
        raise TypeError(f"{name} must hold numbers; got dtype {value.dtype}")
    return value.astype(np.float64) if value.dtype.kind in "biu" else value


def check_shape(name, shape, axes, sizes):
    """Compare a shape with its axes' names; sizes, name -> size, collects what is new."""
    if len(shape) != len(axes):
        raise ValueError(f"{name} must be {shape_text(axes)}; got shape {shape}")
    for axis, size in zip(axes, shape, strict=True):
        if sizes.setdefault(axis, size) != size:
            expected = tuple(sizes.get(a, a) for a in axes)
            raise ValueError(
                f"{name} must be {shape_text(axes)}, here {shape_text(expected)}; got shape {shape}"
            )


def check_definitions(inputs, steps):
    """Check that every name is new when it is defined, and defined when it is used."""
    if not steps:
        raise ValueError("a graph needs at least one step")
    defined = set(inputs)
    for name, _, *sources in steps:
        if name in defined:
            raise ValueError(f"node {name}: the name is defined twice")
        for source in sources:
            if source not in defined:
                raise ValueError(f"node {name}: {_why_undefined(name, source, steps)}")
        defined.add(name)


def _why_undefined(name, source, steps):
    needs = {step: sources for step, _, *sources in steps}
    if source not in needs:
        return f"its input {source!r} is unknown"
    path = _path(source, name, needs, ())
    if path:
        return f"it needs its own value, a cycle: {' <- '.join((name, *path))}"
    return f"its input {source!r} is used before it is defined"


def _path(start, goal, needs, seen):
    """Return how start depends on goal, (start, ..., goal), or None."""
    if start == goal:
        return (goal,)
    for source in needs.get(start, ()):
        rest = None if source in seen else _path(source, goal, needs, (*seen, start))
        if rest:
            return (start, *rest)
    return None


def check_places(graph, inputs, replace):
    """Check that exactly the graph's inputs are given, and that what is replaced exists."""
    if inputs.keys() != graph.inputs.keys():
        raise ValueError(f"forward takes the inputs {[*graph.inputs]}; got {[*inputs]}")
    for place in replace:
        if place not in graph.axes and place not in graph.edges:
            raise ValueError(f"there is no value and no edge {place!r} to replace")
