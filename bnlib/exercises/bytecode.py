"""What a function's code shows without being run: arguments unused, globals in their place."""

import dis
from inspect import signature
from types import CodeType

import numpy as np

from bnlib.exercises.outcomes import code_of
from bnlib.exercises.slips import Slip


def slip_of(function, solution, stopped):
    """Return the slip that the code itself shows: an argument unused, a global in its place.

    Where an exception stopped the function, an unused argument is not what is wrong with it.
    Nor is it where the solution does without that argument.
    """
    code = code_of(function)
    if code is None or not hasattr(function, "__globals__"):
        return None
    needed, _ = _loaded(solution.__code__)
    names = tuple(signature(solution).parameters)
    local, outside = _loaded(code)
    unused = [
        own
        for own, name in zip(signature(function).parameters, names, strict=False)
        if name in needed and own not in local
    ]
    data = [
        name
        for name in sorted(outside)
        if name in function.__globals__ and _is_data(function.__globals__[name])
    ]
    data.sort(key=lambda name: name not in names)  # an argument's own name comes first
    if data and (unused or data[0] in names):
        unused_too = f"never uses its argument {unused[0]}, and " if unused else ""
        sentence = f"It {unused_too}reads {data[0]} from outside; it has to use its arguments."
        return Slip("a global in place of an argument", sentence)
    if unused and not stopped:
        return Slip("unused argument", f"It never uses its argument {unused[0]}.")
    return None


def _loaded(code):
    """Return the names that a function's code reads as local, and as global."""
    local, outside = set(), set()
    for step in dis.get_instructions(code):
        if any(kind in step.opname for kind in ("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE")):
            local.update(step.argval if isinstance(step.argval, tuple) else [step.argval])
        elif step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            outside.add(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner_local, inner_outside = _loaded(constant)
            local, outside = local | inner_local, outside | inner_outside
    return local, outside


def _is_data(value):
    return isinstance(value, (int, float, np.ndarray, np.generic)) and not isinstance(value, bool)
