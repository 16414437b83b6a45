"""What both networks are trained with: the loss and its gradient, a step, initial weights."""

import numpy as np
import pytest

from bnlib.judges.gradcheck import numerical_gradient
from bnlib.training import convnet, mlp
from bnlib.training.descent import he_weights, softmax_loss, step

RNG = np.random.default_rng(0)


def test_softmax_loss_has_the_right_gradient():
    scores, labels = RNG.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    loss, dscores = softmax_loss(scores, labels)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(loss, -np.log(p[range(5), labels]).mean(), rtol=1e-14)
    numeric = numerical_gradient(lambda s: softmax_loss(s, labels)[0], scores)
    np.testing.assert_allclose(dscores, numeric, rtol=0, atol=1e-9)  # rounding over h


def test_softmax_loss_of_large_scores_is_finite():
    loss, dscores = softmax_loss(np.array([[1e4, 0.0], [0.0, 1e4]]), np.array([0, 0]))
    assert loss == 5e3  # 0 and 1e4
    assert dscores.tolist() == [[0, 0], [-0.5, 0.5]]


LAYERS = {
    "mlp": mlp.initial_layers([5, 4, 3], RNG),
    "convnet": convnet.initial_layers((1, 4, 4), (4, 8), 3, RNG),
}


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_step_goes_against_the_gradient_and_keeps_the_kind_of_layer(layers):
    gradients = [type(layer)(*(RNG.standard_normal(p.shape) for p in layer)) for layer in layers]
    for before, after, gradient in zip(
        layers, step(layers, gradients, 0.5), gradients, strict=True
    ):
        assert type(after) is type(before)
        for p, q, g in zip(before, after, gradient, strict=True):
            assert (q == p - 0.5 * g).all()


def test_he_weights_have_the_standard_deviation_asked_for():
    weight = he_weights((400, 50, 3, 3), 450, RNG, gain=3.0)
    # 180,000 draws: their standard deviation scatters by 1 / sqrt(360,000), a sixth of a percent.
    np.testing.assert_allclose(weight.std(), 3 * np.sqrt(2 / 450), rtol=0.01)


def test_he_weights_keep_the_mean_square_through_a_relu():
    x = np.maximum(RNG.standard_normal((500, 300)), 0)
    y = np.maximum(x @ he_weights((300, 400), 300, RNG), 0)
    np.testing.assert_allclose(np.mean(y**2), np.mean(x**2), rtol=0.05)  # seen: below 0.02
