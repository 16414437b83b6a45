"""Draw what a link to the site shows where it is shared, docs/site/static/preview.png.

python -m tools.site.preview
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from bnlib import batchnorm_forward, plotting
from tools.site.layout import OWN

SIZE = 12.0, 6.3  # inches at 100 dots: 1200 x 630, as networks show it
CENTRES, SPREADS = np.array([-30.0, 8.0, 40.0]), np.array([4.0, 9.0, 2.5])


def draw():
    """Return the figure: three channels before batch norm and after it."""
    x = CENTRES + SPREADS * np.random.default_rng(0).standard_normal((4000, 3))
    y, _ = batchnorm_forward(x, np.ones(3), np.zeros(3))
    fig, axes = plt.subplots(1, 2, figsize=SIZE)
    for ax, values, title in zip(axes, (x, y), ("before", "after"), strict=True):
        for channel, color in zip(values.T, plotting.SERIES, strict=False):
            ax.hist(channel, 60, color=color, alpha=0.6)
        ax.set_title(title, fontsize=22)
        ax.set_yticks([])
        ax.tick_params(labelsize=16)
        ax.spines["left"].set_visible(False)
    fig.get_layout_engine().set(rect=(0.03, 0.03, 0.94, 0.94))
    fig.suptitle("Batch normalization by hand", fontsize=38, weight="bold")
    fig.supxlabel("Notebooks to read, and to work: every step with its check", fontsize=22)
    return fig


def main():
    """Write the picture."""
    plotting.use_style()
    draw().savefig(OWN / "static" / "preview.png", dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    sys.exit(main())
