"""Figures of a batch: which numbers are averaged together, and how each channel's spread."""

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from bnlib.plotting.style import COLORS, GROUPS, LINES, SERIES


def averaged_together(ax, shape, axes, groups=None):
    """Draw an (N, C) or (N, C, H, W) block; numbers averaged together share colour and label.

    A row is a channel, a column is an image, a small square is one number. The label is the
    index of the mean that the numbers share.

    Parameters
    ----------
    ax : matplotlib Axes
    shape : tuple
    axes : tuple of int
        The axes averaged over, such as (0, 2, 3).
    groups : int, optional
        How many groups of neighbouring channels are averaged together; each channel alone if None.
    """
    n_images, n_channels, height, width = (*shape, 1, 1)[:4]
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    for n, c in np.ndindex(n_images, n_channels):
        left, top = n * (width + 0.6), c * (height + 0.6)
        squares = [Rectangle((left + w, top + h), 1, 1) for h, w in np.ndindex(height, width)]
        place = (n, c if groups is None else c * groups // n_channels)
        index = [place[axis] for axis in kept if axis < 2]
        group = np.ravel_multi_index(index, [shape[axis] for axis in kept if axis < 2])
        color = GROUPS[int(group) % len(GROUPS)]
        ax.add_collection(PatchCollection(squares, facecolor=color, edgecolor="white", linewidth=1))
        label = rf"$\mu_{{{','.join(map(str, index))}}}$"
        ax.text(left + width / 2, top + height / 2, label, ha="center", va="center", fontsize=11)
    ax.set(
        xlim=(-0.1, n_images * (width + 0.6)),
        ylim=(n_channels * (height + 0.6), -0.1),
        aspect="equal",
        xticks=[n * (width + 0.6) + width / 2 for n in range(n_images)],
        xticklabels=[f"image {n}" if len(shape) > 2 else f"{n}" for n in range(n_images)],
        yticks=[c * (height + 0.6) + height / 2 for c in range(n_channels)],
        yticklabels=[
            f"channel {c}" if len(shape) > 2 else f"feature {c}" for c in range(n_channels)
        ],
    )
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def numbered(ax, numbers, groups, names=()):
    """Draw a table of numbered squares, (rows, columns), in the colour of each number's group.

    names of the groups are written to the left of their rows.
    """
    for (row, column), number in np.ndenumerate(numbers):
        color = GROUPS[groups[row, column] % len(GROUPS)]
        ax.add_patch(Rectangle((column, row), 1, 1, facecolor=color, edgecolor="white"))
        ax.text(column + 0.5, row + 0.5, number, ha="center", va="center", fontsize=9)
    for group, name in enumerate(names):
        middle = np.mean(np.nonzero(groups == group)[0]) + 0.5
        ax.text(-0.2, middle, name, ha="right", va="center", fontsize=10)
    rows, columns = np.shape(numbers)
    ax.set(xlim=(-0.05, columns + 0.05), ylim=(rows + 0.05, -0.05), aspect="equal")
    ax.axis("off")
    return ax


def channel_rows(axes, x, names):
    """Draw a batch (N, C, H, W), a row for each channel: its images, then all its numbers.

    Parameters
    ----------
    axes : array of matplotlib Axes, (C, N + 1)
    x : array, (N, C, H, W)
    names : sequence of str
        Of the channels.
    """
    bins = np.linspace(x.min(), x.max(), 41)
    for c, row in enumerate(axes):
        for ax, image in zip(row, x[:, c], strict=False):
            ax.imshow(image, vmin=x.min(), vmax=x.max())
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel(names[c])
        histogram(row[-1], x[:, c], bins)
        row[-1].set_yticks([])
    axes[-1, -1].set_xlabel("value")
    return axes


def histogram(ax, values, bins, label=None, color=COLORS["value"]):
    """Draw the density of some numbers, their mean as a line, mean +- std as a bar below."""
    values = np.ravel(values)
    mean, std = values.mean(), values.std()
    ax.hist(values, bins, density=True, color=color, alpha=0.35, label=label)
    top = ax.get_ylim()[1]
    ax.axvline(mean, color=COLORS["mean"], linewidth=2)
    ax.plot([mean - std, mean + std], [-0.06 * top] * 2, color=COLORS["var"], linewidth=4)
    ax.set_ylim(-0.12 * top, top)
    return ax


def channel_densities(ax, x, names, bins, colors=SERIES):
    """Draw one density curve for each channel of a batch (N, C, H, W), with its own line style.

    Parameters
    ----------
    ax : matplotlib Axes
    x : array, (N, C, H, W)
    names : sequence of str
        Of the channels.
    bins : array, (K,) or (C, K)
        The edges of the bins, for all channels or for each.
    colors : sequence of str, optional
        Of the channels, where they are colours themselves.
    """
    bins = np.broadcast_to(bins, (len(names), np.shape(bins)[-1]))
    for c, (name, edges) in enumerate(zip(names, bins, strict=True)):
        density, _ = np.histogram(x[:, c], edges, density=True)
        centres = (edges[1:] + edges[:-1]) / 2
        ax.plot(centres, density, LINES[c % 4], color=colors[c % 4], label=name)
    ax.set(xlabel="value", ylabel="density")
    ax.legend()
    return ax
