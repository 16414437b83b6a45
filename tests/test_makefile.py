"""What make offers, and what its recipes call."""

import re
import shutil
import subprocess
import sys

import pytest

from tools import clean, make_help, mutation
from tools.nbfiles import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def recipes():
    """Map each target to the lines of its recipe."""
    found = re.findall(r"^([\w-]+):(?!=).*\n((?:\t.*\n?)*)", MAKEFILE, flags=re.MULTILINE)
    return {name: body.strip().split("\n\t") for name, body in found}


def test_help_lists_every_target(capsys):
    make_help.main()
    listed = re.findall(r"^make (\S+) +\S", capsys.readouterr().out, flags=re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, flags=re.MULTILINE)[1].split()
    assert listed == phony == list(recipes())


def test_recipes_only_call_python():
    lines = [line for body in recipes().values() for line in body]
    assert [
        line for line in lines if not re.match(r"@\$\((PY|RUN|SETUP)\)( [^|&;><`]+)?$", line)
    ] == []


def test_every_target_that_needs_the_environment_sets_it_up():
    sets_up = re.compile(r"\$\((RUN|SETUP)\)")
    without = {name for name, body in recipes().items() if not sets_up.search(body[0])}
    assert without == {"help", "lock", "clean"}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not on PATH")
@pytest.mark.parametrize(
    ("python", "expected"),
    [
        ("python3", "python3"),
        ("py -3.12", "py -3.12"),
        ("a folder/python3", '"a folder/python3"'),
        ("C:/Program Files/Python/python.exe", '"C:/Program Files/Python/python.exe"'),
        (r"C:\Program Files\Python\python.exe", r'"C:\Program Files\Python\python.exe"'),
        ("folder/python3", '"folder/python3"'),
    ],
)
def test_interpreter_may_have_a_space_in_its_path_or_an_argument(python, expected, tmp_path):
    if "/" in python or "\\" in python:
        program = tmp_path / python.replace("\\", "/")
        program.parent.mkdir(parents=True)
        program.touch()
    command = ["make", "--dry-run", "--file", ROOT / "Makefile", "setup", f"PYTHON={python}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{expected} -E -s -m tools.setup_venv"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not on PATH")
def test_interpreter_with_a_space_in_its_path_runs(tmp_path):
    (tmp_path / "a b").mkdir()
    python = tmp_path / "a b" / "python3"
    try:
        python.symlink_to(sys.executable)
    except OSError:
        pytest.skip("no links here")
    command = ["make", "help", f"PYTHON={python}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "make setup" in done.stdout


def test_clean_removes_what_was_made_and_never_work(tmp_path):
    made = [".venv", ".venv-numpy-2.0.0", "bnlib/__pycache__", "notebooks/.ipynb_checkpoints"]
    made += [mutation.ENVIRONMENT.name, ".venv-discarded", ".venv-numpy-2.0.0-discarded", "build"]
    kept = ["work/__pycache__", "work/.ipynb_checkpoints", "bnlib/training/datasets", "notebooks"]
    for name in made + kept:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    assert clean.leftovers(tmp_path) == sorted(tmp_path / name for name in made)
