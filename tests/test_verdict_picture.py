"""The matrix of notebook 07 says in words what a check caught."""

import matplotlib.pyplot as plt
import pytest

from bnlib.verdict_picture import verdicts


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def test_every_cell_holds_a_word_at_its_place(ax):
    verdicts(ax, {"first": [True, False], "second": [False, False]}, ["a", "b"])
    words = {text.get_position(): text.get_text() for text in ax.texts}
    assert words == {(0, 0): "caught", (1, 0): "fooled", (0, 1): "fooled", (1, 1): "fooled"}


def test_only_fooled_cells_are_shaded(ax):
    verdicts(ax, {"first": [True, False], "second": [False, True]}, ["a", "b"])
    assert len(ax.patches) == 2


def test_rows_and_columns_carry_their_names(ax):
    assert verdicts(ax, {"first": [True], "second": [False]}, ["a"]) is ax
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["first", "second"]
