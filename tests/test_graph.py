"""The graph: its values, the gradient of every node and edge, and what it does not accept."""

import re

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import make_vjp
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlib import layers, reference
from bnlib.graph import Graph, batchnorm_graph, primitives, spatial_batchnorm_graph
from bnlib.graph.primitives import (
    Primitive,
    add,
    divide,
    exp,
    log,
    mean_over,
    multiply,
    reciprocal,
    spread,
    sqrt_plus,
    square,
    subtract,
    sum_back,
    sum_over,
)
from bnlib.judges.gradcheck import (
    check_gradients,
    complex_step_gradient,
    norm_error,
    numerical_gradient,
)
from bnlib.layout import per_channel
from tests.strategies import examples, random_case

NINE = (
    "mean",
    "x_minus_mean",
    "x_minus_mean_sqr",
    "var",
    "sqrt_var",
    "one_over_sqrt_var",
    "xhat",
    "gamma_xhat",
    "y",
)


@st.composite
def batches(draw, ndim):
    """Draw x, gamma, beta and dout: every axis of another size, at least two channels.

    With one channel, a random dout may happen to be one that batch norm nearly annihilates.
    """
    sizes = st.permutations([2, 3, 4, 5] if ndim == 2 else [1, 2, 3, 4])
    fits = (lambda s: s[0] > 2) if ndim == 2 else (lambda s: s[1] > 1)
    shape = draw(sizes.filter(fits))[:ndim]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    offset, scale = draw(st.floats(-100, 100)), draw(st.floats(0.3, 30))
    channels = shape[1]
    x = offset + scale * rng.normal(size=shape)
    gamma = rng.uniform(0.3, 3, channels) * rng.choice([-1, 1], channels)
    return {"x": x, "gamma": gamma, "beta": rng.normal(size=channels)}, rng.normal(size=shape)


def graph_for(x):
    return batchnorm_graph("N D") if x.ndim == 2 else spatial_batchnorm_graph()


def traced(shape=(2, 3, 4, 5)):
    """Return a trace of batch norm, its gradients and dout."""
    x, gamma, beta, dout = random_case(shape)
    trace = graph_for(x).forward(x=x, gamma=gamma, beta=beta)
    return trace, trace.backward(dout), dout


# The nine nodes of batch norm


def test_batchnorm_is_the_nine_nodes_of_the_derivation():
    graph = spatial_batchnorm_graph()
    assert tuple(graph.nodes) == NINE
    assert [(node.formula, node.shape) for node in graph.nodes.values()] == [
        ("mean of x over N, H, W", "(C,)"),
        ("x - mean", "(N, C, H, W)"),
        ("x_minus_mean^2", "(N, C, H, W)"),
        ("mean of x_minus_mean_sqr over N, H, W", "(C,)"),
        ("sqrt(var + eps)", "(C,)"),
        ("1 / sqrt_var", "(C,)"),
        ("x_minus_mean * one_over_sqrt_var", "(N, C, H, W)"),
        ("gamma * xhat", "(N, C, H, W)"),
        ("gamma_xhat + beta", "(N, C, H, W)"),
    ]


def test_axes_are_those_of_a_table_by_default():
    axes = {"x": ("N", "D"), "gamma": ("D",), "beta": ("D",)}
    assert batchnorm_graph().inputs == axes
    assert batchnorm_graph("N C H W").inputs == spatial_batchnorm_graph().inputs != axes


def test_formulas_have_a_latex_form():
    nodes = spatial_batchnorm_graph().nodes
    assert nodes["x_minus_mean"].latex == r"x - \mu"
    assert nodes["mean"].latex == r"\operatorname{mean}_{N,H,W} \, x"
    assert nodes["one_over_sqrt_var"].latex == r"\frac{1}{\mathrm{sqrt\_var}}"
    assert nodes["gamma_xhat"].latex == r"\gamma \cdot \hat{x}"
    assert r"| `gamma_xhat` | $\gamma \cdot \hat{x}$ | `(N, C, H, W)` |" in (
        spatial_batchnorm_graph()._repr_markdown_()
    )


def test_values_of_a_batch_worked_by_hand():
    # One feature, 1 and 3: mean 2, deviations -1 and 1, variance 1, and with eps = 3 a root of 2.
    trace = batchnorm_graph(eps=3).forward(x=[[1], [3]], gamma=[10], beta=[5])
    expected = {
        "mean": [2],
        "x_minus_mean": [[-1], [1]],
        "x_minus_mean_sqr": [[1], [1]],
        "var": [1],
        "sqrt_var": [2],
        "one_over_sqrt_var": [0.5],
        "xhat": [[-0.5], [0.5]],
        "gamma_xhat": [[-5], [5]],
        "y": [[0], [10]],
    }
    for name, value in expected.items():
        assert trace[name].tolist() == value, name


def test_gradients_of_a_batch_worked_by_hand():
    # The same batch, dout = 1 and 0. Every line is one step of the derivation.
    trace = batchnorm_graph(eps=3).forward(x=[[1], [3]], gamma=[10], beta=[5])
    gradients = trace.backward([[1], [0]])
    expected = {
        "y": [[1], [0]],
        "beta": [1],
        "gamma_xhat": [[1], [0]],
        "gamma": [-0.5],  # 1 * xhat
        "xhat": [[10], [0]],
        "one_over_sqrt_var": [-10],  # sum of dxhat * x_minus_mean
        "sqrt_var": [2.5],  # 10 / 2^2
        "var": [0.625],  # 2.5 / (2 * 2)
        "x_minus_mean_sqr": [[0.3125], [0.3125]],  # var's, by 1/m
        "x_minus_mean": [[5 - 0.625], [0.625]],  # dxhat / 2, and 2 * x_minus_mean * 0.3125
        "mean": [-5],
        "x": [[4.375 - 2.5], [0.625 - 2.5]],
    }
    assert gradients.keys() == expected.keys()
    for name, gradient in expected.items():
        assert gradients[name].tolist() == gradient, name
    assert gradients.edges["x_minus_mean", "xhat"].tolist() == [[5], [0]]
    assert gradients.edges["x_minus_mean", "x_minus_mean_sqr"].tolist() == [[-0.625], [0.625]]


@pytest.mark.parametrize("ndim", [2, 4])
def test_gradient_of_every_node_is_its_complex_step(ndim):
    @given(batches(ndim))
    @examples(200)
    def check(case):
        arguments, dout = case
        trace = graph_for(arguments["x"]).forward(**arguments)
        gradients = trace.backward(dout)
        assert gradients.keys() == {"x", "gamma", "beta", *NINE}
        for name, value in trace.values.items():
            judge = complex_step_gradient(trace.function_of(name), value, dout)
            # 1e-9 of the norm: mean and deviations are rounded, which matters where x is far
            # from zero, and there is some cancellation in the sums. A fault starts near 1e-6.
            assert norm_error(gradients[name], judge) < 1e-9, name

    check()


@pytest.mark.parametrize("ndim", [2, 4])
def test_gradient_along_every_edge_is_its_complex_step(ndim):
    @given(batches(ndim))
    @settings(max_examples=20)
    def check(case):
        arguments, dout = case
        trace = graph_for(arguments["x"]).forward(**arguments)
        gradients = trace.backward(dout)
        assert gradients.edges.keys() == set(trace.graph.edges)
        for edge in trace.graph.edges:
            judge = complex_step_gradient(trace.function_of(edge), trace[edge[0]], dout)
            # Here alone a gradient may cancel, so the scale is the value's whole gradient.
            difference = np.linalg.norm(gradients.edges[edge] - judge)
            assert difference <= 1e-9 * np.linalg.norm(gradients[edge[0]]), edge

    check()


@pytest.mark.parametrize("ndim", [2, 4])
def test_dx_dgamma_dbeta_agree_with_hips_autograd(ndim):
    def forward(x, gamma, beta):
        axes, column = tuple(a for a in range(ndim) if a != 1), (1, -1) + (1,) * (ndim - 2)
        mean = anp.mean(x, axis=axes, keepdims=True)
        var = anp.mean((x - mean) ** 2, axis=axes, keepdims=True)
        xhat = (x - mean) / anp.sqrt(var + 1e-5)
        return anp.reshape(gamma, column) * xhat + anp.reshape(beta, column)

    @given(batches(ndim))
    @examples(200)
    def check(case):
        arguments, dout = case
        gradients = graph_for(arguments["x"]).forward(**arguments).backward(dout)
        for position, name in enumerate(arguments):
            vjp, _ = make_vjp(forward, position)(*arguments.values())
            # Both take the same steps; what is left is the rounding of x - mean, up to 1e-14 * 300.
            assert norm_error(gradients[name], vjp(dout)) < 1e-12, name

    check()


@pytest.mark.parametrize("ndim", [2, 4])
@settings(max_examples=50)
@given(data=st.data())
def test_staged_gradients_are_the_closed_form_and_the_loops(ndim, data):
    arguments, dout = data.draw(batches(ndim))
    trace = graph_for(arguments["x"]).forward(**arguments)
    y, cache = layers.batchnorm_forward(**arguments)
    closed = layers.batchnorm_backward(dout, cache)
    loops = reference.batchnorm_backward(dout, arguments["x"], arguments["gamma"])
    # Three orders of summation, x up to 300 standard deviations from zero: 1e-14 * 300.
    assert norm_error(trace.output, y) < 1e-11
    assert norm_error(trace.output, reference.batchnorm_forward(**arguments)) < 1e-11
    gradients = trace.backward(dout)
    for name, form, loop in zip(arguments, closed, loops, strict=True):
        assert norm_error(gradients[name], form) < 1e-11, name
        assert norm_error(gradients[name], loop) < 1e-11, name


def test_dx_sums_to_zero_in_every_channel():
    _, gradients, _ = traced()
    total = gradients["x"].sum(axis=(0, 2, 3))
    # The sum of 40 rounded terms.
    np.testing.assert_allclose(total, 0, atol=1e-14)
    assert np.abs(gradients["x"]).max() > 0.1


def test_second_derivative_is_symmetric_and_the_slope_of_the_gradient():
    trace, _, dout = traced()
    gamma, beta, x = trace["gamma"], trace["beta"], trace["x"]
    u, v = np.random.default_rng(1).normal(size=(2, *x.shape))

    def dx(x):
        return trace.graph.forward(x=x, gamma=gamma, beta=beta).backward(dout)["x"]

    def second(along):  # the derivative of dx along a direction, by the complex step
        return dx(x + 1e-30j * along).imag / 1e-30

    # Symmetric to rounding: both are sums of 120 products.
    assert np.sum(u * second(v)) == pytest.approx(np.sum(v * second(u)), rel=1e-11)
    slope = (dx(x + 1e-4 * v) - dx(x - 1e-4 * v)) / 2e-4
    assert norm_error(second(v), slope) < 1e-7  # h^2 = 1e-8, times a third derivative
    assert np.linalg.norm(second(v)) > 0.1


# A value used twice receives two gradients


@pytest.mark.parametrize(
    ("name", "users"),
    [("x", ("mean", "x_minus_mean")), ("x_minus_mean", ("x_minus_mean_sqr", "xhat"))],
)
def test_value_used_twice_receives_two_gradients_that_add_up(name, users):
    _, gradients, _ = traced()
    first, second = (gradients.edges[name, user] for user in users)
    np.testing.assert_array_equal(gradients[name], first + second)
    assert np.linalg.norm(first) > 0.01
    assert np.linalg.norm(second) > 0.01


def test_node_that_takes_a_value_twice_passes_back_both_gradients():
    trace = Graph({"a": "N"}, [("a_squared", multiply, "a", "a")]).forward(a=[3.0, 5.0])
    gradients = trace.backward([1, 10])
    assert gradients["a"].tolist() == [6, 100]
    assert gradients.edges["a", "a_squared"].tolist() == [6, 100]


def test_value_that_is_not_used_has_a_zero_gradient():
    graph = Graph({"a": "N", "b": "N"}, [("unused", exp, "a"), ("y", square, "a")])
    gradients = graph.forward(a=[3.0], b=[1.0]).backward([1])
    assert {name: float(g[0]) for name, g in gradients.items()} == {
        "a": 6,
        "b": 0,
        "unused": 0,
        "y": 1,
    }


# The adjoint of a broadcast is a sum


@pytest.mark.parametrize(
    ("axes", "onto", "sizes"),
    [
        ("C", "N C H W", (2, 3, 4, 5)),
        ("N", "N K", (4, 3)),
        ("C W", "N C H W", (2, 3, 4, 5)),
        ("", "N D", (2, 3)),
    ],
)
def test_sum_back_is_the_adjoint_of_spread(axes, onto, sizes):
    axes, onto = tuple(axes.split()), tuple(onto.split())
    rng = np.random.default_rng(0)
    v = rng.normal(size=[size for axis, size in zip(onto, sizes, strict=True) if axis in axes])
    d = rng.normal(size=sizes)
    # <d, spread v> = <sum_back d, v>, for up to 120 terms.
    assert np.sum(d * spread(v, axes, onto)) == pytest.approx(
        np.sum(sum_back(d, axes, onto) * v), rel=1e-12
    )


def test_spread_of_a_value_per_channel_is_the_layouts():
    v = np.array([3.0, 4.0, 5.0])
    for onto in (("N", "C"), ("N", "C", "H", "W")):
        spread_v = spread(v, ("C",), onto)
        assert spread_v.shape == per_channel(v, len(onto)).shape
        np.testing.assert_array_equal(spread_v, per_channel(v, len(onto)))


def test_spread_refuses_an_axis_without_a_name():
    with pytest.raises(ValueError, match="zip"):
        spread(np.ones((3, 1)), axes=("C",), onto=("N", "C"))  # three numbers fit, by accident


PRIMITIVES = {
    "add": (add, "N K", "K"),
    "subtract": (subtract, "N K", "N"),
    "subtract from fewer axes": (subtract, "K", "N K"),
    "multiply": (multiply, "K", "N K"),
    "multiply by a number": (multiply, "N K", ""),
    "divide": (divide, "N K", "N"),
    "divide fewer axes": (divide, "N", "N K"),
    "square": (square, "N K"),
    "reciprocal": (reciprocal, "N K"),
    "exp": (exp, "N K"),
    "log": (log, "N K"),
    "sqrt_plus": (sqrt_plus(0.3), "N K"),
    "mean over one": (mean_over("N"), "N K L"),
    "mean over two": (mean_over("L N"), "N K L"),
    "mean over all": (mean_over("N K"), "N K"),
    "sum over one": (sum_over("K"), "N K L"),
    "sum over all": (sum_over("N K"), "N K"),
}


@pytest.mark.parametrize("case", PRIMITIVES.values(), ids=PRIMITIVES)
def test_vjp_of_every_primitive_is_its_complex_step(case):
    primitive, *all_axes = case
    sizes = {"N": 4, "K": 3, "L": 2}
    names = "ab"[: len(all_axes)]
    graph = Graph(dict(zip(names, all_axes, strict=True)), [("y", primitive, *names)])
    rng = np.random.default_rng(2)
    arguments = {
        name: rng.uniform(0.5, 2, [sizes[axis] for axis in axes.split()])  # log needs positive
        for name, axes in zip(names, all_axes, strict=True)
    }
    trace = graph.forward(**arguments)
    dout = rng.normal(size=trace.output.shape)
    gradients = trace.backward(dout)
    for name, value in arguments.items():
        judge = complex_step_gradient(trace.function_of(name), value, dout)
        assert norm_error(gradients[name], judge) < 1e-14, name  # a few roundings


def test_every_primitive_is_among_those_checked():
    defined = {p.formula for p in vars(primitives).values() if isinstance(p, Primitive)}
    assert len(defined) == 8  # and three that are made by functions
    assert defined <= {case[0].formula for case in PRIMITIVES.values()}


# Graphs of a student


def softmax_graph():
    return Graph(
        {"scores": "N K"},
        [
            ("exp_scores", exp, "scores"),
            ("total", sum_over("K"), "exp_scores"),
            ("p", divide, "exp_scores", "total"),
        ],
    )


def layernorm_graph(eps=1e-5):
    return Graph(
        {"x": "N D", "gamma": "D", "beta": "D"},
        [
            ("mean", mean_over("D"), "x"),
            ("x_minus_mean", subtract, "x", "mean"),
            ("x_minus_mean_sqr", square, "x_minus_mean"),
            ("var", mean_over("D"), "x_minus_mean_sqr"),
            ("std", sqrt_plus(eps), "var"),
            ("xhat", divide, "x_minus_mean", "std"),
            ("gamma_xhat", multiply, "xhat", "gamma"),
            ("y", add, "gamma_xhat", "beta"),
        ],
    )


def assert_every_gradient_is_checked(trace, dout):
    gradients = trace.backward(dout)
    for name, value in trace.values.items():
        found = check_gradients(
            trace.function_of(name), {name: value}, dout, gradients, method="complex"
        )
        assert found.errors[name] < 1e-13, name  # a few roundings


def test_softmax_of_a_student_has_checked_gradients_and_a_table():
    rng = np.random.default_rng(4)
    scores, dout = rng.normal(size=(2, 4, 3))
    trace = softmax_graph().forward(scores=scores)
    np.testing.assert_allclose(trace.output.sum(axis=1), 1, rtol=1e-15)
    assert_every_gradient_is_checked(trace, dout)
    gradients = trace.backward(dout)
    p = trace.output
    closed = p * (dout - np.sum(dout * p, axis=1, keepdims=True))
    np.testing.assert_allclose(gradients["scores"], closed, atol=1e-15)
    assert trace.table(gradients).splitlines() == [
        "node        formula                   inputs             shape   sizes   gradient's sizes",
        "scores      input                                        (N, K)  (4, 3)  (4, 3)",
        "exp_scores  exp(scores)               scores             (N, K)  (4, 3)  (4, 3)",
        "total       sum of exp_scores over K  exp_scores         (N,)    (4,)    (4,)",
        "p           exp_scores / total        exp_scores, total  (N, K)  (4, 3)  (4, 3)",
    ]


def test_graph_shows_its_formulas_as_a_table_in_a_notebook():
    assert softmax_graph()._repr_markdown_().splitlines() == [
        "| node | formula | shape |",
        "| --- | --- | --- |",
        r"| `exp_scores` | $e^{\mathrm{scores}}$ | `(N, K)` |",
        r"| `total` | $\sum_{K} \mathrm{exp\_scores}$ | `(N,)` |",
        r"| `p` | $\frac{\mathrm{exp\_scores}}{\mathrm{total}}$ | `(N, K)` |",
    ]


def test_layer_norm_of_a_student_has_checked_gradients():
    rng = np.random.default_rng(5)
    x, dout = 10 + 4 * rng.normal(size=(2, 3, 5))
    trace = layernorm_graph().forward(x=x, gamma=rng.normal(size=5), beta=rng.normal(size=5))
    assert_every_gradient_is_checked(trace, dout)
    np.testing.assert_allclose(trace["xhat"].mean(axis=1), 0, atol=1e-14)
    # Batch norm of the transpose, with gamma and beta along the other axis.
    xhat, _ = layers.batchnorm_forward(x.T, np.ones(3), np.zeros(3))
    np.testing.assert_allclose(trace["xhat"], xhat.T, atol=1e-14)


def test_student_can_add_a_primitive():
    cube = Primitive(
        "{0}^3", "{0}^3", ("3 * {0}^2",), lambda a: a**3, lambda d, y, a: (3 * a**2 * d,)
    )
    trace = Graph({"a": "N K"}, [("cubed", cube, "a")]).forward(a=[[1.0, -2.0], [0.5, 3.0]])
    assert_every_gradient_is_checked(trace, np.array([[1.0, 2.0], [3.0, -1.0]]))
    assert trace.graph.nodes["cubed"].formula == "a^3"


def test_table_shows_what_is_known():
    trace, gradients, _ = traced()
    symbolic, values, both = (
        trace.graph.table(),
        trace.table(),
        trace.table(gradients),
    )
    assert symbolic == repr(trace.graph)
    assert [len(text.splitlines()) for text in (symbolic, values, both)] == [13, 13, 13]
    assert symbolic.splitlines()[0].split() == ["node", "formula", "inputs", "shape"]
    assert values.splitlines()[0].split()[4:] == ["sizes"]
    assert both.splitlines()[0].split()[4:] == ["sizes", "gradient's", "sizes"]
    row = next(line for line in both.splitlines() if line.startswith("xhat"))
    assert row.endswith("x_minus_mean, one_over_sqrt_var  (N, C, H, W)  (2, 3, 4, 5)  (2, 3, 4, 5)")


# Replaced values


@pytest.mark.parametrize("name", ["x", "mean", "var", "xhat", "gamma", "y"])
def test_replaced_value_is_used_instead_of_the_computed_one(name):
    trace, _, _ = traced()
    inputs = {key: trace[key] for key in trace.graph.inputs}
    same = trace.graph.forward(replace={name: trace[name]}, **inputs)
    np.testing.assert_array_equal(same.output, trace.output)
    changed = trace[name] ** 2 + 1  # not only shifted or scaled, which batch norm undoes
    other = trace.graph.forward(replace={name: changed}, **inputs)
    np.testing.assert_array_equal(other[name], changed)
    assert not np.allclose(other.output[:, 0], trace.output[:, 0])


def test_value_replaced_for_one_use_is_seen_by_that_node_alone():
    trace, _, _ = traced()
    inputs = {key: trace[key] for key in trace.graph.inputs}
    moved = trace["x_minus_mean"] + 1
    other = trace.graph.forward(replace={("x_minus_mean", "xhat"): moved}, **inputs)
    np.testing.assert_array_equal(other["var"], trace["var"])
    np.testing.assert_array_equal(other["x_minus_mean"], trace["x_minus_mean"])
    np.testing.assert_allclose(
        other["xhat"], moved * per_channel(trace["one_over_sqrt_var"], 4), rtol=1e-15
    )


def test_no_gradient_flows_back_through_a_given_value():
    trace, gradients, dout = traced()
    inputs = {key: trace[key] for key in trace.graph.inputs}
    given_statistics = {"mean": trace["mean"], "var": trace["var"]}
    stopped = trace.graph.forward(replace=given_statistics, **inputs).backward(dout)
    scale = trace["gamma"] * trace["one_over_sqrt_var"]
    np.testing.assert_allclose(stopped["x"], dout * per_channel(scale, 4), rtol=1e-14)
    np.testing.assert_array_equal(stopped["var"], gradients["var"])
    assert norm_error(stopped["x"], gradients["x"]) > 0.01  # the known fault of a course


def test_function_of_one_value_leaves_what_was_given_in_place():
    trace, _, dout = traced()
    inputs = {key: trace[key] for key in trace.graph.inputs}
    fixed = trace.graph.forward(replace={"mean": trace["mean"], "var": trace["var"]}, **inputs)
    judge = complex_step_gradient(fixed.function_of("x"), fixed["x"], dout)
    assert norm_error(fixed.backward(dout)["x"], judge) < 1e-14  # one product in each entry


def test_no_gradient_flows_back_along_a_given_use():
    trace, gradients, dout = traced()
    inputs = {key: trace[key] for key in trace.graph.inputs}
    stopped = trace.graph.forward(replace={("x", "mean"): trace["x"]}, **inputs).backward(dout)
    np.testing.assert_array_equal(stopped["x"], gradients.edges["x", "x_minus_mean"])


@pytest.mark.parametrize("place", ["sigma", ("x", "var"), ("y", "x")])
def test_place_that_is_not_in_the_graph_cannot_be_replaced(place):
    trace, _, _ = traced()
    with pytest.raises(
        ValueError, match="^" + re.escape(f"there is no value and no edge {place!r}")
    ):
        trace.function_of(place)(trace["x"])


# Purity and types


def test_nothing_is_mutated_and_nothing_is_shared():
    x, gamma, beta, dout = random_case()
    arguments = {"x": x, "gamma": gamma, "beta": beta, "dout": dout}
    before = {name: a.copy() for name, a in arguments.items()}
    trace = spatial_batchnorm_graph().forward(x=x, gamma=gamma, beta=beta)
    gradients = trace.backward(dout)
    for name, kept in before.items():
        np.testing.assert_array_equal(arguments[name], kept)
    arrays = [*arguments.values(), *trace.values.values()]
    arrays += [*gradients.values(), *gradients.edges.values()]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:i]), i


def test_values_of_a_trace_cannot_be_changed_by_accident():
    trace, _, _ = traced()
    for name, value in trace.values.items():
        with pytest.raises(ValueError, match="read-only"):
            value += 1
        assert trace[name] is value


def test_later_change_of_x_does_not_reach_the_backward_pass():
    x, gamma, beta, dout = random_case()
    trace = spatial_batchnorm_graph().forward(x=x, gamma=gamma, beta=beta)
    before = trace.backward(dout)
    x += 1
    gamma[:] = 0
    after = trace.backward(dout)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_backward_twice_gives_the_same():
    trace, gradients, dout = traced()
    again = trace.backward(dout)
    for name in gradients:
        np.testing.assert_array_equal(gradients[name], again[name])


def test_float32_stays_float32_and_integers_become_float64():
    x, gamma, beta, dout = random_case(dtype=np.float32)
    trace = spatial_batchnorm_graph().forward(x=x, gamma=gamma, beta=beta)
    gradients = trace.backward(dout)
    assert {a.dtype for a in (*trace.values.values(), *gradients.values())} == {np.dtype("f4")}
    whole = batchnorm_graph().forward(x=[[1, 2], [3, 5]], gamma=[1, 2], beta=[0, 0])
    assert {a.dtype for a in whole.values.values()} == {np.dtype("f8")}


def test_complex_step_through_forward_and_numbers_agree():
    trace, gradients, dout = traced((3, 2))
    judge = numerical_gradient(trace.function_of("x"), trace["x"], dout)
    assert norm_error(gradients["x"], judge) < 1e-8  # what central differences can see
    moved = trace.function_of("x")(trace["x"] + 1e-30j)
    assert moved.dtype == np.complex128


# What is not accepted


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([], "a graph needs at least one step"),
        ([("a", square, "z")], "node a: its input 'z' is unknown"),
        ([("a", square, "x"), ("a", exp, "x")], "node a: the name is defined twice"),
        ([("x", square, "x")], "node x: the name is defined twice"),
        (
            [("a", square, "b"), ("b", exp, "x")],
            "node a: its input 'b' is used before it is defined",
        ),
        ([("a", square, "a")], "node a: it needs its own value, a cycle: a <- a"),
        (
            [("a", add, "x", "c"), ("b", exp, "a"), ("c", exp, "b")],
            "node a: it needs its own value, a cycle: a <- c <- b <- a",
        ),
        (  # the cycle is further on
            [("a", square, "b"), ("b", exp, "c"), ("c", exp, "b")],
            "node a: its input 'b' is used before it is defined",
        ),
        ([("a", add, "x")], "node a: '{0} + {1}' takes 2 inputs; got 1"),
        ([("a", square, "x", "x")], "node a: '{0}^2' takes 1 inputs; got 2"),
        ([("a", mean_over("C"), "x")], "node a: there is no axis C in (N, D)"),
        ([("a", add, "x", "k")], "node a: there is no axis K in (N, D)"),
        ([("a", add, "x", "t")], "node a: the axes of (D, N) are in another order in (N, D)"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_graph_that_makes_no_sense_is_an_error_that_names_the_node(steps, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        Graph({"x": "N D", "k": "K", "t": "D N"}, steps)


def test_axis_named_twice_is_an_error():
    with pytest.raises(ValueError, match="^" + re.escape("an axis occurs twice in (N, N)")):
        Graph({"x": "N N"}, [("y", square, "x")])


@pytest.mark.parametrize("eps", [-1e-5, np.nan, np.inf])
def test_eps_out_of_range_is_an_error(eps):
    with pytest.raises(ValueError, match=f"^eps must be finite and at least 0; got {eps}"):
        spatial_batchnorm_graph(eps)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gamma": None}, "forward takes the inputs ['x', 'gamma', 'beta']; got ['x', 'beta']"),
        (
            {"delta": np.ones(3)},
            "forward takes the inputs ['x', 'gamma', 'beta']; got ['x', 'gamma', 'beta', 'delta']",
        ),
        ({"gamma": np.ones(4)}, "gamma must be (C,), here (3,); got shape (4,)"),
        ({"gamma": np.ones((1, 3))}, "gamma must be (C,); got shape (1, 3)"),
        ({"x": np.ones((2, 3))}, "x must be (N, C, H, W); got shape (2, 3)"),
        ({"replace": {"var": np.ones(4)}}, "var must be (C,), here (3,); got shape (4,)"),
        ({"replace": {"xhat": np.ones(3)}}, "xhat must be (N, C, H, W); got shape (3,)"),
        (
            {"replace": {("x", "mean"): np.ones((2, 3, 4, 4))}},
            "x must be (N, C, H, W), here (2, 3, 4, 5)",
        ),
    ],
)
def test_argument_that_does_not_fit_is_an_error_that_names_it(change, message):
    x, gamma, beta, _ = random_case()
    arguments = {"x": x, "gamma": gamma, "beta": beta, **change}
    arguments = {name: a for name, a in arguments.items() if a is not None}
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        spatial_batchnorm_graph().forward(**arguments)


@pytest.mark.parametrize("bad", ["text", np.array([None] * 3)])
def test_argument_that_holds_no_numbers_is_an_error(bad):
    x, _, beta, _ = random_case()
    with pytest.raises(
        TypeError, match=f"^gamma must hold numbers; got dtype {np.asarray(bad).dtype}"
    ):
        spatial_batchnorm_graph().forward(x=x, gamma=bad, beta=beta)


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4, 1), ()])
def test_dout_of_another_shape_is_an_error_although_it_broadcasts(shape):
    trace, _, _ = traced()
    message = f"dout must have the shape of y, (2, 3, 4, 5); got shape {shape}"
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        trace.backward(np.ones(shape))


def test_value_of_a_wrong_shape_is_an_error_that_names_the_node():
    total = square._replace(value=lambda a: np.sum(a))
    graph = Graph({"x": "N D"}, [("a", total, "x")])
    with pytest.raises(ValueError, match="^" + re.escape("a must be (N, D); got shape ()")):
        graph.forward(x=np.ones((2, 3)))


@pytest.mark.parametrize("passed_on", [(1.0,), (np.ones((2, 3)),) * 2, ()], ids=str)
def test_vjp_of_a_wrong_shape_is_an_error_that_names_the_node(passed_on):
    wrong = square._replace(vjp=lambda d, y, a: passed_on)
    trace = Graph({"x": "N D"}, [("a", wrong, "x")]).forward(x=np.ones((2, 3)))
    with pytest.raises(
        ValueError, match="^" + re.escape("node a: its vjp must return shapes [(2, 3)]")
    ):
        trace.backward(np.ones((2, 3)))


def test_root_has_a_latex_form():
    assert layernorm_graph().nodes["std"].latex == r"\sqrt{\mathrm{var} + \epsilon}"


def test_node_takes_as_many_values_as_it_has_inputs():
    nodes = batchnorm_graph().nodes
    with pytest.raises(ValueError, match="zip"):
        nodes["xhat"].value(np.ones((2, 3)))


def test_vjp_of_an_average_must_have_the_inputs_shape():
    lazy = mean_over("N")._replace(vjp=lambda d, y, a, axis: (d / 2,))
    trace = Graph({"x": "N D"}, [("a", lazy, "x")]).forward(x=np.ones((2, 3)))
    with pytest.raises(
        ValueError, match="^" + re.escape("node a: its vjp must return shapes [(2, 3)]")
    ):
        trace.backward(np.ones(3))
