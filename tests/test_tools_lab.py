"""A student's copies: made once, never overwritten, and served to this machine alone."""

import json
import os
import urllib.error
import urllib.request

import nbformat
import pytest

from tests.lab_server import running
from tests.notebook_samples import complete_notebook, printed
from tools import lab, nbfiles


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Give a folder with one original, and the folder for the copies, which does not exist yet."""
    originals = tmp_path / "notebooks"
    originals.mkdir()
    nbformat.write(complete_notebook(), originals / "02_add.ipynb")
    return originals, tmp_path / "work"


def prepare(folders):
    originals, work = folders
    return lab.prepare(nbfiles.find("", originals), work)


def change(path, edit):
    notebook = nbfiles.read(path)
    edit(notebook["cells"][2])
    path.write_text(json.dumps(notebook))


def test_copy_has_the_sources_but_no_results(folders):
    assert prepare(folders) == []
    copy = nbformat.read(folders[1] / "02_add.ipynb", as_version=4)
    nbformat.validate(copy)
    original = complete_notebook()
    assert [cell.source for cell in copy.cells] == [cell.source for cell in original.cells]
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * 2
    assert copy.metadata.bnlib.original == lab.digest(original)


def test_existing_copy_is_never_overwritten(folders):
    prepare(folders)
    mine = folders[1] / "02_add.ipynb"
    mine.write_text("what a student wrote")
    change(folders[0] / "02_add.ipynb", lambda cell: cell.update(source="a = 3"))
    prepare(folders)
    assert mine.read_text() == "what a student wrote"


def test_changed_original_is_told_until_a_new_copy_is_there(folders):
    prepare(folders)
    original = folders[0] / "02_add.ipynb"
    change(original, lambda cell: cell.update(source="a = 3"))
    (line,) = prepare(folders)
    assert line.startswith("02_add.ipynb has changed")
    assert line.endswith("make fresh NOTEBOOK=02_add")
    lab.fresh(original, folders[1])
    assert prepare(folders) == []


def test_refreshed_outputs_are_no_change(folders):
    prepare(folders)
    outputs = [printed("4.0\n")]
    change(folders[0] / "02_add.ipynb", lambda cell: cell.update(outputs=outputs))
    assert prepare(folders) == []


def test_fresh_copies_stand_beside_each_other(folders):
    original = folders[0] / "02_add.ipynb"
    names = [lab.fresh(original, folders[1]).name for _ in range(4)]
    assert names == ["02_add.ipynb", *(f"02_add.new{k}.ipynb" for k in ("", 2, 3))]


def test_unreadable_copy_does_not_stop_the_others(folders):
    folders[1].mkdir()
    (folders[1] / "02_add.ipynb").write_text("{")
    nbformat.write(complete_notebook(), folders[0] / "03_more.ipynb")
    prepare(folders)
    assert (folders[1] / "03_more.ipynb").exists()


def test_interrupted_copy_leaves_nothing_behind(folders, monkeypatch):
    monkeypatch.setattr(os, "replace", lambda *paths: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        prepare(folders)
    assert list(folders[1].iterdir()) == []


def test_notebook_is_found_by_the_start_of_its_name(folders):
    expected = [folders[0] / "02_add.ipynb"]
    for name in ("", "02", "02_add", "02_add.ipynb", "notebooks/02_add.ipynb"):
        assert nbfiles.find(name, folders[0]) == expected
    with pytest.raises(LookupError, match="no notebook is called 03; there are: 02_add"):
        nbfiles.find("03", folders[0])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["--fresh", ""], "name the notebook"), (["--fresh", "99"], "no notebook is called 99")],
)
def test_fresh_without_a_known_name_says_so(arguments, expected, capsys):
    with pytest.raises(SystemExit):
        lab.main(arguments)
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("darwin", {}, True),
        ("win32", {}, True),
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
    ],
)
def test_desktop_is_recognized(platform, environment, expected):
    assert lab.has_desktop(platform, environment) == expected


def test_server_listens_to_this_machine_only_and_asks_for_its_token():
    arguments = lab.server_arguments("work", desktop=False, root_user=True)
    assert arguments[1:] == ["--ServerApp.ip=127.0.0.1", "--no-browser", "--allow-root"]
    assert len(lab.server_arguments("work", desktop=True, root_user=False)) == 2


def test_users_own_jupyter_settings_stay_in_force():
    paths = lab.server_environment({"JUPYTER_CONFIG_PATH": "mine"})["JUPYTER_CONFIG_PATH"]
    assert paths.split(os.pathsep) == [str(lab.CONFIG), "mine"]


@pytest.fixture
def server(tmp_path):
    """Start JupyterLab as make lab does, in a temporary folder; give its address and token."""
    with running(tmp_path) as address_and_token:
        yield address_and_token


def get(address):
    with urllib.request.urlopen(address, timeout=20) as reply:
        return json.load(reply)


def test_lab_serves_the_copies_to_who_has_the_token(server):
    address, token = server
    listed = get(f"{address}api/contents?token={token}")["content"]
    assert sorted(item["name"] for item in listed) == [path.name for path in nbfiles.find("")]
    kernels = get(f"{address}api/kernelspecs?token={token}")
    assert kernels["default"] == "python3"
    notifications = "lab/api/settings/@jupyterlab/apputils-extension:notification"
    settings = get(f"{address}{notifications}?token={token}")
    assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        get(f"{address}api/contents")
