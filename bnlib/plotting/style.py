"""How figures look, and how a notebook shows one: the palettes, the style, alternative text.

One colour for one quantity, in every notebook. The palettes started from Okabe and Ito's and from
Tol's, and were moved where two colours came too close for a kind of colour vision, or a line too
pale on white; tests/test_palette.py measures it. A label, a marker or a line style always says the
same.
"""

import re
from html import escape
from io import StringIO

import matplotlib.pyplot as plt
from IPython.display import display

INK, FAINT, PALE = "#222222", "#595959", "#EFEFEF"
COLORS = {
    "value": "#0072B2",
    "gradient": "#B84A00",
    "mean": "#009E73",
    "var": "#CC79A7",
    "muted": FAINT,
}
SERIES = ("#332288", "#2E9C8A", "#99264F", "#999933")  # lines that are compared
GROUPS = ("#77AADD", "#EEDD88", "#FFAABB", "#9CAE65", "#74DDEE", "#EC8A1E", "#D7F6C7", "#BC9C96")
MARKERS = "osD^"
WIDEST = 636  # points: 848 pixels, a cell's width in JupyterLab on a screen of 1280
LINES = ("-", "--", ":", "-.")
# A figure in an output: as HTML, an <img> whose address holds the SVG, or else as image/svg+xml.
# JupyterLab, Notebook 7, nbconvert and the site pass an <img>'s alternative text on to a screen
# reader, and show it before a notebook is trusted. Of image/svg+xml they do neither.
AS_HTML = True
ENCODED = {ord(sign): f"%{ord(sign):02X}" for sign in '%#<>"&\n'}  # all that such an address needs
# On a dark page a figure turns its light over and keeps its hues; photographs stay as they are.
# JupyterLab hands its theme on to a figure as the preferred scheme.
TURNED = "invert(1) hue-rotate(180deg)"  # twice, it is no change
DARK = (
    f"@media (prefers-color-scheme: dark) {{ .bnlib-figure, .bnlib-figure image "
    f"{{ filter: {TURNED} }} }}"
)
CHANNELS = {"red": SERIES[2], "green": SERIES[1], "blue": SERIES[0]}  # of a photograph


def use_style():
    """Set matplotlib so that a figure's SVG text depends on nothing but its data.

    It starts from matplotlib's own defaults: a matplotlibrc of the user's changes no figure.
    """
    plt.rcdefaults()
    plt.rcParams.update(
        {
            "svg.hashsalt": "bnlib",  # otherwise the ids in the SVG are random
            "svg.fonttype": "none",  # text stays text
            "figure.figsize": (9, 3.2),
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",  # `themed` turns it over on a dark page
            "font.size": 10,
            "axes.titlesize": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            "image.cmap": "gray",
        }
    )


def themed(svg):
    """Return the text of an SVG with a rule that follows the page's theme, for its class alone."""
    return re.sub(
        "<svg ([^>]*)>",
        lambda root: f'<svg class="bnlib-figure" {root[1]}><style>{DARK}</style>',
        svg,
        count=1,
    )


def show(fig, alt):
    """Display a figure as SVG with alternative text, and close it.

    The text goes into the picture, and stands beside it as the plain-text form of the output. Write
    alt in the cell itself: where a viewer drops it, a screen reader reads it there, just above the
    figure. A figure that is wider than a notebook's cell is shown smaller: JupyterLab would hide
    its right edge.

    Parameters
    ----------
    fig : matplotlib Figure
    alt : str
        What the figure tells, in a sentence or two.

    Raises
    ------
    ValueError
        If alt is shorter than 40 characters.
    """
    if len(alt) < 40:
        raise ValueError(f"alt must tell what the figure shows, in 40 characters or more: {alt!r}")
    buffer = StringIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(fig)
    _, tag, rest = buffer.getvalue().partition("<svg ")
    size = f'width="{min(72 * fig.get_figwidth(), WIDEST):g}pt"'  # the height follows
    rest = re.sub(r'width="[^"]+" height="[^"]+"', size, rest, count=1)
    label = escape(alt, quote=True)
    svg = themed(f'{tag}role="img" aria-label="{label}" {rest}')
    display(forms(svg, alt), raw=True)


def forms(svg, alt):
    """Return a picture as a notebook's output holds it, by MIME type; AS_HTML chooses.

    >>> forms('<svg role="img"/>', "a < b")["text/html"]
    '<img alt="a &lt; b" src="data:image/svg+xml,%3Csvg role=%22img%22/%3E">'
    """
    picture = {"image/svg+xml": svg}
    if AS_HTML:
        address = f"data:image/svg+xml,{svg.translate(ENCODED)}"
        picture = {"text/html": f'<img alt="{escape(alt)}" src="{address}">'}
    return {**picture, "text/plain": f"Figure: {alt}"}
