"""Turn what was measured into a table and a figure."""

from benchmarks.measure import LIMIT

OURS = "bnlib."
LARGE = 2**25  # bytes; what malloc keeps for smaller arrays hides what a step takes
UNITS = ((1, "s"), (1e-3, "ms"), (1e-6, "us"))


def fastest_peer(peers):
    """Return the name of the fastest that is neither ours nor the memory limit, or None."""
    names = [name for name in peers if not name.startswith(OURS) and name != LIMIT]
    return min(names, key=lambda name: peers[name]["median"], default=None)


def duration(seconds):
    """Return a time with three digits and its unit.

    >>> duration(0.01234), duration(5e-6)
    ('12.3 ms', '5 us')
    """
    size, unit = next((u for u in UNITS if seconds >= 0.9995 * u[0]), UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def table(kind, measured):
    """Return a Markdown table of one shape: time, spread, ratios, memory, error."""
    peers = measured[kind]["peers"]
    fastest = fastest_peer(peers)
    reference = peers[fastest]["median"] if fastest else None
    limit = peers.get(LIMIT, {}).get("median")
    array = 4 * _size(measured["shape"])
    head = [
        "",
        "median",
        "middle half",
        f"/ {fastest or 'fastest peer'}",
        "/ limit",
        "peak, in arrays",
        "error",
    ]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for name, t in sorted(peers.items(), key=lambda item: item[1]["median"]):
        rows.append(
            [
                name,
                duration(t["median"]),
                f"{duration(t['low'])} to {duration(t['high'])}",
                f"{t['median'] / reference:.2f}" if reference else "",
                f"{t['median'] / limit:.2f}" if limit else "",
                f"{t['peak'] / array:.1f}" if array > LARGE else "",
                "" if t["error"] is None else f"{t['error']:.0e}",
            ]
        )
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines += [f"\n{name} left out: {why}" for name, why in measured[kind]["left out"].items()]
    return "\n".join(lines)


def text(results):
    """Return everything that was measured as Markdown."""
    parts = ["# Batch norm against its peers"]
    for result in results:
        installed = ", ".join(f"{k} {v}" for k, v in result["versions"].items() if v)
        parts.append(f"## {result['threads']} threads\n\n{result['processor']}; {installed}")
        parts[-1] += f"; huge pages: {result['huge pages']}"
        for measured in result["shapes"]:
            shape = tuple(measured["shape"])
            parts.append(f"### {shape}, float32, forward and backward in training")
            parts.append(table("training", measured))
            parts.append(f"### {shape}, float32, inference")
            parts.append(table("inference", measured))
    return "\n\n".join(parts) + "\n"


def figure(result):
    """Draw each peer's time on each shape, in units of the memory limit, with its middle half."""
    import matplotlib.pyplot as plt

    from bnlib.plotting import use_style

    use_style()
    shapes = result["shapes"]
    measured_somewhere = [name for m in shapes for name in m["training"]["peers"]]
    names = [name for name in dict.fromkeys(measured_somewhere) if name != LIMIT]
    fig, axes = plt.subplots(
        1, len(shapes), figsize=(2 * len(shapes) + 2, 5), sharey=True, squeeze=False
    )
    for ax, measured in zip(axes[0], shapes, strict=True):
        _draw(ax, names, measured["training"]["peers"])
        ax.set(xscale="log", title=str(tuple(measured["shape"])), xlim=(0.5, 400))
        ax.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6))
    fig.supxlabel("time of forward and backward, in units of the five-array memory limit (dashed)")
    threads = "1 thread" if result["threads"] == 1 else f"{result['threads']} threads"
    fig.suptitle(f"Batch norm in training, float32, {threads}; squares: bnlib, dots: the others")
    return fig


def _draw(ax, names, peers):
    """Draw a mark for the median of each peer, a line for its middle half, and its number."""
    from bnlib.plotting import COLORS

    limit = peers[LIMIT]["median"]
    ax.axvline(1, color=COLORS["muted"], linestyle="--", linewidth=1)
    for row, name in enumerate(names):
        if name not in peers:
            ax.text(1.2, row, "left out", va="center", fontsize=8)
            continue
        low, middle, high = (peers[name][key] / limit for key in ("low", "median", "high"))
        marker, color = ("s", "gradient") if name.startswith(OURS) else ("o", "value")
        ax.plot([low, high], [row, row], color=COLORS[color])
        ax.plot(middle, row, marker, color=COLORS[color])
        number = f"{middle:.1f}" if middle < 10 else f"{middle:.0f}"
        ax.text(1.3 * max(high, middle), row, number, va="center", fontsize=8)


def _size(shape):
    size = 1
    for n in shape:
        size *= n
    return size
