"""Find the Chromium or Chrome that tests the notebooks, or say how to get one."""

import os
import shutil
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    "win32": (
        r"{PROGRAMFILES}\Google\Chrome\Application\chrome.exe",
        r"{PROGRAMFILES(X86)}\Google\Chrome\Application\chrome.exe",
        r"{LOCALAPPDATA}\Google\Chrome\Application\chrome.exe",
        r"{PROGRAMFILES(X86)}\Microsoft\Edge\Application\msedge.exe",
    ),
}
HOW_TO_INSTALL = """No Chromium or Chrome is found on this machine. Install one:
  Debian    apt-get install chromium fonts-dejavu-core
  macOS     brew install --cask chromium, or Google Chrome
  Windows   Google Chrome or Edge; with Chocolatey: choco install googlechrome
Where it is in an unusual place, name it:  CHROMIUM=/path/to/chromium make test-browser"""


class NoChromiumError(Exception):
    """Which path was wrong, or how to install a browser."""


def find_chromium(environment=os.environ, platform=sys.platform):
    """Return the path of a browser: the one that CHROMIUM names, one on PATH, or a usual place.

    Raises
    ------
    NoChromiumError
        If CHROMIUM names no file, or no browser is found.
    """
    if named := environment.get("CHROMIUM"):
        if found := shutil.which(named, path=environment.get("PATH")):
            return found
        raise NoChromiumError(f"CHROMIUM is set to {named}, and no program is there.")
    on_path = (shutil.which(name, path=environment.get("PATH", "")) for name in NAMES)
    folders = {"PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"}
    known = {name: environment.get(name, "") for name in folders}
    usual = (place.format(**known) for place in PLACES.get(platform, ()))
    for found in (*on_path, *(place for place in usual if Path(place).is_file())):
        if found:
            return found
    raise NoChromiumError(HOW_TO_INSTALL)


def main():
    """Print the path, or the instructions and exit with 1."""
    try:
        print(find_chromium())
    except NoChromiumError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
