"""Batch norm over the ranks of MPI: synchronized batch norm, for data-parallel training.

Each rank holds a shard of the batch, and calls each function with its own. There is one exchange
forward and one backward. The ranks end with the same statistics, running ones too, and the results
are those of the whole batch in one process.

Needs mpi4py and an MPI: ``pip install "bnlib[mpi]"`` brings both. mpi4py is imported when no
communicator is given. Any object with an ``allreduce(value, op)`` like mpi4py's does as one.

An argument that one rank refuses is an error on every rank. Otherwise the others would wait for it
for ever.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bnlib.contract import Data
from bnlib.sharded import shard
from bnlib.statistics import BatchStatistics, Moments, merge

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


class Cache(NamedTuple):
    """What a forward pass keeps for its backward pass. x is the caller's: do not change it."""

    x: np.ndarray
    gamma: np.ndarray
    moments: Moments  # of the whole batch
    eps: float
    comm: Any

    @property
    def statistics(self) -> BatchStatistics:
        """Mean, biased variance and count m of the whole batch."""
        return self.moments.statistics()


def batchnorm_forward(
    x: Data, gamma: Data, beta: Data, *, eps: float = 1e-5, comm: Any = None
) -> tuple[np.ndarray, Cache]:
    """Do as `bnlib.layers.batchnorm_forward` does, over the shards of all ranks.

    Parameters
    ----------
    x : array, (N, C) or (N, C, ...)
        This rank's shard, which may be empty; at least two values per channel on all together.
    gamma, beta : array, (C,)
        The same on every rank.
    eps : float, optional
        The same on every rank.
    comm : mpi4py.MPI.Comm, optional
        All ranks of the job by default.

    Returns
    -------
    y : array
        Shape and dtype of x.
    cache : Cache
        For `batchnorm_backward`.

    Raises
    ------
    ValueError, TypeError
        As `bnlib.layers.batchnorm_forward`, on every rank.
    ImportError
        If no comm is given, and mpi4py or an MPI is missing.
    """
    comm = world() if comm is None else comm

    def local():
        checked = shard.arguments(x, eps, gamma=gamma, beta=beta)
        return shard.local_moments(checked[0])

    moments = together(local, merge, comm)
    y = shard.normalize_shard(x, gamma, beta, moments, eps=eps)
    return y, Cache(np.asarray(x), np.asarray(gamma), moments, eps, comm)


def batchnorm_backward(dout: Data, cache: Cache) -> Triple:
    """Do as `bnlib.layers.batchnorm_backward` does, over the shards of all ranks.

    Parameters
    ----------
    dout : array
        Upstream gradient of this rank's shard, of the loss of the whole batch.
    cache : Cache
        From `batchnorm_forward`.

    Returns
    -------
    dx : array
        Of this rank's shard.
    dgamma, dbeta : array, (C,)
        Of the whole batch, the same on every rank: do not add them up over ranks once more.

    Raises
    ------
    ValueError, TypeError
        As `bnlib.layers.batchnorm_backward`, on every rank.
    """
    x, gamma, moments, eps, comm = cache
    local = partial(shard.local_sums, dout, x, moments, eps=eps)
    sums = together(local, shard.add, comm)
    dx = shard.backward_shard(dout, x, gamma, moments, sums, eps=eps)
    return dx, sums.dgamma.astype(dx.dtype), sums.dbeta.astype(dx.dtype)


def together(local: Callable, op: Callable, comm: Any):
    """Return what all ranks' local() are together, or raise on each what one of them raised."""
    whole = comm.allreduce(_outcome(local), op=partial(_both, op))
    if isinstance(whole, Exception):
        raise whole
    return whole


def world():
    """Return the communicator of all ranks of the job."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: no library of MPI was found
        raise ImportError(
            'bnlib.sharded.mpi needs mpi4py and an MPI: pip install "bnlib[mpi]"'
        ) from error
    return MPI.COMM_WORLD


def _outcome(local):
    try:
        return local()
    except (ValueError, TypeError) as error:
        return error


def _both(op, a, b):
    for value in (a, b):
        if isinstance(value, Exception):
            return value
    return _outcome(partial(op, a, b))
