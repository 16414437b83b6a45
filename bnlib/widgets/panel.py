"""A panel of a picture: axes with scales, and what is drawn on them."""

from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

from bnlib.plotting.style import FAINT
from bnlib.widgets.svg import element, text


@dataclass(frozen=True)
class Panel:
    """A rectangle of a picture, in its units, that shows a range of x and a range of y."""

    left: float
    top: float
    width: float
    height: float
    xlim: tuple[float, float]
    ylim: tuple[float, float]

    def x(self, value):
        """Return where a value of x lies in the picture; one beyond the range, at its end."""
        low, high = self.xlim
        return self.left + self.width * _within((value - low) / (high - low))

    def y(self, value):
        """Return where a value of y lies in the picture; one beyond the range, at its end."""
        low, high = self.ylim
        return self.top + self.height * _within((high - value) / (high - low))

    def frame(self, title, xlabel, *notes):
        """Draw both axes with their ticks, a title, and notes below the title."""
        right, bottom = self.left + self.width, self.top + self.height
        for k, line in enumerate((title, *notes)):
            looks = {"font_weight": "bold"} if k == 0 else {}
            yield text(self.left, self.top - 16 * (len(notes) - k) - 8, line, **looks)
        yield text(right, bottom + 30, xlabel, fill=FAINT, font_size=11, text_anchor="end")
        corners = f"M{self.left} {self.top}V{bottom}H{right}"
        yield element("path", d=corners, fill="none", stroke=FAINT)
        for value in ticks(self.xlim):
            looks = {"fill": FAINT, "font_size": 11, "text_anchor": "middle"}
            yield text(self.x(value), bottom + 15, f"{value:g}", **looks)
        for value in ticks(self.ylim):
            looks = {"fill": FAINT, "font_size": 11, "text_anchor": "end"}
            yield text(self.left - 5, self.y(value) + 4, f"{value:g}", **looks)

    def bars(self, shares, **looks):
        """Draw a histogram with bars from end to end of the range of x."""
        return element("path", d=self._steps(shares) + "Z", **looks)

    def outline(self, shares, **looks):
        """Draw the outline of a histogram."""
        return element("path", d=self._steps(shares), fill="none", **looks)

    def line(self, xs, ys, **looks):
        """Draw a line through points."""
        points = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, ys, strict=True))
        return element("polyline", points=points, fill="none", **looks)

    def dots(self, xs, ys, **looks):
        """Draw a dot at each point."""
        for x, y in zip(xs, ys, strict=True):
            yield element("circle", cx=self.x(x), cy=self.y(y), r=2.5, **looks)

    def _steps(self, shares):
        edges = np.linspace(*self.xlim, len(shares) + 1)
        tops = [f"V{self.y(s):.1f}H{self.x(e):.1f}" for s, e in zip(shares, edges[1:], strict=True)]
        base = self.y(0)
        return f"M{self.left:.1f} {base:.1f}{''.join(tops)}V{base:.1f}"


def _within(share):
    return min(max(share, 0.0), 1.0)


def ticks(limits):
    """Return a few round values within the limits."""
    values = MaxNLocator(4).tick_values(*limits)
    return [round(v, 12) + 0.0 for v in values if limits[0] <= v <= limits[1]]


def around(*series):
    """Return limits that hold all values of the series, with a little room."""
    low, high = (f(np.concatenate(series)) for f in (np.min, np.max))
    room = 0.05 * (high - low) or 1.0
    return float(low - room), float(high + room)
