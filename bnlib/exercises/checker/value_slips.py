"""Say what relates wrong results to right ones: an order, a shape, a reduction, a factor.

Results are compared case by case. In each function below, `ours` and `right` are one part of the
results, an array for each case.
"""

from itertools import combinations, permutations, product

import numpy as np

from bnlib.exercises.checker.slips import Slip, distance

FACTORS = {  # by N, C and H * W
    "m": lambda n, c, hw: n * hw,
    "1/m": lambda n, c, hw: 1 / (n * hw),
    "N": lambda n, c, hw: n,
    "1/N": lambda n, c, hw: 1 / n,
    "C": lambda n, c, hw: c,
    "1/C": lambda n, c, hw: 1 / c,
    "H * W": lambda n, c, hw: hw,
    "1/(H * W)": lambda n, c, hw: 1 / hw,
    "m/(m - 1)": lambda n, c, hw: n * hw / (n * hw - 1),
    "(m - 1)/m": lambda n, c, hw: 1 - 1 / (n * hw),
}
REDUCTIONS = {"summed": np.sum, "averaged": np.mean, "reduced to the largest": np.max}


def worst(part, a, b):
    """Say both values where they differ most; a value that is not finite comes first."""
    with np.errstate(all="ignore"):
        gap = np.where(np.isfinite(a), np.abs(np.subtract(a, b, dtype=float)), np.inf)
    place = np.unravel_index(np.argmax(gap), gap.shape)
    where = f"[{', '.join(map(str, place))}]" if place else ""
    ours, right = _apart(a[place], b[place])
    return f"{part}{where} is {ours}; expected {right}."


def _apart(a, b):
    """Write two numbers with so many digits that they differ."""
    digits = 6 if f"{a:.6g}" != f"{b:.6g}" else 12
    return f"{a:.{digits}g}", f"{b:.{digits}g}"


def slip_of(outcomes, expected, cases, parts):
    """Return the slip that explains the first part that is wrong, or else names the right ones."""
    if any(outcome.problem for outcome in outcomes):
        return None
    ours = dict(zip(parts, zip(*(o.results for o in outcomes), strict=True), strict=True))
    right = dict(zip(parts, zip(*(e.results for e in expected), strict=True), strict=True))
    good = [part for part in parts if _alike(ours[part], right[part], cases)]
    wrong = next((part for part in parts if part not in good), None)
    if wrong is None:
        return Slip("type", "The values are right; their type is not.")
    arguments = wrong, ours[wrong], right[wrong], cases
    return (
        _swapped(ours, right, cases)
        or _shape(*arguments)
        or _table(*arguments)
        or _not_reduced(*arguments)
        or _factor(*arguments)
        or _partly_right(good)
    )


def _alike(ours, right, cases):
    return all(
        distance((a,), (b,)) <= case.tolerance
        for a, b, case in zip(ours, right, cases, strict=True)
    )


def _swapped(ours, right, cases):
    for order in permutations(ours):
        if all(_alike(ours[a], right[b], cases) for a, b in zip(order, right, strict=True)):
            return Slip("order of results", f"The order is wrong: return {', '.join(right)}.")
    return None


def _partly_right(good):
    if not good:
        return None
    verb = "are" if len(good) > 1 else "is"
    return Slip("partly right", f"{' and '.join(good)} {verb} right.")


def _shape(part, ours, right, cases):
    """Recognize right numbers in a wrong shape, or with their axes in a wrong order."""
    if _alike(map(np.ravel, ours), map(np.ravel, right), cases):
        a, b = next((a, b) for a, b in zip(ours, right, strict=True) if a.shape != b.shape)
        said = f"The numbers of {part} are right; its shape is {a.shape}, expected {b.shape}"
        if np.squeeze(a).shape != np.squeeze(b).shape:
            return Slip("wrong shape", f"{said}.")
        if a.ndim > b.ndim:
            return Slip("axes of size 1", f"{said}: drop the axes of size 1.")
        return Slip("axis lost", f"{said}: an axis of size 1 is lost, as by np.squeeze.")
    for order in permutations(range(right[0].ndim)):
        turned = [a.transpose(order) for a in ours if a.ndim == len(order)]
        if len(turned) == len(ours) and _alike(turned, right, cases):
            return Slip("transposed", f"The axes of {part} are in the wrong order.")
    return None


def _table(part, ours, right, cases):
    """Recognize a table (N * H * W, C) of the right numbers, or one brought back by a reshape."""
    if any(b.ndim != 4 for b in right):
        return None
    tables = [np.moveaxis(b, 1, -1).reshape(-1, b.shape[1]) for b in right]
    if _alike(ours, tables, cases):
        said = f"{part} is right, but still a table: bring it back to (N, C, H, W)."
        return Slip("still a table", said)
    if _alike(ours, [t.reshape(b.shape) for t, b in zip(tables, right, strict=True)], cases):
        said = "stand in wrong places: reshape the table to (N, H, W, C), then move C."
        return Slip("reshaped back without a transpose", f"The numbers of {part} {said}")
    return None


def _not_reduced(part, ours, right, cases):
    """Recognize what is right once some axes are summed, averaged, or searched for the largest."""
    more = {a.ndim - b.ndim for a, b in zip(ours, right, strict=True)}
    if min(more) < 1:
        return None
    choices = [None, *combinations(range(ours[0].ndim), *more)] if len(more) == 1 else [None]
    for axes, (name, reduced) in product(choices, REDUCTIONS.items()):
        if _alike([reduced(a, axis=axes) for a in ours], right, cases):
            over = "all axes" if axes is None else f"the axes {axes}"
            return Slip("not reduced", f"{part} is not yet {name} over {over}.")
    return None


def _factor(part, ours, right, cases):
    """Recognize a factor: the sign, m, N, C, H * W, or one number in all cases."""
    both = [each for each in zip(ours, right, cases, strict=True) if each[0].any() or each[1].any()]
    found, cases = [_ratio(a, b, case.tolerance) for a, b, case in both], [c for *_, c in both]
    if None in found or not found:
        return None
    for name, factors in _factors(cases, found[0]).items():
        if all(_close(r, f, c) for r, f, c in zip(found, factors, cases, strict=True)):
            if name == "sign":
                return Slip("sign", f"{part} has the wrong sign.")
            return Slip("factor", f"{part} is {name} times what it should be.")
    return None


def _ratio(a, b, tolerance):
    if a.shape != b.shape or not b.any():
        return None
    ratio = float(np.sum(a * b, dtype=float) / np.sum(b * b, dtype=float))
    return ratio if ratio and distance((a / ratio,), (b,)) <= 2 * tolerance else None


def _close(ratio, factor, case):
    return abs(ratio - factor) <= 2 * case.tolerance * abs(factor)


def _factors(cases, first):
    known = {"sign": [-1] * len(cases), "1/2": [0.5] * len(cases)}
    if all("shape" in case.values for case in cases):
        shapes = [case.values["shape"] for case in cases]
        for name, factor in FACTORS.items():
            known[name] = [factor(n, c, h * w) for n, c, h, w in shapes]
    if len(cases) > 1 and abs(first - 1) > 0.01:
        known[f"{first:.4g}"] = [first] * len(cases)
    return known
