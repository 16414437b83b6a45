"""How a verdict looks in a notebook: a sign, a word and a colour beside the text, as HTML.

The colours carry white letters, and stand out from a white and from a dark page;
tests/test_exercises_shown.py measures it. All other text takes the page's own colour.
"""

from html import escape

import numpy as np

from bnlib.exercises.checker.precision import near

COLORS = {"right": "#1A7F37", "close": "#9A35A8", "wrong": "#B84A00", "open": "#6A6A6A"}
SIGNS = {"right": "✓", "close": "≈", "wrong": "✗", "open": "○"}
WORDS = {"right": "Right", "close": "Close", "wrong": "Not yet", "open": "Open"}
DRAWN = 48  # numbers of an array that are still seen at a glance


def banner(look, message, *below):
    """Return a message with its verdict in sign, word and colour, and pieces of HTML below it."""
    ground = COLORS[look]
    return (
        f'<div class="bnlib-{look}" style="border-left: 5px solid {ground}; padding-left: 10px">'
        f'<strong style="color: white; background: {ground}; padding: 1px 8px; '
        f'border-radius: 3px">{SIGNS[look]} {WORDS[look]}</strong>'
        f'<div style="white-space: pre-wrap; margin-top: 4px">{escape(message)}</div>'
        f"{''.join(below)}</div>"
    )


def folded(hints):
    """Return hints one click away: each holds the next one."""
    inner = ""
    for k, hint in reversed([*enumerate(hints, start=1)]):
        inner = (
            f"<details><summary>Hint {k} of {len(hints)}</summary>{escape(hint)}{inner}</details>"
        )
    return inner


def beside(part, yours, right, tolerance):
    """Return a result beside the right one as two tables, or "" where that says no more.

    Parameters
    ----------
    part : str
        The result's name.
    yours, right : ndarray
    tolerance : float
        How far a number may be off.
    """
    if yours.shape != right.shape or not 1 < yours.size <= DRAWN:
        return ""
    agrees = np.reshape(
        [near(*pair, tolerance) for pair in zip(yours.flat, right.flat, strict=True)], yours.shape
    )
    pair = ((f"{part}, yours", yours, agrees), (f"{part}, right", right, np.ones_like(agrees)))
    return "".join(
        '<div style="display: inline-block; vertical-align: top; margin: 6px 24px 0 0">'
        f"<div>{title}, {values.shape}</div>{_grid(values, agree)}</div>"
        for title, values, agree in pair
    )


def _grid(values, agree):
    """Draw an array: its last axis runs to the right, the one before down, the rest in blocks."""
    if values.ndim > 2:
        blocks = zip(values, agree, strict=True)
        style = "display: inline-block; vertical-align: top; margin-right: 8px"
        if values.ndim > 3:
            style = "margin-bottom: 6px"
        return "".join(f'<div style="{style}">{_grid(*block)}</div>' for block in blocks)
    rows = zip(np.atleast_2d(values), np.atleast_2d(agree), strict=True)
    cells = ("".join(map(_cell, *row)) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def _cell(value, agrees):
    number = f"{float(value):.6g}"
    if agrees:
        return f"<td>{number}</td>"
    style = f"color: white; background: {COLORS['wrong']}"
    return f'<td style="{style}"><strong>{SIGNS["wrong"]} {number}</strong></td>'
