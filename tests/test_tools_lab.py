"""JupyterLab on a student's copies: served to this machine alone, whatever the user's home is."""

import errno
import json
import os
import urllib.error
import urllib.request

import pytest

from tests.lab_server import running
from tools import lab, nbfiles, settings


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
    assert arguments[1] == "--ServerApp.ip=127.0.0.1"
    assert arguments[3:] == ["--no-browser", "--allow-root"]
    assert len(lab.server_arguments("work", desktop=True, root_user=False)) == 3


def test_browser_opens_the_first_notebook():
    assert f"--LabApp.default_url=/lab/tree/{nbfiles.find('')[0].name}" in lab.server_arguments(
        "work", desktop=True, root_user=False
    )


def test_users_own_jupyter_settings_stay_in_force():
    paths = lab.server_environment({"JUPYTER_CONFIG_PATH": "mine"})["JUPYTER_CONFIG_PATH"]
    assert paths.split(os.pathsep) == [str(lab.CONFIG), "mine"]


# Folders that cannot be written, and disks that are full


@pytest.fixture
def unwritable(tmp_path):
    """Give a folder that nobody can make, not even root: a file is in its way."""
    (tmp_path / "file").touch()
    return str(tmp_path / "file" / "home")


def test_folder_that_can_be_written_stays_the_students(tmp_path):
    usual = {"JUPYTER_DATA_DIR": str(tmp_path / "usual")}
    assert lab.replaced_folders(usual, {"JUPYTER_DATA_DIR": str(tmp_path / "own")}) == {}


def test_folder_that_cannot_be_written_is_replaced_alone(unwritable, tmp_path):
    own = settings.folders(str(tmp_path))
    usual = {**dict.fromkeys(own, str(tmp_path)), "JUPYTER_RUNTIME_DIR": unwritable}
    replaced = {"JUPYTER_RUNTIME_DIR": own["JUPYTER_RUNTIME_DIR"]}
    assert lab.replaced_folders(usual, own) == replaced


def test_no_folder_that_can_be_written_is_told(unwritable):
    own = settings.folders(unwritable)
    with pytest.raises(OSError, match=r"neither your home folder nor .*can be written"):
        lab.replaced_folders(own, own)


def test_every_folder_below_an_unwritable_home_is_replaced(unwritable, monkeypatch):
    for name in os.environ:
        if name.startswith(("JUPYTER", "IPYTHON", "MPL", "XDG")):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE", "APPDATA", "TEMP"):
        monkeypatch.setenv(name, unwritable)
    usual = lab.usual_folders(os.environ)
    assert usual.keys() == settings.folders("").keys()
    assert [name for name, folder in usual.items() if lab.can_write(folder)] == []


@pytest.mark.slow
def test_lab_starts_where_the_home_cannot_be_written(unwritable, tmp_path):
    private = ("JUPYTER", "IPYTHON", "MPL", "XDG")
    kept = {name: os.environ[name] for name in os.environ if not name.startswith(private)}
    with running(tmp_path, environment={**kept, "HOME": unwritable}) as (address, token):
        assert get(f"{address}api/contents?token={token}")["content"]
    log = (tmp_path / "server.log").read_text(encoding="utf-8")
    assert "Traceback" not in log


@pytest.mark.parametrize("arguments", [[], ["--fresh", "01"]])
def test_full_disk_is_a_sentence_and_changes_nothing(arguments, tmp_path, monkeypatch):
    def fail(*paths):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(lab, "WORK", tmp_path)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(SystemExit) as ended:
        lab.main(arguments)
    first, last = str(ended.value).splitlines()
    assert first.startswith("No space left on device: ")
    assert last == "Nothing that you wrote was changed."
    assert list(tmp_path.iterdir()) == []


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
    notebooks = [path.name for path in nbfiles.find("")]
    assert {item["name"] for item in listed} == {*notebooks, "glossary.md", "progress.txt"}
    kernels = get(f"{address}api/kernelspecs?token={token}")
    assert kernels["default"] == "python3"
    notifications = "lab/api/settings/@jupyterlab/apputils-extension:notification"
    settings = get(f"{address}{notifications}?token={token}")
    assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        get(f"{address}api/contents")
    refused.value.close()  # it is a reply, with a connection; Python 3.14 warns if it stays open
