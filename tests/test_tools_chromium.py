"""A browser is found where it usually is, or the message says what to do."""

import os

import pytest

from tools import chromium


@pytest.fixture
def program(tmp_path):
    """Return a function that puts an executable file somewhere below a temporary folder."""

    def make(name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o755)
        return str(path)

    return make


posix = pytest.mark.skipif(os.name == "nt", reason="programs on PATH end in .exe there")


@posix
def test_browser_on_path_is_found(program, tmp_path):
    expected = program("google-chrome")
    assert chromium.find_chromium({"PATH": str(tmp_path)}, "linux") == expected


@posix
def test_named_browser_comes_first(program, tmp_path):
    program("chromium")
    mine = program("mine/browser")
    environment = {"PATH": str(tmp_path), "CHROMIUM": mine}
    assert chromium.find_chromium(environment, "linux") == mine


def test_wrong_name_is_told(program, tmp_path):
    program("chromium")
    environment = {"PATH": str(tmp_path), "CHROMIUM": str(tmp_path / "none")}
    with pytest.raises(chromium.NoChromiumError, match="none, and no program is there"):
        chromium.find_chromium(environment, "linux")


def test_usual_place_is_searched(program, tmp_path, monkeypatch):
    place = "{LOCALAPPDATA}/Chrome/chrome.exe"
    monkeypatch.setitem(chromium.PLACES, "win32", (place,))
    expected = program("Chrome/chrome.exe")
    environment = {"PATH": "", "LOCALAPPDATA": str(tmp_path)}
    assert chromium.find_chromium(environment, "win32") == expected


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_missing_browser_is_told_with_how_to_install_one(platform, tmp_path):
    with pytest.raises(chromium.NoChromiumError) as failure:
        chromium.find_chromium({"PATH": str(tmp_path)}, platform)
    for word in ("apt-get install chromium", "brew", "choco", "CHROMIUM="):
        assert word in str(failure.value)
