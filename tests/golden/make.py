"""Makes the golden vectors: what PyTorch, Keras and Flax themselves answer to fixed inputs.

    python tests/golden/make.py inputs
    python tests/golden/make.py pytorch         where PyTorch is installed
    python tests/golden/make.py keras           Keras 3 and PyTorch, which computes for it
    python tests/golden/make.py flax            Flax and JAX
    python tests/golden/make.py norms           PyTorch: frozen, masked, over chosen axes

Any Python with NumPy and the framework will do; bnlib is not needed, and not used. Everything
is computed in float64 with the framework's own defaults, so that a test can compare to 1e-12.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


class PyTorch:
    """torch.nn.BatchNorm2d; with momentum=None, its cumulative average."""

    packages = ("torch",)

    def __init__(self, gamma, beta, **settings):
        import torch

        self.torch = torch
        self.layer = torch.nn.BatchNorm2d(len(gamma), **settings).double()
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor(gamma))
            self.layer.bias.copy_(torch.tensor(beta))

    def settings(self):
        return {"eps": self.layer.eps, "momentum": self.layer.momentum}

    def train(self, x, dout):
        x = self.torch.tensor(x, requires_grad=True)
        self.layer.zero_grad()
        y = self.layer.train()(x)
        y.backward(self.torch.tensor(dout))
        return y.detach(), x.grad, self.layer.weight.grad, self.layer.bias.grad

    def running(self):
        return self.layer.running_mean, self.layer.running_var

    def evaluate(self, x):
        return self.layer.eval()(self.torch.tensor(x)).detach()


class Keras:
    """keras.layers.BatchNormalization, axis 1, computed by TensorFlow.

    With any other backend, Keras 3.15 computes this layer in float32, whatever is asked for.
    """

    packages = ("keras", "tensorflow")

    def __init__(self, gamma, beta):
        os.environ["KERAS_BACKEND"] = "tensorflow"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import keras
        import tensorflow

        self.tensorflow = tensorflow
        self.layer = keras.layers.BatchNormalization(axis=1, dtype="float64")
        self.layer.build((None, len(gamma), None, None))
        self.layer.gamma.assign(gamma)
        self.layer.beta.assign(beta)

    def settings(self):
        return {"eps": self.layer.epsilon, "momentum": self.layer.momentum}

    def train(self, x, dout):
        x = self.tensorflow.Variable(x)
        with self.tensorflow.GradientTape() as tape:
            y = self.layer(x, training=True)
        sources = [x, self.layer.gamma.value, self.layer.beta.value]
        return y, *tape.gradient(y, sources, self.tensorflow.constant(dout))

    def running(self):
        return self.layer.moving_mean.numpy(), self.layer.moving_variance.numpy()

    def evaluate(self, x):
        return self.layer(self.tensorflow.constant(x), training=False)


class Flax:
    """flax.linen.BatchNorm, axis 1."""

    packages = ("flax", "jax")

    def __init__(self, gamma, beta):
        import jax
        from flax import linen

        jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.layer = linen.BatchNorm(axis=1)
        self.params = {"scale": np.array(gamma), "bias": np.array(beta)}
        start = self.layer.init(jax.random.key(0), np.ones((2, len(gamma))), False)
        # Flax starts them in float32, where a first product with 0.99 would lose nine digits.
        self.stats = {key: v.astype("float64") for key, v in start["batch_stats"].items()}

    def settings(self):
        return {"eps": self.layer.epsilon, "momentum": self.layer.momentum}

    def train(self, x, dout):
        def forward(params, x):
            state = {"params": params, "batch_stats": self.stats}
            return self.layer.apply(state, x, False, mutable=["batch_stats"])

        y, vjp, changed = self.jax.vjp(forward, self.params, x, has_aux=True)
        dparams, dx = vjp(np.asarray(dout))
        self.stats = changed["batch_stats"]
        return y, dx, dparams["scale"], dparams["bias"]

    def running(self):
        return self.stats["mean"], self.stats["var"]

    def evaluate(self, x):
        return self.layer.apply({"params": self.params, "batch_stats": self.stats}, x, True)


RUNNING = [[4.5, -2.0, 19.0], [1.5, 12.0, 0.2]]  # mean and variance of frozen batch norm
ENDS = {"gamma": (0.5, 2), "beta": (-1, 1)}
FRAMEWORKS = {"pytorch": PyTorch, "keras": Keras, "flax": Flax}


def make_inputs():
    """Return three training batches of unequal size and one image to evaluate, off centre."""
    rng = np.random.default_rng(231)
    offset, spread = np.array([5, -3, 20]).reshape(3, 1, 1), np.array([1, 4, 0.5]).reshape(3, 1, 1)

    def batch(n):
        return (rng.standard_normal((n, 3, 2, 4)) * spread + offset).round(2).tolist()

    def upstream(n):
        return rng.standard_normal((n, 3, 2, 4)).round(2).tolist()

    return {
        "gamma": [1.5, -0.75, 2.25],
        "beta": [0.5, 2.0, -1.25],
        "steps": [{"x": batch(n), "dout": upstream(n)} for n in (5, 6, 1)],
        "evaluation": {"x": batch(1)},
    }


def make_vectors(framework, inputs):
    """Return everything that a framework answers to the inputs, and to the edge cases."""
    gamma, beta = inputs["gamma"], inputs["beta"]
    layer = framework(gamma, beta)
    vectors = {
        "versions": {
            name: import_module(name).__version__ for name in ("numpy", *framework.packages)
        },
        **layer.settings(),
        "initial": running(layer),
        "steps": steps(layer, inputs),
        "evaluation": {"y": listed(layer.evaluate(np.array(inputs["evaluation"]["x"])))},
        "one_value": one_value(framework(gamma, beta), np.full((1, 3, 1, 1), 7.0), beta),
        "empty_batch": empty_batch(framework(gamma, beta), np.ones((0, 3, 2, 4))),
    }
    if framework is PyTorch:
        cumulative = framework(gamma, beta, momentum=None)
        vectors["cumulative"] = [
            {"running_mean": step["running_mean"], "running_var": step["running_var"]}
            for step in steps(cumulative, inputs)
        ]
    return vectors


def make_norms(inputs):
    """Return what PyTorch answers in evaluation, over chosen axes, and where not all count.

    The first step's x (5, 3, 2, 4) and dout; as a (N, T, D) it is (5, 6, 4).
    """
    import torch

    x, dout = (np.array(inputs["steps"][0][name]) for name in ("x", "dout"))
    gamma, beta = np.array(inputs["gamma"]), np.array(inputs["beta"])
    tokens, upstream = x.reshape(5, 6, 4), dout.reshape(5, 6, 4)
    wide = {"gamma": np.linspace(0.5, 2, 4), "beta": np.linspace(-1, 1, 4)}
    whole = {name: np.linspace(*ends, 24).reshape(3, 2, 4) for name, ends in ENDS.items()}
    where = np.arange(40).reshape(5, 1, 2, 4) % 7 % 3 > 0  # 28 of 40 positions

    def frozen(x, gamma, beta):
        mean, var = (torch.tensor(v, dtype=torch.float64) for v in RUNNING)
        return torch.nn.functional.batch_norm(x, mean, var, gamma, beta, eps=1e-5)

    def over_channels(x, gamma, beta):  # as ConvNeXt does
        last = x.permute(0, 2, 3, 1)
        y = torch.nn.functional.layer_norm(last, (3,), gamma, beta, 1e-5)
        return y.permute(0, 3, 1, 2)

    def masked(x, gamma, beta):
        last = x.permute(0, 2, 3, 1)
        chosen = torch.tensor(where[:, 0])
        normed = torch.nn.functional.batch_norm(
            last[chosen], None, None, gamma, beta, training=True, eps=1e-5
        )
        y = torch.zeros_like(last)
        y[chosen] = normed
        return y.permute(0, 3, 1, 2)

    def layer_norm(x, gamma, beta):
        return torch.nn.functional.layer_norm(x, gamma.shape, gamma, beta, 1e-5)

    def rms_norm(x, gamma):
        return torch.nn.functional.rms_norm(x, gamma.shape, gamma, 1e-5)

    def answers(f, x, dout, **parameters):
        given = {"x": x, **parameters}
        tensors = [torch.tensor(v, requires_grad=True) for v in given.values()]
        y = f(*tensors)
        y.backward(torch.tensor(dout))
        found = {f"d{name}": listed(t.grad) for name, t in zip(given, tensors, strict=True)}
        return {"y": listed(y.detach()), **found}

    return {
        "versions": {"numpy": np.__version__, "torch": torch.__version__},
        "running": RUNNING,
        "where": where.tolist(),
        "tokens": {name: v.tolist() for name, v in wide.items()},
        "whole": {name: v.tolist() for name, v in whole.items()},
        "frozen batch norm": answers(frozen, x, dout, gamma=gamma, beta=beta),
        "masked batch norm": answers(masked, x, dout, gamma=gamma, beta=beta),
        "layer norm over D": answers(layer_norm, tokens, upstream, **wide),
        "layer norm over C, H, W": answers(layer_norm, x, dout, **whole),
        "layer norm over C": answers(over_channels, x, dout, gamma=gamma, beta=beta),
        "RMS norm over D": answers(rms_norm, tokens, upstream, gamma=wide["gamma"]),
        "RMS norm over C, H, W": answers(rms_norm, x, dout, gamma=whole["gamma"]),
    }


def steps(layer, inputs):
    found = []
    for step in inputs["steps"]:
        results = layer.train(np.array(step["x"]), np.array(step["dout"]))
        named = zip(("y", "dx", "dgamma", "dbeta"), map(listed, results), strict=True)
        found.append({**dict(named), **running(layer)})
    return found


def running(layer):
    mean, var = layer.running()
    return {"running_mean": listed(mean), "running_var": listed(var)}


def one_value(layer, x, beta):
    """Say what training on one value per channel does."""
    try:
        y, *_ = layer.train(x, np.ones(x.shape))
    except ValueError:
        return "error"
    assert np.array_equal(np.ravel(y), beta), y
    return "beta"


def empty_batch(layer, x):
    """Say what training on an empty batch does to the running statistics."""
    before = running(layer)
    layer.train(x, x)
    after = running(layer)
    if after == before:
        return "kept"
    assert np.isnan([*after["running_mean"], *after["running_var"]]).all(), after
    return "nan"


def listed(array):
    """Return a framework's float64 array as nested lists, which JSON keeps exactly."""
    array = np.asarray(array)
    assert array.dtype == np.float64, array.dtype
    return array.tolist()


def write(name, content):
    """Write a file with one line for each name at the top, and for each training step."""
    lines = []
    for key, value in content.items():
        text = json.dumps(value)
        if key in ("steps", "cumulative"):
            text = "[\n    " + ",\n    ".join(json.dumps(step) for step in value) + "\n  ]"
        lines.append(f"  {json.dumps(key)}: {text}")
    path = HERE / f"{name}.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"wrote {path}")


def main(names):
    if not names or not set(names) <= {"inputs", "norms", *FRAMEWORKS}:
        return __doc__
    for name in names:
        if name == "inputs":
            write(name, make_inputs())
            continue
        inputs = json.loads((HERE / "inputs.json").read_text(encoding="utf-8"))
        try:
            norms = name == "norms"
            write(name, make_norms(inputs) if norms else make_vectors(FRAMEWORKS[name], inputs))
        except ImportError as error:
            needed = " and ".join(FRAMEWORKS.get(name, PyTorch).packages)
            return f"{name}: needs {needed} in this Python ({sys.executable}): {error}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
