"""The count of lines that hold code, and how large the mathematics may be."""

from bnlib import __path__ as rooms
from tools import code_lines
from tools.nbfiles import ROOT

SAMPLE = '''"""A module."""

import numpy as np  # arrays


class Value:
    """What it is.

    And more.
    """

    size = (
        1,  # one
        # nothing here
        2,
    )
    text = """no
    docstring"""
'''


def test_docstrings_comments_and_blank_lines_do_not_count():
    assert code_lines.code_lines(SAMPLE) == 8


def test_mathematics_is_within_its_limit(capsys):
    code_lines.main([])
    *modules, total = capsys.readouterr().out.splitlines()
    assert len(modules) == len(code_lines.MATHEMATICS)
    number = int(total.split()[0])
    assert sum(int(line.split()[0]) for line in modules) == number
    assert 400 < number <= code_lines.LIMIT


def test_folder_counts_with_all_its_files(capsys):
    code_lines.main([str(ROOT / "bnlib" / "graph")])
    assert int(capsys.readouterr().out.split()[0]) > 300


def test_listing_of_the_package_is_short():
    (top,) = rooms
    shown = [path for path in code_lines.Path(top).iterdir() if path.name != "__pycache__"]
    assert sum(path.suffix == ".py" for path in shown) <= 12
    assert sum(path.is_dir() for path in shown) <= 9
