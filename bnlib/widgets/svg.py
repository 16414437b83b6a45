"""Pictures as SVG text: elements put together as strings, which takes a millisecond."""

from html import escape
from typing import NamedTuple

from bnlib.plotting.style import FAINT, INK

FONT = "'DejaVu Sans', Verdana, Arial, sans-serif"


class Picture(NamedTuple):
    """An SVG, what it tells in a sentence or two, and the state that it shows."""

    svg: str
    alt: str
    state: str
    size: tuple[float, float]


def element(tag, *content, **attributes):
    """Return an SVG element as text; an underscore in an attribute's name is a hyphen.

    >>> element("rect", x=1.25, stroke_width=2)
    '<rect x="1.2" stroke-width="2"/>'
    """
    written = "".join(f' {k.replace("_", "-")}="{_written(v)}"' for k, v in attributes.items())
    return f"<{tag}{written}>{''.join(content)}</{tag}>" if content else f"<{tag}{written}/>"


def text(x, y, words, **attributes):
    """Return a line of text, by default dark, 12 units high, from x to the right."""
    looks = {"font_size": 12, "fill": INK, **attributes}
    return element("text", escape(str(words), quote=False), x=x, y=y, **looks)


def picture(size, *content, title, alt, state):
    """Return a picture on white with a title: what a reader sees, hears, and a test can wait for.

    Parameters
    ----------
    size : (width, height)
    *content : str
        SVG elements.
    title : str
        One line, above the content.
    alt : str
        What the picture tells; the SVG carries it as its label.
    state : dict
        Name -> value of every control.
    """
    width, height = size
    written = " ".join(f"{name}={value}" for name, value in state.items())
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "role": "img",
        "aria_label": alt,
        "data_state": written,
        "viewBox": f"0 0 {width} {height}",
        "width": width,
        "height": height,
        "font_family": FONT,
        "style": "background: white; max-width: 100%; height: auto",
    }
    ground = element("rect", width=width, height=height, fill="white")
    heading = text(12, 22, title, font_size=15, font_weight="bold")
    return Picture(element("svg", ground, *content, heading, **attributes), alt, written, size)


def captioned(shown, words):
    """Return a picture's SVG with a line of text below it."""
    (width, height), lower = shown.size, 24
    sizes = (f'viewBox="0 0 {width} {height}"', f'height="{height}"')
    root, end, content = shown.svg.partition(">")
    for old in sizes:
        root = root.replace(old, old.replace(f'{height}"', f'{height + lower}"'))
    ground = element("rect", y=height, width=width, height=lower, fill="white")
    line = text(12, height + 14, words, font_size=11, fill=FAINT)
    return f"{root}{end}{content.removesuffix('</svg>')}{ground}{line}</svg>"


def _written(value):
    if isinstance(value, str):
        return escape(value, quote=True)
    return f"{round(float(value), 1) + 0.0:.10g}"
