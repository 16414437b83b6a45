"""The fully connected network of notebook 01: its gradients, and what its trajectory holds."""

import numpy as np
import pytest

from bnlib import mlp
from bnlib.judges.gradcheck import numerical_gradient

RNG = np.random.default_rng(0)
X, LABELS = RNG.standard_normal((6, 5)), np.array([0, 2, 1, 1, 0, 2])


@pytest.mark.parametrize("norm", [True, False])
def test_gradient_of_every_parameter_is_right(norm):
    layers = [
        mlp.Layer(*(p + 0.3 * RNG.standard_normal(p.shape) for p in layer))
        for layer in mlp.initial_layers([5, 4, 4, 3], np.random.default_rng(1))
    ]
    gradients = mlp.loss_and_gradients(layers, X, LABELS, norm=norm).gradients
    for number, layer in enumerate(layers):
        for name, value in layer._asdict().items():

            def loss(v, number=number, name=name):
                changed = [*layers]
                changed[number] = layers[number]._replace(**{name: v})
                return mlp.loss_and_gradients(changed, X, LABELS, norm=norm).loss

            # Differences at h = 1e-6, small so that no ReLU flips: rounding 1e-16 / h = 1e-10.
            np.testing.assert_allclose(
                getattr(gradients[number], name),
                numerical_gradient(loss, value, h=1e-6),
                rtol=0,
                atol=2e-9,
            )


def run(**options):
    x, labels = RNG.standard_normal((200, 5)), np.arange(200) % 3
    options = {"norm": True, "rate": 0.1, "depth": 2, "width": 4, "steps": 3} | options
    return mlp.train(x, labels, **options)


def test_trajectory_holds_every_step():
    seen = run(trials=(0.1, 1.0))
    assert seen.losses.shape == (3,)
    assert seen.means.shape == seen.stds.shape == (3, 4)
    assert seen.ahead.shape == (3, 2)


def test_trial_step_of_size_zero_changes_no_loss():
    seen = run(trials=(0.0,))
    np.testing.assert_allclose(seen.ahead[:, 0], seen.losses, rtol=1e-15)


def test_disturbance_scales_and_shifts_what_the_norm_puts_out():
    layers = mlp.initial_layers([5, 4, 3], np.random.default_rng(1))
    _, [calm] = mlp.hidden_layers(layers, X, norm=True)
    rng = np.random.default_rng(2)
    _, [disturbed] = mlp.hidden_layers(layers, X, norm=True, disturb=rng)
    rng = np.random.default_rng(2)
    scale, shift = rng.uniform(0.5, 1.5, 4), rng.uniform(-0.5, 0.5, 4)
    assert (disturbed.activation == scale * calm.activation + shift).all()
