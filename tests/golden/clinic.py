"""Records what PyTorch and Keras themselves do in the cases of notebook 11, the clinic.

    python tests/golden/clinic.py       where PyTorch, Keras 3 and TensorFlow are installed

Any Python with NumPy and these will do; bnlib is not needed, and not used. Most batches are the
three rows of `ROWS`, so that each number can be followed by hand. The results go to clinic.json,
with the versions that made them. Numbers are float64 where nothing else is said; NaN and infinity
are written as words.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parent / "clinic.json"
ROWS = [[1.0], [2.0], [6.0]]
PADDED = [[[1.0, 3.0, 5.0, 0.0, 0.0, 0.0]]] * 2


def number(value):
    """Return a number that JSON can hold."""
    value = float(value)
    return value if np.isfinite(value) else str(value)


def statistics(layer):
    """Return running mean and variance of one channel, of a PyTorch or a Keras layer."""
    pair = (
        (layer.running_mean, layer.running_var)
        if hasattr(layer, "running_mean")
        else (layer.moving_mean, layer.moving_variance)
    )
    return [number(v[0]) for v in pair]


def torch_layer(channels=1, **settings):
    import torch

    return torch.nn.BatchNorm1d(channels, dtype=torch.float64, **settings)


def rows():
    import torch

    return torch.tensor(ROWS, dtype=torch.float64)


def keras_layer(shape=(None, 1), **settings):
    import keras

    layer = keras.layers.BatchNormalization(dtype="float64", **settings)
    layer.build(shape)
    return layer


def case_1():
    """Train one batch with gamma and beta frozen, in each of the ways that people try."""
    import torch

    found = {}
    layer = torch_layer()
    layer.requires_grad_(False)
    layer(rows())
    found["PyTorch, requires_grad=False"] = statistics(layer)
    for order in (("eval", "train"), ("train", "eval")):
        layer = torch_layer()
        network = torch.nn.Sequential(layer)
        for call in order:
            getattr(layer if call == "eval" else network, call)()
        network(rows())
        found[f"PyTorch, layer.eval() {'before' if order[0] == 'eval' else 'after'} train()"] = (
            statistics(layer)
        )
    layer = keras_layer()
    layer.trainable = False
    layer(np.array(ROWS), training=True)
    found["Keras, trainable=False"] = statistics(layer)
    return found


def case_2():
    """Train on one batch with an infinity, then on a hundred healthy ones."""
    import torch

    found = {}
    for momentum in (0.1, 0.0):
        layer = torch_layer(momentum=momentum)
        layer(torch.tensor([[1.0], [float("inf")]], dtype=torch.float64))
        for _ in range(100):
            y = layer(rows())
        found[f"PyTorch, momentum {momentum}"] = {
            "running": statistics(layer),
            "y in training": [number(v) for v in y.detach().ravel()],
            "y in evaluation": [number(v) for v in layer.eval()(rows()).detach().ravel()],
        }
    layer = keras_layer()
    layer(np.array([[1.0], [np.inf]]), training=True)
    for _ in range(100):
        layer(np.array(ROWS), training=True)
    found["Keras"] = {"running": statistics(layer)}
    return found


def case_3():
    """Train 22 steps on the same batch; let update_bn see sorted batches."""
    import torch

    found = {}
    for name, layer in {"Keras": keras_layer(), "PyTorch": torch_layer()}.items():
        for _ in range(22):
            layer(np.array(ROWS), training=True) if name == "Keras" else layer(rows())
        found[f"{name}, 22 steps"] = statistics(layer)
    layer = torch_layer()
    ordered = torch.arange(8, dtype=torch.float64).reshape(4, 2, 1)
    torch.optim.swa_utils.update_bn(ordered, torch.nn.Sequential(layer))
    found["PyTorch, update_bn, 0 to 7 in pairs"] = statistics(layer)
    return found


def case_4():
    """Send an upstream gradient of ones back, in training and in evaluation."""

    found = {}
    for mode in ("train", "eval"):
        layer = torch_layer()
        layer.weight.data[:] = 2
        layer.running_mean[:], layer.running_var[:] = 1, 4
        x = rows().requires_grad_()
        getattr(layer, mode)()(x).sum().backward()
        found[f"PyTorch, {mode}()"] = [number(v) for v in x.grad.ravel()]
    return found


def case_5():
    """Evaluate with the same statistics, a spread of 0.05, under each framework's own eps."""
    import torch

    x = np.array([[0.45], [0.5], [0.6]])
    layer = torch_layer()
    layer.running_mean[:], layer.running_var[:] = 0.5, 0.05**2
    found = {"PyTorch": [number(v) for v in layer.eval()(torch.tensor(x)).detach().ravel()]}
    layer = keras_layer()
    layer.moving_mean.assign([0.5])
    layer.moving_variance.assign([0.05**2])
    found["Keras"] = [number(v) for v in np.ravel(layer(x, training=False))]
    return found


def case_6():
    """Train on one row."""
    import torch

    found = {}
    try:
        torch_layer(3)(torch.ones(1, 3, dtype=torch.float64))
    except ValueError as error:
        found["PyTorch"] = str(error)
    layer = keras_layer()
    found["Keras"] = {"y": number(layer(np.array([[7.0]]), training=True)[0, 0])}
    found["Keras"]["running"] = statistics(layer)
    return found


def case_7():
    """Train on rows that are half padding, with and without a mask."""
    import torch

    layer = torch_layer(momentum=1.0)
    layer(torch.tensor(PADDED, dtype=torch.float64))
    found = {"PyTorch": statistics(layer)}
    x = np.array(PADDED).transpose(0, 2, 1)  # (N, T, C), as Keras has them
    for name, mask in {"Keras": None, "Keras, mask": x[..., 0] != 0}.items():
        layer = keras_layer(x.shape, momentum=0.0)
        layer(x, training=True, mask=mask)
        found[name] = statistics(layer)
    return found


def case_8():
    """Train one batch with the layer checkpointed, with both momenta."""
    import torch
    from torch.utils.checkpoint import checkpoint

    found = {}
    for name, momentum in {"plain": 0.1, "checkpoint": 0.1, "mended": 1 - 0.9**0.5}.items():
        layer = torch_layer(momentum=momentum)
        x = rows().requires_grad_()
        y = layer(x) if name == "plain" else checkpoint(layer, x, use_reentrant=False)
        (y * torch.tensor([[1.0], [2.0], [4.0]])).sum().backward()
        found[f"PyTorch, {name}"] = {
            "running": statistics(layer),
            "batches": int(layer.num_batches_tracked),
            "dx": [number(v) for v in x.grad.ravel()],
        }
    return found


def case_10():
    """Take one step from ones with no gradient but weight decay's, in a layer and its norm.

    Once all of it decays, and once only what has two axes or more.
    """
    import torch

    found = {}
    for name in ("SGD", "AdamW"):
        for groups in (False, True):
            layer, norm = torch.nn.Linear(3, 2, dtype=torch.float64), torch_layer(2)
            parameters = [*layer.parameters(), *norm.parameters()]
            for p in parameters:
                p.data.fill_(1)
                p.grad = torch.zeros_like(p)  # where it is None, an optimizer leaves p out
            chosen = [
                {"params": [p for p in parameters if p.ndim > 1]},
                {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
            ]
            settings = {"weight_decay": 0.1} if name == "SGD" else {}
            optimizer = getattr(torch.optim, name)(
                chosen if groups else parameters, lr=0.1, **settings
            )
            optimizer.step()
            found[f"PyTorch, {name}{', two groups' if groups else ''}"] = {
                "weight_decay": optimizer.defaults["weight_decay"],
                "weight": number(layer.weight.detach()[0, 0]),
                "gamma": number(norm.weight.detach()[0]),
                "beta": number(norm.bias.detach()[0]),
            }
    return found


def case_12():
    """Fold a grouped transposed convolution, and one of mmcv 747 in float32."""
    import torch
    from torch.nn.utils import fusion

    found, ones = {}, torch.ones(4)
    weight = torch.ones(4, 2, 3, 3)  # ConvTranspose2d(4, 4, 3, groups=2)
    try:
        fusion.fuse_conv_bn_weights(weight, None, ones, ones, 1e-5, ones, ones, transpose=True)
    except RuntimeError as error:
        found["PyTorch, transposed, 2 groups"] = str(error)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 32, 3, 1, 1), torch.nn.BatchNorm2d(32)).eval()
    x = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        y = network(x)
        apart = (fusion.fuse_conv_bn_eval(*network)(x) - y).abs()
    found["PyTorch, float32"] = {
        "sum of the differences": float(f"{apart.sum():.1g}"),
        "numbers": apart.numel(),
        "largest": float(f"{apart.max():.1g}"),
    }
    return found


def case_15():
    """Keep running statistics of a batch with mean 100 for 2000 steps, in two precisions."""
    import torch

    found = {}
    x = torch.tensor([[99.0], [101.0]], dtype=torch.bfloat16)
    for kept in ("bfloat16", "float32"):
        for momentum in (0.1, 0.01):
            layer = torch.nn.BatchNorm1d(1, dtype=getattr(torch, kept), momentum=momentum)
            for _ in range(2000):
                layer(x)
            found[f"PyTorch, {kept}, momentum {momentum}"] = statistics(layer)
    return found


CASES = (
    case_1,
    case_2,
    case_3,
    case_4,
    case_5,
    case_6,
    case_7,
    case_8,
    case_10,
    case_12,
    case_15,
)


def main():
    """Record all cases."""
    os.environ["KERAS_BACKEND"] = "tensorflow"  # with others, it computes in float32
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow
    import torch

    modules = {"numpy": np, "torch": torch, "keras": keras, "tensorflow": tensorflow}
    versions = {name: module.__version__ for name, module in modules.items()}
    record = {"versions": versions, "cases": {case.__name__: case() for case in CASES}}
    TARGET.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    sys.exit(main())
