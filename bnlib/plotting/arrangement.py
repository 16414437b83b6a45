"""Where the boxes and arrows of a graph's picture go: in inches, y downwards, no drawing.

Every step of depth is a column, and columns fill rows from left to right, as words fill lines.
Nodes of one depth stand in lanes, one below the other. An arrow to the next column goes
straight; any other runs along a track, in the channel above the row of its target.
"""

from math import ceil
from typing import NamedTuple

BOX_HEIGHT = 0.66
LANE = 1.0  # from a box to the one below it
TRACK = 0.44  # a line with a label above and one below
MARGIN = 0.1  # above and below a row
SIDE = 0.16  # left and right, for an arrow that turns there
PORT = 0.12  # from the last corner of an arrow to its head


class Place(NamedTuple):
    """The cell of a node, and the centre of its box."""

    row: int
    column: int
    lane: int
    x: float
    y: float


class Route(NamedTuple):
    """The corners of an arrow, and where its labels go: above and below a point, or beside it."""

    corners: list
    label: tuple
    beside: bool = False


class Arrangement(NamedTuple):
    """Name -> place, edge -> route, and the size of the picture."""

    places: dict
    routes: dict
    width: float
    height: float


class Run(NamedTuple):
    """The part of an arrow in a channel, from x0 to x1, and the room it takes."""

    edge: tuple
    channel: int
    x0: float
    x1: float
    left: float
    right: float


def depths(graph):
    """Return name -> column: a node right of its inputs, an input just left of its first use."""
    depth = {}
    for name, node in graph.nodes.items():
        depth[name] = 1 + max((depth[s] for s in node.inputs if s in depth), default=0)
    for name in graph.inputs:
        uses = [depth[node] for source, node in graph.edges if source == name]
        depth[name] = min(uses, default=1) - 1
    return depth


def arrange(graph, box_width, label_width, width):
    """Arrange a graph in rows that are no wider than this, if boxes and labels allow it.

    Parameters
    ----------
    graph : bnlib.graph.Graph
    box_width, label_width, width : float
        In inches; label_width is the widest label's.

    Returns
    -------
    Arrangement
        Its routes have one more edge, (output, None), for what leaves the graph.
    """
    depth = depths(graph)
    gap = label_width + 2 * PORT + 0.04
    columns = 1 + max(depth.values())
    rows = ceil(columns / max(1, int((width - 2 * SIDE) / (box_width + gap))))
    per_row = ceil(columns / rows)
    cells, filled = {}, [0] * columns
    for name in (*graph.nodes, *graph.inputs):
        column = depth[name]
        x = SIDE + box_width / 2 + (column % per_row) * (box_width + gap)
        cells[name] = Place(*divmod(column, per_row), filled[column], x, 0.0)
        filled[column] += 1
    runs = []
    for edge in graph.edges:
        if not _adjacent(cells, edge):
            others = sum(run.edge[1] == edge[1] for run in runs)  # that point at the same box
            runs.append(_run(edge, cells, box_width, label_width, others))
    tracks = _tracks(runs)
    tops, bottom = [], 0.0
    for row in range(rows):
        used = [track for run, track in tracks.items() if run.channel == row]
        tops.append(bottom + MARGIN + TRACK * (1 + max(used, default=-1)))
        lanes = max(filled[row * per_row : (row + 1) * per_row])
        bottom = tops[row] + BOX_HEIGHT + (lanes - 1) * LANE + MARGIN
    places = {
        name: cell._replace(y=tops[cell.row] + BOX_HEIGHT / 2 + cell.lane * LANE)
        for name, cell in cells.items()
    }
    routes = _through_gaps(graph, places, box_width)
    for run, track in tracks.items():
        y = tops[run.channel] - TRACK * (track + 0.5)
        routes[run.edge] = _along(run, y, places, box_width, runs)
    out = places[graph.output]
    after = out._replace(x=out.x + box_width + gap)
    routes[graph.output, None] = _through_gap(out, after, out.lane, box_width)
    return Arrangement(places, routes, 2 * SIDE + per_row * (box_width + gap), bottom)


def _adjacent(places, edge):
    source, target = (places[name] for name in edge)
    return (target.row, target.column) == (source.row, source.column + 1)


def _through_gaps(graph, places, box_width):
    """Route the arrows to the next column; those of one gap get labels at different heights."""
    routes, taken = {}, set()
    pairs = {edge: [places[name] for name in edge] for edge in graph.edges}
    for edge, (source, target) in sorted(pairs.items(), key=lambda p: p[1][0].lane != p[1][1].lane):
        if _adjacent(places, edge):
            heights = (source.lane, target.lane, *(n + 0.5 for n in range(len(places))))
            gap = source.row, source.column
            lane = next(h for h in heights if (*gap, h) not in taken)
            taken.add((*gap, lane))
            routes[edge] = _through_gap(source, target, lane, box_width)
    return routes


def _through_gap(source, target, lane, box_width):
    """Route an arrow from box to box, level at the height of a lane, where its label is."""
    start, end = source.x + box_width / 2, target.x - box_width / 2
    y = source.y + (lane - source.lane) * LANE
    entry = y if lane == target.lane else target.y + (0.2 if lane > target.lane else -0.2)
    first = start if lane == source.lane else start + PORT
    last = end if lane == target.lane else end - PORT * (0.6 if lane > target.lane else 1)
    corners = [(start, source.y), (first, source.y), (first, y), (last, y), (last, entry)]
    return Route([*dict.fromkeys([*corners, (end, entry)])], ((start + end) / 2, y))


def _run(edge, cells, box_width, label_width, others):
    source, target = (cells[name] for name in edge)
    below = [c for c in cells.values() if c[:2] == source[:2] and c.lane > source.lane]
    leaves_box = source.lane == 0 if target.row == source.row else not below
    shift = box_width / 4 if target.row == source.row else 0
    x0 = source.x + (shift if leaves_box else box_width / 2 + PORT)
    enters_top = target.lane == 0 and target.row <= source.row + 1
    x1 = target.x - (shift + 0.2 * others if enters_top else box_width / 2 + PORT)
    channel = min(target.row, source.row + 1)
    left, right = min(x0, x1), max(x0, x1)
    return Run(edge, channel, x0, x1, left - 0.06, max(right, left + label_width) + 0.1)


def _tracks(runs):
    """Return run -> track, 0 being next to the row; what overlaps gets different tracks."""
    tracks = {}
    for run in sorted(runs, key=lambda run: run.right - run.left):
        taken = {
            track
            for other, track in tracks.items()
            if other.channel == run.channel and other.left < run.right and run.left < other.right
        }
        tracks[run] = next(track for track in range(len(runs)) if track not in taken)
    return tracks


def _along(run, y, places, box_width, runs):
    """Route an arrow along its track."""
    source, target = (places[name] for name in run.edge)
    half = box_width / 2
    side = -1 if target.row == source.row else 1
    start = [(run.x0, source.y + side * BOX_HEIGHT / 2)]
    if run.x0 > source.x + half:
        start = [(source.x + half, source.y), (run.x0, source.y)]
    end = [(run.x1, target.y - BOX_HEIGHT / 2)]
    if run.x1 < target.x - half:
        entry = target.y - 0.2  # above the arrow from the column before
        end = [(run.x1, entry), (target.x - half, entry)]
    if run.x0 == run.x1:
        return Route([*start, *end], (run.x0 + 0.07, y), beside=True)
    crossing = [x for r in runs if r.channel == run.channel and r != run for x in (r.x0, r.x1)]
    spots = [run.x0 + (run.x1 - run.x0) * part for part in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)]
    free = [s for s in spots if all(abs(s - x) > 0.5 for x in crossing)]
    return Route([*start, (run.x0, y), (run.x1, y), *end], ((free or spots)[0], y))
