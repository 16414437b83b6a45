"""One server and one browser for all tests; a fresh page for each, watched for what goes wrong."""

import json
import os
import subprocess
import sys
import urllib.request

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.lab_page import LabPage, Problems
from tests.lab_server import running
from tools.chromium import NoChromiumError, find_chromium
from tools.nbfiles import ROOT

FLAGS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
SCREENSHOTS = ROOT / "build" / "browser"


@pytest.fixture(scope="session")
def lab_folder(tmp_path_factory):
    """Give the folder whose work/ the server opens."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def server(lab_folder):
    """Give the address and the token of make lab's server, on fresh copies of the notebooks."""
    # The tests read the cells through the application object, which JupyterLab hides by default.
    with running(lab_folder, "--expose-app-in-browser") as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    try:
        path = find_chromium()
    except NoChromiumError as error:
        pytest.exit(str(error), returncode=1)
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    flags = [*FLAGS, "--no-sandbox"] if as_root else FLAGS  # Chromium's sandbox refuses root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(30_000)
    yield page
    page.close()


def made(*arguments):
    """Make pages; return what was said and the exit code."""
    command = [sys.executable, "-m", "tools.site", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    return done.stdout + done.stderr, done.returncode


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Make the project's site; return its folder."""
    folder = tmp_path_factory.mktemp("made")
    said, code = made("--into", folder)
    assert code == 0, said
    print(said)
    return folder / "site"


@pytest.fixture
def open_page(browser):
    """Return a function that opens a page in a theme, a width, and other settings of a browser."""
    contexts = []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def opened(theme="light", width=1280, **options):
        viewport = {"width": width, "height": 900}
        contexts.append(browser.new_context(color_scheme=theme, viewport=viewport, **options))
        contexts[-1].set_default_timeout(30_000)
        return contexts[-1].new_page()

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def lab(page, server):
    """Give a page of JupyterLab. At the end: no console error, and no request to elsewhere."""
    problems = Problems()
    problems.watch(page)
    yield LabPage(page, *server)
    page.close()
    end_kernels(*server)
    assert problems == []


def end_kernels(address, token):
    """End all sessions, so that the next notebook has the machine to itself."""
    for session in json.loads(request(f"{address}api/sessions", token)):
        request(f"{address}api/sessions/{session['id']}", token, method="DELETE")


def request(url, token, method="GET"):
    headers = {"Authorization": f"token {token}"}
    wanted = urllib.request.Request(url, headers=headers, method=method)
    with urllib.request.urlopen(wanted, timeout=20) as reply:
        return reply.read()


@pytest.fixture
def screenshot(page):
    """Return a function that keeps what the page shows as build/browser/NAME.png."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return lambda name: page.screenshot(path=SCREENSHOTS / f"{name}.png")
