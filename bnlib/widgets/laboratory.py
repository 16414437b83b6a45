"""The batch laboratory: a channel of many batches, its running statistics, and both modes."""

from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from bnlib.conventions import CS231N
from bnlib.layers import batchnorm_forward, batchnorm_inference
from bnlib.plotting.style import COLORS, FAINT, INK
from bnlib.running import RunningStatistics
from bnlib.statistics import batch_statistics
from bnlib.widgets.explorer import Explorer
from bnlib.widgets.panel import Panel, around
from bnlib.widgets.svg import picture, text

BATCHES = 40
SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
SPREADS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 4.0, 8.0)
EPSILONS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
BINS = 40
INPUT, OUTPUT = (-40, 40), (-10, 10)
START = {
    "n": 32,
    "offset": 10.0,
    "spread": 4.0,
    "eps": 1e-5,
    "gamma": 1.0,
    "beta": 0.0,
    "momentum": 0.9,
}


class Experiment(NamedTuple):
    """What happened to a channel: the last batch, and the statistics after every batch."""

    x: np.ndarray  # (N, 1), as y in both modes
    trained: np.ndarray
    inferred: np.ndarray
    means: np.ndarray  # (BATCHES,), as the three below
    variances: np.ndarray
    running_means: np.ndarray
    running_variances: np.ndarray


@cache
def _draws():
    return np.random.default_rng(0).standard_normal((BATCHES, max(SIZES), 1))


def experiment(n, offset, spread, eps, gamma, beta, momentum):
    """Send batches (N, 1) through the layer in training; the last one in inference, too."""
    convention = replace(CS231N, eps=eps, momentum=momentum)
    running = RunningStatistics.initial(channels=1, convention=convention)
    of_batches, of_running = [], []
    for x in offset + spread * _draws()[:, :n]:
        batch = batch_statistics(x)
        running = running.update(batch, convention)
        of_batches.append((batch.mean[0], batch.var[0]))
        of_running.append((running.mean[0], running.var[0]))
    trained, _ = batchnorm_forward(x, [gamma], [beta], eps=eps)
    inferred = batchnorm_inference(x, [gamma], [beta], **running.for_inference(convention))
    return Experiment(x, trained, inferred, *np.transpose(of_batches), *np.transpose(of_running))


def draw(**controls):
    """Return the picture of an experiment: input, output in both modes, and the statistics."""
    state = {**START, **controls}
    found = experiment(**state)
    gap = np.abs(found.trained - found.inferred).max()
    true_variance = state["spread"] ** 2
    said = {name: _moments(getattr(found, name)) for name in ("x", "trained", "inferred")}
    alt = (
        f"{state['n']} numbers in a batch, {said['x']}. After the layer in training "
        f"{said['trained']}; in inference, with the running statistics of {BATCHES} batches, "
        f"{said['inferred']}. Largest gap between the two: {_short(gap)}. "
        f"Settings: {_settings(state)}."
    )
    return picture(
        (900, 500),
        text(12, 42, _settings(state), fill=FAINT),
        *_input(found, said),
        *_output(found, said),
        *_statistics("Mean", 60, found.means, found.running_means, state["offset"]),
        *_statistics("Variance", 510, found.variances, found.running_variances, true_variance),
        title=_claim(gap),
        alt=alt,
        state=state,
    )


def batch_laboratory():
    """Return the laboratory: move size, place and spread of a batch, and the layer's settings."""
    return Explorer("batch-laboratory", draw, _build, still={"momentum": 0.98})


def _build(ipywidgets):
    slider, choice = ipywidgets.FloatSlider, ipywidgets.SelectionSlider
    controls = {
        "n": choice(options=SIZES, description="N"),
        "offset": slider(min=-20, max=20, step=1, description="offset"),
        "spread": choice(options=SPREADS, description="spread"),
        "eps": choice(options=[(f"{eps:g}", eps) for eps in EPSILONS], description="eps"),
        "gamma": slider(min=-3, max=3, step=0.5, description="gamma"),
        "beta": slider(min=-5, max=5, step=0.5, description="beta"),
        "momentum": choice(options=MOMENTA, description="momentum"),
    }
    for name, control in controls.items():
        control.value = START[name]
        control.layout.width = "32%"  # columns
    every = [*controls.values()]
    return controls, [ipywidgets.HBox(every[k : k + 3]) for k in range(0, len(every), 3)]


def _claim(gap):
    differ = f"differ by up to {_short(gap)}"
    return f"Training and inference {'agree' if _short(gap) == '0' else differ}"


def _settings(state):
    """Name every setting: a still picture has no sliders, and a screen reader's have no names."""
    return ", ".join(f"{'N' if name == 'n' else name} {value:g}" for name, value in state.items())


def _moments(values):
    return f"mean {_short(values.mean())}, std {_short(values.std())}"


def _short(number):
    return f"{round(float(number), 3) + 0.0:g}"


def _shares(values, limits):
    """Return the share of the values in each bin; what lies outside is in none."""
    return np.histogram(values, BINS, limits)[0] / values.size


def _input(found, said):
    shares = _shares(found.x, INPUT)
    panel = Panel(60, 110, 350, 130, INPUT, (0, shares.max() or 1))
    yield from panel.frame(
        "Input x, the last batch: share in each bin", "value", said["x"] + _beyond(shares)
    )
    yield panel.bars(shares, fill=COLORS["value"], fill_opacity=0.45, stroke=COLORS["value"])


def _output(found, said):
    trained, inferred = (_shares(y, OUTPUT) for y in (found.trained, found.inferred))
    panel = Panel(510, 110, 350, 130, OUTPUT, (0, max(*trained, *inferred) or 1))
    yield from panel.frame(
        "Output y of the same batch: share in each bin",
        "value",
        f"filled: training, {said['trained']}{_beyond(trained)}",
        f"dashed: inference, {said['inferred']}{_beyond(inferred)}",
    )
    yield panel.bars(trained, fill=COLORS["value"], fill_opacity=0.45, stroke=COLORS["value"])
    yield panel.outline(inferred, stroke=INK, stroke_width=2, stroke_dasharray="5 3")


def _beyond(shares):
    outside = 1 - shares.sum()
    share = "under 1" if outside < 0.005 else f"{100 * outside:.0f}"
    return f" ({share} % outside)" if outside > 0.001 else ""


def _statistics(name, left, of_batches, running, true):
    """Draw a statistic of every batch as dots, the running one as a line, the true one dashed."""
    limits = around(of_batches, running, [true])
    panel = Panel(left, 330, 350, 130, (0, BATCHES), limits)
    notes = [
        f"dots: each batch; line: running, now {running[-1]:.4g}",
        f"dashed: true, {true:.4g}",
    ]
    yield from panel.frame(name, "batches seen", *notes)
    color = COLORS["mean" if name == "Mean" else "var"]
    k = np.arange(1, BATCHES + 1)
    dashes = {"stroke": FAINT, "stroke_width": 1.5, "stroke_dasharray": "5 3"}
    yield panel.line((0, BATCHES), (true, true), **dashes)
    yield from panel.dots(k, of_batches, fill="white", stroke=color, stroke_width=1.5)
    yield panel.line(k, running, stroke=INK, stroke_width=2)
