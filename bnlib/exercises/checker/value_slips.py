"""Say what relates wrong results to right ones: an order, a shape, a reduction, a factor.

Results are compared batch by batch. In each function below, ``pairs`` holds one part of the
results: for each batch what the answer gave, what is right, how far the two may be apart, and
the case.
"""

from itertools import combinations, permutations, product
from typing import NamedTuple

import numpy as np

from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.precision import near
from bnlib.exercises.checker.slips import Slip

FACTORS = {  # by N, C and H * W
    "m": lambda n, c, hw: n * hw,
    "1/m": lambda n, c, hw: 1 / (n * hw),
    "N": lambda n, c, hw: n,
    "1/N": lambda n, c, hw: 1 / n,
    "C": lambda n, c, hw: c,
    "1/C": lambda n, c, hw: 1 / c,
    "H * W": lambda n, c, hw: hw,
    "1/(H * W)": lambda n, c, hw: 1 / hw,
    "m/(m - 1)": lambda n, c, hw: n * hw / (n * hw - 1) if n * hw > 1 else np.nan,
    "(m - 1)/m": lambda n, c, hw: 1 - 1 / (n * hw),
}
REDUCTIONS = {"summed": np.sum, "averaged": np.mean, "reduced to the largest": np.max}


class Pair(NamedTuple):
    """One part of the results in one batch."""

    ours: np.ndarray
    right: np.ndarray
    tolerance: float
    case: Case


def complaint(trial, outcome, right):
    """Say how an outcome differs from the right one."""
    if outcome.problem:
        return outcome.problem
    wrong = trial.complaint(outcome, right)
    if wrong is None:
        return "it is right when it is asked again."
    part, a, b, _ = wrong
    if a.shape != b.shape:
        return f"{part} has shape {a.shape}; expected {b.shape}."
    if trial.exact and a.dtype != b.dtype:
        return f"{part} is {a.dtype}; expected {b.dtype}, as it came."
    return worst(part, a, b)


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
    digits = next((n for n in (6, 12, 17) if f"{a:.{n}g}" != f"{b:.{n}g}"), 17)
    return f"{a:.{digits}g}", f"{b:.{digits}g}"


def slip_of(found, trial):
    """Return the slip that explains the first part that is wrong, or else says what is known."""
    if any(outcome.problem for outcome in found):
        return None
    parts = {part: _pairs(k, found, trial) for k, part in enumerate(trial.parts)}
    good = [part for part, pairs in parts.items() if _alike(pairs)]
    wrong = next((part for part in parts if part not in good), None)
    if wrong is None:
        return Slip("type", "The values are right; their type is not.")
    pairs = parts[wrong]
    return (
        _swapped(parts)
        or _shape(wrong, pairs)
        or _table(wrong, pairs)
        or _not_reduced(wrong, pairs)
        or _factor(wrong, pairs)
        or _known(wrong, pairs, good)
    )


def _pairs(part, found, trial):
    return [
        Pair(
            outcome.results[part],
            right.outcome.results[part],
            right.tolerances(outcome.results)[part],
            case,
        )
        for outcome, right, case in zip(found, trial.rights, trial.cases, strict=True)
    ]


def _alike(pairs):
    return all(near(pair.ours, pair.right, pair.tolerance) for pair in pairs)


def _after(change, pairs):
    """Return whether the answer's results are right once they are changed in this way."""
    return all(near(change(pair.ours), pair.right, pair.tolerance) for pair in pairs)


def _swapped(parts):
    names = list(parts)
    for order in permutations(names):
        moved = [
            pair._replace(ours=other.ours)
            for to, source in zip(names, order, strict=True)
            for pair, other in zip(parts[to], parts[source], strict=True)
        ]
        if order != tuple(names) and _alike(moved):
            return Slip("order of results", f"The order is wrong: return {', '.join(names)}.")
    return None


def _known(part, pairs, good):
    """Say which parts are right, and which channels of the wrong one, where that is all."""
    said = []
    if good:
        said.append(f"{' and '.join(good)} {'are' if len(good) > 1 else 'is'} right.")
    channels = _channels(pairs)
    if channels:
        said.append(f"{part} is wrong only in {channels}.")
    return Slip("partly right", " ".join(said)) if said else None


def _channels(pairs):
    """Say which channels are wrong where it is the same ones in every batch, and not all."""
    several = [p for p in pairs if p.ours.shape == p.right.shape and _count(p.right) > 1]
    wrong = [_wrong_channels(p) for p in several]
    if len(several) < len([p for p in pairs if _count(p.right) > 1]) or not any(wrong):
        return None
    if all(each in ([], [0]) for each in wrong):
        return "channel 0"
    if all(each in ([], [_count(p.right) - 1]) for each, p in zip(wrong, several, strict=True)):
        return "the last channel"
    if all(0 not in each for each in wrong):
        return "channels behind the first"
    return None


def _count(a):
    return a.shape[min(1, a.ndim - 1)] if a.ndim in (1, 2, 4) else 0


def _wrong_channels(pair):
    axis = min(1, pair.right.ndim - 1)
    ours, right = (np.moveaxis(a, axis, 0) for a in (pair.ours, pair.right))
    return [c for c in range(len(right)) if not near(ours[c], right[c], pair.tolerance)]


def _shape(part, pairs):
    """Recognize right numbers in a wrong shape, or with their axes in a wrong order."""
    if all(near(np.ravel(p.ours), np.ravel(p.right), p.tolerance) for p in pairs):
        a, b = next(p[:2] for p in pairs if p.ours.shape != p.right.shape)
        said = f"The numbers of {part} are right; its shape is {a.shape}, expected {b.shape}"
        if np.squeeze(a).shape != np.squeeze(b).shape:
            return Slip("wrong shape", f"{said}.")
        if a.ndim > b.ndim:
            return Slip("axes of size 1", f"{said}: drop the axes of size 1.")
        return Slip("axis lost", f"{said}: an axis of size 1 is lost, as by np.squeeze.")
    for order in permutations(range(pairs[0].right.ndim)):
        if all(p.ours.ndim == len(order) for p in pairs) and _after(
            lambda a, order=order: a.transpose(order), pairs
        ):
            return Slip("transposed", f"The axes of {part} are in the wrong order.")
    return None


def _table(part, pairs):
    """Recognize a table (N * H * W, C) of the right numbers, or one brought back by a reshape."""
    if any(p.right.ndim != 4 for p in pairs):
        return None
    tables = [p._replace(right=_as_table(p.right)) for p in pairs]
    if _alike(tables):
        said = f"{part} is right, but still a table: bring it back to (N, C, H, W)."
        return Slip("still a table", said)
    if _alike(
        [
            t._replace(right=t.right.reshape(p.right.shape))
            for t, p in zip(tables, pairs, strict=True)
        ]
    ):
        said = "stand in wrong places: reshape the table to (N, H, W, C), then move C."
        return Slip("reshaped back without a transpose", f"The numbers of {part} {said}")
    return None


def _as_table(a):
    return np.moveaxis(a, 1, -1).reshape(-1, a.shape[1])


def _not_reduced(part, pairs):
    """Recognize what is right once some axes are summed, averaged, or searched for the largest."""
    more = {p.ours.ndim - p.right.ndim for p in pairs}
    if min(more) < 1:
        return None
    choices = [None, *combinations(range(pairs[0].ours.ndim), *more)] if len(more) == 1 else [None]
    for axes, (name, reduced) in product(choices, REDUCTIONS.items()):
        if _after(lambda a, axes=axes, reduced=reduced: reduced(a, axis=axes), pairs):
            over = "all axes" if axes is None else f"the axes {axes}"
            return Slip("not reduced", f"{part} is not yet {name} over {over}.")
    return None


def _factor(part, pairs):
    """Recognize a factor: the sign, m, N, C, H * W, or one number in all batches."""
    if any(p.ours.shape != p.right.shape for p in pairs):
        return None
    for name, factors in _factors(pairs).items():
        if all(map(_is_multiple, pairs, factors)):
            if name == "sign":
                return Slip("sign", f"{part} has the wrong sign.")
            return Slip("factor", f"{part} is {name} times what it should be.")
    return None


def _is_multiple(pair, factor):
    return near(pair.ours, factor * pair.right, 2 * pair.tolerance * max(1, abs(factor)))


def _factors(pairs):
    known = {"sign": [-1] * len(pairs), "1/2": [0.5] * len(pairs)}
    if all("shape" in p.case.values for p in pairs):
        shapes = [p.case.values["shape"] for p in pairs]
        for name, factor in FACTORS.items():
            known[name] = [factor(n, c, h * w) for n, c, h, w in shapes]
    sizes = [np.abs(p.right).max(initial=0) for p in pairs]
    telling = max(pairs, key=lambda p: np.abs(p.right).max(initial=0) / max(p.tolerance, 1e-300))
    if max(sizes) > 0:
        place = np.unravel_index(np.argmax(np.abs(telling.right)), telling.right.shape)
        ratio = float(telling.ours[place] / telling.right[place])
        if np.isfinite(ratio) and ratio:
            digits = 4 if np.isclose(ratio, float(f"{ratio:.4g}"), rtol=1e-6) else 6
            said = f"{ratio:.{digits}g}"
            if abs(float(said)) != 1:  # nobody looks for a factor that reads as 1
                known[said] = [ratio] * len(pairs)
    return known
