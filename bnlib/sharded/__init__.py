"""Batch norm of a batch that lies in shards: on several workers, or larger than one memory.

The statistics belong to the whole batch, so the shards have to talk. They exchange little: forward
a count, a mean and a sum of squares per channel, backward two sums per channel. `shard` holds what
one shard does, as pure functions of NumPy arrays; these are imported here. Two modules carry the
exchange, each over an engine that is imported when the module is:

- ``bnlib.sharded.cluster``, for a Dask array: ``pip install "bnlib[cluster]"``
- ``bnlib.sharded.mpi``, for a shard on each rank of MPI: ``pip install "bnlib[mpi]"``

>>> import numpy as np
>>> x, gamma, beta = np.array([[1.0], [2.0], [6.0], [11.0]]), [1.0], [0.0]
>>> shards = x[:1], x[1:]
>>> whole = merge_all(map(local_moments, shards))
>>> [normalize_shard(shard, gamma, beta, whole).ravel().round(3).tolist() for shard in shards]
[[-1.016], [-0.762, 0.254, 1.524]]
"""

from importlib import import_module

from bnlib.sharded.shard import (
    Sums,
    add,
    backward_shard,
    local_moments,
    local_sums,
    normalize_shard,
)
from bnlib.statistics import Moments, merge, merge_all

WITH_MORE_THAN_NUMPY = ("cluster", "mpi", "npy")

__all__ = [
    "Moments",
    "Sums",
    "add",
    "backward_shard",
    "local_moments",
    "local_sums",
    "merge",
    "merge_all",
    "normalize_shard",
]


def __getattr__(name):
    if name not in WITH_MORE_THAN_NUMPY:
        raise AttributeError(f"module 'bnlib.sharded' has no attribute {name!r}")
    try:
        return import_module(f"bnlib.sharded.{name}")
    except ImportError as error:  # so that hasattr, help and dir go on without it
        raise AttributeError(f"bnlib.sharded.{name} cannot be imported: {error}") from error


def __dir__():
    return sorted({*globals(), *WITH_MORE_THAN_NUMPY})
