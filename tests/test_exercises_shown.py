"""A verdict is seen: sign, word and colour, legible on every page; and text stays plain text."""

import re
from html.parser import HTMLParser
from itertools import combinations

import numpy as np
import pytest

from bnlib import exercises, predict
from bnlib.exercises.checker import shown
from tests.test_palette import LINE_CONTRAST, TEXT_CONTRAST, VISION, closest, contrast

PAGES = ("white", "#111111")  # JupyterLab's light and dark
LOOKS = list(shown.COLORS)


class Balance(HTMLParser):
    """Notes tags that are not closed, and reads the text."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def parsed(html):
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    return parser.text


def wrong_mean(x):
    return x.mean(axis=(0, 2, 3)) + (np.arange(x.shape[1]) > 0)


@pytest.mark.parametrize("look", LOOKS)
def test_white_letters_are_legible_and_the_bar_stands_out(look):
    color = shown.COLORS[look]
    assert contrast("white", color) >= TEXT_CONTRAST
    assert min(contrast(color, page) for page in PAGES) >= LINE_CONTRAST


@pytest.mark.parametrize("vision", VISION)
def test_verdicts_differ_for_every_kind_of_colour_vision(vision):
    assert closest([*shown.COLORS.values()], vision)[0] >= 10


def test_verdicts_differ_without_colour():
    for a, b in combinations(LOOKS, 2):
        assert shown.SIGNS[a] != shown.SIGNS[b]
        assert shown.WORDS[a] != shown.WORDS[b]


@pytest.mark.parametrize("look", LOOKS)
def test_every_colour_behind_letters_has_white_letters_and_no_other_text_a_colour(look):
    html = shown.banner(look, "a < b", shown.folded(("one", "two")))
    for style in re.findall(r'style="([^"]*)"', html):
        assert bool(re.search(r"background:", style)) == bool(re.search(r"\bcolor: white", style))


@pytest.mark.parametrize(("answer", "look"), [(..., "open"), (35, "wrong"), (280, "right")])
def test_check_shows_its_verdict(answer, look):
    result = exercises.count_m.check(answer)
    html = result._repr_html_()
    assert f'class="bnlib-{look}"' in html
    assert f"{shown.SIGNS[look]} {shown.WORDS[look]}" in html
    assert str(result) in parsed(html)


def test_hints_are_one_click_away_each_until_it_is_right():
    for answer in (..., 35):
        html = exercises.count_m.check(answer)._repr_html_()
        assert html.count("<details>") == len(exercises.count_m.hints)
        assert "open" not in re.findall(r"<details[^>]*>", html)[0]
    assert "<details>" not in exercises.count_m.check(280)._repr_html_()


@pytest.mark.parametrize(
    ("answer", "look"),
    [(..., "open"), (40, "wrong"), (1e6, "close"), (2**20, "right")],
)
def test_typed_prediction_shows_its_verdict(answer, look):
    verdict = predict.factor_after_20_layers(answer)
    html = verdict._repr_html_()
    assert f'class="bnlib-{look}"' in html
    assert str(verdict) in parsed(html)


def test_students_own_words_are_no_html():
    def shouting(x):
        raise ValueError("<script>alert(1)</script>")

    html = exercises.channel_mean.check(shouting)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_wrong_result_stands_beside_the_right_one_with_the_wrong_numbers_marked():
    result = exercises.channel_mean.check(wrong_mean)
    _, expected = exercises.channel_mean.case()
    html = result._repr_html_()
    text = parsed(html)
    assert f"mu, yours, {expected.shape}" in text
    assert f"mu, right, {expected.shape}" in text
    assert html.count("<td style=") == expected.size - 1
    assert html.count("<td") == 2 * expected.size
    assert "yours" not in str(result)


def test_results_of_another_shape_and_large_ones_are_not_drawn():
    one, many = np.zeros(3), np.zeros((7, 7))
    assert shown.beside("y", one, np.zeros((3, 1)), 0.0) == ""
    assert shown.beside("y", many, many + 1, 0.0) == ""
    assert shown.beside("y", np.float64(1), np.float64(2), 0.0) == ""


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 2), (2, 3, 2, 2), (1, 2, 1, 2, 2)])
def test_every_number_of_an_array_is_drawn_once(shape):
    right = np.arange(np.prod(shape), dtype=float).reshape(shape)
    wrong = right.copy()
    wrong.flat[-1] = np.nan
    html = shown.beside("y", wrong, right, 1e-9)
    assert html.count("<td") == 2 * right.size
    assert html.count("<td style=") == 1
    assert "nan" in parsed(html)
