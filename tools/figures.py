"""Read a stored figure back: its SVG and its alternative text, from either form of an output.

bnlib.plotting.style writes them, and says why there are two.
"""

import re
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote

IMG = re.compile(r'<img alt="([^"]*)" src="data:image/svg\+xml,([^"]*)">')
ENCODED_SVG = r'(?<=src="data:image/svg\+xml,)[^"]*'  # inside an output's HTML
BITMAP = re.compile(r"""\bsrc=["']?data:image/(?!svg\+xml)""")
ROOT_TAG = re.compile(r"<svg\b[^>]*>")
LABEL = re.compile(r'\saria-label="([^"]*)"')


class Figure(NamedTuple):
    """A figure's SVG, and the text that stands in for it."""

    svg: str
    alt: str


def figure_in(data):
    """Return the figure that an output's data hold, by MIME type, or None."""
    if found := IMG.fullmatch(data.get("text/html", "")):
        return Figure(unquote(found[2]), unescape(found[1]))
    if svg := data.get("image/svg+xml"):
        return Figure(svg, label_of(svg))
    return None


def label_of(svg):
    """Return the label that an SVG's root carries, or an empty string."""
    tag = ROOT_TAG.search(svg)
    label = LABEL.search(tag[0]) if tag else None
    return unescape(label[1]) if label else ""


def bitmaps(data):
    """List the MIME types of an output that hold a bitmap, which is not compared.

    A photograph inside an SVG is part of the figure.
    """
    return [
        kind
        for kind, content in data.items()
        if kind in ("image/png", "image/jpeg")
        or (kind != "image/svg+xml" and BITMAP.search(str(content)))
    ]
