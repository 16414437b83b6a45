"""Arrays in .npy files as source and target of a Dask array, read and written chunk by chunk.

Each access maps the file, copies the part that is asked for, and lets go of it: the numbers of
other chunks never count as memory of the worker. All workers need the same path. For zarr, Dask
brings the same: ``dask.array.from_zarr`` and ``to_zarr``.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

try:
    import dask.array as da
    from dask.base import tokenize
    from dask.delayed import Delayed
except ImportError as error:
    raise ImportError(
        'bnlib.sharded.npy needs Dask, which is not installed: pip install "bnlib[cluster]"'
    ) from error


class NpyFile:
    """A .npy file that is indexed like an array, and travels to a worker as its path."""

    def __init__(self, path):
        self.path = Path(path).resolve()
        mapped = self._mapped("r")
        self.shape, self.dtype, self.ndim = mapped.shape, mapped.dtype, mapped.ndim

    @classmethod
    def create(cls, path, shape, dtype) -> "NpyFile":
        """Make the file, as large as it will be; an existing one is overwritten."""
        np.lib.format.open_memmap(path, mode="w+", shape=tuple(shape), dtype=dtype)
        return cls(path)

    def _mapped(self, mode):
        return np.lib.format.open_memmap(self.path, mode=mode)

    def __getitem__(self, index):
        return np.array(self._mapped("r")[index])

    def __setitem__(self, index, values):
        self._mapped("r+")[index] = values

    def __dask_tokenize__(self):
        return str(self.path), os.stat(self.path).st_mtime_ns


def read(path, chunks) -> da.Array:
    """Return a .npy file as a Dask array, in these chunks; nothing is read yet.

    Parameters
    ----------
    path : str or Path
    chunks : int, tuple or str
        As `dask.array.from_array` takes them: (64, -1, -1, -1) is 64 images, whole.

    Returns
    -------
    dask.array.Array
    """
    file = NpyFile(path)
    return da.from_array(file, chunks=chunks, name=f"npy-{tokenize(file)}", fancy=False)


def write(y: da.Array, path) -> Delayed:
    """Return a task that writes a Dask array into a .npy file, chunk by chunk.

    The file is made at once, as large as it will be; the numbers arrive on ``compute``.

    Raises
    ------
    ValueError
        If y has chunks of unknown size.
    """
    if np.isnan(sum(y.shape)):
        raise ValueError("y has unknown chunk sizes: call y.compute_chunk_sizes() first")
    target: Any = NpyFile.create(path, y.shape, y.dtype)
    return da.store(y, target, lock=False, compute=False)
