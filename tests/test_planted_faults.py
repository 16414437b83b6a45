"""Faults planted in every node of the graph and in every layer function: the checks must see each.

Every fault is one that people make. A check is trusted only because it accepts what is right and
rejects these: `assert_rejected` is where a check that lets one pass fails the build.
"""

import numpy as np
import pytest

from bnlib import cs231n, gradcheck, layers, reference
from bnlib.graph import Graph, batchnorm_graph
from bnlib.judges.gradcheck import compare_gradients
from tests.strategies import random_case

EPS = 1e-5
SHAPES = pytest.mark.parametrize("shape", [(6, 3), (2, 3, 4, 5)], ids=["(N, D)", "(N, C, H, W)"])


def assert_accepted(report):
    assert report.verdict == "right", f"a right gradient was not accepted; {report}"


def assert_rejected(report, *names):
    assert report.verdict == "wrong", f"a planted fault was not found; {report}"
    wrong = {line.split(" differs")[0] for line in report.reason.splitlines()}
    assert {name.strip() for name in wrong} == {str(name) for name in names}


# Node -> fault -> (the wrong vjp, the inputs whose gradient is then wrong).
# d is the gradient for the node's value y.
NODE_FAULTS = {
    "mean": {
        "without 1/m": (lambda d, y, x, axis: (np.ones_like(x) * np.expand_dims(d, axis),), "x"),
        "passes nothing on": (lambda d, y, x, axis: (0 * x,), "x"),
    },
    "x_minus_mean": {
        "the mean's minus is lost": (lambda d, y, x, mean: (d, d), "mean"),
        "x receives nothing": (lambda d, y, x, mean: (0 * d, -d), "x"),
    },
    "x_minus_mean_sqr": {
        "without 2": (lambda d, y, a: (a * d,), "x_minus_mean"),
        "the square itself": (lambda d, y, a: (2 * y * d,), "x_minus_mean"),
    },
    "var": {
        "without 1/m": (
            lambda d, y, sqr, axis: (np.ones_like(sqr) * np.expand_dims(d, axis),),
            "x_minus_mean_sqr",
        ),
        "by 1/(m - 1)": (
            lambda d, y, sqr, axis: (
                np.ones_like(sqr) * np.expand_dims(d, axis) / (sqr.size / d.size - 1),
            ),
            "x_minus_mean_sqr",
        ),
    },
    "sqrt_var": {
        "without 1/2": (lambda d, y, var: (d / y,), "var"),
        "without eps": (lambda d, y, var: (d / (2 * np.sqrt(var)),), "var"),
    },
    "one_over_sqrt_var": {
        "the minus is lost": (lambda d, y, std: (d * y * y,), "sqrt_var"),
        "1/std for 1/std^2": (lambda d, y, std: (-d * y,), "sqrt_var"),
    },
    "xhat": {
        "the variance receives nothing": (
            lambda d, y, a, inv_std: (d * inv_std, 0 * d),
            "one_over_sqrt_var",
        ),
        "the numerator receives nothing": (lambda d, y, a, inv_std: (0 * d, d * a), "x_minus_mean"),
    },
    "gamma_xhat": {
        "dxhat without gamma": (
            lambda d, y, gamma, xhat: (d * xhat, d * np.ones_like(xhat)),
            "xhat",
        ),
        "dgamma without xhat": (lambda d, y, gamma, xhat: (d, d * gamma), "gamma"),
    },
    "y": {
        "dbeta as a mean": (lambda d, y, a, beta: (d, d / (y.size / beta.size)), "beta"),
        "dbeta of the wrong sign": (lambda d, y, a, beta: (d, -d), "beta"),
    },
}
EVERY_NODE_FAULT = [
    pytest.param(node, vjp, wrong, id=f"{node}: {fault}")
    for node, faults in NODE_FAULTS.items()
    for fault, (vjp, wrong) in faults.items()
]


def with_fault(graph, node, vjp):
    """Return the graph with another vjp in one node."""
    steps = [
        (n.name, n.primitive._replace(vjp=vjp) if n.name == node else n.primitive, *n.inputs)
        for n in graph.nodes.values()
    ]
    return Graph(graph.inputs, steps)


def judge_value(trace, gradients, dout, name):
    return compare_gradients(
        trace.function_of(name), {name: trace[name]}, dout, gradients, method="complex"
    )


def judge_use(trace, gradients, dout, edge):
    return compare_gradients(
        trace.function_of(edge), {edge: trace[edge[0]]}, dout, gradients.edges, method="complex"
    )


def graph_case(shape):
    x, gamma, beta, dout = random_case(shape, seed=3)
    axes = "N D" if x.ndim == 2 else "N C H W"
    # An eps that counts beside the variance of 16, so that leaving it out is seen.
    return batchnorm_graph(axes, eps=1e-3), {"x": x, "gamma": gamma, "beta": beta}, dout


def test_every_node_has_its_faults():
    assert list(NODE_FAULTS) == list(batchnorm_graph().nodes)


@SHAPES
@pytest.mark.parametrize(("node", "vjp", "wrong"), EVERY_NODE_FAULT)
def test_fault_in_a_node_is_found_at_that_node(shape, node, vjp, wrong):
    graph, arguments, dout = graph_case(shape)
    trace = with_fault(graph, node, vjp).forward(**arguments)
    gradients = trace.backward(dout)
    # What the node receives is right, what it passes on is not: so the check names the place.
    assert_accepted(judge_value(trace, gradients, dout, node))
    for source in graph.nodes[node].inputs:
        report = judge_use(trace, gradients, dout, (source, node))
        if source == wrong:
            assert_rejected(report, (source, node))
        else:
            assert_accepted(report)


@SHAPES
@pytest.mark.parametrize(("node", "vjp", "wrong"), EVERY_NODE_FAULT)
def test_fault_in_a_node_is_found_in_dx_dgamma_or_dbeta(shape, node, vjp, wrong):
    graph, arguments, dout = graph_case(shape)
    trace = with_fault(graph, node, vjp).forward(**arguments)
    report = compare_gradients(
        lambda **values: graph.forward(**values).output, arguments, dout, trace.backward(dout)
    )
    assert_rejected(report, wrong if wrong in ("gamma", "beta") else "x")


@SHAPES
@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("x", "mean"),
        ("x", "x_minus_mean"),
        ("x_minus_mean", "xhat"),
        ("x_minus_mean", "x_minus_mean_sqr"),
    ],
)
def test_value_used_twice_that_keeps_one_gradient_is_found(shape, name, kept):
    graph, arguments, dout = graph_case(shape)
    trace = graph.forward(**arguments)
    gradients = trace.backward(dout)
    assert_accepted(judge_value(trace, gradients, dout, name))
    gradients[name] = gradients.edges[name, kept]  # the later one overwrites the sum
    assert_rejected(judge_value(trace, gradients, dout, name), name)


# The layer functions. In each check a right function passes, and its spoilt versions do not.


def graph_forward(x, gamma, beta):
    graph = batchnorm_graph("N D" if x.ndim == 2 else "N C H W")
    trace = graph.forward(x=x, gamma=gamma, beta=beta)
    return trace.output, trace


def graph_backward(dout, trace):
    gradients = trace.backward(dout)
    return gradients["x"], gradients["gamma"], gradients["beta"]


BACKWARDS = {
    "graph": ((2, 3, 4, 5), graph_forward, graph_backward),
    "layers.batchnorm_backward (N, D)": (
        (6, 3),
        layers.batchnorm_forward,
        layers.batchnorm_backward,
    ),
    "layers.batchnorm_backward (N, C, H, W)": (
        (2, 3, 4, 5),
        layers.batchnorm_forward,
        layers.batchnorm_backward,
    ),
    "layers.spatial_batchnorm_backward": (
        (2, 3, 4, 5),
        layers.spatial_batchnorm_forward,
        layers.spatial_batchnorm_backward,
    ),
    "cs231n.batchnorm_backward": (
        (6, 3),
        lambda x, gamma, beta: cs231n.batchnorm_forward(x, gamma, beta, {"mode": "train"}),
        cs231n.batchnorm_backward,
    ),
    "cs231n.batchnorm_backward_alt": (
        (6, 3),
        lambda x, gamma, beta: cs231n.batchnorm_forward(x, gamma, beta, {"mode": "train"}),
        cs231n.batchnorm_backward_alt,
    ),
    "cs231n.spatial_batchnorm_backward": (
        (2, 3, 4, 5),
        lambda x, gamma, beta: cs231n.spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"}),
        cs231n.spatial_batchnorm_backward,
    ),
}


def normalized(x, eps=EPS):
    axes = (0, *range(2, x.ndim))
    deviations = x - x.mean(axis=axes, keepdims=True)
    return deviations / np.sqrt(x.var(axis=axes, keepdims=True) + eps), axes


def column(v, x):
    return np.reshape(v, (1, -1) + (1,) * (x.ndim - 2))


def closed_form(x, gamma, dout, *, eps=EPS, mean_term=1, xhat_term=1, axes=None):
    """Return dx with terms that can be left out."""
    xhat, all_axes = normalized(x, eps)
    axes = all_axes if axes is None else axes
    dxhat = column(gamma, x) * dout
    through_mean = np.mean(dxhat, axis=axes, keepdims=True)
    through_var = xhat * np.mean(dxhat * xhat, axis=axes, keepdims=True)
    std = np.sqrt(x.var(axis=all_axes, keepdims=True) + eps)
    return (dxhat - mean_term * through_mean - xhat_term * through_var) / std


def spoilt(name, replacement):
    """Return a function that replaces one of dx, dgamma and dbeta."""
    position = ("x", "gamma", "beta").index(name)

    def spoil(gradients, x, gamma, dout):
        wrong = list(gradients)
        wrong[position] = replacement(gradients[position], x, gamma, dout)
        return wrong

    return spoil


BACKWARD_FAULTS = {
    "dx without the mean's term": (
        "x",
        lambda g, x, gamma, dout: closed_form(x, gamma, dout, mean_term=0),
    ),
    "dx without the variance's term": (
        "x",
        lambda g, x, gamma, dout: closed_form(x, gamma, dout, xhat_term=0),
    ),
    "dx with both statistics held fixed": (
        "x",
        lambda g, x, gamma, dout: closed_form(x, gamma, dout, mean_term=0, xhat_term=0),
    ),
    "dx without gamma": ("x", lambda g, x, gamma, dout: closed_form(x, 0 * gamma + 1, dout)),
    "dx for eps = 1e-3": ("x", lambda g, x, gamma, dout: closed_form(x, gamma, dout, eps=1e-3)),
    "dx averaged over other axes": (
        "x",
        lambda g, x, gamma, dout: closed_form(x, gamma, dout, axes=(0,) if x.ndim > 2 else (1,)),
    ),
    "dx by m/(m - 1)": ("x", lambda g, x, gamma, dout: g * 40 / 39),
    "dgamma without xhat": (
        "gamma",
        lambda g, x, gamma, dout: np.sum(dout, axis=normalized(x)[1]),
    ),
    "dgamma of x for xhat": (
        "gamma",
        lambda g, x, gamma, dout: np.sum(dout * x, axis=normalized(x)[1]),
    ),
    "dgamma as a mean": ("gamma", lambda g, x, gamma, dout: g * gamma.size / x.size),
    "dgamma in the order of another axis": ("gamma", lambda g, x, gamma, dout: g[::-1]),
    "dbeta as a mean": ("beta", lambda g, x, gamma, dout: g * gamma.size / x.size),
    "dbeta times gamma": ("beta", lambda g, x, gamma, dout: g * gamma),
    "dbeta of the first image": (
        "beta",
        lambda g, x, gamma, dout: dout[0].reshape(gamma.size, -1).sum(axis=1),
    ),
}


def judged(pair, spoil=None):
    """Return the verdict on a forward and backward function, whose gradients may be spoilt."""
    shape, forward, backward = BACKWARDS[pair]
    x, gamma, beta, dout = random_case(shape, seed=5)
    gradients = backward(dout, forward(x, gamma, beta)[1])
    if spoil:
        gradients = spoil(gradients, x, gamma, dout)
    return compare_gradients(forward, {"x": x, "gamma": gamma, "beta": beta}, dout, gradients)


@pytest.mark.parametrize("pair", BACKWARDS)
def test_right_backward_is_accepted(pair):
    assert_accepted(judged(pair))


@pytest.mark.parametrize("fault", BACKWARD_FAULTS)
@pytest.mark.parametrize("pair", BACKWARDS)
def test_fault_in_a_backward_is_rejected(pair, fault):
    name, replacement = BACKWARD_FAULTS[fault]
    assert_rejected(judged(pair, spoilt(name, replacement)), name)


@pytest.mark.parametrize("pair", BACKWARDS)
def test_gradient_that_is_right_but_for_one_entry_is_rejected(pair):
    def nudge(g, x, gamma, dout):
        g = g.copy()
        g.flat[-1] += 1e-4
        return g

    for name in ("x", "gamma", "beta"):
        assert_rejected(judged(pair, spoilt(name, nudge)), name)


# Forward and inference: judged by the loops.

FORWARDS = {
    "layers.batchnorm_forward": lambda *case: layers.batchnorm_forward(*case)[0],
    "layers.spatial_batchnorm_forward": lambda *case: layers.spatial_batchnorm_forward(*case)[0],
    "cs231n.spatial_batchnorm_forward": lambda *case: cs231n.spatial_batchnorm_forward(
        *case, {"mode": "train"}
    )[0],
    "graph": lambda *case: graph_forward(*case)[0],
}


def wrong_forward(axes=(0, 2, 3), ddof=0, eps=EPS, outside=0.0):
    def forward(x, gamma, beta):
        mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True, ddof=ddof)
        xhat = (x - mean) / (np.sqrt(var + eps) + outside)
        return column(gamma, x) * xhat + column(beta, x)

    return forward


FORWARD_FAULTS = {
    "statistics over (N, W)": wrong_forward(axes=(0, 3)),
    "statistics of each image": wrong_forward(axes=(2, 3)),
    "statistics of each position": wrong_forward(axes=(0,)),
    "statistics of the whole batch": wrong_forward(axes=(0, 1, 2, 3)),
    "the unbiased variance": wrong_forward(ddof=1),
    "eps = 1e-3": wrong_forward(eps=1e-3),
    "eps = 1e-7": wrong_forward(eps=1e-7),
    "eps outside the root": wrong_forward(eps=0, outside=EPS),
    "gamma and beta exchanged": lambda x, gamma, beta: wrong_forward()(x, beta, gamma),
    "beta left out": lambda x, gamma, beta: wrong_forward()(x, gamma, 0 * beta),
    "not centred": lambda x, gamma, beta: (
        column(gamma, x) * x / np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + EPS) + column(beta, x)
    ),
}


def agrees_with_the_loops(forward):
    """The check that judges a forward: 1e-9 is far above rounding, far below a changed eps."""
    x, gamma, beta, _ = random_case(seed=6)
    return (
        gradcheck.norm_error(forward(x, gamma, beta), reference.batchnorm_forward(x, gamma, beta))
        < 1e-9
    )


@pytest.mark.parametrize("forward", FORWARDS.values(), ids=FORWARDS)
def test_right_forward_agrees_with_the_loops(forward):
    assert agrees_with_the_loops(forward)


def test_formula_behind_the_faults_is_right_without_them():
    assert agrees_with_the_loops(wrong_forward())


@pytest.mark.parametrize("fault", FORWARD_FAULTS.values(), ids=FORWARD_FAULTS)
def test_fault_in_a_forward_is_rejected_by_the_loops(fault):
    assert not agrees_with_the_loops(fault)


def wrong_inference(eps=EPS, root=True, batch=False):
    def inference(x, gamma, beta, mean, var):
        if batch:
            mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        std = np.sqrt(var + eps) if root else var + eps
        return column(gamma / std, x) * (x - column(mean, x)) + column(beta, x)

    return inference


def inference_agrees_with_the_loops(inference):
    x, gamma, beta, _ = random_case(seed=7)
    statistics = np.array([9.0, 11.0, 8.0]), np.array([15.0, 20.0, 12.0])
    y = inference(x, gamma, beta, *statistics)
    return (
        gradcheck.norm_error(y, reference.batchnorm_inference(x, gamma, beta, *statistics)) < 1e-9
    )


@pytest.mark.parametrize(
    "inference", [layers.batchnorm_inference, layers.spatial_batchnorm_inference, wrong_inference()]
)
def test_right_inference_agrees_with_the_loops(inference):
    assert inference_agrees_with_the_loops(inference)


@pytest.mark.parametrize(
    "fault",
    [
        wrong_inference(batch=True),
        wrong_inference(eps=0),
        wrong_inference(eps=1e-3),
        wrong_inference(root=False),
        lambda x, gamma, beta, mean, var: wrong_inference()(x, gamma, beta, var, mean),
    ],
    ids=["the batch's statistics", "no eps", "eps = 1e-3", "no root", "mean and var exchanged"],
)
def test_fault_in_an_inference_is_rejected_by_the_loops(fault):
    assert not inference_agrees_with_the_loops(fault)


# The checks of these checks


@pytest.mark.parametrize("verdict", ["right", "refused"])
def test_judge_that_accepts_everything_or_refuses_fails_this_file(monkeypatch, verdict):
    blind = gradcheck.Comparison(verdict, "whatever it is", {})
    monkeypatch.setitem(globals(), "compare_gradients", lambda *args, **kwargs: blind)
    with pytest.raises(AssertionError, match="a planted fault was not found"):
        test_fault_in_a_backward_is_rejected("layers.batchnorm_backward (N, D)", "dx without gamma")
    node, vjp, wrong = EVERY_NODE_FAULT[0].values
    with pytest.raises(AssertionError, match="a planted fault was not found"):
        test_fault_in_a_node_is_found_in_dx_dgamma_or_dbeta((6, 3), node, vjp, wrong)


def test_judge_that_rejects_everything_fails_this_file(monkeypatch):
    severe = gradcheck.Comparison("wrong", "x differs", {})
    monkeypatch.setitem(globals(), "compare_gradients", lambda *args, **kwargs: severe)
    with pytest.raises(AssertionError, match="a right gradient was not accepted"):
        test_right_backward_is_accepted("layers.batchnorm_backward (N, D)")


@pytest.mark.parametrize("upstream", ["ones", "sum of squares"])
def test_usual_check_accepts_a_wrong_backward_where_ours_refuses_to_judge(upstream):
    x, gamma, beta, _ = random_case((6, 3))

    def forward(x):
        return layers.batchnorm_forward(x, gamma, beta)[0]

    dout = np.ones_like(x) if upstream == "ones" else forward(x)
    wrong = closed_form(x, 2 * gamma, dout)  # twice what it should be
    numeric = gradcheck.numerical_gradient(forward, x, dout)
    assert np.allclose(wrong, numeric, atol=1e-5)  # the usual check: all is well
    assert compare_gradients(forward, x, dout, wrong).verdict == "refused"
