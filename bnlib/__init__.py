"""Batch normalization by hand: the implementations behind the notebooks.

``from bnlib import spatial_batchnorm_forward`` gives a layer, ``bnlib.folding`` a module,
``bnlib.graph`` a room of several. What notebooks use most needs no room's name: ``bnlib.gradcheck``
is ``bnlib.judges.gradcheck``. Importing bnlib imports NumPy and nothing heavier; everything else is
imported when it is first used.
"""

from importlib import import_module

from bnlib.layers import (
    batchnorm_backward,
    batchnorm_forward,
    batchnorm_inference,
    batchnorm_inference_backward,
    groupnorm_backward,
    groupnorm_forward,
    instancenorm_backward,
    instancenorm_forward,
    layernorm_backward,
    layernorm_forward,
    rmsnorm_backward,
    rmsnorm_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    spatial_batchnorm_inference,
    spatial_batchnorm_inference_backward,
)
from bnlib.statistics import BatchStatistics, batch_statistics

__version__ = "0.1.0"

MODULES = (
    *("contract", "conventions", "cs231n", "explanation", "folding", "layers", "layout"),
    *("normalize", "running", "statistics"),
    *("exercises", "grading", "graph", "judges", "sharded", "training"),
)
SHORT = {
    **{name: f"judges.{name}" for name in ("faults", "gradcheck", "reference", "sweeps")},
    **{name: f"training.{name}" for name in ("convnet", "data", "mlp")},
    **{name: f"exercises.{name}" for name in ("predict", "recap")},
}
WITH_MORE_THAN_NUMPY = ("kernels", "plotting", "widgets")  # each says what it needs

__all__ = [
    "BatchStatistics",
    "batch_statistics",
    "batchnorm_backward",
    "batchnorm_forward",
    "batchnorm_inference",
    "batchnorm_inference_backward",
    "groupnorm_backward",
    "groupnorm_forward",
    "instancenorm_backward",
    "instancenorm_forward",
    "layernorm_backward",
    "layernorm_forward",
    "rmsnorm_backward",
    "rmsnorm_forward",
    "spatial_batchnorm_backward",
    "spatial_batchnorm_forward",
    "spatial_batchnorm_inference",
    "spatial_batchnorm_inference_backward",
    *MODULES,
    *SHORT,
]


def __getattr__(name):
    if name not in (*MODULES, *SHORT, *WITH_MORE_THAN_NUMPY):
        raise AttributeError(f"module 'bnlib' has no attribute {name!r}")
    try:
        return import_module(f"bnlib.{SHORT.get(name, name)}")
    except ImportError as error:  # so that hasattr, help and dir go on without it
        raise AttributeError(f"bnlib.{name} cannot be imported: {error}") from error


def __dir__():
    return sorted({*globals(), *__all__, *WITH_MORE_THAN_NUMPY})
