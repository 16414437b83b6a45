"""What each rank runs in tests/test_sharded_mpi.py: under mpiexec, or as a thread.

mpiexec -n 4 python tests/mpi_program.py training 100
"""

import json
import sys

import numpy as np
import shards

from bnlib import data, mlp
from bnlib.sharded import mpi
from bnlib.training import ranks
from bnlib.training.descent import step

RATE = 0.3
DIGITS = data.digits()


def network():
    """Return the network before training, the same for everybody."""
    return mlp.initial_layers([64, 32, 32, 32, 10], np.random.default_rng(0))


def batch(k):
    """Return batch number k of the digits, x (128, 64) and labels."""
    chosen = np.random.default_rng([1, k]).choice(len(DIGITS.labels), 128, replace=False)
    return DIGITS.images[chosen].reshape(128, 64) / 16, DIGITS.labels[chosen]


def part(a, rank, size):
    """Return this rank's shard, unequal ones: rank k holds about k + 1 shares."""
    shares = np.cumsum(np.arange(1, size + 1))[:-1] / (size * (size + 1) / 2)
    return np.split(a, (shares * len(a)).astype(int))[rank]


def trained(comm, steps):
    """Train on this rank's part of each batch; return the layers and the losses."""
    layers, losses = network(), []
    for k in range(steps):
        x, labels = (part(a, comm.rank, comm.size) for a in batch(k))
        seen = ranks.loss_and_gradients(layers, x, labels, comm)
        layers = step(layers, seen.gradients, RATE)
        losses.append(seen.loss)
    return layers, losses


def case_of(k, size, dtype):
    """Return case number k, cut into as many shards as there are ranks; some are empty."""
    rng = np.random.default_rng([2, k])
    n = int(rng.integers(2, 30))
    cuts = sorted(rng.integers(0, n + 1, size - 1).tolist())
    return shards.batch(n, rng.integers(1, 4, rng.integers(0, 4)).tolist(), cuts, k, dtype)


def worst_error(comm, cases, dtype):
    """Return the largest error of y, dx, dgamma, dbeta over many partitions."""
    worst = 0.0
    for k in range(cases):
        case = case_of(k, comm.size, dtype)
        x, dout = case.shards[comm.rank]
        y, cache = mpi.batchnorm_forward(x, case.gamma, case.beta, comm=comm)
        dx, dgamma, dbeta = mpi.batchnorm_backward(dout, cache)
        y, dx = (np.concatenate(comm.allgather(a)) for a in (y, dx))
        worst = max(worst, *shards.errors((y, dx, dgamma, dbeta), case))
    return float(worst)


def main(task, *arguments):
    comm = mpi.world()
    said = None
    if task == "partitions":
        errors = {t: worst_error(comm, 100, t) for t in ("float64", "float32")}
        said = {"ranks": comm.size, "cases": 200, **errors}
    elif task == "training":
        layers, losses = trained(comm, int(*arguments))
        said = {"losses": losses, "last": layers[-1].weight.tolist()}
    else:
        gamma = [1.0] if comm.rank == 1 else [1.0, 1.0]
        try:
            mpi.batchnorm_forward(np.ones((3, 2)), gamma, [0.0, 0.0], comm=comm)
        except ValueError as error:
            print(json.dumps({"error": str(error)}), flush=True)
    if said and comm.rank == 0:
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
