"""What both networks are trained with: initial weights, the softmax loss, gradient descent.

Layers are a list of tuples of arrays, and gradients have the same structure.
"""

from typing import NamedTuple

import numpy as np


class Pass(NamedTuple):
    """Loss, its gradients, and what each layer's normalization keeps: its cache."""

    loss: float
    gradients: list
    caches: list


def he_weights(shape, fan_in, rng, gain=1.0):
    """Return random weights of standard deviation gain * sqrt(2 / fan_in), for a ReLU."""
    return rng.standard_normal(shape) * gain * np.sqrt(2 / fan_in)


def softmax_loss(scores, labels, count=None):
    """Return the mean cross-entropy of scores (N, K) with labels (N,), and its gradient (N, K).

    Where these are one shard of a batch, count is the number of images in all of it. Losses and
    gradients of the shards then add up to those of the batch.
    """
    count = len(labels) if count is None else count
    rows = np.arange(len(labels))
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dscores = np.exp(log_p)
    dscores[rows, labels] -= 1
    return -log_p[rows, labels].sum() / count, dscores / count


def step(layers, gradients, rate):
    """Return the layers after one step of gradient descent."""
    return [
        type(layer)(*(p - rate * g for p, g in zip(layer, gradient, strict=True)))
        for layer, gradient in zip(layers, gradients, strict=True)
    ]
