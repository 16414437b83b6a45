"""Buttons without a face over parts of a picture, so that a click on a part chooses it."""

from typing import NamedTuple

LOOKS = (
    ".bnlib-stage { position: relative; overflow: visible }"
    " .bnlib-overlay { position: absolute; left: 0; top: 0; width: 100%; pointer-events: none;"
    " overflow: visible; margin: 0 }"
    " .bnlib-overlay button { position: absolute; margin: 0; padding: 0; height: auto;"
    " background: transparent; border: none; box-shadow: none; cursor: pointer;"
    " pointer-events: auto }"
    " .bnlib-overlay button:hover { outline: 2px solid #595959; background: transparent }"
)


class Place(NamedTuple):
    """A part of a picture, in its units, with what it is called and what a click does."""

    left: float
    top: float
    width: float
    height: float
    name: str
    choose: object


def over(ipywidgets, figure, size, places):
    """Return a figure with a button over each place, and the style that puts them there.

    Sizes are shares of the picture's, so that the buttons stay where they belong when it shrinks.
    They are no tab stops: whoever uses the keyboard has the sliders.
    """
    width, height = size
    rules = [f".bnlib-overlay {{ max-width: {width}px; aspect-ratio: {width} / {height} }}"]
    buttons = []
    for k, place in enumerate(places):
        button = ipywidgets.Button(tooltip=place.name, tabbable=False)
        button.add_class(f"bnlib-place-{k}")
        button.on_click(lambda _, place=place: place.choose())
        buttons.append(button)
        shares = zip(
            place[:4], (width, height) * 2, ("left", "top", "width", "height"), strict=True
        )
        said = "; ".join(f"{side}: {100 * part / whole:.2f}%" for part, whole, side in shares)
        rules.append(f".bnlib-explorer .bnlib-overlay .bnlib-place-{k} {{ {said} }}")
    overlay = ipywidgets.Box(buttons).add_class("bnlib-overlay")
    stage = ipywidgets.Box([figure, overlay]).add_class("bnlib-stage")
    return stage, " ".join([LOOKS, *rules])
