"""Students get the notebooks without outputs, what opens them, and nothing that a test needs."""

import json
import subprocess
import sys
import zipfile

import pytest

from tools import handout, setup_venv
from tools.nbfiles import NOTEBOOKS, ROOT


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    target = handout.make(tmp_path_factory.mktemp("handout") / "a.zip")
    with zipfile.ZipFile(target) as archive:
        yield archive


def inside(opened):
    """List the names below the one folder at the top."""
    top = f"{handout.TOP}/"
    assert all(name.startswith(top) for name in opened.namelist())
    return {name.removeprefix(top) for name in opened.namelist()}


def test_every_notebook_is_there_without_outputs(opened):
    for path in NOTEBOOKS.glob("*.ipynb"):
        cells = json.loads(opened.read(f"{handout.TOP}/notebooks/{path.name}"))["cells"]
        assert all(not cell["outputs"] for cell in cells if cell["cell_type"] == "code")


def test_sources_licences_and_the_start_are_there_and_no_test(opened):
    names = inside(opened)
    assert {"START.md", "start.py", "LICENSE", "requirements.txt", "tools/lab.py"} <= names
    sources = {p.relative_to(ROOT).as_posix() for p in (ROOT / "bnlib").rglob("*.py")}
    assert sources <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_unpacked_handout_knows_its_set_up(opened, tmp_path):
    opened.extractall(tmp_path)
    folder = tmp_path / handout.TOP
    code = "import start; import tools.lab, tools.setup_venv; print(tools.setup_venv.ROOT)"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.stdout.strip() == str(folder), done.stderr


def test_start_is_the_set_up_and_then_the_notebooks(opened, monkeypatch):
    called = []
    monkeypatch.setattr(setup_venv, "main", called.append)
    exec(opened.read(f"{handout.TOP}/start.py"), {"__name__": "__main__"})
    assert called == [["--", "-m", "tools.lab"]]


def test_same_project_gives_the_same_zip(tmp_path):
    one, other = (handout.make(tmp_path / name).read_bytes() for name in ("1.zip", "2.zip"))
    assert one == other
