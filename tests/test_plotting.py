import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import unquote

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from bnlib import plotting
from bnlib.plotting import style as look
from tools.figures import figure_in

ALT = 'Two groups of numbers, "a" & <b>, each with its own mean.'


@pytest.fixture(autouse=True)
def style():
    """Draw without a screen, in the notebooks' style, and leave no figure and no setting."""
    with mpl.rc_context():
        plt.switch_backend("agg")
        plotting.use_style()
        yield
    plt.close("all")


@pytest.fixture
def ax():
    return plt.subplots()[1]


@pytest.fixture
def shown(monkeypatch):
    """Return the list of bundles that show() displays."""
    bundles = []
    monkeypatch.setattr(look, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def example():
    """Return a figure with lines, text, a clipped image and markers."""
    fig, axes = plt.subplots(1, 3)
    x = np.random.default_rng(0).standard_normal((2, 1, 4, 5))
    plotting.channel_rows(axes[np.newaxis], x, ["red"])
    return fig


# show


def test_show_displays_svg_and_the_alternative_text(shown):
    plotting.show(example(), ALT)
    (bundle,) = shown
    assert bundle.keys() == {"text/html", "text/plain"}
    assert bundle["text/plain"] == f"Figure: {ALT}"
    svg, alt = figure_in(bundle)
    assert alt == ALT
    root = ElementTree.fromstring(svg)  # well-formed, whatever alt contains
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-label") == ALT
    assert root.get("role") == "img"


def test_switch_gives_the_older_form_of_the_same_figure(shown, monkeypatch):
    for as_html in (True, False):
        monkeypatch.setattr(look, "AS_HTML", as_html)
        plotting.show(example(), ALT)
    assert shown[1].keys() == {"image/svg+xml", "text/plain"}
    assert figure_in(shown[0]) == figure_in(shown[1])


def test_address_of_a_figure_is_encoded_no_more_than_it_needs(shown):
    svg = "<svg role=\"img\">\n\tstroke: #0072B2; 100 % 'ü' &lt;</svg>"
    html = look.forms(svg, ALT)["text/html"]
    address = re.search('src="([^"]*)"', html)[1]
    assert unquote(address) == "data:image/svg+xml," + svg
    assert not set('<>#&\n"').intersection(address)
    assert "'ü' %26lt;" in address


def test_show_closes_the_figure(shown):
    fig = example()
    plotting.show(fig, ALT)
    assert not plt.fignum_exists(fig.number)


@pytest.mark.parametrize("alt", ["", "a figure", "x" * 39])
def test_show_refuses_an_alternative_text_that_tells_nothing(shown, alt):
    with pytest.raises(ValueError, match="40 characters"):
        plotting.show(example(), alt)
    assert shown == []


@pytest.mark.parametrize(("inches", "points"), [(12, "636"), (8, "576")])
def test_wide_figure_is_shown_in_the_width_of_a_cell(shown, inches, points):
    plotting.show(plt.figure(figsize=(inches, 2)), ALT)
    root = ElementTree.fromstring(figure_in(shown[0]).svg)
    assert (root.get("width"), root.get("height")) == (f"{points}pt", None)
    assert root.get("viewBox") == f"0 0 {72 * inches} 144"


def test_text_in_a_figure_stays_text(shown):
    plotting.show(example(), ALT)
    assert ">red</text>" in figure_in(shown[0]).svg


def test_equal_figures_are_equal_text_and_carry_no_date(shown):
    plotting.show(example(), ALT)
    plotting.show(example(), ALT)
    first, second = (figure_in(bundle).svg for bundle in shown)
    assert first == second
    assert "<dc:date>" not in first


def test_equal_figures_are_equal_text_in_another_process(shown):
    plotting.show(example(), ALT)
    code = (
        "import matplotlib; matplotlib.use('agg')\n"
        "from bnlib import plotting\n"
        "from bnlib.plotting import style\n"
        "from tests.test_plotting import ALT, example\n"
        "from tools.figures import figure_in\n"
        "style.display = lambda bundle, raw: print(figure_in(bundle).svg, end='')\n"
        "plotting.use_style(); plotting.show(example(), ALT)"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], cwd=root, capture_output=True, check=True
    )
    assert done.stdout.decode().replace("\r\n", "\n") == figure_in(shown[0]).svg


def test_users_own_matplotlib_settings_change_no_figure(shown):
    plotting.show(example(), ALT)
    users = {"axes.grid": True, "lines.linewidth": 7, "font.size": 20, "svg.fonttype": "path"}
    users |= {"axes.facecolor": "red", "figure.dpi": 300, "savefig.transparent": True}
    mpl.rcParams.update(users)
    plotting.show(example(), ALT)
    plotting.use_style()
    plotting.show(example(), ALT)
    first, changed, again = (figure_in(bundle).svg for bundle in shown)
    assert first == again != changed


def test_a_changed_number_changes_the_text(shown):
    for value in (1.0, 1.001):
        fig, ax = plt.subplots()
        plotting.curves(ax, [0, 1], {"a": [0, value]}, "x", "y")
        plotting.show(fig, ALT)
    assert figure_in(shown[0]).svg != figure_in(shown[1]).svg


def test_without_the_style_ids_would_be_random(shown):
    for _ in range(2):
        mpl.rcParams["svg.hashsalt"] = None
        plotting.show(example(), ALT)
    assert figure_in(shown[0]).svg != figure_in(shown[1]).svg


# Colours


def test_no_two_quantities_share_a_colour():
    for palette in (list(plotting.COLORS.values()), plotting.SERIES, plotting.GROUPS):
        assert len(set(palette)) == len(palette)


# What the functions draw


def groups_of(ax):
    """Return the labels and the colours that averaged_together drew, block by block."""
    labels = [text.get_text() for text in ax.texts]
    colors = [to_hex(collection.get_facecolor()[0]) for collection in ax.collections]
    return list(zip(labels, colors, strict=True))


@pytest.mark.parametrize(
    ("shape", "axes", "means"),
    [
        ((2, 3, 4, 5), (0, 2, 3), 3),  # batch norm
        ((2, 3, 4, 5), (2, 3), 6),  # instance norm
        ((2, 3, 4, 5), (1, 2, 3), 2),  # layer norm
        ((2, 3, 4, 5), (0, 1, 2, 3), 1),
        ((5, 4), (0,), 4),
        ((5, 4), (1,), 5),
    ],
    ids=str,
)
def test_as_many_groups_are_drawn_as_there_are_means(ax, shape, axes, means):
    assert plotting.averaged_together(ax, shape, axes) is ax
    groups = groups_of(ax)
    assert len(groups) == shape[0] * shape[1]  # one block for each image's channel
    assert len(set(groups)) == len({label for label, _ in groups}) == means
    assert means == np.mean(np.zeros(shape), axis=axes).size
    assert sum(len(c.get_paths()) for c in ax.collections) == np.prod(shape)


def test_group_norm_has_a_mean_for_each_group_of_an_image(ax):
    plotting.averaged_together(ax, (2, 4, 3, 3), (2, 3), groups=2)
    groups = groups_of(ax)
    labels = [label for label, _ in groups[:4]]  # of image 0, channel by channel
    assert labels == [r"$\mu_{0,0}$"] * 2 + [r"$\mu_{0,1}$"] * 2
    assert len(set(groups)) == 4


def test_blocks_of_a_channel_share_its_mean(ax):
    plotting.averaged_together(ax, (2, 3, 4, 5), (0, 2, 3))
    labels = [label for label, _ in groups_of(ax)]
    assert labels[:3] == labels[3:] == [r"$\mu_{0}$", r"$\mu_{1}$", r"$\mu_{2}$"]


def test_numbered_draws_every_number_in_its_groups_colour(ax):
    numbers, groups = np.arange(6).reshape(2, 3), np.array([[0, 1, 2], [0, 1, 2]])
    assert plotting.numbered(ax, numbers, groups) is ax
    assert [text.get_text() for text in ax.texts] == list("012345")
    colors = [to_hex(patch.get_facecolor()).upper() for patch in ax.patches]
    assert colors == list(plotting.GROUPS[:3]) * 2


def test_numbered_names_groups_beside_their_rows(ax):
    numbers = np.arange(8).reshape(4, 2)
    plotting.numbered(ax, numbers, numbers // 4, names=("channel 0", "channel 1"))
    places = {text.get_text(): text.get_position() for text in ax.texts[-2:]}
    assert places == {"channel 0": (-0.2, 1.0), "channel 1": (-0.2, 3.0)}


def test_channel_rows_draw_each_channels_images_on_one_scale():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    axes = plt.subplots(3, 3)[1]
    assert plotting.channel_rows(axes, x, ["red", "green", "blue"]) is axes
    for c, row in enumerate(axes):
        for n in range(2):
            (image,) = row[n].images
            assert (image.get_array() == x[n, c]).all()
            assert image.get_clim() == (x.min(), x.max())
        assert row[0].get_ylabel() == ["red", "green", "blue"][c]
        assert row[-1].lines[0].get_xdata()[0] == x[:, c].mean()


def test_a_histogram_marks_mean_and_standard_deviation(ax):
    values = np.array([[1.0, 2.0], [3.0, 6.0]])
    assert plotting.histogram(ax, values, bins=np.linspace(0, 8, 5)) is ax
    mean, bar = ax.lines
    assert set(mean.get_xdata()) == {3.0}
    np.testing.assert_allclose(bar.get_xdata(), [3 - np.sqrt(3.5), 3 + np.sqrt(3.5)])
    assert [patch.get_height() for patch in ax.patches] == [0.125, 0.25, 0, 0.125]  # densities


def test_densities_are_those_of_each_channel(ax):
    x = np.random.default_rng(0).standard_normal((20, 2, 3, 3))
    bins = np.linspace(-5, 5, 11)
    assert plotting.channel_densities(ax, x, ["a", "b"], bins) is ax
    for c, line in enumerate(ax.lines):
        assert line.get_label() == "ab"[c]
        np.testing.assert_allclose(line.get_ydata(), np.histogram(x[:, c], bins)[0] / 180)
    assert len({line.get_linestyle() for line in ax.lines}) == 2  # not by colour alone


def test_curves_draw_what_they_are_given_to_six_digits(ax):
    assert plotting.curves(ax, [1, 2], {"a": [1.23456789, 2], "b": [3, 4]}, "x", "y", log="y") is ax
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    assert [list(line.get_ydata()) for line in ax.lines] == [[1.23457, 2], [3, 4]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    assert len({line.get_marker() for line in ax.lines}) == 2  # not by colour alone


def test_eps_curve_draws_the_formula_and_the_dots(ax):
    assert plotting.eps_curve(ax, 4.0, [1e-2, 1.0], [0.9, 0.5], 0) is ax
    curve, dots = ax.lines
    np.testing.assert_allclose(curve.get_ydata()[[0, -1]], np.sqrt([4 / 4.01, 4 / 5]))
    assert list(dots.get_ydata()) == [0.9, 0.5]


def test_secants_have_the_slopes_of_the_differences(ax):
    assert plotting.secants(ax, lambda x: x**3, slope=3.0, x=1.0, h=0.5) is ax
    slopes = {
        line.get_label(): np.ptp(line.get_ydata()) / np.ptp(line.get_xdata())
        for line in ax.lines[1:4]
    }
    assert slopes == pytest.approx({"tangent": 3, "forward": 4.75, "central": 3.25})


def test_an_error_of_zero_is_left_out_of_a_logarithmic_axis(ax):
    assert plotting.step_errors(ax, [1e-3, 1e-5], {"central": [1e-6, 0.0]}) is ax
    first, second = ax.lines[0].get_ydata()
    assert first == 1e-6
    assert np.isnan(second)


def test_residuals_join_the_points_with_the_line(ax):
    assert plotting.line_and_residuals(ax, [0, 1, 2], [1, 2, 6], slope=2.5, intercept=0.5) is ax
    ends = [segment[:, 1].tolist() for segment in ax.collections[0].get_segments()]
    assert ends == [[0.5, 1], [3, 2], [5.5, 6]]


def test_many_offsets_are_labelled_in_turn_in_letters_of_one_size(ax):
    offsets = [0, 1, *(10.0 ** np.arange(1, 9))]
    plotting.offset_errors(ax, offsets, {"one pass": np.ones(10)})
    labels = ax.get_xticklabels()
    assert [label.get_text() for label in labels[:4]] == ["0", "", "10", ""]
    assert {label.get_fontsize() for label in labels} == {10}


def test_a_method_has_its_colour_in_every_figure_of_errors(ax):
    plotting.offset_errors(ax, [0, 1], {"PyTorch": [1e-6, 1e-6], "bnlib": [1e-7, 1e-7]})
    plotting.offset_errors(ax, [0, 1], {"centred twice": [1e-7, 1e-7], "two passes": [1e-6, 1e-6]})
    colors = [line.get_color() for line in ax.lines[::3]]
    assert colors[1] == colors[2]
    assert len(set(colors)) == 3


def test_lost_values_are_drawn_hollow(ax):
    assert plotting.offset_errors(ax, [0, 1e4, 1e5], {"one pass": [1e-6, 100, np.nan]}) is ax
    _, kept, lost = ax.lines
    assert list(kept.get_ydata()) == [1e-6, 100]
    assert list(lost.get_xdata()) == [2]
    assert lost.get_fillstyle() == "none"
