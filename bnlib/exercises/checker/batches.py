"""The batches that most exercises share: images (N, C, H, W) and tables (N, D).

Offsets are counted in standard deviations, by the digits that the type of number has: at
"halfway" a variance from E[x^2] - E[x]^2 has lost most of its digits, at "far" all of them,
while one from x - mean has lost a third and a half.
"""

from itertools import combinations
from math import prod

import numpy as np

from bnlib.exercises.checker.cases import Case
from bnlib.exercises.checker.domain import Domain

AXES = (0, 2, 3)
WRONG_AXES = [
    axes for size in (1, 2, 3, 4) for axes in combinations(range(4), size) if axes != AXES
]
LARGEST = 160  # numbers in a batch, so that plain loops in Python are done in time
POWERS = {"halfway": (1 / 3, 1), "far": (1 / 2, 3), "far below 0": (1 / 2, -3)}
SCALES = {  # of gamma and beta: smallest and largest value
    "ordinary": (0.5, 3),
    "negative": (-3, -0.5),
    "0 or negative": (-2, 2),
    "small": (0.01, 0.1),
    "tiny": (1e-6, 1e-5),
    "large": (10, 100),
    "huge": (2e4, 1e5),
    "huge and negative": (-1e5, -2e4),
}
SHARES = {"a hundredth of the variance": 0.01, "the variance": 1.0, "30 variances": 30.0}  # eps
COMMON = {
    "dtype": ("float64", "float32"),
    "layout": (
        "C order",
        "Fortran order",
        "every second number of a larger array",
        "reversed in memory",
        "channels last in memory",
        "Fortran order with channels last",
    ),
    "offset": (2, 0, -30, "halfway", "far", "far below 0"),
    "spread": (1.0, 0.01, 30.0, 1e-4, 1000.0, 1e-7, 1e6),
    "eps": (1e-5, 0.5, 1e-3, 1e-8, 0.0, *SHARES),
    "gamma": tuple(SCALES),
    "beta": ("0 or negative", "negative", "tiny", "huge", "huge and negative"),
    "upstream": (1.0, 1e-6, 1e4),
    "tail": (0.0, 1000.0, -1000.0),
    "dead": (False, True),
    "start": ("running", "0", "0 and 1"),
}
AXIS = {"N": (1, 2, 3, 5, 9, 17), "C": (1, 2, 3, 4, 6, 9), "H": (1, 2, 3, 5, 7)}
IMAGE_AXES = {**AXIS, "W": (1, 2, 3, 4, 6, 11)}
NAMED = {
    "all axes different": {"N": 2, "C": 3, "H": 4, "W": 5},
    "a large eps": {"N": 3, "C": 2, "H": 5, "W": 4, "eps": 0.5},
    "C equal to W": {"N": 2, "C": 4, "H": 3, "W": 4},
    "all axes equal": {"N": 3, "C": 3, "H": 3, "W": 3, "eps": 1e-3},
    "gamma negative and zero": {"N": 2, "C": 3, "H": 5, "W": 4, "gamma": "0 or negative"},
    "numbers far from zero": {"N": 4, "C": 2, "H": 3, "W": 5, "offset": "far"},
    "one image, one channel": {"N": 1, "C": 1, "H": 5, "W": 4},
}

CUBE = {"N": 3, "C": 2, "H": 2, "W": 2}
EXTREME = {  # what answers may overlook: an axis that is long or of size 1, an eps like no other
    "two images of one number": {"N": 2, "C": 1, "H": 1, "W": 1},
    "one image of four numbers": {"N": 1, "C": 2, "H": 2, "W": 1},
    "many images": {"N": 150, "C": 1, "H": 1, "W": 1},
    "many channels": {"N": 2, "C": 75, "H": 1, "W": 1},
    "high images": {"N": 1, "C": 1, "H": 150, "W": 1},
    "one number far above many": {"N": 1, "C": 1, "H": 1, "W": 600, "tail": 1000.0},
    "one number far below many": {"N": 1, "C": 1, "H": 1, "W": 150, "tail": -1000.0},
    "one channel below 0": {"N": 2, "C": 1, "H": 2, "W": 3, "offset": -30, "gamma": "negative"},
    "one image below 0": {"N": 1, "C": 2, "H": 2, "W": 3, "offset": -30, "gamma": "negative"},
    "no eps": {**CUBE, "eps": 0.0},
    "no eps, tiny numbers": {**CUBE, "eps": 0.0, "spread": 1e-7, "gamma": "huge"},
    "a tiny eps": {**CUBE, "eps": "the variance", "spread": 1e-7, "beta": "huge"},
    "a huge eps": {**CUBE, "eps": "the variance", "spread": 1e6, "upstream": 1e4},
    **{
        layout: {"N": 2, "C": 3, "H": 4, "W": 5, "layout": layout}
        for layout in COMMON["layout"][1:]
    },
}


def image_domain(build=None, named=NAMED, legal=dict, least=2, apart=1.0, **levels):
    """Return the domain of images, with more parameters and what is built from them.

    build, if given, takes a case and the parameters, and returns the case with more values. least
    is how many values a channel has at least: of one, the variance is 0. apart is how far the
    channels' means differ, in offsets.
    """

    def built(**parameters):
        case = image_case(**parameters, apart=apart)
        return build(case, **parameters) if build else case

    def all_legal(parameters):
        return legal(legal_sizes(parameters, least))

    every = {**named, **{label: {**_other(named), **chosen} for label, chosen in EXTREME.items()}}
    return Domain(built, every, all_legal, **{**IMAGE_AXES, **COMMON, **levels})


def _other(named):
    """Return what the first named batch has beside its axes, such as a mode."""
    first = next(iter(named.values()))
    return {name: value for name, value in first.items() if name not in IMAGE_AXES}


def legal_sizes(parameters, least=2):
    """Return parameters with so many values in a channel or more, and not too many in all."""
    p = dict(parameters)
    axes = [axis for axis in "NCHWD" if axis in p]
    longest = max(axes, key=p.get)
    while prod(p[axis] for axis in axes) > max(LARGEST, p[longest]):
        second = max((axis for axis in axes if axis != longest), key=p.get)
        p[second] = p[second] // 2
    where = [axis for axis in axes if axis not in "CD"]
    if prod(p[axis] for axis in where) < least:
        p[where[-1]] = least
    count = prod(p[axis] for axis in where)
    if p["offset"] in POWERS and count < 4:
        p["offset"] = 2  # of two, no digit depends on where their mean is
    if p["dead"] and 1 in (p.get("C"), p.get("D")):
        p["dead"] = False  # nothing would be left to see
    if p["eps"] == 0 and count == 1:
        p["eps"] = 1e-5
    if p["eps"] == 0:
        p |= {"dead": False, "start": "running"}  # otherwise 0 / 0
    return p


def image_case(N, C, H, W, **parameters):
    """Return a case of x (N, C, H, W), with what forward and backward passes need."""
    case = _case((N, C, H, W), **parameters)
    values, dtype = case.values, parameters["dtype"]
    x, column = values["x"].astype(float), (1, C, 1, 1)
    mean, var = x.mean(axis=AXES), x.var(axis=AXES)
    var[np.ptp(x, axis=AXES) == 0] = 0  # a constant channel has none, however it is rounded
    inv_std = 1 / np.sqrt(var + values["eps"])
    xhat = (x - mean.reshape(column)) * inv_std.reshape(column)
    more = {"mean": mean, "var": var, "inv_std": inv_std, "xhat": xhat}
    values |= {name: value.astype(dtype) for name, value in more.items()}
    values["table"] = values["x"].transpose(0, 2, 3, 1).reshape(-1, C)
    return case._replace(values={**values, "shape": (N, C, H, W), "m": N * H * W})


def table_case(N, D, **parameters):
    """Return a case of x (N, D)."""
    return _case((N, D), **parameters)


TABLES = Domain(
    table_case,
    {
        "N and D different": {"N": 7, "D": 3},
        "a large eps": {"N": 5, "D": 2, "eps": 0.5},
        "N equal to D": {"N": 4, "D": 4},
        "numbers far from zero": {"N": 9, "D": 2, "offset": "far"},
        "float32": {"N": 9, "D": 2, "offset": -30, "dtype": "float32"},
        "no eps": {"N": 5, "D": 2, "eps": 0.0},
        "no eps, tiny numbers": {"N": 5, "D": 2, "eps": 0.0, "spread": 1e-7},
        "a tiny eps": {"N": 5, "D": 2, "eps": "the variance", "spread": 1e-7},
        "a huge eps": {"N": 5, "D": 2, "eps": "the variance", "spread": 1e6},
        "two numbers": {"N": 2, "D": 1},
        "one number far above many": {"N": 600, "D": 1, "tail": 1000.0},
        "one number far below many": {"N": 150, "D": 1, "tail": -1000.0},
        "many columns": {"N": 2, "D": 75},
        **{layout: {"N": 4, "D": 3, "layout": layout} for layout in COMMON["layout"][1:4]},
    },
    legal_sizes,
    **{"N": (2, 3, 5, 9, 17, 40), "D": (1, 2, 3, 4, 6, 9), **COMMON},
)
IMAGES = image_domain()
ANY_IMAGES = image_domain(named={**NAMED, "one number": {"N": 1}}, least=1)


def offset_of(offset, dtype):
    """Return an offset in standard deviations as a number."""
    power, factor = POWERS.get(offset, (0, offset))
    return factor * np.finfo(dtype).eps ** -power


def _case(
    shape,
    dtype,
    layout,
    offset,
    spread,
    eps,
    gamma,
    beta,
    upstream,
    tail,
    dead,
    start,
    seed,
    apart=1.0,
    **_,
):
    """Return a batch whose channels differ in mean and in spread, of numbers short to read."""
    rng, C = np.random.default_rng(seed), shape[1]
    column = (1, C) + (1,) * (len(shape) - 2)
    away = offset_of(offset, dtype) * (1 + apart * np.arange(C) / C)
    x = _varied(rng.standard_normal(shape) * np.linspace(0.7, 2.2, C).reshape(column))
    x[(rng.integers(shape[0]), slice(None)) + (-1,) * (len(shape) - 2)] += tail
    x = spread * (x + away.reshape(column))
    if dead:
        x[:, -1] = 2.0 ** np.rint(2 + np.log2(spread))  # constant, and its sums are exact
    eps = SHARES[eps] * spread**2 if eps in SHARES else eps
    running_mean = spread * (away + rng.standard_normal(C).round(1))
    running_var = spread**2 * rng.uniform(0.5, 4, C).round(1)
    arrays = {
        "x": x,
        "gamma": between(rng, *SCALES[gamma], C),
        "beta": between(rng, *SCALES[beta], C),
        "dout": upstream * rng.standard_normal(shape).round(1),
        "running_mean": running_mean * (start == "running"),
        "running_var": running_var if start == "running" else np.full(C, 1.0 * (start != "0")),
        "dmean": upstream * rng.standard_normal(C).round(1),
    }
    values = {name: value.astype(dtype) for name, value in arrays.items()} | {"eps": eps}
    said = [f"x {shape}", f"eps {eps:g}"]
    said += [dtype] if dtype != "float64" else []
    said += [layout] if layout != "C order" else []
    said += ["a constant channel"] if dead else []
    said += [f"numbers about {spread:g}"] if spread != 1 else []
    said += ["one far from the others"] if tail else []
    said += [f"upstream about {upstream:g}"] if upstream != 1 else []
    said += [f"mean {offset_of(offset, dtype):.0e} sigma"] if offset in POWERS else []
    said += [f"gamma {gamma}"] if gamma != "ordinary" else []
    said += [f"running from {start}"] if start != "running" else []
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    return Case(", ".join(said), values, layout=layout, offset=size_beside(x, axes, eps))


def size_beside(x, axes, eps):
    """Return how large numbers are beside the root of var + eps, where that is largest."""
    size, left = np.abs(x).max(axis=axes), np.sqrt(x.var(axis=axes) + eps)
    return float(np.max(size[left > 0] / left[left > 0], initial=1.0))


def _varied(z):
    """Round to one digit behind the point, and let no channel be constant."""
    z = z.round(1)
    same = np.ptp(np.moveaxis(z, 1, 0).reshape(z.shape[1], -1), axis=1) == 0
    z[(0, same) + (0,) * (z.ndim - 2)] += 1
    return z


def between(rng, low, high, count):
    """Return so many numbers between two, with 0 among them where they have both signs."""
    values = np.array([float(f"{v:.3g}") for v in rng.uniform(low, high, count)])
    if low < 0 < high:
        values[0] = 0
    return values
