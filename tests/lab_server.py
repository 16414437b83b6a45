"""JupyterLab as make lab starts it, on copies in a folder of the test's, with private settings."""

import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

from tools.nbfiles import ROOT

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+/)lab/tree/00_start\.ipynb\?token=(\w{20,})")
STARTS_WITHIN = 60  # seconds; a start takes two or three


def private_settings(folder):
    """Return the variables that keep all of JupyterLab's settings in a folder."""
    names = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    lab = dict.fromkeys(
        ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"), str(folder / "lab")
    )
    return {**{f"JUPYTER_{name}": str(folder / name) for name in names}, **lab}


@contextmanager
def running(folder, *arguments, environment=None):
    """Give the address and the token of a server whose copies are in folder/work; end it after.

    Its settings are in the folder, too, unless another environment is given.
    """
    if environment is None:
        environment = {**os.environ, **private_settings(folder)}
    code = (
        f"import pathlib, tools.lab as lab; lab.WORK = pathlib.Path({str(folder / 'work')!r}); "
        f"lab.main({['--no-browser', *arguments]!r})"
    )
    with open(folder / "server.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        yield answering(process, folder / "server.log")
    finally:
        process.terminate()  # JupyterLab ends its kernels
        watchdog = threading.Timer(10, process.kill)
        watchdog.start()
        process.wait()
        watchdog.cancel()


def answering(process, log):
    """Wait until the server answers at the address that it prints; return address and token."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        if found := ADDRESS.search(log.read_text(encoding="utf-8")):
            address, token = found.groups()
            try:
                urllib.request.urlopen(f"{address}api?token={token}", timeout=20).close()
            except urllib.error.HTTPError as error:
                error.close()  # it is a reply, too
            except urllib.error.URLError:
                pass  # it prints its address a moment before it answers
            else:
                return address, token
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab does not start:\n{log.read_text(encoding='utf-8')}")
