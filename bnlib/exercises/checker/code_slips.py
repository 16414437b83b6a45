"""What a function's code shows without being run: arguments unused, globals in their place."""

import dis
from inspect import signature, unwrap
from types import CodeType

import numpy as np

from bnlib.exercises.checker.outcomes import code_of
from bnlib.exercises.checker.slips import Slip


def unused(function, solution):
    """Return the slip of an argument that the solution uses, and the function does not."""
    names = _unused(function, solution)
    return Slip("unused argument", f"It never uses its argument {names[0]}.") if names else None


def outside(function, solution):
    """Return the slip of reading a global where an argument is meant, or an array of before."""
    function = unwrap(function)
    if not hasattr(function, "__globals__"):
        return None
    unused, names = _unused(function, solution), signature(solution).parameters
    data = [
        name
        for name in sorted(_loaded(code_of(function))[1])
        if name in function.__globals__ and _is_data(function.__globals__[name])
    ]
    arrays = [name for name in data if np.ndim(function.__globals__[name])]
    data.sort(key=lambda name: (name not in names, name not in arrays))
    if not data or not (unused or data[0] in names or arrays):
        return None
    unused_too = f"never uses its argument {unused[0]}, and " if unused else ""
    sentence = f"It {unused_too}reads {data[0]} from outside; it has to use its arguments."
    return Slip("a global in place of an argument", sentence)


def _unused(function, solution):
    """Return the arguments that the solution uses, and the function does not."""
    function = unwrap(function)
    if not hasattr(function, "__globals__"):
        return []
    (ours, _), (needed, _) = _loaded(code_of(function)), _loaded(code_of(solution))
    pairs = zip(signature(function).parameters, signature(solution).parameters, strict=False)
    return [own for own, name in pairs if name in needed and own not in ours]


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
