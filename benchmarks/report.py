"""Turn what was measured into tables and a figure; no ranking where others were at work."""

from math import prod

from benchmarks.peers import LAST, LIMIT
from benchmarks.turns import QUIET, was_quiet

OURS = "bnlib."
LARGE = 2**25  # bytes; what malloc keeps for smaller arrays hides what a step takes
UNITS = ((1, "s"), (1e-3, "ms"), (1e-6, "us"))
HEAD = ["", "median", "middle half", "least", "page faults", "/ peer", "/ limit", "arrays", "error"]


def limit_of(ways, name):
    """Return the seconds of the fastest sweep into memory of the same kind, or None."""
    memory = "old memory" if "out=" in name else "new memory"
    found = [t["median"] for n, t in ways.items() if n.startswith(LIMIT) and n.endswith(memory)]
    return min(found, default=None)


def fastest_peer(ways, channels_last):
    """Return the name of the fastest in this layout that is neither ours nor a limit, or None."""
    names = [
        name
        for name in ways
        if not name.startswith((OURS, LIMIT)) and name.endswith(LAST) == channels_last
    ]
    return min(names, key=lambda name: ways[name]["median"], default=None)


def duration(seconds):
    """Return a time with three digits and its unit.

    >>> duration(0.01234), duration(5e-6)
    ('12.3 ms', '5 us')
    """
    size, unit = next((u for u in UNITS if seconds >= 0.9995 * u[0]), UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def row(name, ways, array, ranked):
    """Return the cells of one way; ratios only where they mean something."""
    t, peer = ways[name], fastest_peer(ways, name.endswith(LAST))
    limit = limit_of(ways, name)
    ratio = f"{t['median'] / ways[peer]['median']:.2f}" if peer and ranked else ""
    over = f"{t['median'] / limit:.2f}" if limit and ranked else ""
    faults = "" if t["faults"] is None else f"{t['faults']:.0f}"
    return [
        name,
        duration(t["median"]),
        f"{duration(t['low'])} to {duration(t['high'])}",
        duration(t["least"]),
        faults,
        ratio,
        over,
        f"{t['peak'] / array:.1f}" if array > LARGE else "",
        f"{t['error']:.0e}",
    ]


def table(found, shape):
    """Return a Markdown table of one shape, fastest first, or unranked and in the order of WAYS."""
    ways, ranked = found["ways"], was_quiet(found["ways"])
    names = sorted(ways, key=lambda name: ways[name]["median"]) if ranked else list(ways)
    rows = [HEAD, ["---", *["---:"] * (len(HEAD) - 1)]]
    rows += [row(name, ways, 4 * prod(shape), ranked) for name in names]
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    lines.insert(0, f"{verdict(ways)}\n")
    lines += [f"\n{name} left out: {why}" for name, why in found["left out"].items()]
    return "\n".join(lines)


def verdict(ways):
    """Say how busy the machine was with other work, and what follows."""
    shares = [way["others"] for way in ways.values()]
    if None in shares:
        return "This system does not tell what else it did, so this is no ranking."
    said = f"Other work took up to {max(shares, default=0):.2f} processors"
    if was_quiet(ways):
        return f"{said}."
    return f"{said}, more than {QUIET}: the times are no ranking. Let nothing else run."


def text(results):
    """Return everything that was measured as Markdown."""
    parts = ["# Batch norm against its peers"]
    for result in results:
        installed = ", ".join(f"{k} {v}" for k, v in result["versions"].items() if v)
        parts.append(f"## {result['threads']} threads\n\n{result['processor']}; {installed}")
        parts[-1] += f"; huge pages: {result['huge pages']}"
        for measured in result["shapes"]:
            for kind, found in measured["kinds"].items():
                parts.append(f"### {tuple(measured['shape'])}, float32, {kind}")
                parts.append(table(found, measured["shape"]))
    return "\n\n".join(parts) + "\n"


def figure(result):
    """Draw each way's time in training on each shape, with its middle half, by the limit."""
    import matplotlib.pyplot as plt

    from bnlib.plotting import use_style

    use_style()
    shapes = result["shapes"]
    somewhere = [name for m in shapes for name in m["kinds"]["training"]["ways"]]
    names = [name for name in dict.fromkeys(somewhere) if not name.startswith(LIMIT)]
    fig, axes = plt.subplots(
        1, len(shapes), figsize=(2 * len(shapes) + 2, 6), sharey=True, squeeze=False
    )
    for ax, measured in zip(axes[0], shapes, strict=True):
        _draw(ax, names, measured["kinds"]["training"]["ways"])
        ax.set(xscale="log", title=str(tuple(measured["shape"])), xlim=(0.5, 400))
        ax.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6))
    fig.supxlabel("time of forward and backward, in units of the memory limit (dashed)")
    threads = "1 thread" if result["threads"] == 1 else f"{result['threads']} threads"
    fig.suptitle(f"Batch norm in training, float32, {threads}; squares: bnlib, dots: the others")
    return fig


def _draw(ax, names, ways):
    """Draw a mark for the median of each way, a line for its middle half, and its number."""
    from bnlib.plotting import COLORS

    ax.axvline(1, color=COLORS["muted"], linestyle="--", linewidth=1)
    for place, name in enumerate(names):
        if name not in ways:
            ax.text(1.2, place, "left out", va="center", fontsize=8)
            continue
        limit = limit_of(ways, name)
        low, middle, high = (ways[name][key] / limit for key in ("low", "median", "high"))
        marker, color = ("s", "gradient") if name.startswith(OURS) else ("o", "value")
        ax.plot([low, high], [place, place], color=COLORS[color])
        ax.plot(middle, place, marker, color=COLORS[color])
        number = f"{middle:.1f}" if middle < 10 else f"{middle:.0f}"
        ax.text(1.3 * max(high, middle), place, number, va="center", fontsize=8)
