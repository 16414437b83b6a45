import numpy as np
import pytest

from bnlib import data


@pytest.fixture(scope="module")
def digits():
    return data.digits()


def test_digits_are_1797_gray_images_of_whole_numbers_from_0_to_16(digits):
    assert digits.images.shape == (1797, 1, 8, 8)
    assert digits.images.dtype == np.float64
    assert np.unique(digits.images).tolist() == list(range(17))


def test_digits_come_in_the_numbers_that_the_source_counts(digits):
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(digits.labels).tolist() == counts
    assert digits.labels.dtype == np.int64


def test_digits_are_the_sources_pixel_by_pixel(digits):
    # Whole numbers below 2^53: exact in any order. The weights tell places apart.
    weights = np.arange(1, 65).reshape(1, 1, 8, 8)
    assert digits.images.sum() == 561718
    assert (digits.images**2 * weights).sum() == 224173545
    assert digits.images[0, 0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert digits.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_images_and_labels_belong_together(digits):
    # Written thin, a one has ink in the middle columns and a zero has none in the middle.
    middle = digits.images[:, 0, 3:5, 3:5].mean(axis=(1, 2))
    assert middle[digits.labels == 1].mean() > 10
    assert middle[digits.labels == 0].mean() < 3


def test_each_call_gives_arrays_of_its_own():
    images = data.digits().images
    images[:] = 0
    assert data.digits().images.max() == 16


def test_the_photograph_is_red_green_blue_from_0_to_1():
    photo = data.photo()
    assert photo.shape == (3, 600, 512)
    assert photo.dtype == np.float64
    assert (photo.min(), photo.max()) == (0, 1)
    # Decoders of JPEG differ by a unit of 1/255 here and there.
    np.testing.assert_allclose(photo.mean(axis=(1, 2)), [0.3235, 0.2840, 0.3389], atol=0.004)
    np.testing.assert_allclose(photo.std(axis=(1, 2)), [0.3121, 0.2669, 0.2914], atol=0.004)
    dark_blue_corner = photo[:, 0, 0] * 255
    np.testing.assert_allclose(dark_blue_corner, [21, 24, 77], atol=3)


def test_without_matplotlib_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.cbook", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        data.photo()


def test_patches_are_cut_from_the_photograph():
    photo = data.photo()
    for patch in data.photo_patches(3, 40, seed=5):
        corners = np.argwhere((photo == patch[:, :1, :1]).all(axis=0))
        assert any(
            np.array_equal(photo[:, top : top + 40, left : left + 40], patch)
            for top, left in corners
        )


def test_the_same_seed_cuts_the_same_patches():
    first = data.photo_patches(4, seed=1)
    assert first.shape == (4, 3, 32, 32)
    assert (first == data.photo_patches(4, seed=1)).all()
    assert (first != data.photo_patches(4, seed=2)).any()
    assert not (first[0] == first[1]).all()


def test_no_patches_and_the_largest_patch_are_possible():
    assert data.photo_patches(0, 8).shape == (0, 3, 8, 8)
    assert (data.photo_patches(1, 512)[0, :, :, 0] <= 1).all()


def test_every_place_that_holds_a_patch_is_taken(monkeypatch):
    image = np.arange(3 * 5 * 4.0).reshape(3, 5, 4)
    monkeypatch.setattr(data, "photo", lambda: image)
    patches = data.photo_patches(200, 3)
    corners = {image[0, top, left] for top in range(3) for left in range(2)}
    assert set(patches[:, 0, 0, 0]) == corners


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 32), "n must be at least 0; got -1"),
        ((1, 0), "size must be from 1 to 512; got 0"),
        ((1, 513), "size must be from 1 to 512; got 513"),
    ],
)
def test_impossible_patches_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        data.photo_patches(*arguments)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_the_filter_bank_is_a_cross_correlation_without_padding(dtype):
    images = np.random.default_rng(0).integers(0, 17, (2, 1, 5, 6)).astype(dtype)
    maps = data.filter_bank(images)
    assert maps.shape == (2, 4, 3, 4)
    for k, kernel in enumerate(data.FILTERS.values()):
        for n, h, w in np.ndindex(2, 3, 4):
            total = sum(
                int(images[n, 0, h + i, w + j]) * kernel[i][j] for i in range(3) for j in range(3)
            )
            assert maps[n, k, h, w] == total  # whole numbers: exact


def test_the_filters_see_what_they_are_named_after():
    ramp = np.broadcast_to(np.arange(5.0), (1, 1, 5, 5))  # brighter to the right
    brightness, vertical, horizontal, spots = data.filter_bank(ramp)[0]
    assert brightness[0].tolist() == [16, 32, 48]
    assert (vertical == -8).all()
    assert (horizontal == 0).all()
    assert (spots == 0).all()


def test_the_filter_bank_takes_lists_and_no_images():
    assert data.filter_bank([[[[1] * 3] * 3]])[0, :, 0, 0].tolist() == [16, 0, 0, 0]
    assert data.filter_bank(np.zeros((0, 1, 8, 8))).shape == (0, 4, 6, 6)


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 8, 8), (8, 8), (2, 1, 2, 8), (2, 1, 8, 2), ()])
def test_other_shapes_are_refused_by_the_filter_bank(shape):
    with pytest.raises(ValueError, match=r"images must be \(N, 1, H, W\)") as caught:
        data.filter_bank(np.ones(shape))
    assert str(shape) in str(caught.value)
