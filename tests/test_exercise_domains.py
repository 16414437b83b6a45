"""A check asks on all of what is legal, accepts what is right there, and says only what is true."""

import ast
import inspect
import textwrap

import numpy as np
import pytest
from planted_answers import KINDS, spoiled
from sampling import PARTS, STEP, sampled
from student_answers import AXES, RIGHT, backward_closed, column, forward_keepdims, layer_if

from bnlib import exercises
from bnlib.exercises.checker import domain, outcomes

FUNCTIONS = {n: e for n, e in exercises.ALL.items() if isinstance(e, exercises.Exercise)}
WITH_EPS = [name for name, e in FUNCTIONS.items() if "eps" in e.arguments]
IMAGES = [n for n, e in FUNCTIONS.items() if {"x", "dout"} & set(e.arguments) and not e.exact]
NO_IMAGES = (
    "normalize_table",
    "group_norm",
    "inference",
    "rms_backward",
    "norm_means",
    "spread_back",
)
IMAGES = [n for n in IMAGES if n not in NO_IMAGES]
IMAGES = [n for n in IMAGES if "f" not in FUNCTIONS[n].arguments]
SEEDS = 100


# --- 1. A few named cases are not a domain


def accepted(exercise, answer, seed=0):
    """Return whether a check accepts an answer, without asking it what is wrong."""
    trial, names, parts = exercise.trial(seed), exercise.arguments, exercise.parts
    found = outcomes.run(answer, trial.cases, names, parts)
    if trial.wrong(found):
        return False
    return exercise.check(answer, seed=seed).correct


def refused(kind, seed, part=0, step=1):
    """Map exercises to how many planted answers of a kind are refused, and how many are made."""
    counts = {}
    for name, exercise in FUNCTIONS.items():
        made = spoiled(kind, exercise)[part::step]
        results = [accepted(exercise, one, seed) for one in made]
        counts[name] = (results.count(False), len(made))
    return counts


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", KINDS)
def test_answers_wrong_on_one_kind_of_input_are_refused(kind, part):
    counts = refused(kind, 0, part, STEP)
    for name, (caught, made) in counts.items():
        print(f"{kind:8s}{name:22s}{caught} of {made}" if made else f"{kind:8s}{name:22s}-")
    assert all(caught == made for caught, made in counts.values()), counts


def test_make_test_plants_a_wrong_answer_in_every_exercise():
    assert all(spoiled("calls", exercise)[0::STEP] for exercise in FUNCTIONS.values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_they_are_refused_under_other_seeds(kind, seed):
    counts = refused(kind, seed)
    assert all(caught == made for caught, made in counts.values()), counts


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_exercise_has_five_right_answers(name):
    assert len(RIGHT[name]) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_right_answers_are_accepted_under_a_hundred_seeds(name):
    for seed in range(SEEDS):
        for answer in (FUNCTIONS[name].answer, *RIGHT[name]):
            result = FUNCTIONS[name].check(answer, seed=seed)
            assert result.correct is True, f"{answer} under {seed}: {result}"


@pytest.mark.parametrize("name", sampled(FUNCTIONS))
def test_same_seed_draws_the_same_batches(name):
    both = [FUNCTIONS[name].domain.cases(3) for _ in range(2)]
    labels = [[case.label for case in cases] for cases in both]
    assert labels[0] == labels[1]
    assert labels[0] != [case.label for case in FUNCTIONS[name].domain.cases(4)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_drawn_shape_comes_with_other_numbers(name):
    exercise = FUNCTIONS[name]
    first = len(exercise.domain.named) + domain.TWINS
    drawn = exercise.trial(0).cases[first : first + 2 * domain.PAIRS]
    for one, twin in zip(drawn[::2], drawn[1::2], strict=True):
        shapes = [[np.shape(case.values[n]) for n in exercise.arguments] for case in (one, twin)]
        assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", IMAGES)
def test_every_declared_value_is_drawn(name):
    levels, cases = FUNCTIONS[name].domain.levels, FUNCTIONS[name].trial(0).cases
    for parameter in ("dtype", "layout", "offset", "spread", "gamma"):
        drawn = {case.parameters[parameter] for case in cases}
        assert drawn == set(levels[parameter])


@pytest.mark.parametrize("seed", sampled(range(5)))
@pytest.mark.parametrize("name", [*IMAGES, "inference", "group_norm"])
def test_axis_of_size_1_meets_every_value_under_every_seed(name, seed):
    levels = FUNCTIONS[name].domain.levels
    others = ("eps", "gamma", "beta", "spread", "upstream", "layout", "dtype", "start")
    axes = "NHW" if name == "position_norm" else "NC"  # whose mean runs over C
    rows = FUNCTIONS[name].domain.draws(seed)
    for axis in axes:
        for other in others:
            met = {row[other] for row in rows if row[axis] == 1}
            assert met == set(levels[other]), (axis, other)


def wrong_for_long_axes(x):
    return x[:3].mean(axis=AXES)


def test_failing_batch_is_small_and_handed_over():
    result = exercises.channel_mean.check(wrong_for_long_axes)
    assert str(result).splitlines()[-1].startswith("exercises.channel_mean.case() gives this case")
    arguments, expected = exercises.channel_mean.case()
    assert arguments.x.shape[1:] == (1, 1, 1)
    assert arguments.x.shape[0] <= 8
    np.testing.assert_allclose(exercises.channel_mean.answer(*arguments), expected, rtol=1e-12)
    assert not np.allclose(wrong_for_long_axes(*arguments), expected)


@pytest.mark.parametrize("name", sampled(FUNCTIONS))
def test_case_is_one_on_which_the_answer_fails(name):
    exercise = FUNCTIONS[name]
    mistake = exercise.mistakes[-1].function
    exercise.check(mistake)
    arguments, expected = exercise.case()
    with np.errstate(all="ignore"):
        try:
            parts = mistake(*arguments)
        except (ValueError, IndexError):
            return
    parts, expected = (
        value if isinstance(value, tuple) else (value,) for value in (parts, expected)
    )
    same = [
        np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-12, atol=0)
        for a, b in zip(parts, expected, strict=True)
    ]
    assert not all(same)


def test_case_hands_over_fresh_arrays():
    exercises.channel_mean.check(wrong_for_long_axes)
    exercises.channel_mean.case().arguments.x[...] = 0
    assert exercises.channel_mean.case().arguments.x.any()


class Equal(np.ndarray):
    def __eq__(self, other):
        return True

    __hash__ = None


ODD = {
    "a subclass with its own ==": lambda x: (x.mean(axis=AXES) + 1).view(Equal),
    "a masked array": lambda x: np.ma.array(x.mean(axis=AXES) + 1, mask=True),
    "a generator": lambda x: (c for c in x.mean(axis=AXES)),
    "a matrix": lambda x: np.asmatrix(x.mean(axis=AXES)),
    "a dictionary": lambda x: dict(enumerate(x.mean(axis=AXES))),
}


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("odd", ODD)
def test_odd_objects_are_read_as_numbers_or_refused(odd):
    assert exercises.channel_mean.check(ODD[odd]).correct is False


@pytest.mark.parametrize("error", [1, 1.02])
def test_numbers_rounded_to_float16_are_refused(error):
    answer = lambda x: (error * x.mean(axis=AXES)).astype(np.float16)  # noqa: E731
    assert exercises.channel_mean.check(answer).correct is False


# --- 2. Right answers refused


@pytest.mark.parametrize("name", ["update_course", "update_pytorch", "running_layer"])
def test_running_statistics_may_be_changed_in_place(name):
    in_place = next(f for f in RIGHT[name] if f.__name__.endswith("in_place"))
    result = exercises.ALL[name].check(in_place)
    assert result.correct is True
    assert "is changed in place" in str(result)


@pytest.mark.slow  # Numba compiles
def test_compiled_answers_may_take_their_time_to_compile():
    numba = pytest.importorskip("numba")

    @numba.njit
    def mean(x):
        found = np.zeros(x.shape[1])
        for c in range(x.shape[1]):
            found[c] = x[:, c].mean()
        return found

    assert exercises.channel_mean.check(mean).correct is True
    assert exercises.channel_mean.check(lambda x: mean(x)).correct is True


# --- 3. Names that are wrong or missing


@pytest.mark.parametrize(
    "constant",
    [1e-6, *(pytest.param(eps, marks=pytest.mark.slow) for eps in (1e-8, 1e-10, 2e-5, 3e-3))],
)
@pytest.mark.parametrize("name", sampled(WITH_EPS))
def test_constant_in_place_of_eps_is_found(name, constant):
    exercise = FUNCTIONS[name]
    k = exercise.arguments.index("eps")
    spoiled = lambda *given: exercise.answer(*given[:k], constant, *given[k + 1 :])  # noqa: E731
    assert f"eps is written in as {constant:g}" in str(exercise.check(spoiled))


@pytest.mark.parametrize("name", sampled(WITH_EPS))
def test_eps_that_is_missing_is_called_missing(name):
    exercise = FUNCTIONS[name]
    k = exercise.arguments.index("eps")
    result = exercise.check(lambda *given: exercise.answer(*given[:k], 0.0, *given[k + 1 :]))
    assert "eps is" in str(result) or "eps" in result.fault or result.fault == "just |gamma|"
    assert "written in" not in str(result)


@pytest.mark.parametrize("divisor", ["forgotten", "outside the root"])
def test_eps_wrong_in_evaluation_alone_is_said(divisor):
    def layer(x, running_mean, running_var, momentum, training, eps):
        given = running_mean, running_var, momentum
        if training:
            return layer_if(x, *given, training, eps)
        std = np.sqrt(running_var) + (eps if divisor != "forgotten" else 0)
        return (x - column(running_mean)) / column(std), running_mean, running_var

    result = exercises.running_layer.check(layer)
    assert result.fault == f"eps {divisor} in evaluation"
    assert "running_var are right" not in str(result)


@pytest.mark.parametrize("name", sampled(IMAGES))
def test_reshape_without_a_transpose_is_named_in_every_exercise(name):
    exercise = FUNCTIONS[name]

    def in_table(*given):
        images = next(v for v in given if np.ndim(v) == 4)
        table = [v.reshape(-1, v.shape[1], 1, 1) if np.ndim(v) == 4 else v for v in given]
        results = exercise.answer(*table)
        parts = results if isinstance(results, tuple) else (results,)
        parts = tuple(p.reshape(images.shape) if np.ndim(p) == 4 else p for p in parts)
        return parts if isinstance(results, tuple) else parts[0]

    assert "reshape" in exercise.check(in_table).fault


def backward(dx=None, dgamma=None, dbeta=None):
    """Return a backward pass in which one result is another function of dxhat, xhat, s and dout."""

    def found(dout, x, gamma, eps):
        right = backward_closed(dout, x, gamma, eps)
        s = 1 / np.sqrt(x.var(axis=AXES, keepdims=True) + eps)
        given = column(gamma) * dout, (x - x.mean(axis=AXES, keepdims=True)) * s, s, dout
        changed = (dx, dgamma, dbeta)
        return tuple(c(*given) if c else r for c, r in zip(changed, right, strict=True))

    return found


def mean(a, axes=AXES):
    return a.mean(axis=axes, keepdims=True)


NAMED = {
    "diagonal of the Jacobian": backward(
        dx=lambda g, z, s, dout: g * s / (g[:, 0].size) * (g[:, 0].size - 1 - z**2)
    ),
    "path through the variance dropped": backward(
        dx=lambda g, z, s, dout: s * (g - mean(g) - mean(z) * z)
    ),
    "sum over everything in dgamma": backward(dgamma=lambda g, z, s, dout: np.sum(dout * z)),
    "sum over everything in dbeta": backward(dbeta=lambda g, z, s, dout: np.sum(dout)),
    "means in dx over axes (0,)": backward(
        dx=lambda g, z, s, dout: s * (g - mean(g, 0) - z * mean(g * z, 0))
    ),
    "means in dx over axes (0, 1, 2, 3)": backward(
        dx=lambda g, z, s, dout: s * (g - g.mean() - z * (g * z).mean())
    ),
    "sum in dvar forgotten": backward(
        dx=lambda g, z, s, dout: s * (g - mean(g) - g * z * z / g[:, 0].size)
    ),
    "xhat not in the mean": backward(dx=lambda g, z, s, dout: s * (g - mean(g) - z * mean(g + z))),
}


@pytest.mark.parametrize("fault", NAMED)
def test_backward_mistake_of_the_catalogue_is_named(fault):
    assert exercises.spatial_backward.check(NAMED[fault]).fault == fault


def of_layer(var_used=lambda v, m: v, var_kept=lambda v, m, eps: v):
    def layer(x, running_mean, running_var, momentum, training, eps):
        if not training:
            return layer_if(x, running_mean, running_var, momentum, training, eps)
        mu, var, m = x.mean(axis=AXES), x.var(axis=AXES), x.size // x.shape[1]
        y = (x - column(mu)) / np.sqrt(column(var_used(var, m)) + eps)
        a, kept = momentum, var_kept(var, m, eps)
        return y, a * running_mean + (1 - a) * mu, a * running_var + (1 - a) * kept

    return layer


def by_axes(axes, shape):
    def norm(x, gamma, beta, groups, eps):
        parts = x.reshape(shape(x, groups))
        xhat = (parts - mean(parts, axes)) / np.sqrt(parts.var(axis=axes, keepdims=True) + eps)
        return column(gamma) * xhat.reshape(x.shape) + column(beta)

    return norm


def pytorch(rm, rv, mean, var, m, a):
    return (1 - a) * rm + a * mean, (1 - a) * rv + a * var * m / (m - 1)


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("running_layer", of_layer(var_kept=lambda v, m, eps: v + eps), "gets var + eps"),
        (
            "running_layer",
            of_layer(lambda v, m: v * m / (m - 1), lambda v, m, eps: v * m / (m - 1)),
            "for both its uses",
        ),
        (
            "group_norm",
            by_axes(0, lambda x, groups: (x.shape[0] * groups, -1)),
            "run over the axes (0, 1) of (N, G, C / G, H, W)",
        ),
        (
            "group_norm",
            by_axes((2, 3, 4), lambda x, g: (len(x), x.shape[1] // g, g, *x.shape[2:])),
            "groups is taken for the channels of each",
        ),
        ("update_course", pytorch, "That is PyTorch's convention"),
        ("update_course", lambda rm, rv, mean, var, m, a: (rm, rv), "returned as they came"),
        ("update_pytorch", lambda rm, rv, mean, var, m, a: (rm, rv), "returned as they came"),
        (
            "channel_mean",
            lambda x: x.sum(axis=AXES) / x.shape[0] * x.shape[2] * x.shape[3],
            "/ N * H * W divides by N alone",
        ),
        (
            "merge_moments",
            lambda ma, a, sa, mb, b, sb: (
                ma + mb,
                (ma * a + mb * b) / (ma + mb),
                sa + sb + (b - a) * 2 * ma * mb / (ma + mb),
            ),
            "is doubled",
        ),
    ],
)
def test_other_mistake_of_the_catalogue_is_named(name, answer, words):
    assert words in str(exercises.ALL[name].check(answer))


def raises_not_implemented(*given):
    raise NotImplemented  # noqa: F901


def course_stub(*given):
    out, cache = None, None
    return out, cache


def out_and_cache(*given):
    out, cache = None, given
    return out, cache


@pytest.mark.parametrize("name", ["spatial_forward", "spatial_backward", "running_layer"])
@pytest.mark.parametrize("stub", [raises_not_implemented, course_stub, out_and_cache])
def test_stub_of_a_course_is_not_written_yet(name, stub):
    result = exercises.ALL[name].check(stub)
    assert result.correct is None or "It must return" in str(result)


def _edited(function, edit):
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    edit(tree.body[0])
    path = f"<edited {function.__name__}>"
    source = ast.unparse(ast.fix_missing_locations(tree))
    scope = dict(function.__globals__)
    exec(compile(source, path, "exec"), scope)
    import linecache

    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    return scope[function.__name__]


def _lose_return(tree):
    tree.body[-1] = ast.Expr(tree.body[-1].value)


def _into_loop(tree):
    loop = next(node for node in tree.body if isinstance(node, ast.For))
    loop.body.append(tree.body.pop())


NAMED_ANSWERS = [
    (name, answer)
    for name, answers in RIGHT.items()
    for answer in dict.fromkeys(answers)
    if answer.__name__ != "<lambda>"
]
WITH_LOOPS = [
    (name, answer)
    for name, answer in NAMED_ANSWERS
    if name in FUNCTIONS
    and ast.parse(textwrap.dedent(inspect.getsource(answer))).body[0].body[-2:-1]
    and isinstance(ast.parse(textwrap.dedent(inspect.getsource(answer))).body[0].body[-2], ast.For)
]


@pytest.mark.parametrize(("name", "answer"), sampled(NAMED_ANSWERS))
def test_missing_return_is_named(name, answer):
    result = exercises.ALL[name].check(_edited(answer, _lose_return))
    assert result.correct is False
    assert result.fault in ("no return", "unfinished")


@pytest.mark.parametrize(("name", "answer"), sampled(WITH_LOOPS))
def test_return_inside_a_loop_is_named(name, answer):
    assert exercises.ALL[name].check(_edited(answer, _into_loop)).fault == "return inside a loop"


def test_first_miss_says_what_is_wrong_and_the_second_its_cure():
    exercise = exercises.spatial_forward
    assert exercise.check(forward_keepdims).correct is True  # which forgets the misses before
    beta_lost = lambda x, gamma, beta, eps: forward_keepdims(x, gamma, 0 * beta, eps)  # noqa: E731
    first, second = (str(exercise.check(beta_lost)) for _ in range(2))
    assert "beta is missing." in first
    assert "gamma * xhat" not in first
    assert "exercises.spatial_forward.hint(1)" in first
    assert "beta is missing; y is gamma * xhat + beta." in second


def near(mistake, name):
    """Return an answer that is off by a little more than the mistake, and in every batch."""

    def answer(*given):
        results = mistake.function(*given)
        parts = results if isinstance(results, tuple) else (results,)
        parts = tuple(np.where(part, np.multiply(part, 1 + 2e-2), 2e-2) for part in parts)  # 0 too
        return parts if isinstance(results, tuple) else parts[0]

    return answer


def said_of_a_near_one(name, step):
    exercise, wrongly = FUNCTIONS[name], []
    for mistake in exercise.mistakes[::step]:
        result = exercise.check(near(mistake, name))
        if result.fault == mistake.name:
            wrongly.append(mistake.name)
    return wrongly


@pytest.mark.parametrize("name", sampled(FUNCTIONS))
def test_sentence_is_not_said_of_a_near_answer(name):
    assert said_of_a_near_one(name, step=30) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_sentence_is_said_of_a_near_answer(name):
    assert said_of_a_near_one(name, step=1) == []


def double_mean(x):
    return 2 * x.mean(axis=AXES)


SENTENCES = {  # fault -> exercise, an answer of which it is true, and a near one
    "sign": (
        "channel_mean",
        lambda x: -x.mean(axis=AXES),
        lambda x: -1.01 * x.mean(axis=AXES) + 0.01,
    ),
    "factor": ("channel_mean", double_mean, lambda x: 2 * x.mean(axis=AXES) + 1e-3),
    "axes of size 1": (
        "channel_mean",
        lambda x: x.mean(axis=AXES, keepdims=True),
        lambda x: 1.001 * x.mean(axis=AXES, keepdims=True) + 0.1,
    ),
    "axis lost": (
        "channel_mean",
        lambda x: np.squeeze(x.mean(axis=AXES)),
        lambda x: np.squeeze(x.mean(axis=AXES)) * 1.001 + 0.1,
    ),
    "order of results": (
        "parameter_gradients",
        lambda dout, xhat: (dout.sum(AXES), (dout * xhat).sum(AXES)),
        lambda dout, xhat: (dout.sum(AXES), 1.001 * (dout * xhat).sum(AXES)),
    ),
    "still a table": (
        "scale_channels",
        lambda x, gamma: x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1]) * gamma,
        lambda x, gamma: x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1]) * gamma + 1,
    ),
    "not reduced": ("spread_back", lambda dout: dout, lambda dout: dout + 1),
    "unused argument": (
        "leftover",
        lambda var, eps: eps / (1 + eps),
        lambda var, eps: eps / (1 + eps + 0.1 * var),
    ),
    "remembers": (
        "channel_mean",
        None,
        lambda x: x.mean(axis=AXES) + 1e-3,
    ),
    "partly right": (
        "parameter_gradients",
        lambda dout, xhat: (np.cos((dout * xhat).sum(AXES)), dout.sum(AXES)),
        lambda dout, xhat: (np.cos((dout * xhat).sum(AXES)), np.cos(dout.sum(AXES))),
    ),
    "shapes that do not fit": (
        "normalize_images",
        lambda x, eps: (x - x.mean(axis=AXES)) + 0 * eps,
        lambda x, eps: (x - x.mean(axis=AXES, keepdims=True)) + 0.5 * eps,
    ),
}


def remembering():
    known = {}
    return lambda x: known.setdefault((x.shape, x.dtype.str), x.mean(axis=AXES))


@pytest.mark.parametrize("fault", SENTENCES)
def test_sentence_is_said_where_it_is_true_and_not_of_a_near_one(fault):
    name, true, close = SENTENCES[fault]
    assert exercises.ALL[name].check(true or remembering()).fault == fault
    assert exercises.ALL[name].check(close).fault != fault


def test_unknown_mistake_is_placed():
    def wrong(x):
        found = x.mean(axis=AXES)
        found[0] += 1
        return found

    assert "mu is wrong only in channel 0." in str(exercises.channel_mean.check(wrong))
