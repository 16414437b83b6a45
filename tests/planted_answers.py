"""Answers that are right on most of what is legal, and wrong on one kind of it.

Each kind is a list of ways to spoil a right answer. A way takes the answer and the names of its
arguments, and returns the spoiled answer, or None where there is nothing of the kind to spoil.
"""

import numpy as np

WITHOUT_EFFECT = {("predicted_std", "gamma"), ("update_course", "m")}  # |gamma|; m is not used
UPSTREAM = ("dgamma_xhat", "dxhat", "dx_minus_mean_1", "dx_minus_mean_sqr", "dx_minus_mean", "dx_1")
OF_CHANNELS = ("done_over_sqrt_var", "dsqrt_var", "dvar", "dmean")  # gradients, (C,)
FOUR_AXES = ("x", "dout", *UPSTREAM, "weight")
TABLES = ("means", "caught")  # two axes


def on_argument(name, change):
    """Return a way to spoil an answer by changing one argument before it sees it."""

    def way(answer, names):
        if name not in names or (answer.__name__, name) in WITHOUT_EFFECT:
            return None
        k = names.index(name)
        return lambda *given: answer(*given[:k], change(given[k]), *given[k + 1 :])

    return way


def on_arrays(change):
    """Return a way to spoil an answer by changing all its arrays of floats."""

    def changed(v):
        return change(v) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v

    def way(answer, names):
        if ("f" in names and "dout" not in names) or "caught" in names:
            return None
        return lambda *given: answer(*map(changed, given))

    return way


def where(condition, names_needed=()):
    """Return a way to spoil results, by a thousandth, where the arguments have some property."""

    def way(answer, names):
        if not set(names_needed) <= set(names):
            return None

        def spoiled(*given):
            results = answer(*given)
            if not condition(dict(zip(names, given, strict=True))):
                return results
            parts = results if isinstance(results, tuple) else (results,)
            parts = tuple(np.asarray(part) * 1.001 + 1e-3 for part in parts)
            return parts if isinstance(results, tuple) else parts[0]

        return spoiled

    return way


def far_from_zero(answer, names):
    """Be wrong at numbers x beyond 10."""
    if "f" not in names or "dout" in names:
        return None
    return where(lambda given: abs(given["x"]) > 10)(answer, names)


def axis_longer(axis, size):
    """Return a way to spoil an answer where an axis of its images is longer than this."""

    def longer(given):
        shapes = [np.shape(v) for v in given.values() if np.ndim(v) in (2, 4)]
        shapes += [given["shape"]] if "shape" in given else []
        return any(len(shape) > axis and shape[axis] > size for shape in shapes)

    def way(answer, names):
        if not {*FOUR_AXES, *TABLES, "shape"} & set(names) or "f" in names:
            return None
        return where(longer)(answer, names) if axis < _axes(answer, names) else None

    return way


def _axes(answer, names):
    """Return how many axes its images, or its table, have."""
    return (
        2
        if answer.__name__ in ("normalize_table", "rms_backward") or set(TABLES) & set(names)
        else 4
    )


def first_only(axis, size):
    """Return a way to look at the first few along an axis of x; the others repeat the last.

    Where there is no x, it is another array. A set of 64 checks and a filter of 64 by 64 numbers
    take longer than a check may.
    """

    def repeat(v):
        if np.ndim(v) <= max(axis, 1):
            return v
        kept = np.minimum(np.arange(v.shape[axis]), size - 1)
        return np.take(v, kept, axis=axis)

    def way(answer, names):
        array = next((name for name in (*FOUR_AXES, *TABLES) if name in names), None)
        slow = size > 5 and (array, axis) in (("weight", 2), ("weight", 3), ("caught", 1))
        if array is None or slow or axis >= _axes(answer, names) or "f" in names:
            return None
        return on_argument(array, repeat)(answer, names)

    return way


def clipped(limit):
    """Return a way to clip what has no limit, wherever an answer takes or returns it."""
    names_clipped = {"gamma", "beta", "dout", "xhat", "inv_std", "running_mean", "dmean", "g"}
    names_clipped |= {"running", "a", "b", "weight", "bias", "means", *UPSTREAM, *OF_CHANNELS}

    def way(answer, names):
        chosen = names_clipped & set(names)
        if ("f" in names and "dout" not in names) or answer.__name__ == "predicted_std":
            return None
        if not chosen:
            return None
        return lambda *given: answer(
            *(
                np.clip(v, -limit, limit) if n in chosen else v
                for n, v in zip(names, given, strict=True)
            )
        )

    return way


def outliers_cut(limit):
    """Return a way to cut xhat, whose largest value grows with the root of the count."""

    def way(answer, names):
        if not answer.__name__.startswith("normalize_"):
            return on_argument("xhat", lambda xhat: np.clip(xhat, -limit, limit))(answer, names)
        return lambda *given: np.clip(answer(*given), -limit, limit)

    return way


def at_size_1(axis, name, change):
    """Return a way to spoil an answer by one argument, where an axis has the size 1 alone."""

    def way(answer, names):
        if name not in names or (answer.__name__, name) in WITHOUT_EFFECT:
            return None
        arrays = [n for n in ("x", "dout") if n in names and "f" not in names]
        if not arrays or (answer.__name__ in ("normalize_table", "rms_backward") and axis != 1):
            return None
        if answer.__name__ == "position_norm" and axis == 1:  # of one channel it has no variance
            return None

        def spoiled(*given):
            values = dict(zip(names, given, strict=True))
            if np.shape(values[arrays[0]])[axis] == 1:
                values[name] = change(values[name])
            return answer(*values.values())

        return spoiled

    return way


def of_groups(limit):
    """Return a way to take the largest number of groups up to a limit."""

    def way(answer, names):
        if "groups" not in names:
            return None

        def spoiled(x, gamma, beta, groups, eps):
            fitting = [g for g in range(1, limit + 1) if x.shape[1] % g == 0]
            return answer(x, gamma, beta, groups if groups <= limit else max(fitting), eps)

        return spoiled

    return way


def order_of_memory(answer, names):
    """Reshape in the order of memory, where an array is one row in memory in either order."""
    if answer.__name__ != "to_table":
        return None
    return lambda x: x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1], order="A")


VECTORS = {"gamma", "running_mean", "inv_std", "var", "running", "mean_a", *OF_CHANNELS}


def channels_longer(size):
    def longer(given):
        return any(np.ndim(v) == 1 and len(v) > size for v in given.values())

    return lambda answer, names: where(longer)(answer, names) if VECTORS & set(names) else None


def of_one_number(answer, names):
    """Be wrong where all arrays hold one number; most exercises need two for a variance."""
    if {"x", "dout", "shape"} & set(names) and set(names) not in (
        {"x", "gamma"},
        {"dout", "xhat"},
        {"table", "shape"},
        {"dout"},
    ):
        return None
    if "g" in names or "f" in names:
        return None
    one = where(lambda given: max(np.size(v) for k, v in given.items() if k != "shape") == 1)
    return one(answer, names)


def squeezed(answer, names):
    """Lose the axes of size 1."""

    def spoiled(*given):
        results = answer(*given)
        if isinstance(results, tuple):
            return tuple(np.squeeze(part) for part in results)
        return np.squeeze(results)

    arrays = {*FOUR_AXES, *OF_CHANNELS, "var", "mean_a", "running", "means"}
    has_arrays = arrays & set(names) and _has_arrays(names)
    return spoiled if has_arrays else None


def replacing_zeros(answer, names):
    """Let the first batch's statistics replace running ones that are all 0."""
    if "running_mean" not in names or "gamma" in names:
        return None

    def spoiled(*given):
        values = dict(zip(names, given, strict=True))
        if not values["running_mean"].any() and values.get("training", True):
            values["momentum"] = 0.0
        return answer(*values.values())

    return spoiled


def _constant_channel(given):
    x = given.get("x")
    if x is None or np.ndim(x) not in (2, 4):
        return given.get("var") is not None and bool(np.any(given["var"] == 0))
    rows = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)
    return bool(np.any(np.ptp(rows, axis=1) == 0))


def remembers(answer, names):
    """Return the first result for arrays of the same shapes and types."""
    known = {}

    def spoiled(*given):
        key = tuple((v.shape, v.dtype.str) for v in given if isinstance(v, np.ndarray))
        if not key:
            key = tuple(v for v in given if isinstance(v, float))[-1:]
        if key not in known:
            known[key] = answer(*given)
        return known[key]

    return spoiled


def right_once(answer, names):
    """Be right at the first call only."""
    calls = []

    def spoiled(*given):
        calls.append(1)
        results = answer(*given)
        if len(calls) == 1:
            return results
        if isinstance(results, tuple):
            return tuple(np.asarray(part) + 1 for part in results)
        return np.asarray(results) + 1

    return spoiled


def right_once_for_each(answer, names):
    """Be wrong where it has seen the same numbers before."""
    seen = set()

    def spoiled(*given):
        key = tuple(v.tobytes() if isinstance(v, np.ndarray) else v for v in given)
        results = answer(*given)
        if key not in seen:
            seen.add(key)
            return results
        return (
            tuple(np.asarray(r) + 1 for r in results) if isinstance(results, tuple) else results + 1
        )

    return spoiled


def changes_and_restores(answer, names):
    """Write to an argument and put it back."""

    def spoiled(*given):
        array = _first_array(names, given)
        old = array.copy()
        array += 1
        array[...] = old
        return answer(*given)

    return spoiled if _has_arrays(names) else None


def adds_and_subtracts(answer, names):
    """Leave an argument changed in its last digits: it adds something and subtracts it again."""

    def spoiled(*given):
        results = answer(*[v.copy() if isinstance(v, np.ndarray) else v for v in given])
        array = _first_array(names, given)
        if array.dtype.kind == "f":
            array += 1e6
            array -= 1e6
        return results

    return spoiled if _has_arrays(names) and "caught" not in names else None


def _has_arrays(names):
    return "f" not in names or "dout" in names


def _first_array(names, given):
    """Return the first array that no answer may change, one of floats if there is one."""
    pairs = zip(names, given, strict=True)
    arrays = [v for n, v in pairs if isinstance(v, np.ndarray) and "running_" not in n]
    return next((v for v in arrays if v.dtype.kind == "f"), arrays[0])


def one_pass(answer, names):
    """Take the variance from E[x^2] - E[x]^2 in float64, and set x to a batch that has it."""
    if not {"x", "eps"} <= set(names) or {"running_mean", "gamma"} <= set(names):
        return None
    if answer.__name__ == "rms_backward":  # which takes no variance
        return None
    k = names.index("x")

    def spoiled(*given):
        x = np.asarray(given[k], float)
        if x.ndim not in (2, 4):
            return answer(*given)
        over_channels = answer.__name__ == "position_norm"
        axes = tuple(a for a in range(x.ndim) if (a == 1) == over_channels)
        mean = x.mean(axis=axes, keepdims=True)
        var = np.maximum((x * x).mean(axis=axes, keepdims=True) - mean * mean, 0)
        true = x.var(axis=axes, keepdims=True)
        ratio = np.sqrt(var / np.where(true > 0, true, 1))
        return answer(*given[:k], mean + (x - mean) * ratio, *given[k + 1 :])

    return spoiled


def ravelled(v):
    """Read an array in the order of memory as if it were in C order, from its very beginning."""
    owner = v if v.base is None else v.base
    return np.ravel(owner, order="K")[: v.size].reshape(v.shape)


KINDS = {
    "range": [
        on_argument("eps", lambda eps: 1e-3),
        on_argument("eps", lambda eps: 1e-5),
        on_argument("eps", lambda eps: max(eps, 1e-7)),
        on_argument("eps", lambda eps: eps or 1e-5),
        on_argument("eps", lambda eps: min(eps, 1.0)),
        on_argument("gamma", lambda gamma: np.clip(gamma, -3, 3)),
        on_argument("gamma", lambda gamma: np.where(gamma == 0, 1, gamma)),
        on_argument("gamma", lambda gamma: np.where(np.abs(gamma) < 0.3, 0.3, gamma)),
        on_argument("momentum", lambda momentum: max(momentum, 0.1)),
        on_argument("momentum", lambda momentum: min(momentum, 0.95)),
        on_argument("momentum", lambda momentum: momentum or 0.9),
        on_argument("var", lambda var: np.maximum(var, 0.01)),
        on_argument("var", lambda var: np.minimum(var, 30)),
        on_argument("running_var", lambda var: np.maximum(var, 0.01)),
        on_argument("inv_std", lambda inv_std: np.minimum(inv_std, 10)),
        on_argument("k", lambda k: min(k, 60)),
        on_argument("k", lambda k: max(k, 2)),
        on_argument("m", lambda m: max(m, 10)),
        on_argument("m", lambda m: min(m, 500)),
        on_argument("m_a", lambda m: min(m, 1000)),
        on_argument("h", lambda h: max(h, 1e-3)),
        on_argument("h", lambda h: min(h, 0.9)),
        on_argument("eps", lambda eps: eps if eps >= 1e-9 else 0.0),
        on_argument("eps", lambda eps: max(eps, 1e-12)),
        on_argument("eps", lambda eps: min(eps, 1e3)),
        on_argument("gamma", lambda gamma: np.where(np.abs(gamma) < 1e-3, 0, gamma)),
        on_argument("gamma", lambda gamma: np.where(np.abs(gamma) >= 90, 0, gamma)),
        on_argument("beta", lambda beta: np.where(np.abs(beta) < 1e-3, 0, beta)),
        on_argument("momentum", lambda momentum: min(max(momentum, 1e-3), 0.999)),
        on_argument("var", lambda var: np.maximum(var, 1e-12)),
        on_argument("var", lambda var: np.minimum(var, 1e8)),
        on_argument("running_var", lambda var: np.maximum(var, 1e-12)),
        on_argument("running_var", lambda var: np.minimum(var, 1e8)),
        on_argument("inv_std", lambda inv_std: np.minimum(inv_std, 1e6)),
        on_argument("inv_std", lambda inv_std: np.maximum(inv_std, 1e-4)),
        on_argument("k", lambda k: min(k, 2000)),
        on_argument("m", lambda m: min(m, 10**7)),
        on_argument("m_a", lambda m: min(m, 10**7)),
        on_argument("variances", lambda var: np.maximum(var, 1e-12)),
        on_argument("variances", lambda var: np.minimum(var, 1e8)),
        on_argument("counts", lambda counts: np.maximum(counts, 10)),
        on_argument("counts", lambda counts: np.minimum(counts, 10**7)),
        on_argument("one_over_sqrt_var", lambda inv_std: np.minimum(inv_std, 1e6)),
        on_argument("one_over_sqrt_var", lambda inv_std: np.maximum(inv_std, 1e-4)),
        on_argument("sqrt_var", lambda std: np.maximum(std, 1e-6)),
        on_argument("sqrt_var", lambda std: np.minimum(std, 1e4)),
        *(clipped(limit) for limit in (99, 1e3, 1e4)),
        *(outliers_cut(limit) for limit in (3, 10, 20)),
        far_from_zero,
    ],
    "size": [
        axis_longer(0, 8),
        axis_longer(1, 5),
        axis_longer(3, 5),
        first_only(0, 4),
        *(first_only(axis, 64) for axis in (0, 1, 2, 3)),
        channels_longer(64),
        *(at_size_1(axis, "eps", lambda eps: 1e-5) for axis in range(4)),
        *(at_size_1(axis, "gamma", np.abs) for axis in range(4)),
        *(of_groups(limit) for limit in (1, 4, 12)),
        first_only(1, 4),
        first_only(-1, 5),
        channels_longer(4),
        squeezed,
        of_one_number,
    ],
    "sign": [
        *(on_argument(name, np.abs) for name in ("gamma", "running_mean", "mean", "mean_a")),
        *(on_argument(name, np.abs) for name in ("x", "dout", "g", "running", "dmean", "a")),
        *(on_argument(name, np.abs) for name in (*UPSTREAM, "done_over_sqrt_var", "dsqrt_var")),
        *(on_argument(name, np.abs) for name in ("dvar", "weight", "bias", "means")),
    ],
    "start": [replacing_zeros],
    "digits": [on_arrays(lambda v: v.astype(np.float32).astype(float)), one_pass],
    "dead": [where(_constant_channel, ["x", "eps"]), where(_constant_channel, ["var", "eps"])],
    "layout": [on_arrays(ravelled), order_of_memory],
    "calls": [
        remembers,
        right_once,
        right_once_for_each,
        changes_and_restores,
        adds_and_subtracts,
    ],
}


def spoiled(kind, exercise):
    """Return the answers of a kind that can be made of an exercise's right one."""
    names = exercise.arguments
    made = (way(exercise.answer, names) for way in KINDS[kind])
    return [one for one in made if one is not None]
