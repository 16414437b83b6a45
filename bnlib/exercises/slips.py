"""Say which mistake it is: catalogued ones first, then the usual slips.

Each function looks at the outcomes of an answer and of the right function, case by case, and
returns a `Slip` where it recognizes something, otherwise None.
"""

import dis
from inspect import signature
from itertools import permutations
from types import CodeType
from typing import NamedTuple

import numpy as np

from bnlib.exercises.outcomes import code_of

FACTORS = {
    "m": lambda m, n, hw: m,
    "1/m": lambda m, n, hw: 1 / m,
    "N": lambda m, n, hw: n,
    "1/N": lambda m, n, hw: 1 / n,
    "H * W": lambda m, n, hw: hw,
    "1/(H * W)": lambda m, n, hw: 1 / hw,
    "m/(m - 1)": lambda m, n, hw: m / (m - 1),
    "(m - 1)/m": lambda m, n, hw: (m - 1) / m,
}


class Slip(NamedTuple):
    """A name, and a sentence for the student."""

    name: str
    sentence: str


class Mistake(NamedTuple):
    """A wrong function that belongs to one exercise; read as `faults.Fault` is."""

    name: str
    mistake: str
    function: object


def distance(results, expected):
    """Return the largest difference, as a share of the largest expected value of its array.

    Infinite where a shape differs, or where one of the two is not finite and the other is.
    """
    return max(map(_distance, results, expected), default=np.inf)


def _distance(a, b):
    if a.shape != b.shape:
        return np.inf
    both_nan = np.isnan(a) & np.isnan(b)
    with np.errstate(all="ignore"):
        gap = np.where((a == b) | both_nan, 0.0, np.abs(np.subtract(a, b, dtype=float)))
    size = np.abs(b[np.isfinite(b)]).max(initial=0.0)
    largest = gap.max(initial=0.0)
    return np.inf if np.isnan(largest) else float(largest / max(size, 1e-8))


def catalogued(outcomes, expected, mistakes, cases):
    """Return the mistake that does just the same in every case.

    mistakes are pairs of a mistake and its own outcomes, one for each case.
    """
    best = (np.inf, None)
    for mistake, theirs in mistakes:
        far = _apart(outcomes, theirs, cases)
        if far < best[0] and _apart(expected, theirs, cases) == np.inf:
            best = (far, Slip(mistake.name, mistake.mistake))
    return best[1]


def _apart(outcomes, theirs, cases):
    """Return how far two functions are apart over all cases; infinite beyond the tolerance."""
    total, compared = 0.0, False
    for outcome, other, case in zip(outcomes, theirs, cases, strict=False):
        if outcome.problem or other.problem:
            if outcome.kind != other.kind:
                return np.inf
            continue
        far = distance(outcome.results, other.results)
        if far > case.tolerance:
            return np.inf
        total, compared = total + far, True
    return total if compared else np.inf  # the same exception everywhere is no likeness


def of_exception(outcomes):
    """Return the slip behind an exception of NumPy's."""
    problem = next((outcome.problem for outcome in outcomes if outcome.problem), "")
    if "could not be broadcast" in problem:
        sentence = (
            "Two shapes do not fit. NumPy aligns them from the right, so a vector (C,) meets the "
            "last axis; beside (N, C, H, W) it has to be (1, C, 1, 1)."
        )
        return Slip("shapes that do not fit", sentence)
    return None


def of_results(outcomes, expected, cases, parts):
    """Return the slip that explains the results: swapped, a shape, a factor, a sign."""
    if any(outcome.problem for outcome in outcomes):
        return None
    for k, part in enumerate(parts):
        pairs = [(o.results[k], e.results[k]) for o, e in zip(outcomes, expected, strict=True)]
        if all(_same(a, b, c) for (a, b), c in zip(pairs, cases, strict=True)):
            continue
        return (
            _swapped(outcomes, expected, cases, parts)
            or _shape(part, pairs, cases)
            or _factor(part, pairs, cases)
        )
    return None


def _same(a, b, case):
    return _distance(a, b) <= case.tolerance


def _swapped(outcomes, expected, cases, parts):
    for order in permutations(range(len(parts))):
        swapped = [tuple(outcome.results[k] for k in order) for outcome in outcomes]
        if all(
            distance(results, right.results) <= case.tolerance
            for results, right, case in zip(swapped, expected, cases, strict=True)
        ):
            return Slip("order of results", f"The order is wrong: return {', '.join(parts)}.")
    return None


def _shape(part, pairs, cases):
    """Recognize right numbers in a wrong shape, or with their axes in a wrong order."""
    if all(_same(np.squeeze(a), np.squeeze(b), c) for (a, b), c in zip(pairs, cases, strict=True)):
        a, b = next((a, b) for a, b in pairs if a.shape != b.shape)
        if a.ndim < b.ndim:
            said = (
                f"keep the averaged axes with keepdims=True, or reshape: {b.shape}, not {a.shape}"
            )
            return Slip("missing keepdims", f"The numbers of {part} are right; {said}.")
        said = f"its shape is {a.shape}, expected {b.shape}: drop the axes of size 1"
        return Slip("axes of size 1", f"The numbers of {part} are right; {said}.")
    if all(_same(a.ravel(), b.ravel(), c) for (a, b), c in zip(pairs, cases, strict=True)):
        a, b = next((a, b) for a, b in pairs if a.shape != b.shape)
        said = f"its shape is {a.shape}, expected {b.shape}"
        return Slip("wrong shape", f"The numbers of {part} are right; {said}.")
    for order in permutations(range(pairs[0][1].ndim)):
        if all(
            a.ndim == len(order) and _same(a.transpose(order), b, c)
            for (a, b), c in zip(pairs, cases, strict=True)
        ):
            return Slip("transposed", f"The axes of {part} are in the wrong order.")
    return None


def _factor(part, pairs, cases):
    """Recognize a constant factor: the sign, m, N, H * W, two, a power of a scale."""
    found = [_ratio(a, b, c.tolerance) for (a, b), c in zip(pairs, cases, strict=True)]
    if None in found:
        return None
    for name, factors in _factors(cases).items():
        if all(_close(r, f, c) for r, f, c in zip(found, factors, cases, strict=True)):
            if name == "sign":
                return Slip("sign", f"{part} has the wrong sign.")
            return Slip("factor", f"{part} is {name} times what it should be.")
    return None


def _ratio(a, b, tolerance):
    if a.shape != b.shape or not b.any():
        return None
    ratio = float(np.sum(a * b, dtype=float) / np.sum(b * b, dtype=float))
    return ratio if ratio and _distance(a / ratio, b) <= 2 * tolerance else None


def _close(ratio, factor, case):
    return abs(ratio - factor) <= 2 * case.tolerance * abs(factor)


def _factors(cases):
    known = {"sign": [-1] * len(cases), "2": [2] * len(cases), "1/2": [0.5] * len(cases)}
    if all("shape" in case.values for case in cases):
        shapes = [case.values["shape"] for case in cases]
        for name, factor in FACTORS.items():
            known[name] = [factor(n * h * w, n, h * w) for n, _, h, w in shapes]
    return known


def of_code(function, solution, stopped):
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
