"""docs/teaching.md names what is there: commands, options, verdicts, notebooks; so do the files."""

import re

import pytest

from bnlib.grading import command, judge, limits, tables
from tools.nbfiles import NOTEBOOKS, ROOT

PAGE = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
CONTAINER = (ROOT / "Containerfile").read_text(encoding="utf-8")


def table(title):
    """Return the rows of the table whose head begins with this."""
    (found,) = re.findall(rf"^\| {title}.*\n\|.*\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found.splitlines()]


def test_targets_that_are_named_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([\w-]+)", PAGE, flags=re.MULTILINE))
    assert {"handout", "grade"} <= named
    assert all(f"\n{name}: ##" in makefile for name in named)


def test_options_that_are_named_exist(capsys):
    with pytest.raises(SystemExit):
        command.parse(["--help"])
    known = capsys.readouterr().out
    ours = re.findall(r"^python -m bnlib\.grading .*|^make grade.*|`--[\w-]+", PAGE, re.MULTILINE)
    named = set(re.findall(r"--[\w-]+", " ".join(ours)))
    assert {"--shard", "--seed", "--student", "--export", "--output"} <= named
    assert [option for option in named if option not in known] == []


def test_verdicts_and_columns_are_those_of_the_table():
    assert [row[0] for row in table("verdict")] == list(judge.VERDICTS)
    assert ", ".join(tables.COLUMNS) in PAGE


def test_limits_are_as_stated():
    assert (limits.CALL_SECONDS, limits.ALL_SECONDS) == (2, 20)
    assert (limits.MEMORY, limits.FILE_BYTES) == (2**30, 2**20)
    assert "two seconds of the processor for a call\nand 20 for an exercise, a gigabyte" in PAGE


def test_course_plan_names_notebooks_that_exist_and_the_longest_all_with_exercises():
    known = {path.name[:2] for path in NOTEBOOKS.glob("*.ipynb")}
    plans = list(zip(*table(r"\| 2 meetings"), strict=True))[1:]
    for plan in plans:
        assert set(re.findall(r"\d\d", " ".join(plan))) <= known
    assert set(re.findall(r"\d\d", " ".join(plans[-1]))) >= {
        one.notebook for one in judge.exercises.ALL.values()
    }


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", PAGE))
def test_link_leads_somewhere(link):
    assert (ROOT / "docs" / link).exists()


def test_container_gets_what_it_copies_and_starts_what_the_page_calls():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    copied = [
        name
        for line in re.findall(r"^COPY (.+) \S+$", CONTAINER, re.MULTILINE)
        for name in line.split()
    ]
    assert sorted(copied) == ["LICENSE", "bnlib", "pyproject.toml", "requirements.txt"]
    assert all((ROOT / name).exists() and f"!{name}\n" in ignored for name in copied)
    assert 'ENTRYPOINT ["python", "-m", "bnlib.grading"]' in CONTAINER
    for words in ("--network none", "--read-only", "/submissions --output /results"):
        assert words in PAGE
