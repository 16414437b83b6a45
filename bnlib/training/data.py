"""Real data as arrays (N, C, H, W): scanned digits, a photograph, and feature maps of both.

Nothing is downloaded. The digits are shipped with bnlib, the photograph with matplotlib.
"""

from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bnlib.training.convolution import windows

FILTERS = {
    "brightness": [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
    "vertical edges": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "horizontal edges": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "spots": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
}


class Digits(NamedTuple):
    """Images (N, 1, 8, 8), from 0 to 16, and their labels (N,), from 0 to 9."""

    images: np.ndarray
    labels: np.ndarray


def digits() -> Digits:
    """Return the 1,797 scanned digits, images as float64.

    Source and licence: ``bnlib/training/datasets/README.md``.

    >>> digits().images.shape
    (1797, 1, 8, 8)
    """
    with (files("bnlib.training") / "datasets" / "digits.npz").open("rb") as file:
        stored = np.load(file)
        return Digits(stored["images"].astype(np.float64), stored["labels"].astype(np.int64))


def photo() -> np.ndarray:
    """Return matplotlib's photograph of Grace Hopper, (3, H, W), float64 from 0 to 1.

    The channels are red, green, blue.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    """
    try:
        from matplotlib.cbook import get_sample_data
        from matplotlib.image import imread
    except ImportError:
        raise ImportError("the photograph comes with matplotlib: pip install matplotlib") from None
    path = get_sample_data("grace_hopper.jpg", asfileobj=False)
    return np.moveaxis(imread(path) / 255.0, -1, 0)


def photo_patches(n: int = 16, size: int = 32, *, seed: int = 0) -> np.ndarray:
    """Return n square patches of the photograph, (n, 3, size, size), at random places.

    Raises
    ------
    ValueError
        If n is negative or the photograph has no patch of this size.
    """
    image = photo()
    _, height, width = image.shape
    if n < 0:
        raise ValueError(f"n must be at least 0; got {n}")
    if not 1 <= size <= min(height, width):
        raise ValueError(f"size must be from 1 to {min(height, width)}; got {size}")
    rng = np.random.default_rng(seed)
    tops = rng.integers(0, height - size + 1, n)
    lefts = rng.integers(0, width - size + 1, n)
    patches = [
        image[:, top : top + size, left : left + size]
        for top, left in zip(tops, lefts, strict=True)
    ]
    return np.array(patches).reshape(n, 3, size, size)


def filter_bank(images: ArrayLike) -> np.ndarray:
    """Return the feature maps (N, 4, H - 2, W - 2) of gray images (N, 1, H, W).

    Each channel is the cross-correlation with one 3 x 3 filter of `FILTERS`, in its order,
    without padding: what a convolutional layer with four fixed filters puts out.

    >>> filter_bank(digits().images).shape
    (1797, 4, 6, 6)

    Raises
    ------
    ValueError
        If images are not (N, 1, H, W) with H and W at least 3.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1] != 1 or min(images.shape[2:]) < 3:
        raise ValueError(f"images must be (N, 1, H, W), H and W at least 3; got {images.shape}")
    # einsum adds in the same order on every processor; a matrix product does not.
    return np.einsum("nkhwij,cij->nchw", windows(images, 3, 3), np.array([*FILTERS.values()]))
