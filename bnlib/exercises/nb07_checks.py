"""The exercises of notebook 07: write a check, which is set on the catalogue of wrong layers."""

from dataclasses import replace
from functools import cache

import numpy as np

from bnlib import conventions, layers
from bnlib.exercises.checker.challenge import challenge
from bnlib.exercises.checker.slips import Mistake
from bnlib.judges import faults, reference
from bnlib.running import RunningStatistics

AXES = (0, 2, 3)


def _running_with(norm, inference, statistics):
    """Return a pass with running statistics, by the course's convention."""

    def running(x, running_mean, running_var, momentum, training, eps):
        ones, zeros = np.ones(x.shape[1]), np.zeros(x.shape[1])
        if not training:
            y = inference(x, ones, zeros, running_mean, running_var, eps=eps)
            return y, running_mean, running_var
        after = statistics(x, running_mean, running_var, momentum)
        return norm(x, ones, zeros, eps=eps), *after

    return running


def _averaged(x, running_mean, running_var, momentum):
    """Return both running values after this batch, in plain NumPy."""
    new = x.mean(axis=AXES), x.var(axis=AXES)
    old = running_mean, running_var
    return tuple(momentum * a + (1 - momentum) * b for a, b in zip(old, new, strict=True))


def _updated(x, running_mean, running_var, momentum):
    """Return the same by bnlib."""
    convention = replace(conventions.CS231N, momentum=momentum)
    _, cache = layers.batchnorm_forward(x, np.ones(x.shape[1]), np.zeros(x.shape[1]))
    now = RunningStatistics(running_mean, running_var).update(cache.statistics, convention)
    return now.mean, now.var


def _forward(x, gamma, beta, eps):
    return layers.spatial_batchnorm_forward(x, gamma, beta, eps=eps)[0]


def _backward(dout, x, gamma, eps):
    _, cache = layers.spatial_batchnorm_forward(x, gamma, np.zeros_like(gamma), eps=eps)
    return layers.spatial_batchnorm_backward(dout, cache)


def _narrow(function):
    """Return the function with all results rounded to 32 bits."""

    def narrow(*arguments):
        results = function(*arguments)
        parts = results if isinstance(results, tuple) else (results,)
        parts = tuple(np.float32(part) for part in parts)
        return parts if isinstance(results, tuple) else parts[0]

    return narrow


RECIPE = dict(faults.RECIPES)
RIGHT = {
    "the recipe": RECIPE,
    "the loops": {
        "forward": reference.batchnorm_forward,
        "backward": reference.batchnorm_backward,
        "running": _running_with(
            reference.batchnorm_forward, reference.batchnorm_inference, _averaged
        ),
        "group": reference.groupnorm_forward,
    },
    "bnlib's layer": {
        "forward": _forward,
        "backward": _backward,
        "running": _running_with(
            lambda *a, eps: layers.batchnorm_forward(*a, eps=eps)[0],
            layers.batchnorm_inference,
            _updated,
        ),
        "group": lambda x, gamma, beta, groups, eps: layers.groupnorm_forward(
            x, gamma, beta, groups, eps=eps
        )[0],
    },
    "results in 32 bits": {part: _narrow(function) for part, function in RECIPE.items()},
}


def _wrong(*tasks):
    """Return layers with one mistake each, in one of these parts."""
    found = (fault for task in tasks for fault in faults.of_task(task))
    return {fault.name: {**RECIPE, fault.task: fault.function} for fault in found}


def _counted(layer):
    """Return a layer that behaves alike, and a list that grows with each call."""
    calls = []

    def counting(part, function):
        def call(*arguments):
            calls.append(part)
            return function(*arguments)

        return call

    return {part: counting(part, function) for part, function in layer.items()}, calls


def _numbers(offset=1e7, shape=(2, 6, 3, 4), seed=0):
    """Return x far from zero, gamma, beta and dout, drawn at random; the axes differ."""
    rng = np.random.default_rng(seed)
    x = offset + 4 * rng.normal(size=shape)
    return x, rng.uniform(1, 3, shape[1]), rng.normal(size=shape[1]), rng.normal(size=shape)


def _values(layer, offset=1e7, eps=0.1, plain=False, close=np.allclose):
    """Compare the forward pass with the loops; the arguments make it blind in known ways."""
    x, gamma, beta, _ = _numbers(offset)
    gamma, beta = (np.ones(6), np.zeros(6)) if plain else (gamma, beta)
    y = layer["forward"](x, gamma, beta, eps)
    return bool(np.all(close(y, reference.batchnorm_forward(x, gamma, beta, eps))))


def _means_and_stds(layer):
    x = _numbers(10.0)[0]
    y = layer["forward"](x, np.ones(6), np.zeros(6), 1e-5)
    return bool(np.abs(y.mean(axis=AXES)).max() < 0.1 and np.abs(y.std(axis=AXES) - 1).max() < 0.1)


def _shapes(layer):
    x, gamma, beta, _ = _numbers()
    return layer["forward"](x, gamma, beta, 0.1).shape == x.shape


BLIND = (
    Mistake(
        "shapes alone",
        "It looks at the shape alone; compare values.",
        _shapes,
    ),
    Mistake(
        "means and standard deviations",
        "It looks at means and standard deviations alone; compare all values with the loops.",
        _means_and_stds,
    ),
    Mistake(
        "no large offset",
        "All values are compared, near zero; far from zero one formula loses its digits.",
        lambda layer: _values(layer, offset=10.0),
    ),
    Mistake(
        "gamma 1 and beta 0",
        "gamma is 1 and beta 0, so mistakes about them hide; draw both at random.",
        lambda layer: _values(layer, plain=True),
    ),
    Mistake(
        "a small eps",
        "eps is too small to matter beside the variance; take a large one.",
        lambda layer: _values(layer, eps=1e-5),
    ),
    Mistake(
        "exactly equal",
        "It asks for equal numbers to the last bit; right code rounds in other places, so allow "
        "for it.",
        lambda layer: _values(layer, close=np.equal),
    ),
)


@challenge(
    notebook="07",
    right=RIGHT,
    wrong=_wrong("forward"),
    calls=_counted,
    hints=(
        "Which of the ten checks saw most of the forward pass? Begin with that one.",
        "Compare all values with reference.batchnorm_forward, by np.allclose. Draw gamma and beta.",
        "One mistake is left, right on paper and wrong for large numbers: add 1e7 to x.",
    ),
    mistakes=BLIND,
)
def check_forward(layer):
    """Return whether layer["forward"] is right; let no wrong one of the catalogue pass."""
    rng = np.random.default_rng(0)
    x = 1e7 + 4 * rng.normal(size=(2, 6, 3, 4))
    gamma, beta = rng.uniform(1, 3, 6), rng.normal(size=6)
    y = layer["forward"](x, gamma, beta, 0.1)
    return np.allclose(y, reference.batchnorm_forward(x, gamma, beta, 0.1))


@cache
def _expected(ones, groups):
    """Return the arguments of each call of a part, and what the loops give."""
    x, gamma, beta, dout = _numbers(1.0)
    dout = np.ones_like(dout) if ones else dout
    calls = [
        ("forward", _numbers()[:3]),
        ("running", (x, beta, gamma, 0.9, True)),
        ("running", (x, beta, gamma, 0.9, False)),
        ("group", (x, gamma, beta, groups)),
        ("backward", (dout, x, gamma)),
    ]
    loops = RIGHT["the loops"]
    return [(part, (*given, 0.1), loops[part](*given, 0.1)) for part, given in calls]


def _whole(layer, ones=False, groups=2, left_out=()):
    """Check all parts but those calls that are left out, by number."""
    for k, (part, given, right) in enumerate(_expected(ones, groups)):
        if k not in left_out:
            found = layer[part](*given)
            pairs = zip(found, right, strict=True) if isinstance(right, tuple) else [(found, right)]
            if not all(np.shape(a) == np.shape(b) and np.allclose(a, b) for a, b in pairs):
                return False
    return True


@challenge(
    notebook="07",
    right=RIGHT,
    wrong=_wrong(*faults.RECIPES),
    calls=_counted,
    hints=(
        "A layer has four parts, and a check sees only what it runs. Run all four.",
        "Compare each part with bnlib.reference; the running values by hand. Running statistics "
        "need a step in training, and one in evaluation.",
        "Draw dout at random, give the axes different sizes, and take six channels in two groups.",
    ),
    mistakes=(
        Mistake(
            "ones upstream",
            "The upstream gradient is 1 everywhere, which hides most of dx; draw it at random.",
            lambda layer: _whole(layer, ones=True),
        ),
        Mistake(
            "training alone",
            "The running statistics are never used; run a step in evaluation, too.",
            lambda layer: _whole(layer, left_out=(2,)),
        ),
        Mistake(
            "backward never run",
            "The backward pass never runs; compare its three results as well.",
            lambda layer: _whole(layer, left_out=(4,)),
        ),
        Mistake(
            "one group",
            "With one group, group norm is layer norm; take two groups of three channels.",
            lambda layer: _whole(layer, groups=1),
        ),
        Mistake(
            "the forward pass alone",
            "It runs the forward pass alone; a layer has three parts more.",
            _values,
        ),
    ),
)
def check_layer(layer):
    """Return whether all four parts of a layer are right, with as few calls of them as you can."""
    rng = np.random.default_rng(0)
    x, dout = 4 * rng.normal(size=(2, 2, 6, 3, 4))
    gamma, beta, eps = rng.uniform(1, 3, 6), rng.normal(size=6), 0.1
    far, norm = x + 1e7, reference.batchnorm_forward
    after = [0.9 * beta + 0.1 * x.mean(axis=AXES), 0.9 * gamma + 0.1 * x.var(axis=AXES)]
    evaluated = reference.batchnorm_inference(x, np.ones(6), np.zeros(6), beta, gamma, eps)
    given = beta, gamma, 0.9  # running mean, running variance, momentum
    found = [
        layer["forward"](far, gamma, beta, eps),
        layer["group"](x, gamma, beta, 2, eps),
        *layer["backward"](dout, x, gamma, eps),
        *layer["running"](x, *given, True, eps),
        *layer["running"](x, *given, False, eps),
    ]
    expected = [
        norm(far, gamma, beta, eps),
        reference.groupnorm_forward(x, gamma, beta, 2, eps),
        *reference.batchnorm_backward(dout, x, gamma, eps),
        *(norm(x, np.ones(6), np.zeros(6), eps), *after),
        *(evaluated, beta, gamma),
    ]
    pairs = zip(found, expected, strict=True)
    return all(np.shape(a) == np.shape(b) and np.allclose(a, b) for a, b in pairs)
