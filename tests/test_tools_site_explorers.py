"""The frames of a page are what the widget draws, for every state that the page can show."""

import gzip
import json
import re

import pytest

from bnlib import widgets
from tools.site import explorers

EVERY = pytest.mark.parametrize("name", explorers.every())


def read(script):
    """Return the name and the frames that a script gives to the page."""
    found = re.fullmatch(r'bnlibExplorers\["([\w-]+)"\]\((.*)\);\n', script, flags=re.DOTALL)
    return found[1], json.loads(found[2])


SCRIPTS = dict(explorers.scripts())


def states(data):
    """Yield each frame's picture, and the values of the controls that it belongs to."""
    controls = [control for row in data["rows"] for control in row if control["kind"] != "button"]
    for key, frame in data["frames"].items():
        places = map(int, key.split(","))
        yield (
            "".join(data["pieces"][k] for k in frame),
            {control["name"]: place for control, place in zip(controls, places, strict=True)},
        )


def test_every_explorer_of_the_package_is_there():
    assert len(SCRIPTS) == len(widgets.__all__) == 3


@EVERY
def test_each_frame_is_what_the_widget_shows_when_its_controls_are_moved_there(name):
    said, data = read(SCRIPTS[name])
    assert said == name
    explorer = explorers.every.__wrapped__()[name]  # one that nothing else has moved
    for svg, places in states(data):
        for control, place in places.items():
            explorer.controls[control].value = explorers.values(explorer, control)[place]
        assert explorer.figure.value.startswith(svg + "<p")


@pytest.mark.parametrize(
    ("name", "count"), [("graph-stepper", 18), ("axes-explorer", 48), ("batch-laboratory", 104)]
)
def test_every_state_has_its_frame_or_every_place_of_each_slider(name, count):
    _, data = read(SCRIPTS[name])
    assert len(data["frames"]) == count
    assert ",".join(map(str, data["start"])) in data["frames"]
    shown = [
        set(column) for column in zip(*(key.split(",") for key in data["frames"]), strict=True)
    ]
    ranges = [c for row in data["rows"] for c in row if c["kind"] != "button"]
    assert [len(places) for places in shown] == [len(control["values"]) for control in ranges]


@EVERY
def test_every_control_has_a_label_and_each_of_its_places_a_word(name):
    explorer, (_, data) = explorers.every()[name], read(SCRIPTS[name])
    controls = [control for row in data["rows"] for control in row]
    assert {c["name"] for c in controls} == explorer.controls.keys()
    assert all(c["label"] for c in controls)
    assert all(all(c["values"]) for c in controls if c["kind"] != "button")


def test_buttons_move_as_the_widgets_do():
    _, data = read(SCRIPTS["graph-stepper"])
    buttons = [control for control in data["rows"][0] if control["kind"] == "button"]
    assert [(b["label"], b["name"], b["step"]) for b in buttons] == [
        ("Previous", "step", -1),
        ("Next", "step", 1),
    ]


def test_asking_for_frames_moves_no_control():
    explorer = explorers.every()["graph-stepper"]
    before = explorer.figure.value
    explorers.frames(explorer)
    assert explorer.figure.value == before


def test_all_frames_together_are_light():
    assert sum(len(script.encode()) for script in SCRIPTS.values()) < 4_000_000
    assert sum(len(gzip.compress(script.encode())) for script in SCRIPTS.values()) < 200_000


def test_changed_picture_changes_its_frame(monkeypatch):
    explorer = widgets.graph_stepper()
    before = explorers.frames(explorer)
    draw = explorer.draw
    monkeypatch.setattr(explorer, "draw", lambda step: draw(step=min(step, 17)))
    assert explorers.frames(explorer) != before
