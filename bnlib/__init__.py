"""Batch normalization by hand: the implementations behind the notebooks.

``from bnlib import spatial_batchnorm_forward`` gives a layer, ``bnlib.gradcheck`` a module.
Importing bnlib imports NumPy and nothing heavier; a module that draws, reads data or compiles
is imported when it is first used.
"""

from importlib import import_module

from bnlib.layers import (
    batchnorm_backward,
    batchnorm_forward,
    batchnorm_inference,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    spatial_batchnorm_inference,
)
from bnlib.relatives import (
    groupnorm_backward,
    groupnorm_forward,
    instancenorm_backward,
    instancenorm_forward,
    layernorm_backward,
    layernorm_forward,
)
from bnlib.statistics import BatchStatistics, batch_statistics

__version__ = "0.1.0"

_ON_FIRST_USE = (
    "convnet",
    "cs231n",
    "data",
    "exercises",
    "faults",
    "folding",
    "gradcheck",
    "kernels",
    "networks",
    "plotting",
    "reference",
    "widgets",
)

__all__ = [
    "BatchStatistics",
    "batch_statistics",
    "batchnorm_backward",
    "batchnorm_forward",
    "batchnorm_inference",
    "groupnorm_backward",
    "groupnorm_forward",
    "instancenorm_backward",
    "instancenorm_forward",
    "layernorm_backward",
    "layernorm_forward",
    "spatial_batchnorm_backward",
    "spatial_batchnorm_forward",
    "spatial_batchnorm_inference",
    *_ON_FIRST_USE,
]


def __getattr__(name):
    if name in _ON_FIRST_USE:
        return import_module(f"bnlib.{name}")
    raise AttributeError(f"module 'bnlib' has no attribute {name!r}")


def __dir__():
    return sorted(__all__ + list(globals()))
