"""The convolutional network: its gradients, and what it learns."""

import sys

import numpy as np
import pytest

from bnlib import convnet, data
from bnlib.judges.gradcheck import numerical_gradient


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def network(seed=0):
    layers = convnet.initial_layers((1, 4, 4), (4, 8), 3, np.random.default_rng(seed))
    rng = np.random.default_rng(seed + 1)  # gamma not 1, beta and bias not 0
    return [
        type(layer)(*(p + 0.3 * rng.standard_normal(p.shape) for p in layer)) for layer in layers
    ]


@pytest.mark.parametrize("norm", convnet.NORMS)
def test_gradient_of_every_parameter_is_right(norm):
    layers, x, labels = network(), drawn(3, 1, 4, 4, seed=5), np.array([0, 2, 1])
    way = convnet.NORMS[norm]
    seen = convnet.loss_and_gradients(layers, x, labels, way)
    for number, layer in enumerate(layers):
        for name, value in layer._asdict().items():

            def loss(v, number=number, name=name):
                changed = [*layers]
                changed[number] = layers[number]._replace(**{name: v})
                return convnet.loss_and_gradients(changed, x, labels, way).loss

            gradient = getattr(seen.gradients[number], name)
            # Differences at h = 1e-6, small so that no ReLU flips: rounding 1e-16 / h = 1e-10.
            numeric = numerical_gradient(loss, value, h=1e-6)
            np.testing.assert_allclose(gradient, numeric, rtol=0, atol=2e-9, err_msg=name)


def test_bias_before_batch_norm_has_no_gradient():
    seen = convnet.loss_and_gradients(
        network(), drawn(3, 1, 4, 4), np.array([0, 2, 1]), convnet.NORMS["batch"]
    )
    assert all(np.abs(block.bias).max() < 1e-15 for block in seen.gradients[:-1])  # rounding


def test_gradients_have_the_shapes_of_the_layers():
    seen = convnet.loss_and_gradients(network(), drawn(3, 1, 4, 4), np.array([0, 2, 1]), None)
    for layer, gradient in zip(network(), seen.gradients, strict=True):
        assert [p.shape for p in gradient] == [p.shape for p in layer]


# Training


@pytest.fixture(scope="module")
def digits():
    images, labels = data.digits()
    images = (images - images.mean()) / images.std()
    order = np.random.default_rng(0).permutation(len(images))
    fifth = len(images) // 5
    held_out, rest = order[:fifth], order[fifth:]
    return images[rest], labels[rest], (images[held_out], labels[held_out])


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]
)
def test_batch_norm_reaches_97_percent(digits, seed):
    x, labels, held_out = digits
    model, history = convnet.train(x, labels, seed=seed, epochs=6, held_out=held_out)
    assert history.accuracies[-1] >= 0.97  # seen: 0.981 to 0.994
    assert history.accuracies[-1] == model.accuracy(*held_out)
    assert len(history.losses) == 6 * (1438 // 64)


def small(digits, **options):
    x, labels, _ = digits
    return convnet.train(x[:64], labels[:64], epochs=2, batch_size=16, widths=(4, 8), **options)


@pytest.mark.parametrize("norm", convnet.NORMS)
def test_every_norm_lowers_the_loss(digits, norm):
    _, history = small(digits, norm=norm)
    assert history.losses[-1] < history.losses[0]


def test_equal_seeds_give_equal_runs_and_others_do_not(digits):
    first, again, other = (small(digits, seed=seed)[1].losses for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).all()


def test_equal_seeds_give_equal_weights_and_batches_whatever_the_norm(digits):
    plain, normed = (
        small(digits, norm=norm, rate=0.0)[0].layers[0].weight for norm in ("none", "batch")
    )
    assert (plain == normed).all()


def test_images_in_float32_give_a_network_in_float32(digits):
    x, labels, _ = digits
    model, _ = convnet.train(x[:64].astype(np.float32), labels[:64], epochs=1, widths=(4, 8))
    assert {p.dtype for layer in model.layers for p in layer} == {np.dtype(np.float32)}


def test_a_training_that_fails_says_so_in_its_history(digits):
    _, history = small(digits, norm="none", rate=1e200)
    assert not np.isfinite(history.losses[-1])


def test_evaluation_treats_each_image_alone_and_training_does_not(digits):
    model, _ = small(digits)
    x = digits[0][:8]
    alone = np.concatenate([model.scores(image[None]) for image in x])
    np.testing.assert_allclose(model.scores(x), alone, rtol=0, atol=1e-12)  # matrix products
    in_training = model._replace(running=None)
    assert np.abs(in_training.scores(x)[:4] - in_training.scores(x[:4])).max() > 0.01


def test_recalibrated_on_a_batch_evaluation_does_what_training_did(digits):
    model, _ = small(digits)
    x = digits[0][:64]
    recalibrated = model.recalibrated(x).scores(x)
    in_training = model._replace(running=None).scores(x)
    np.testing.assert_allclose(recalibrated, in_training, rtol=0, atol=1e-12)  # rounding
    assert np.abs(model.scores(x) - in_training).max() > 0.01


def test_progress_is_shown_only_if_asked_for(digits, capsys):
    small(digits)
    assert capsys.readouterr().err == ""
    small(digits, progress=True)
    assert "epoch" in capsys.readouterr().err


def test_tqdm_is_not_needed_without_progress(digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    small(digits)
    with pytest.raises(ImportError):
        small(digits, progress=True)
