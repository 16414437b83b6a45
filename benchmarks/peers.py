"""The ways: for each, a function that prepares a case and returns the step to be timed.

A step is one forward and one backward pass in training, or one inference, from arrays that are
there already to results that are there. What a library needs once (its own arrays, its compiled
code) is prepared before. A library that is not installed raises ImportError, and is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks import limit, numpy_peers

EPS = 1e-5
LIMIT = "memory limit"
LAST = ", channels_last"  # how a way's name ends whose images lie in memory so


@dataclass
class Case:
    """The same numbers for every peer."""

    x: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray
    dout: np.ndarray
    mean: np.ndarray  # running statistics, for inference
    var: np.ndarray

    @classmethod
    def random(cls, shape, channels_last=False):
        """Return a float32 case of this shape; images may lie in memory with channels last."""
        rng = np.random.default_rng(0)
        channels = shape[1]
        # spreads so different, and some so small, that a forgotten eps would be seen
        spread = np.linspace(0.05, 2, channels).reshape(-1, *[1] * (len(shape) - 2))
        arrays = (
            3 + spread * rng.standard_normal(shape),
            rng.uniform(0.5, 2, channels),
            rng.standard_normal(channels),
            rng.standard_normal(shape),
            rng.standard_normal(channels),
            rng.uniform(0.5, 2, channels),
        )
        return cls(*(_in_memory(a.astype(np.float32), channels_last) for a in arrays))


def _in_memory(a, channels_last):
    """Return a in C order, or with its channels as neighbours."""
    return np.moveaxis(np.moveaxis(a, 1, -1).copy(), -1, 1) if channels_last and a.ndim > 1 else a


@dataclass
class Way:
    """A setup, and how it wants its arrays and its threads."""

    setup: Callable
    channels_last: bool = False
    own_threads: bool = False  # as many as the library takes by itself


# In training. A step returns (y, dx, dgamma, dbeta).


def original(case, threads):
    """Return the original notebook's staged code."""
    return partial(numpy_peers.staged, case.x, case.gamma, case.beta, case.dout)


def course(case, threads):
    """Return the course's code for tables, between two transposes."""
    return partial(numpy_peers.transposed, case.x, case.gamma, case.beta, case.dout)


def layers(case, threads):
    """Return bnlib.layers."""
    from bnlib import layers as module

    return _bnlib(module, case)


def kernels(case, threads):
    """Return bnlib.kernels with results in new memory."""
    from bnlib import kernels as module

    return _bnlib(module, case)


def kernels_out(case, threads):
    """Return bnlib.kernels with ``out=``."""
    from bnlib import kernels as module

    y, dx = np.empty_like(case.x), np.empty_like(case.x)
    return _bnlib(module, case, forward={"out": y}, backward={"out": dx})


def _bnlib(module, case, forward=None, backward=None):
    forward, backward = forward or {}, backward or {}

    def step():
        y, cache = module.batchnorm_forward(case.x, case.gamma, case.beta, eps=EPS, **forward)
        return y, *module.batchnorm_backward(case.dout, cache, **backward)

    return step


def graph(case, threads):
    """Return bnlib.graph, every node with its value and gradient."""
    from bnlib.graph import batchnorm_graph

    axes = {2: "N C", 4: "N C H W"}[case.x.ndim]
    nodes = batchnorm_graph(axes, EPS)

    def step():
        trace = nodes.forward(x=case.x, gamma=case.gamma, beta=case.beta)
        gradients = trace.backward(case.dout)
        return trace["y"], *(gradients[name] for name in ("x", "gamma", "beta"))

    return step


def autograd(case, threads):
    """Return HIPS autograd on the forward pass."""
    import autograd.numpy as anp
    from autograd import make_vjp

    axes, shape = _axes(case.x)
    forward = _forward_in(anp, axes, shape)

    def step():
        vjp, y = make_vjp(lambda arguments: forward(*arguments))((case.x, case.gamma, case.beta))
        return y, *vjp(case.dout)

    return step


def torch_eager(case, threads):
    """Return PyTorch as it comes."""
    return _torch(case, threads)


def torch_own_threads(case, threads):
    """Return PyTorch with the number of threads that it chooses itself."""
    return _torch(case, None)


def torch_compiled(case, threads):
    """Return PyTorch through torch.compile."""
    return _torch(case, threads, compiled=True)


def _torch(case, threads, compiled=False):
    import torch

    if threads:
        torch.set_num_threads(threads)
    x, gamma, beta = (torch.from_numpy(a).requires_grad_() for a in (case.x, case.gamma, case.beta))
    dout = torch.from_numpy(case.dout)  # the strides of channels-last images are kept

    def forward(x, gamma, beta):
        return torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=EPS)

    if compiled:
        forward = torch.compile(forward)

    def step():
        y = forward(x, gamma, beta)
        return y, *torch.autograd.grad(y, (x, gamma, beta), dout)

    return step


def jax_jit(case, threads):
    """Return JAX, forward and backward each under jit."""
    jax, forward, arguments, dout = _jax(case)
    first = jax.jit(lambda *arguments: jax.vjp(forward, *arguments))
    second = jax.jit(lambda vjp, dout: vjp(dout))

    def step():
        y, vjp = first(*arguments)
        return jax.block_until_ready((y, *second(vjp, dout)))

    return step


def jax_jit_at_once(case, threads):
    """Return JAX, forward and backward in one jit, which no training step with a loss allows."""
    jax, forward, arguments, dout = _jax(case)

    @jax.jit
    def both(dout, *arguments):
        y, vjp = jax.vjp(forward, *arguments)
        return y, *vjp(dout)

    return lambda: jax.block_until_ready(both(dout, *arguments))


def _jax(case):
    import jax

    axes, shape = _axes(case.x)
    forward = _forward_in(jax.numpy, axes, shape)
    arguments = [jax.numpy.asarray(a) for a in (case.x, case.gamma, case.beta)]
    return jax, forward, arguments, jax.numpy.asarray(case.dout)


def _axes(x):
    return (0, *range(2, x.ndim)), (1, -1) + (1,) * (x.ndim - 2)


def _forward_in(xp, axes, shape):
    def forward(x, gamma, beta):
        mean = xp.mean(x, axis=axes, keepdims=True)
        deviations = x - mean
        var = xp.mean(deviations * deviations, axis=axes, keepdims=True)
        xhat = deviations / xp.sqrt(var + EPS)
        return xp.reshape(gamma, shape) * xhat + xp.reshape(beta, shape)

    return forward


# Inference. A step returns (y,).


def layers_inference(case, threads):
    """Return bnlib.layers."""
    from bnlib import layers as module

    return _bnlib_inference(module, case)


def kernels_inference(case, threads):
    """Return bnlib.kernels with results in new memory."""
    from bnlib import kernels as module

    return _bnlib_inference(module, case)


def kernels_inference_out(case, threads):
    """Return bnlib.kernels with ``out=``."""
    from bnlib import kernels as module

    return _bnlib_inference(module, case, out=np.empty_like(case.x))


def _bnlib_inference(module, case, **options):
    given = (case.x, case.gamma, case.beta, case.mean, case.var)
    return lambda: (module.batchnorm_inference(*given, eps=EPS, **options),)


def torch_inference(case, threads):
    """Return PyTorch without gradients."""
    import torch

    torch.set_num_threads(threads)
    given = (case.x, case.gamma, case.beta, case.mean, case.var)
    x, gamma, beta, mean, var = map(torch.from_numpy, given)

    def step():
        with torch.inference_mode():
            return (torch.nn.functional.batch_norm(x, mean, var, gamma, beta, eps=EPS),)

    return step


def onnx_inference(case, threads):
    """Return ONNX Runtime on the operator BatchNormalization."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    names = ("gamma", "beta", "mean", "var")
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("BatchNormalization", ["x", *names], ["y"], epsilon=EPS)],
            "batch_norm",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, case.x.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, case.x.shape)],
            [numpy_helper.from_array(getattr(case, name), name) for name in names],
        ),
        opset_imports=[helper.make_opsetid("", 15)],
        ir_version=8,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: tuple(session.run(None, {"x": case.x}))


# In evaluation with a gradient, as in fine-tuning. A step returns (dx, dgamma, dbeta).


def layers_frozen(case, threads):
    """Return bnlib.layers."""
    from bnlib import layers as module

    return _bnlib_frozen(module, case)


def kernels_frozen(case, threads):
    """Return bnlib.kernels with results in new memory."""
    from bnlib import kernels as module

    return _bnlib_frozen(module, case)


def kernels_frozen_out(case, threads):
    """Return bnlib.kernels with ``out=``."""
    from bnlib import kernels as module

    return _bnlib_frozen(module, case, out=np.empty_like(case.x))


def _bnlib_frozen(module, case, **options):
    given = (case.dout, case.x, case.gamma, case.mean, case.var)
    return lambda: module.batchnorm_inference_backward(*given, eps=EPS, **options)


def torch_frozen(case, threads):
    """Return PyTorch's backward pass alone; the forward pass is prepared, its graph kept."""
    import torch

    torch.set_num_threads(threads)
    given = (case.x, case.gamma, case.beta, case.mean, case.var)
    x, gamma, beta, mean, var = map(torch.from_numpy, given)
    wanted = [a.requires_grad_() for a in (x, gamma, beta)]
    y = torch.nn.functional.batch_norm(x, mean, var, gamma, beta, eps=EPS)
    dout = torch.from_numpy(case.dout)
    return lambda: torch.autograd.grad(y, wanted, dout, retain_graph=True)


def _in_both_layouts(name, setup, **how):
    last = Way(setup, channels_last=True, **how)
    return {name: Way(setup, **how), f"{name}{LAST}": last}


def _limits(training):
    return {
        f"{LIMIT}, {sweep}, {'new' if new else 'old'} memory": Way(
            limit.way(limit.SWEEPS[sweep], new, training)
        )
        for sweep in limit.SWEEPS
        for new in (False, True)
    }


WAYS = {
    "training": {
        **_limits(training=True),
        **_in_both_layouts("bnlib.kernels", kernels),
        **_in_both_layouts("bnlib.kernels, out=", kernels_out),
        **_in_both_layouts("PyTorch", torch_eager),
        **_in_both_layouts("PyTorch, own threads", torch_own_threads, own_threads=True),
        **_in_both_layouts("PyTorch, compiled", torch_compiled),
        "JAX jit": Way(jax_jit),
        "JAX jit, one call": Way(jax_jit_at_once),
        "bnlib.layers": Way(layers),
        "bnlib.graph": Way(graph),
        "HIPS autograd": Way(autograd),
        "original, staged": Way(original),
        "course, transposes": Way(course),
    },
    "inference": {
        **_limits(training=False),
        **_in_both_layouts("bnlib.kernels", kernels_inference),
        **_in_both_layouts("bnlib.kernels, out=", kernels_inference_out),
        **_in_both_layouts("PyTorch", torch_inference),
        "ONNX Runtime": Way(onnx_inference),
        "bnlib.layers": Way(layers_inference),
    },
    "backward in evaluation": {
        **_in_both_layouts("bnlib.kernels", kernels_frozen),
        **_in_both_layouts("bnlib.kernels, out=", kernels_frozen_out),
        **_in_both_layouts("PyTorch", torch_frozen),
        "bnlib.layers": Way(layers_frozen),
    },
}


def as_numpy(array):
    """Return a peer's array as NumPy's."""
    return np.asarray(array.detach() if hasattr(array, "detach") else array)
