"""Records what PyTorch does with batch norm on two ranks, of which notebook 12 has a table.

    python tests/golden/ranks.py       where PyTorch is installed; the ranks are two processes

Any Python with PyTorch will do; bnlib is not needed, and not used. The ranks talk over gloo, on
this machine. The batch is the five rows of `ROWS`, of which the first rank has three, so that each
number can be followed by hand. The results go to ranks.json, with the version that made them.
"""

import json
import sys
import tempfile
from pathlib import Path

TARGET = Path(__file__).parent / "ranks.json"
ROWS = [[[1.0], [2.0], [6.0]], [[11.0], [15.0]]]  # of each rank
UPSTREAM = [[[1.0], [2.0], [4.0]], [[8.0], [16.0]]]  # the loss is the mean of y times this


def message(function, *given):
    """Return what a ValueError says."""
    try:
        function(*given)
    except ValueError as error:
        return str(error)


def step(network, rank):
    """Train one step's forward and backward pass; return the mean loss of this rank."""
    import torch

    x, g = (torch.tensor(v[rank], dtype=torch.float64) for v in (ROWS, UPSTREAM))
    loss = (network(x) * g).mean()
    loss.backward()
    return loss


def on_rank(rank, folder):
    """Record what one rank sees, in a file of its own."""
    import torch
    from torch.nn.parallel import DistributedDataParallel

    store = (Path(folder) / "meeting").as_uri()
    torch.distributed.init_process_group("gloo", store, rank=rank, world_size=len(ROWS))
    alone = torch.nn.BatchNorm1d(1, dtype=torch.float64)
    step(alone, rank)
    layer = torch.nn.BatchNorm1d(1, dtype=torch.float64)
    network, found, seen = DistributedDataParallel(layer), {}, []
    layer.register_forward_pre_hook(lambda layer, given: seen.append(layer.running_mean.item()))
    step(network, rank)
    found["dbeta of this rank"] = alone.bias.grad.item()
    found["dbeta after the backward pass"] = layer.bias.grad.item()
    found["running mean after one step"] = layer.running_mean.item()
    step(network, rank)
    found["running mean that the next forward pass begins with"] = seen[-1]
    network.eval()(torch.zeros(1, 1, dtype=torch.float64))
    found["running mean that evaluation begins with"] = seen[-1]
    sync = torch.nn.SyncBatchNorm(1)
    found["SyncBatchNorm"] = message(sync, torch.ones(2, 1))
    found["DistributedDataParallel of SyncBatchNorm"] = message(DistributedDataParallel, sync)
    torch.distributed.destroy_process_group()
    (Path(folder) / f"{rank}.json").write_text(json.dumps(found), encoding="utf-8")


def main():
    """Record both ranks."""
    import torch

    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(on_rank, (folder,), nprocs=len(ROWS))
        files = [Path(folder) / f"{rank}.json" for rank in range(len(ROWS))]
        ranks = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    record = {"versions": {"torch": torch.__version__}, "ranks": ranks}
    TARGET.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    sys.exit(main())
