"""The fully connected network trained by several processes at once, each with a part of the batch.

Data-parallel training: every rank holds the same layers and a shard of the batch, and takes the
same step. What makes the step the same is that losses, gradients and, in batch norm, statistics
are those of the whole batch. `bnlib.sharded.mpi` describes the communicator.
"""

from functools import partial
from operator import add

from bnlib.sharded import mpi
from bnlib.training import mlp
from bnlib.training.descent import Pass


def loss_and_gradients(layers, x, labels, comm) -> Pass:
    """Return the `Pass` of the whole batch, of which this rank holds x (N, D) and labels (N,).

    Loss and gradients are equal on all ranks. The shard may be empty. Batch norm exchanges its
    statistics once for each hidden layer forward, and once backward; one more exchange adds up the
    loss and the gradients of all weights.
    """
    norm = mlp.Norm(partial(mpi.batchnorm_forward, comm=comm), mpi.batchnorm_backward)
    count = comm.allreduce(len(labels), op=add)
    seen = mlp.loss_and_gradients(layers, x, labels, norm=norm, count=count)
    shares = seen.loss, *(g.weight for g in seen.gradients), seen.gradients[-1].beta
    loss, *weights, bias = comm.allreduce(shares, op=_add_each)
    # gamma and beta of the hidden layers come out of batch norm's own exchange, as whole sums.
    gradients = [g._replace(weight=w) for g, w in zip(seen.gradients, weights, strict=True)]
    gradients[-1] = gradients[-1]._replace(beta=bias)
    return Pass(loss, gradients, seen.caches)


def _add_each(a, b):
    return [one + other for one, other in zip(a, b, strict=True)]
