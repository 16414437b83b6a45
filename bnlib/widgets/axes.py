"""The axes explorer: which numbers a norm averages together, in a block and in a photograph."""

from base64 import b64encode
from functools import cache, partial
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from bnlib.layers import (
    groupnorm_forward,
    instancenorm_forward,
    layernorm_forward,
    spatial_batchnorm_forward,
)
from bnlib.layout import count
from bnlib.plotting.style import FAINT, GROUPS, INK
from bnlib.training import data
from bnlib.widgets.explorer import Explorer
from bnlib.widgets.overlay import Place
from bnlib.widgets.svg import element, picture, text

N, C = 3, 4
CHANNELS = tuple(data.FILTERS)
LAYERS = {
    "batch": spatial_batchnorm_forward,
    "layer": layernorm_forward,
    "instance": instancenorm_forward,
    "group": partial(groupnorm_forward, groups=2),
}
SQUARE = 24  # a number of the block
CELL = 3 * SQUARE
STEP, TOP, LEFT, PHOTO = CELL + 12, 78, 140, 450
SHARED, OTHER = GROUPS[0], "white"


class Shared(NamedTuple):
    """The numbers that share a mean with one of them: where (N, C, H, W), and what they give."""

    together: np.ndarray
    count: int  # type: ignore[assignment]  # hides tuple.count
    mean: float
    std: float


def shared_mean(x, norm, image, channel):
    """Return which numbers of x (N, C, H, W) are averaged with those of an image's channel."""
    ones = np.ones(x.shape[1])
    saved = LAYERS[norm](x, ones, 0 * ones)[1].normalized
    places = np.arange(saved.mean.size).reshape(saved.mean.shape)
    owner = np.broadcast_to(places, saved.xhat.shape).reshape(x.shape)
    index = owner[image, channel, 0, 0]
    mean, var = (float(v.ravel()[index]) for v in (saved.mean, saved.var))
    return Shared(owner == index, count(saved.xhat.shape, saved.axes), mean, np.sqrt(var))


@cache
def block():
    """Return a block of digits (3, 4, 3, 3), small enough to average by hand."""
    n, c = np.arange(N).reshape(N, 1, 1, 1), np.arange(C).reshape(1, C, 1, 1)
    return np.random.default_rng(5).integers(0, 5, (N, C, 3, 3)) + n + c


@cache
def photo_maps():
    """Return the feature maps (3, 4, 46, 46) of three patches of the photograph, in gray."""
    patches = data.photo_patches(6, 96, seed=1762)[:N, :, ::2, ::2]  # those of notebook 01
    return data.filter_bank(patches.mean(axis=1, keepdims=True))


@cache
def _pictures():
    """Return each feature map as the address of a small PNG; a channel has one gray scale."""
    addresses = {}
    for n, c in np.ndindex(N, C):
        channel = photo_maps()[:, c]
        gray = 255 * (channel[n] - channel.min()) / np.ptp(channel)
        file = BytesIO()
        Image.fromarray(np.uint8(gray.round())).save(file, "PNG")
        addresses[n, c] = f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"
    return addresses


def draw(norm="batch", image=0, channel=0):
    """Return the picture of block and photograph, with the numbers that share a mean."""
    squares, maps = (shared_mean(x, norm, image, channel) for x in (block(), photo_maps()))
    claim = f"{norm.capitalize()} norm: the numbers of {_described(squares)} share one mean"
    alt = (
        f"{claim}. Chosen: image {image}, channel {channel}. In the block these are "
        f"{squares.count} numbers, mean {squares.mean:.2f}, standard deviation {squares.std:.2f}. "
        f"In the photograph {maps.count:,} numbers, {maps.mean:z.2f} and {maps.std:.2f}."
    )
    cells = [*np.ndindex(N, C)]
    return picture(
        (720, 446),
        *_labels(),
        *(piece for n, c in cells for piece in _squares(n, c, squares.together[n, c])),
        *(piece for n, c in cells for piece in _map(n, c, maps.together[n, c].all())),
        *(_ring(left, image, channel) for left in (LEFT, PHOTO)),
        *(
            text(left, 432, f"mean of {found.count:,} numbers: {found.mean:z.2f}")
            for left, found in ((LEFT, squares), (PHOTO, maps))
        ),
        title=claim,
        alt=alt,
        state={"norm": norm, "image": image, "channel": channel},
    )


def axes_explorer():
    """Return the explorer: choose a norm, click on an image's channel, see what shares its mean."""
    still = {"norm": "batch", "channel": 1}
    return Explorer("axes-explorer", draw, _build, still, places=_places)


def _build(ipywidgets):
    controls = {
        "norm": ipywidgets.ToggleButtons(options=[*LAYERS], description="Norm"),
        "image": ipywidgets.IntSlider(0, 0, N - 1, description="Image"),
        "channel": ipywidgets.IntSlider(0, 0, C - 1, description="Channel"),
    }
    return controls, [controls["norm"], ipywidgets.HBox([controls["image"], controls["channel"]])]


def _places(controls):
    """Return a place for each image's channel, in the block and in the photograph."""
    for left in (LEFT, PHOTO):
        for n, c in np.ndindex(N, C):
            choose = partial(_choose, controls, n, c)
            yield Place(*_corner(left, n, c), CELL, CELL, f"image {n}, channel {c}", choose)


def _choose(controls, image, channel):
    controls["image"].value, controls["channel"].value = image, channel


def _described(shared):
    """Name the channels and images of what is averaged together."""
    of, within = (
        np.flatnonzero(shared.together.any(axis=axes)).tolist() for axes in ((0, 2, 3), (1, 2, 3))
    )
    return f"{_listed('channel', of, C)} in {_listed('image', within, N)}"


def _listed(noun, indices, every):
    if len(indices) == 1:
        return f"{noun} {indices[0]}"
    return f"all {noun}s" if len(indices) == every else f"{noun}s {' and '.join(map(str, indices))}"


def _corner(left, n, c):
    return left + n * STEP, TOP + c * STEP


def _labels():
    for left, words in ((LEFT, "A block of numbers"), (PHOTO, "Feature maps of a photograph")):
        yield text(left, 48, words)
        for n in range(N):
            x = _corner(left, n, 0)[0] + CELL / 2
            yield text(x, 68, f"image {n}", text_anchor="middle", fill=FAINT)
    for c, name in enumerate(CHANNELS):
        y = _corner(0, 0, c)[1] + CELL / 2
        yield text(12, y - 2, f"channel {c}")
        yield text(12, y + 14, name, fill=FAINT)


def _squares(n, c, together):
    """Draw the numbers of an image's channel; those averaged together in colour and bold."""
    left, top = _corner(LEFT, n, c)
    for (h, w), number in np.ndenumerate(block()[n, c]):
        x, y, shared = left + w * SQUARE, top + h * SQUARE, together[h, w]
        looks = {"fill": SHARED if shared else OTHER, "stroke": INK if shared else "#C8C8C8"}
        yield element("rect", x=x, y=y, width=SQUARE, height=SQUARE, **looks)
        weight = {"font_weight": "bold"} if shared else {"fill": FAINT}
        middle = {"text_anchor": "middle", **weight}
        yield text(x + SQUARE / 2, y + SQUARE / 2 + 4, f"{number:.0f}", **middle)


def _map(n, c, together):
    """Draw a feature map; one that is not averaged together is pale and has no frame."""
    x, y = _corner(PHOTO, n, c)
    place = {"x": x, "y": y, "width": CELL, "height": CELL}
    yield element("image", **place, href=_pictures()[n, c], opacity=1 if together else 0.3)
    if together:
        yield element("rect", **place, fill="none", stroke=SHARED, stroke_width=4)


def _ring(left, n, c):
    """Draw a dashed frame around the chosen image's channel."""
    x, y = _corner(left, n, c)
    size = CELL + 8
    looks = {"fill": "none", "stroke": INK, "stroke_width": 2, "stroke_dasharray": "5 3"}
    return element("rect", x=x - 4, y=y - 4, width=size, height=size, **looks)
