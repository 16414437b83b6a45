"""The cases that the onnx package ships for implementations of BatchNormalization."""

import warnings
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.loader import load_model_tests
from onnx.reference import ReferenceEvaluator

from bnlib.conventions import ONNX
from bnlib.layers import batchnorm_forward, batchnorm_inference
from bnlib.running import RunningStatistics


def node_cases():
    """Yield name, attributes, inputs and expected outputs of the operator's own cases."""
    state = np.random.get_state()  # noqa: NPY002  onnx seeds it while it makes its cases
    from onnx.backend.test.case.node import _NodeTestCases, batch_normalization  # noqa: F401

    np.random.set_state(state)  # noqa: NPY002
    for case in _NodeTestCases:
        if case.name.startswith("test_batchnorm_"):
            [(inputs, outputs)] = case.data_sets
            yield case.name, attributes(case.model), inputs, outputs


def converted_cases():
    """Yield the same of the cases that onnx once converted from PyTorch, stored as files."""
    for case in load_model_tests(kind="pytorch-converted"):
        if case.name.startswith("test_BatchNorm"):
            model = onnx.load(f"{case.model_dir}/model.onnx")
            x, y = (
                read(f"{case.model_dir}/test_data_set_0/{name}_0.pb")
                for name in ("input", "output")
            )
            weights = [numpy_helper.to_array(w) for w in model.graph.initializer]
            yield case.name, attributes(model), [x, *weights], [y]


def read(path):
    with open(path, "rb") as file:
        return numpy_helper.to_array(TensorProto.FromString(file.read()))


def attributes(model):
    [node] = model.graph.node
    assert node.op_type == "BatchNormalization"
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


CASES = {name: case for name, *case in (*node_cases(), *converted_cases())}
TRAINING = [name for name, (attribute, *_) in CASES.items() if attribute.get("training_mode")]
INFERENCE = [name for name in CASES if name not in TRAINING]


def answers(convention, attribute, inputs):
    """Return what bnlib puts out for a case: y, and in training the new running statistics."""
    # Single attributes overwrite the convention, as the operator's definition says.
    known = {"epsilon": "eps", "momentum": "momentum"}
    convention = replace(convention, **{known[k]: v for k, v in attribute.items() if k in known})
    x, gamma, beta, mean, var = inputs
    running = RunningStatistics(mean, var)
    if not attribute.get("training_mode"):
        return [batchnorm_inference(x, gamma, beta, **running.for_inference(convention))]
    y, cache = batchnorm_forward(x, gamma, beta, eps=convention.eps)
    running = running.update(cache.statistics, convention)
    return [y, running.mean, running.var]


def agrees(convention, name):
    """Say for each output of a case whether bnlib's is close."""
    attribute, inputs, outputs = CASES[name]
    # Expected outputs are float32, of values up to about 10, some of them rounded on the way.
    # onnx itself allows 1e-3.
    pairs = zip(answers(convention, attribute, inputs), outputs, strict=True)
    return [np.allclose(ours, theirs, rtol=1e-5, atol=1e-5) for ours, theirs in pairs]


def test_package_ships_cases_in_both_modes():
    assert len(TRAINING) >= 2
    assert len(INFERENCE) >= 7


@pytest.mark.parametrize("name", INFERENCE)
def test_inference_case_is_reproduced(name):
    assert agrees(ONNX, name) == [True]


@pytest.mark.parametrize("name", TRAINING)
def test_training_case_is_reproduced(name):
    assert agrees(ONNX, name) == [True, True, True]


@pytest.mark.parametrize("name", TRAINING)
def test_flipped_momentum_fails_the_training_cases(name):
    assert agrees(replace(ONNX, weighs="new"), name) == [True, False, False]


@pytest.mark.parametrize("name", TRAINING)
def test_wrong_divisor_fails_the_training_cases(name):
    assert agrees(replace(ONNX, divisor="m - 1"), name) == [True, True, False]


@pytest.mark.parametrize("name", ["test_batchnorm_example", "test_batchnorm_example_training_mode"])
def test_wrong_eps_fails_the_cases_that_leave_it_to_the_default(name):
    assert not agrees(replace(ONNX, eps=1e-3), name)[0]


def test_defaults_are_those_of_the_operators_definition():
    schema = onnx.defs.get_schema("BatchNormalization")
    defaults = {name: a.default_value.f for name, a in schema.attributes.items()}
    # The definition stores them as float32.
    assert defaults["epsilon"] == np.float32(ONNX.eps)
    assert defaults["momentum"] == np.float32(ONNX.momentum)


def reference_training(x):
    """Return y and the new running statistics of onnx's own evaluator, from mean 0, variance 1."""
    node = helper.make_node(
        "BatchNormalization",
        ["x", "scale", "B", "mean", "var"],
        ["y", "new_mean", "new_var"],
        training_mode=1,
    )
    model = {"x": x, "scale": np.ones(3, x.dtype), "B": np.full(3, 5, x.dtype)}
    model |= {"mean": np.zeros(3, x.dtype), "var": np.ones(3, x.dtype)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing
        return ReferenceEvaluator(node).run(None, model)


def test_one_value_per_channel_gives_beta_in_onnxs_own_evaluator():
    x = np.array([[3.0, 4.0, 7.0]])
    y, mean, var = reference_training(x)
    assert (ONNX.one_value, y.tolist()) == ("beta", [[5, 5, 5]])
    running = RunningStatistics(np.zeros(3), np.ones(3)).update(x, ONNX)
    # onnx's momentum is 0.9 in float32.
    np.testing.assert_allclose([running.mean, running.var], [mean, var], rtol=1e-6)


def test_empty_batch_gives_nan_in_onnxs_own_evaluator():
    _, mean, var = reference_training(np.ones((0, 3, 2, 4)))
    assert ONNX.empty_batch == "nan"
    assert np.isnan([mean, var]).all()
