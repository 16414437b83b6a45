"""The figures' colours stay apart for every kind of colour vision, and their text is legible."""

import re
import xml.etree.ElementTree as ElementTree
from io import StringIO
from itertools import combinations

import matplotlib as mpl
import nbformat
import numpy as np
import pytest
from coloraide.everything import ColorAll as Color
from matplotlib.figure import Figure
from matplotlib.path import Path

from bnlib import plotting
from tools.figures import figure_in
from tools.nbfiles import ROOT, find

VISION = (None, "protan", "deutan", "tritan")  # None: all three kinds of cones
PALETTES = {
    "quantities": list(plotting.COLORS.values()),
    "series": list(plotting.SERIES),
    "groups": list(plotting.GROUPS),
}
# In CAM16-UCS, where 1 is about the least difference that is seen side by side. Lines and dots are
# small and apart, so they need many times that; eight light fills with labels must do with less.
APART = {"quantities": 11, "series": 20, "groups": 10}
# On a dark page, where light and dark change places, some come closer; labels say the same.
APART_TURNED = {"quantities": 8, "series": 11, "groups": 5}
TEXT_CONTRAST, LINE_CONTRAST = 4.5, 3  # WCAG 2.2, 1.4.3 and 1.4.11, level AA
XLINK = "{http://www.w3.org/1999/xlink}href"
ORIGINAL_OKABE_ITO = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#767676"]
RED_AND_GREEN = ["#CC4444", "#888800"]


def seen(color, vision):
    """Return a colour as it looks without one kind of cones (Brettel 1997, Viénot 1999)."""
    color = Color(color)
    return color if vision is None else color.filter(vision).clip("srgb")


def closest(palette, vision):
    """Return (distance, colour, colour) of the two that are hardest to tell apart."""
    return min(
        (seen(a, vision).delta_e(seen(b, vision), method="cam16"), a, b)
        for a, b in combinations(palette, 2)
    )


def contrast(color, background):
    """Return the contrast ratio of WCAG 2, from 1 to 21; 1 on a pattern, which hides letters."""
    if background is None:
        return 1
    return Color(color).contrast(Color(background), method="wcag21")


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", PALETTES)
def test_colours_stay_apart(name, vision):
    distance, first, second = closest(PALETTES[name], vision)
    assert distance >= APART[name], (first, second)


@pytest.mark.parametrize(
    ("palette", "vision"),
    [(ORIGINAL_OKABE_ITO, "deutan"), (RED_AND_GREEN, "deutan"), (["#77AADD", "#44BB99"], "tritan")],
)
def test_colours_that_fall_together_are_found(palette, vision):
    assert closest(palette, None)[0] >= 16  # apart for most of us
    assert closest(palette, vision)[0] < 10


@pytest.mark.parametrize("name", ["quantities", "series"])
def test_lines_stand_out_from_the_page(name):
    assert {c for c in PALETTES[name] if contrast(c, "white") < LINE_CONTRAST} == set()


def turned(color):
    """Return a colour as the rule for dark pages, ``invert(1) hue-rotate(180deg)``, shows it."""
    inverted = Color(color).filter("invert", 1, space="srgb")
    return inverted.filter("hue-rotate", 180, space="srgb").clip("srgb").to_string(hex=True)


def test_turned_is_the_rule_that_figures_carry():
    assert plotting.style.TURNED == "invert(1) hue-rotate(180deg)"
    assert turned("white") == "#000000"
    assert turned("black") == "#ffffff"


@pytest.mark.parametrize("name", ["quantities", "series"])
def test_lines_stand_out_from_the_turned_ground(name):
    ground = turned("white")
    pale = {c for c in PALETTES[name] if contrast(turned(c), ground) < LINE_CONTRAST}
    assert pale == set()


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", PALETTES)
def test_turned_colours_stay_apart(name, vision):
    distance, first, second = closest([turned(c) for c in PALETTES[name]], vision)
    assert distance >= APART_TURNED[name], (first, second)


def test_labels_are_legible_on_every_group_colour():
    for color in plotting.GROUPS:
        assert contrast("black", color) > 7  # WCAG's enhanced contrast


def test_simulated_palettes_are_kept_for_a_person_to_look_at():
    fig = Figure(figsize=(9, 5), layout="constrained")
    for ax, (name, palette) in zip(fig.subplots(3, 1), PALETTES.items(), strict=True):
        for row, vision in enumerate(VISION):
            for column, color in enumerate(palette):
                shown = seen(color, vision).convert("srgb").to_string(hex=True)
                ax.add_patch(mpl.patches.Rectangle((column, row), 0.95, 0.9, color=shown))
        ax.set(xlim=(0, 8), ylim=(4, 0), title=f"{name}, at least {APART[name]} apart")
        ax.set(yticks=[0.45, 1.45, 2.45, 3.45], yticklabels=[v or "all cones" for v in VISION])
        ax.set_xticks([])
    path = ROOT / "build" / "palette.svg"
    path.parent.mkdir(exist_ok=True)
    fig.savefig(path)
    assert path.stat().st_size > 0


# Text in the figures, as they are stored


def style(element):
    """Return what an element's attributes and its style say, the style winning."""
    return {**element.attrib, **dict(re.findall(r"([\w-]+): *([^;]+)", element.get("style", "")))}


def along(path):
    """Return where a path with absolute commands passes, (K, 2); control points count."""
    found = [(0.0, 0.0)]
    for command, said in re.findall(r"([A-Y])([^A-Zz]*)", path):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", said)]
        if command == "H":
            found.append((numbers[0], found[-1][1]))
        elif command == "V":
            found.append((found[-1][0], numbers[0]))
        else:
            found += zip(numbers[::2], numbers[1::2], strict=True)
    return np.array(found[1:])


def outline(element, known):
    """Return the corners of a filled shape, (K, 2), or None for what is no such shape."""
    kind, own = element.tag.rpartition("}")[2], style(element)
    left, top = float(own.get("x", 0)), float(own.get("y", 0))
    if kind == "path" and "d" in own:
        return along(own["d"])
    if kind == "use":
        shape = known.get(own.get(XLINK, own.get("href", ""))[1:])
        return None if shape is None else shape + np.array([left, top])
    if kind == "rect" and "%" not in own["width"]:
        width, height = float(own["width"]), float(own["height"])
        corners = [(0, 0), (width, 0), (width, height), (0, height)]
        return np.array([(left + x, top + y) for x, y in corners])
    return None


def shade(own):
    """Return a shape's fill and how opaque it is."""
    opacity = float(own.get("fill-opacity", 1)) * float(own.get("opacity", 1))
    return own.get("fill", "black"), opacity


def over_each_other(fills):
    """Return the colour seen where these (fill, opacity) lie, the last on top; None: a pattern."""
    page = "#ffffff"
    for fill, opacity in fills:
        if fill.startswith("url("):
            page = None
        elif page is not None or opacity == 1:
            mixed = Color(page or "white").mix(fill, opacity, space="srgb")
            page = mixed.to_string(hex=True)
    return page


def text_colors(svg):
    """Yield (words, colour, colour behind them) of each text; what was drawn last is on top."""
    known, shapes = {}, []

    def visit(element, inherited, defining):
        own = {**inherited, **style(element)}
        kind = element.tag.rpartition("}")[2]
        if moved := re.match(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", own.get("transform", "")):
            own["x"], own["y"] = moved.groups()  # a formula stands in a group that is moved
        if kind == "text":
            place = float(own["x"]) + 1, float(own["y"]) - 3
            behind = [fill for shape, fill in shapes if Path(shape).contains_point(place)]
            words = "".join(element.itertext()).strip()
            yield words, own.get("fill", "black"), over_each_other(behind)
        elif (shape := outline(element, known)) is not None:
            known[element.get("id")] = shape
            if not defining and own.get("fill", "black") != "none":
                shapes.append((shape, shade(own)))
        for child in element:
            kept = {name: own[name] for name in ("fill", "x", "y") if name in own}
            yield from visit(child, kept, defining or kind == "defs")

    yield from visit(ElementTree.fromstring(svg), {}, defining=False)


def pale_text(svg, shown=str):
    """List the texts of a figure that are hard to read where they stand."""
    return [
        (words, color, behind)
        for words, color, behind in text_colors(svg)
        if contrast(shown(color), behind and shown(behind)) < TEXT_CONTRAST
    ]


def stored_figures(path):
    """List a notebook's figures as SVG text."""
    notebook = nbformat.read(path, as_version=4)
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    kinds = (output.get("data", {}) for output in outputs)
    return [figure.svg for figure in map(figure_in, kinds) if figure]


def shows_figures(path):
    """Tell whether the code of a notebook shows a figure."""
    return "plotting.show(" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("shown", [str, turned], ids=["light", "dark"])
@pytest.mark.parametrize("path", find(""), ids=lambda path: path.stem)
def test_text_is_legible_where_it_stands(path, shown):
    figures = stored_figures(path)
    assert bool(figures) == shows_figures(path)
    assert [pale for svg in figures for pale in pale_text(svg, shown)] == []


@pytest.fixture
def drawn():
    """Return a function that gives the SVG of a text on a coloured box."""

    def draw(color, box, **style):
        fig = Figure()
        fig.add_artist(mpl.patches.Rectangle((0.3, 0.3), 0.4, 0.4, facecolor=box, **style))
        fig.text(0.5, 0.5, "seen", color=color)
        fig.savefig(buffer := StringIO(), format="svg")
        return buffer.getvalue()

    with mpl.rc_context({"svg.fonttype": "none"}):
        yield draw


def test_pale_text_is_found(drawn):
    assert pale_text(drawn("#767676", "white")) == []
    assert pale_text(drawn("#999999", "white")) == [("seen", "#999999", "#ffffff")]
    assert pale_text(drawn("black", "#333333")) == [("seen", "black", "#333333")]
    assert pale_text(drawn("white", "#333333")) == []
    assert pale_text(drawn("black", "#000000", alpha=0.2)) == []
    assert pale_text(drawn("white", "#000000", alpha=0.2)) == [("seen", "#ffffff", "#cccccc")]
    assert pale_text(drawn("black", "#ffffff", hatch="//")) == [("seen", "black", None)]
