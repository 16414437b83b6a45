"""The axes explorer's numbers, against means that NumPy takes over slices written by hand."""

import re
import xml.etree.ElementTree as ElementTree
from base64 import b64decode
from io import BytesIO
from itertools import product

import numpy as np
import pytest
from matplotlib.image import imread

from bnlib.widgets import axes

SVG = "{http://www.w3.org/2000/svg}"
SLICES = {
    "batch": lambda n, c: np.s_[:, c],
    "layer": lambda n, c: np.s_[n],
    "instance": lambda n, c: np.s_[n, c],
    "group": lambda n, c: np.s_[n, :2] if c < 2 else np.s_[n, 2:],
}
PLACES = [*np.ndindex(axes.N, axes.C)]


@pytest.mark.parametrize("norm", SLICES)
@pytest.mark.parametrize("x", [axes.block(), axes.photo_maps()], ids=["block", "photo"])
def test_shared_numbers_are_those_of_the_slice(norm, x):
    for n, c in PLACES:
        found = axes.shared_mean(x, norm, n, c)
        numbers = x[SLICES[norm](n, c)]
        expected = np.zeros(x.shape, bool)
        expected[SLICES[norm](n, c)] = True
        assert (found.together == expected).all()
        assert found.count == numbers.size
        assert found.mean == pytest.approx(numbers.mean(), rel=1e-12)
        assert found.std == pytest.approx(numbers.std(), rel=1e-12)


@pytest.mark.parametrize("norm", SLICES)
def test_picture_points_out_these_numbers_and_says_their_mean(norm):
    for n, c in PLACES:
        picture = axes.draw(norm, n, c)
        texts = ElementTree.fromstring(picture.svg).findall(f"{SVG}text")
        bold = [t.text for t in texts if t.get("font-weight") == "bold" and t.text.isdigit()]
        shared = axes.block()[SLICES[norm](n, c)]
        assert sorted(map(float, bold)) == sorted(shared.ravel())
        lines = [t.text for t in texts if t.text.startswith("mean of ")]
        photo = axes.photo_maps()[SLICES[norm](n, c)]
        assert lines == [
            f"mean of {shared.size} numbers: {shared.mean():.2f}",
            f"mean of {photo.size:,} numbers: {photo.mean():z.2f}",
        ]
        assert f"{shared.size} numbers, mean {shared.mean():.2f}" in picture.alt
        assert f"{photo.size:,} numbers, {photo.mean():z.2f} and {photo.std():.2f}" in picture.alt


@pytest.mark.parametrize("norm", SLICES)
def test_photographs_that_are_not_averaged_are_pale(norm):
    for n, c in PLACES:
        images = ElementTree.fromstring(axes.draw(norm, n, c).svg).findall(f"{SVG}image")
        clear = np.zeros((axes.N, axes.C), bool)
        clear[SLICES[norm](n, c)] = True
        opacities = np.reshape([float(image.get("opacity")) for image in images], clear.shape)
        assert ((opacities == 1) == clear).all()
        assert opacities.min() < 0.5


@pytest.mark.parametrize(
    ("norm", "words"),
    [
        ("batch", "channel 2 in all images"),
        ("layer", "all channels in image 1"),
        ("instance", "channel 2 in image 1"),
        ("group", "channels 2 and 3 in image 1"),
    ],
)
def test_title_names_what_shares_a_mean(norm, words):
    picture = axes.draw(norm, 1, 2)
    assert picture.alt.startswith(f"{norm.capitalize()} norm: the numbers of {words} share one")
    assert "Chosen: image 1, channel 2." in picture.alt


def test_dashed_frames_stand_around_the_chosen_place():
    for n, c in PLACES:
        root = ElementTree.fromstring(axes.draw("batch", n, c).svg)
        frames = [r for r in root.findall(f"{SVG}rect") if r.get("stroke-dasharray")]
        corners = [(float(r.get("x")) + 4, float(r.get("y")) + 4) for r in frames]
        assert corners == [axes._corner(left, n, c) for left in (axes.LEFT, axes.PHOTO)]


def test_click_on_a_square_chooses_its_image_and_channel():
    explorer = axes.axes_explorer()
    stage = explorer.root.children[-3]
    figure, overlay = stage.children
    assert figure is explorer.figure
    assert [b.tooltip for b in overlay.children] == [
        f"image {n}, channel {c}" for n, c in PLACES
    ] * 2
    for k, (n, c) in enumerate(2 * PLACES):
        overlay.children[k].click()
        assert (explorer.controls["image"].value, explorer.controls["channel"].value) == (n, c)
        assert f"Chosen: image {n}, channel {c}." in figure.value


def test_button_lies_over_its_square_at_any_size():
    explorer = axes.axes_explorer()
    width, height = explorer.still.size
    style = explorer.root.children[-1].value
    for k, (left, (n, c)) in enumerate(product((axes.LEFT, axes.PHOTO), PLACES)):
        found = re.search(
            rf"bnlib-place-{k} {{ left: (\S*)%; top: (\S*)%; width: (\S*)%; height: (\S*)% }}",
            style,
        )
        x, y = axes._corner(left, n, c)
        wanted = [x / width, y / height, axes.CELL / width, axes.CELL / height]
        assert [float(v) / 100 for v in found.groups()] == pytest.approx(wanted, abs=1e-4)


def test_photograph_is_shown_as_its_feature_maps_each_channel_on_one_scale():
    images = ElementTree.fromstring(axes.draw().svg).findall(f"{SVG}image")
    for (n, c), image in zip(PLACES, images, strict=True):
        encoded = re.fullmatch(r"data:image/png;base64,(.*)", image.get("href"))[1]
        gray = imread(BytesIO(b64decode(encoded)), format="png")
        channel = axes.photo_maps()[:, c]
        expected = (channel[n] - channel.min()) / np.ptp(channel)
        np.testing.assert_allclose(gray, expected, atol=0.6 / 255)  # rounded to 256 grays
