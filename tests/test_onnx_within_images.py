"""The cases that the onnx package ships for layer, instance and group normalization."""

import numpy as np
import pytest
from onnx import helper

from bnlib import groupnorm_forward, instancenorm_forward, layernorm_forward

OPERATORS = {"LayerNormalization": 19, "InstanceNormalization": 2, "GroupNormalization": 2}


def node_cases():
    """Yield name, operator, attributes, inputs and expected outputs."""
    state = np.random.get_state()  # noqa: NPY002  onnx seeds it while it makes its cases
    from onnx.backend.test.case.node import (
        _NodeTestCases,
        groupnormalization,  # noqa: F401
        instance_normalization,  # noqa: F401
        layernormalization,  # noqa: F401
    )

    np.random.set_state(state)  # noqa: NPY002
    for case in _NodeTestCases:
        node = case.model.graph.node[0]
        if node.op_type in OPERATORS:
            [(inputs, outputs)] = case.data_sets
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            yield case.name, node.op_type, attributes, inputs, outputs


CASES = {name: case for name, *case in node_cases()}


def layer_normalization(x, gamma, beta, *, axis=-1, epsilon=1e-5):
    """Return y, mean and inv_std over the last axes, through layer norm's form for tables."""
    rows = int(np.prod(x.shape[: axis % x.ndim]))
    y, cache = layernorm_forward(x.reshape(rows, -1), gamma.ravel(), beta.ravel(), eps=epsilon)
    return y, cache.normalized.mean, cache.normalized.inv_std


def instance_normalization(x, gamma, beta, *, epsilon=1e-5):
    return instancenorm_forward(x, gamma, beta, eps=epsilon)[:1]


def group_normalization(x, gamma, beta, *, num_groups, epsilon=1e-5):
    return groupnorm_forward(x, gamma, beta, num_groups, eps=epsilon)[:1]


FUNCTIONS = dict(
    zip(OPERATORS, (layer_normalization, instance_normalization, group_normalization), strict=True)
)


def agrees(name, **changed):
    """Say for each output of a case whether bnlib's is close."""
    operator, attributes, inputs, outputs = CASES[name]
    ours = FUNCTIONS[operator](*inputs, **attributes | changed)
    # Expected outputs are float32, some of them rounded on the way; onnx itself allows 1e-3.
    return [
        np.allclose(a.reshape(b.shape), b, rtol=1e-5, atol=1e-5)
        for a, b in zip(ours, outputs, strict=True)
    ]


def test_package_ships_cases_of_all_three_operators():
    operators = [operator for operator, *_ in CASES.values()]
    assert all(operators.count(name) >= least for name, least in OPERATORS.items())


@pytest.mark.parametrize("name", CASES)
def test_case_is_reproduced(name):
    assert all(agrees(name))


@pytest.mark.parametrize("name", CASES)
def test_wrong_eps_fails_the_case(name):
    assert not agrees(name, epsilon=0.5)[0]


@pytest.mark.parametrize("name", [n for n, (op, *_) in CASES.items() if op[0] == "G"])
def test_wrong_number_of_groups_fails_the_case(name):
    assert not agrees(name, num_groups=4)[0]


def test_wrong_axis_fails_the_case():
    _, _, (x, gamma, beta), (y, *_) = CASES["test_layer_normalization_4d_axis1"]
    other, *_ = layer_normalization(x, gamma[0, 0], beta[0, 0], axis=3)
    assert not np.allclose(other.reshape(y.shape), y, rtol=1e-3, atol=1e-3)
