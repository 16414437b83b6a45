"""A small fully connected network with or without batch norm, and its training on the digits.

Each hidden layer is affine, then batch norm if asked for, then ReLU.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bnlib.layers import batchnorm_backward, batchnorm_forward
from bnlib.training.descent import Pass, he_weights, softmax_loss, step


class Layer(NamedTuple):
    """Weights (D_in, D_out), scale and shift (D_out,); without batch norm gamma is unused."""

    weight: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray


class Norm(NamedTuple):
    """A batch norm: its forward and its backward pass, as those of `bnlib.layers`."""

    forward: Callable
    backward: Callable


BATCH_NORM = Norm(batchnorm_forward, batchnorm_backward)


class Hidden(NamedTuple):
    """What a hidden layer received (N, D_in), what it made of it, and what its gradient needs."""

    received: np.ndarray
    activation: np.ndarray  # (N, D_out), before the ReLU
    scale: np.ndarray | float
    cache: object


class Trajectory(NamedTuple):
    """What was seen at every step of a training run.

    losses (steps,); mean and std (steps, D) of each feature that the middle hidden layer receives,
    over the same 256 images at every step; ahead (steps, K), the loss of the same batch after each
    of K trial steps.
    """

    losses: np.ndarray
    means: np.ndarray
    stds: np.ndarray
    ahead: np.ndarray


def initial_layers(sizes, rng, gain=1.0):
    """Return random layers: weights of standard deviation gain * sqrt(2 / D_in)."""
    return [
        Layer(he_weights((n_in, n_out), n_in, rng, gain), np.ones(n_out), np.zeros(n_out))
        for n_in, n_out in pairwise(sizes)
    ]


def hidden_layers(layers, x, *, norm, disturb=None):
    """Return the last hidden layer's output for a batch x (N, D), and a `Hidden` for each layer.

    Parameters
    ----------
    layers : list of Layer
    x : array, (N, D)
    norm : bool or Norm
        Batch norm in the hidden layers, or one of your own, such as one over several workers.
        Otherwise beta alone is added, as a bias.
    disturb : numpy.random.Generator, optional
        Draws a new random scale, 0.5 to 1.5, and shift, -0.5 to 0.5, for every feature behind
        every hidden norm.
    """
    hidden, norm = [], BATCH_NORM if norm is True else norm
    for weight, gamma, beta in layers[:-1]:
        a = x @ weight
        a, cache = norm.forward(a, gamma, beta) if norm else (a + beta, None)
        scale = 1.0
        if disturb is not None:
            scale = disturb.uniform(0.5, 1.5, a.shape[1])
            a = scale * a + disturb.uniform(-0.5, 0.5, a.shape[1])
        hidden.append(Hidden(x, a, scale, cache))
        x = np.maximum(a, 0)
    return x, hidden


def loss_and_gradients(layers, x, labels, *, norm, disturb=None, count=None):
    """Return the `Pass` of a batch x (N, D) with labels (N,): softmax loss and gradients.

    The other parameters are those of `hidden_layers`, and count that of `softmax_loss`.
    """
    norm = BATCH_NORM if norm is True else norm
    x, hidden = hidden_layers(layers, x, norm=norm, disturb=disturb)
    last = layers[-1]
    loss, dscores = softmax_loss(x @ last.weight + last.beta, labels, count)
    gradients = [Layer(x.T @ dscores, np.zeros_like(last.gamma), dscores.sum(axis=0))]
    dx = dscores @ last.weight.T
    for layer, seen in zip(reversed(layers[:-1]), reversed(hidden), strict=True):
        da = dx * (seen.activation > 0) * seen.scale
        dgamma, dbeta = np.zeros_like(layer.gamma), da.sum(axis=0)
        if norm:
            da, dgamma, dbeta = norm.backward(da, seen.cache)
        gradients.append(Layer(seen.received.T @ da, dgamma, dbeta))
        dx = da @ layer.weight.T
    return Pass(loss, gradients[::-1], [seen.cache for seen in hidden])


def train(
    x, labels, *, norm, rate, disturbed=False, depth=5, width=32, steps=100, seed=0, trials=()
):
    """Train a new network on batches of 128, and return what was seen on the way.

    Parameters
    ----------
    x : array, (N, D)
    labels : array of int, (N,)
    norm : bool
        Batch norm in the hidden layers.
    rate : float
        Learning rate of plain gradient descent.
    disturbed : bool, optional
        Put a new random scale and shift behind every hidden norm at every step.
    depth, width : int, optional
        Number and size of the hidden layers.
    steps : int, optional
    seed : int, optional
        For weights, batches and disturbance. Equal seeds give equal weights and batches.
    trials : sequence of float, optional
        Learning rates to try out at every step: what would the loss be after such a step?

    Returns
    -------
    Trajectory
    """
    rng = np.random.default_rng(seed)
    noise = np.random.default_rng(seed + 1) if disturbed else None
    layers = initial_layers([x.shape[1]] + [width] * depth + [labels.max() + 1], rng)
    passed = partial(loss_and_gradients, norm=norm, disturb=noise)
    losses, means, stds, ahead = [], [], [], []
    for _ in range(steps):
        chosen = rng.choice(len(x), 128, replace=False)
        batch = x[chosen], labels[chosen]
        seen = passed(layers, *batch)
        losses.append(seen.loss)
        tried = [step(layers, seen.gradients, trial) for trial in trials]
        ahead.append([passed(other, *batch).loss for other in tried])
        layers = step(layers, seen.gradients, rate)
        _, hidden = hidden_layers(layers, x[:256], norm=norm, disturb=noise)
        received = hidden[depth // 2].received
        means.append(received.mean(axis=0))
        stds.append(received.std(axis=0))
    return Trajectory(*map(np.array, (losses, means, stds, ahead)))
