"""A small convolutional network for the digits, and its training.

Each block is convolution, normalization, ReLU, 2 x 2 pooling; an affine layer and the
softmax loss follow. The normalization is an argument.
"""

from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bnlib import layers
from bnlib.conventions import PYTORCH
from bnlib.running import RunningStatistics
from bnlib.statistics import batch_statistics
from bnlib.training.convolution import (
    convolve,
    filter_gradients,
    input_gradient,
    pool,
    pool_backward,
)
from bnlib.training.descent import Pass, he_weights, softmax_loss, step


class Block(NamedTuple):
    """Filters (C, C_in, 3, 3), bias, scale and shift (C,); unnormalized, gamma and beta rest."""

    weight: np.ndarray
    bias: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray


class Affine(NamedTuple):
    """The last layer: weights (D, K) and bias (K,)."""

    weight: np.ndarray
    bias: np.ndarray


class Norm(NamedTuple):
    """forward(x, gamma, beta) -> (y, cache), and backward(dout, cache) -> dx, dgamma, dbeta."""

    forward: object
    backward: object


NORMS = {
    "none": None,
    "batch": Norm(layers.batchnorm_forward, layers.batchnorm_backward),
    "layer": Norm(layers.layernorm_forward, layers.layernorm_backward),
    "instance": Norm(layers.instancenorm_forward, layers.instancenorm_backward),
    "group": Norm(partial(layers.groupnorm_forward, groups=4), layers.groupnorm_backward),
}


class History(NamedTuple):
    """losses (steps,), NaN where training has failed; accuracies (epochs,) on held-out images."""

    losses: np.ndarray
    accuracies: np.ndarray


class Model(NamedTuple):
    """A trained network: its layers, the normalization, and batch norm's running statistics.

    Where there are no running statistics, evaluation normalizes as training does.
    """

    layers: list
    norm: Norm | None
    running: list | None = None

    def scores(self, x):
        """Return the scores (N, K) of images (N, C, H, W)."""
        return _scores(self.layers, x, self.norm, self.running)[0]

    def accuracy(self, x, labels):
        """Return the share of images whose highest score is their label's."""
        return float(np.mean(self.scores(x).argmax(axis=1) == labels))

    def recalibrated(self, x):
        """Return the model with running statistics measured on these images, as one batch."""
        _, saved = _scores(self.layers, x, self.norm)
        measured = [batch_statistics(each.convolved) for each in saved]
        return self._replace(running=[RunningStatistics(s.mean, s.var) for s in measured])


def initial_layers(shape, widths, classes, rng, gain=1.0):
    """Return random layers for images (C, H, W): std gain * sqrt(2 / fan_in), the affine's gain 1.

    Parameters
    ----------
    shape : tuple
        Of an image; H and W divisible by 2 for every block.
    widths : sequence of int
        Channels of each block.
    classes : int
    rng : numpy.random.Generator
    gain : float, optional
    """
    channels, height, width = shape
    blocks = [
        Block(
            he_weights((c, c_in, 3, 3), 9 * c_in, rng, gain), np.zeros(c), np.ones(c), np.zeros(c)
        )
        for c_in, c in pairwise([channels, *widths])
    ]
    features = widths[-1] * height * width // 4 ** len(widths)
    weight = rng.standard_normal((features, classes)) * np.sqrt(1 / features)
    return [*blocks, Affine(weight, np.zeros(classes))]


def loss_and_gradients(layers, x, labels, norm):
    """Return the `Pass` of images (N, C, H, W) through the layers; norm is a `Norm` or None."""
    scores, saved = _scores(layers, x, norm)
    loss, dscores = softmax_loss(scores, labels)
    last, features = layers[-1], saved[-1].out.reshape(len(x), -1)
    gradients = [Affine(features.T @ dscores, dscores.sum(axis=0))]
    dout = (dscores @ last.weight.T).reshape(saved[-1].out.shape)
    for block, seen in zip(reversed(layers[:-1]), reversed(saved), strict=True):
        a = seen.normalized
        da = pool_backward(dout, np.maximum(a, 0)) * (a > 0)
        dgamma, dbeta = np.zeros_like(block.gamma), np.zeros_like(block.beta)
        if norm is not None:
            da, dgamma, dbeta = norm.backward(da, seen.cache)
        gradients.append(Block(*filter_gradients(da, seen.x, block.weight), dgamma, dbeta))
        if seen is not saved[0]:  # the images themselves need no gradient
            dout = input_gradient(da, block.weight)
    return Pass(loss, gradients[::-1], [seen.cache for seen in saved])


def train(
    images,
    labels,
    *,
    norm="batch",
    rate=0.3,
    epochs=5,
    batch_size=64,
    widths=(16, 32),
    gain=1.0,
    seed=0,
    held_out=None,
    convention=PYTORCH,
    progress=False,
):
    """Train a new network by plain gradient descent.

    Parameters
    ----------
    images : array, (N, C, H, W)
        Its dtype is the network's.
    labels : array of int, (N,)
    norm : str or Norm, optional
        One of `NORMS`, or another.
    rate : float, optional
        Learning rate.
    epochs, batch_size : int, optional
        An epoch is all images once, in a new random order, but for an incomplete last batch.
    widths : sequence of int, optional
        Channels of each block.
    gain : float, optional
        Scale of the blocks' initial weights.
    seed : int, optional
        For weights and batches. Equal seeds give equal weights and batches, whatever the norm.
    held_out : (images, labels), optional
        For the accuracy after every epoch.
    convention : Convention, optional
        Of batch norm's running statistics.
    progress : bool, optional
        Show a progress bar, with tqdm.

    Returns
    -------
    Model, History
    """
    rng = np.random.default_rng(seed)
    start = initial_layers(images.shape[1:], widths, int(labels.max()) + 1, rng, gain)
    network = [type(layer)(*(p.astype(images.dtype) for p in layer)) for layer in start]
    running = (
        [RunningStatistics.initial(c, convention) for c in widths] if norm == "batch" else None
    )
    model = Model(network, NORMS[norm] if isinstance(norm, str) else norm, running)
    losses, accuracies = [], []
    with np.errstate(all="ignore"):  # training may fail, and the history says so
        for _ in _counted(epochs, progress):
            order = rng.permutation(len(images))
            for chosen in order[: len(order) // batch_size * batch_size].reshape(-1, batch_size):
                model, loss = _train_step(model, images[chosen], labels[chosen], rate, convention)
                losses.append(loss)
            if held_out is not None:
                accuracies.append(model.accuracy(*held_out))
    return model, History(np.array(losses), np.array(accuracies))


def _train_step(model, x, labels, rate, convention):
    seen = loss_and_gradients(model.layers, x, labels, model.norm)
    running = model.running and [
        value.update(cache.statistics, convention)
        for value, cache in zip(model.running, seen.caches, strict=True)
    ]
    return Model(step(model.layers, seen.gradients, rate), model.norm, running), seen.loss


class _Seen(NamedTuple):
    x: np.ndarray
    convolved: np.ndarray
    normalized: np.ndarray
    cache: object
    out: np.ndarray


def _scores(layers, x, norm, running=None):
    """Return the scores, and what each block saw; with running statistics, as in evaluation."""
    saved = []
    for number, block in enumerate(layers[:-1]):
        convolved = convolve(x, block.weight, block.bias)
        normalized, cache = _normalize(convolved, block, norm, running and running[number])
        out = pool(np.maximum(normalized, 0))
        saved.append(_Seen(x, convolved, normalized, cache, out))
        x = out
    last = layers[-1]
    return x.reshape(len(x), -1) @ last.weight + last.bias, saved


def _normalize(a, block, norm, running):
    if norm is None:
        return a, None
    if running is None:
        return norm.forward(a, block.gamma, block.beta)
    y = layers.batchnorm_inference(a, block.gamma, block.beta, running.mean, running.var)
    return y, None


def _counted(epochs, progress):
    if not progress:
        return range(epochs)
    from tqdm import tqdm

    return tqdm(range(epochs), unit="epoch", leave=False)
