"""The batch laboratory's numbers, against the loops and against the formulas of the averages."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from bnlib import reference
from bnlib.widgets import laboratory
from bnlib.widgets.laboratory import BATCHES, START, draw, experiment

SVG = "{http://www.w3.org/2000/svg}"
STATES = [
    {},
    {"n": 2, "momentum": 0.0},
    {"n": 256, "offset": -20.0, "spread": 8.0, "gamma": -3.0, "beta": 5.0},
    {"spread": 0.001, "eps": 10.0, "momentum": 0.98},
]
EVERY = pytest.mark.parametrize("changed", STATES, ids=str)


@EVERY
def test_training_output_is_that_of_the_reference(changed):
    state = {**START, **changed}
    found = experiment(**state)
    gamma, beta = [state["gamma"]], [state["beta"]]
    expected = reference.batchnorm_forward(found.x, gamma, beta, state["eps"])
    assert found.x.shape == (state["n"], 1)
    np.testing.assert_allclose(found.trained, expected, atol=1e-9)


@EVERY
def test_running_statistics_are_weighted_sums_of_the_batches_own(changed):
    state = {**START, **changed}
    found, a = experiment(**state), state["momentum"]
    k = np.arange(BATCHES)
    for own, running in (
        (found.means, found.running_means),
        (found.variances, found.running_variances),
    ):
        for last in (0, 7, BATCHES - 1):
            weights = (1 - a) * a ** (last - k[: last + 1])
            assert running[last] == pytest.approx(weights @ own[: last + 1], rel=1e-9)
    assert found.means[-1] == pytest.approx(found.x.mean())
    assert found.variances[-1] == pytest.approx(found.x.var())


@EVERY
def test_inference_uses_the_running_statistics(changed):
    state = {**START, **changed}
    found = experiment(**state)
    std = np.sqrt(found.running_variances[-1] + state["eps"])
    expected = state["gamma"] * (found.x - found.running_means[-1]) / std + state["beta"]
    np.testing.assert_allclose(found.inferred, expected, rtol=1e-9)


@EVERY
def test_text_gives_moments_and_the_gap(changed):
    found, said = experiment(**{**START, **changed}), draw(**changed).alt
    numbers = [float(v) for v in re.findall(r"(?:mean|std|two:) (-?\d+(?:\.\d+)?)", said)]
    values = (found.x, found.trained, found.inferred)
    moments = [f(v) for v in values for f in (np.mean, np.std)]
    gap = np.abs(found.trained - found.inferred).max()
    np.testing.assert_allclose(numbers, [*moments, gap], rtol=1e-5, atol=6e-4)


@EVERY
def test_lower_panels_draw_every_batch_and_the_running_line(changed):
    found = experiment(**{**START, **changed})
    root = ElementTree.fromstring(draw(**changed).svg)
    dots = np.array([float(c.get("cy")) for c in root.findall(f"{SVG}circle")])
    lines = [p for p in root.findall(f"{SVG}polyline") if not p.get("stroke-dasharray")]
    assert len(dots) == 2 * BATCHES
    for own, running, drawn, line in zip(
        (found.means, found.variances),
        (found.running_means, found.running_variances),
        np.split(dots, 2),
        lines,
        strict=True,
    ):
        heights = [float(point.split(",")[1]) for point in line.get("points").split()]
        scale, origin = np.polyfit(np.append(own, running), np.append(drawn, heights), 1)
        assert scale < 0  # larger is higher
        np.testing.assert_allclose(drawn, scale * own + origin, atol=0.3)
        np.testing.assert_allclose(heights, scale * running + origin, atol=0.3)


def test_shares_of_a_histogram_sum_to_what_lies_inside():
    values = np.array([-50.0, 0.5, 0.5, 39.0])
    shares = laboratory._shares(values, (-40, 40))
    assert shares.sum() == 0.75
    assert shares.max() == 0.5
    assert laboratory._beyond(shares) == " (25 % outside)"
    assert laboratory._beyond(np.array([0.5, 0.5])) == ""
    assert laboratory._beyond(np.array([255 / 256])) == " (under 1 % outside)"


@EVERY
def test_picture_and_text_name_every_setting(changed):
    names = ("N", "offset", "spread", "eps", "gamma", "beta", "momentum")
    values = {**START, **changed}.values()
    settings = ", ".join(f"{name} {value:g}" for name, value in zip(names, values, strict=True))
    picture = draw(**changed)
    assert f">{settings}</text>" in picture.svg
    assert picture.alt.endswith(f"Settings: {settings}.")


def test_title_says_whether_the_modes_agree():
    assert ">Training and inference agree</text>" in draw(momentum=0.0).svg
    assert ">Training and inference differ by up to 0.135</text>" in draw().svg


def test_small_variance_is_not_written_as_zero():
    (last,) = re.findall("running, now ([^<]*e-07)<", draw(spread=0.001).svg)
    found = experiment(**{**START, "spread": 0.001})
    assert float(last) == pytest.approx(found.running_variances[-1], rel=1e-3)


def test_picture_says_that_values_lie_outside():
    texts = [t.text for t in ElementTree.fromstring(draw(spread=0.001).svg).iter(f"{SVG}text")]
    assert any(t.startswith("dashed: inference") and "100 % outside" in t for t in texts)


def test_what_the_notebook_claims():
    """Training never sees the offset; eps shrinks a small spread; 0.98 reaches 55 %."""
    for offset in (-20.0, 0.0, 20.0):
        np.testing.assert_allclose(
            experiment(**{**START, "offset": offset}).trained,
            experiment(**START).trained,
            atol=1e-6,
        )
    small = experiment(**{**START, "spread": 0.001})
    assert small.trained.std() == pytest.approx(0.29, abs=0.01)
    assert experiment(**{**START, "spread": 0.001, "eps": 1e-8}).trained.std() == pytest.approx(
        1, abs=0.01
    )
    young = experiment(**{**START, "momentum": 0.98})
    share = 1 - 0.98**BATCHES
    assert share == pytest.approx(0.55, abs=0.005)
    assert young.running_means[-1] / 10 == pytest.approx(share, abs=0.02)
    assert (young.trained == experiment(**START).trained).all()
    two = experiment(**{**START, "n": 2})
    np.testing.assert_allclose(sorted(two.trained.ravel()), [-1, 1], atol=1e-3)
    assert (two.inferred < 0).all()
