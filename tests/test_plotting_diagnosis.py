import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Annotation

from bnlib import plotting

GROUPS = {
    "in evaluation": [("1", "a drift", "a mode", "a state"), ("2", "a NaN", "a batch", "a buffer")],
    "in training": [("6", "an error", "one row", "a remainder")],
}


@pytest.fixture
def ax():
    with mpl.rc_context():
        plt.switch_backend("agg")
        plotting.use_style()
        drawn = plotting.diagnosis(plt.subplots()[1], GROUPS)
        drawn.figure.draw_without_rendering()  # so that the layout is settled
        yield drawn
    plt.close("all")


def texts(ax):
    """Return {height: texts from left to right}."""
    found = {}
    for text in sorted(ax.texts, key=lambda text: text.get_position()[0]):
        if text.get_text():
            found.setdefault(text.get_position()[1], []).append(text.get_text())
    return found


def arrows(ax):
    return [text for text in ax.texts if isinstance(text, Annotation)]


def test_line_leads_from_symptom_to_cause_to_test_with_the_number_on_both_arrows(ax):
    lines = list(texts(ax).values())
    for number, symptom, cause, test in [row for rows in GROUPS.values() for row in rows]:
        assert [symptom, number, cause, number, test] in lines


def test_groups_stand_above_their_cases_in_order(ax):
    firsts = [line[0] for _, line in sorted(texts(ax).items())]
    assert firsts == ["symptom", "in evaluation", "a drift", "a NaN", "in training", "an error"]


def test_arrows_point_to_the_right_and_meet_no_text(ax):
    assert len(arrows(ax)) == 6
    words = [t for t in ax.texts if not isinstance(t, Annotation) and not t.get_text().isdigit()]
    boxes = [text.get_window_extent() for text in words]
    for arrow in arrows(ax):
        assert arrow.xy[0] > arrow.xyann[0]
        assert arrow.xy[1] == arrow.xyann[1]
        (tail, y), (head, _) = ax.transData.transform([arrow.xyann, arrow.xy])
        line = mpl.transforms.Bbox([[tail, y - 1], [head, y + 1]])
        assert not any(line.overlaps(box) for box in boxes)


def test_no_text_leaves_the_picture(ax):
    for text in ax.texts:
        if text.get_text():
            box = text.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= ax.figure.bbox.width


def test_figure_grows_with_its_lines(ax):
    height = ax.figure.get_figheight()
    plotting.diagnosis(ax, GROUPS | {"elsewhere": GROUPS["in training"]})
    assert ax.figure.get_figheight() > height
