"""Records how exact the frameworks' batch norm is in float32, far from zero.

    python tests/golden/offsets.py flax                     where Flax and JAX are installed
    python tests/golden/offsets.py pytorch keras_pytorch    PyTorch; Keras 3, which computes with it

The variance of a channel is taken in one pass or in two, and this tells which: a variance in one
pass, the mean of the squares minus the square of the mean, loses all digits at an offset of 1e4.
Any Python with NumPy and the framework will do; bnlib is not needed, and not used. The results go
to offsets.json, each with the versions that made it. None stands for NaN and infinity.
"""

import json
import os
import sys
from importlib import import_module
from math import fsum
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parent / "offsets.json"
OFFSETS = (0.0, *(10.0**k for k in range(1, 8)))
EPS = 1e-5


def batch(offset):
    """Return the batch: spread 1 about the offset, rounded to float32."""
    return (np.random.default_rng(0).normal(size=(16, 3, 16, 16)) + offset).astype(np.float32)


def exact(x):
    """Return what the rounded numbers are when normalized, in float64, sums rounded once."""
    y = np.empty(x.shape)
    for c in range(x.shape[1]):
        d = x[:, c].astype(float) - float(x[0, c, 0, 0])  # exact for neighbours
        d -= fsum(d.ravel()) / d.size
        y[:, c] = d / np.sqrt(fsum((d * d).ravel()) / d.size + EPS)
    return y


def pytorch(x, channels_last=False):
    """torch.nn.BatchNorm2d on the CPU."""
    import torch

    layout = torch.channels_last if channels_last else torch.contiguous_format
    layer = torch.nn.BatchNorm2d(x.shape[1], eps=EPS)
    return layer(torch.tensor(x).to(memory_format=layout)).detach().contiguous().numpy()


def flax(x, **options):
    """flax.linen.BatchNorm, axis 1, on the CPU."""
    import jax
    from flax import linen

    layer = linen.BatchNorm(axis=1, epsilon=EPS, use_running_average=False, **options)
    y, _ = layer.init_with_output(jax.random.key(0), x)
    return y


def keras(x, backend):
    """keras.layers.BatchNormalization, axis 1, on the CPU."""
    os.environ["KERAS_BACKEND"] = backend
    import keras

    layer = keras.layers.BatchNormalization(axis=1, epsilon=EPS)
    return keras.ops.convert_to_numpy(layer(x, training=True))


FRAMEWORKS = {
    "pytorch": {
        "PyTorch": (("torch",), pytorch),
        "PyTorch, channels_last": (("torch",), lambda x: pytorch(x, channels_last=True)),
    },
    "flax": {
        "Flax": (("flax", "jax"), flax),
        "Flax, use_fast_variance=False": (
            ("flax", "jax"),
            lambda x: flax(x, use_fast_variance=False),
        ),
    },
    "keras_pytorch": {
        "Keras 3 on PyTorch": (("keras", "torch"), lambda x: keras(x, "torch")),
    },
    "keras_jax": {"Keras 3 on JAX": (("keras", "jax"), lambda x: keras(x, "jax"))},
}


def recorded(packages, layer):
    """Return the versions, and the largest error at each offset, to two digits."""
    errors = [float(np.abs(np.asarray(layer(x)) - exact(x)).max()) for x in map(batch, OFFSETS)]
    return {
        "versions": {name: import_module(name).__version__ for name in ("numpy", *packages)},
        "errors": [float(f"{e:.2g}") if np.isfinite(e) else None for e in errors],
    }


def main(names):
    """Record the frameworks named, and keep what is stored of the others."""
    stored = json.loads(TARGET.read_text(encoding="utf-8")) if TARGET.exists() else {}
    stored["offsets"] = OFFSETS
    layers = stored.setdefault("layers", {})
    for name in names:
        for label, row in FRAMEWORKS[name].items():
            layers[label] = recorded(*row)
            print(label, layers[label])
    TARGET.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
