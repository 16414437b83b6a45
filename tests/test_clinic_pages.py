"""Notebook 11, the clinic: each case stands alone, and the pages that lead to it say the same."""

import ast
import contextlib
import io
import json
import re
import warnings
from functools import cache
from itertools import pairwise

import matplotlib as mpl
import nbformat
import pytest
from matplotlib import pyplot as plt

from bnlib import predict
from bnlib.exercises.predict import Choice
from bnlib.plotting import style as look
from tests import test_clinic
from tests.golden import clinic, offsets
from tools.nbfiles import ROOT, find

mpl.use("agg")

RECORD = json.loads(clinic.TARGET.read_text(encoding="utf-8"))
HEADING = re.compile(r"^## (Case (\d+): .+)$", re.MULTILINE)
REMEDIES = {name for name in vars(test_clinic) if name.startswith("test_case_")}


@cache
def cells():
    return nbformat.read(find("11")[0], as_version=4).cells


def sections():
    """Return {number of the case: its cells}."""
    found, number = {}, None
    for cell in cells():
        text = cell.source if cell.cell_type == "markdown" else ""
        if text.startswith("## "):
            match = HEADING.match(text)
            number = int(match[2]) if match else None
        if number is not None:
            found.setdefault(number, []).append(cell)
    return found


def headings():
    return {int(n): title for cell in cells() for title, n in HEADING.findall(cell.source)}


NUMBERS = pytest.mark.parametrize("number", range(1, 17))


def code(number):
    return [cell for cell in sections()[number] if cell.cell_type == "code"]


def prose(number):
    return "\n\n".join(c.source for c in sections()[number] if c.cell_type == "markdown")


def printed(cell):
    return "".join(o.text for o in cell.outputs if o.output_type == "stream")


def question(number):
    asked = [re.match(r"predict\.(\w+)\(\.\.\.\)", cell.source) for cell in code(number)]
    (name,) = [match[1] for match in asked if match]
    return name, predict.ALL[name]


def test_there_are_sixteen_cases_in_order():
    assert list(headings()) == list(range(1, 17))


@NUMBERS
def test_case_is_short(number):
    assert 3 <= len(code(number)) <= 6


@NUMBERS
def test_case_runs_without_the_others(number, monkeypatch):
    monkeypatch.setattr(look, "display", lambda bundle, raw: None)
    names = {}
    for cell in code(number):
        with contextlib.redirect_stdout(io.StringIO()) as said, warnings.catch_warnings():
            warnings.simplefilter("default")  # as in a notebook
            exec(compile(cell.source, f"case {number}", "exec"), names)
        assert said.getvalue() == printed(cell)
    plt.close("all")


@NUMBERS
def test_case_names_its_reports_and_a_test_of_this_file(number):
    text = prose(number)
    links = re.findall(r"\[([\w.-]+/[\w.-]+) (\d+)\]\((https://github.com/[^)]+)\)", text)
    assert links
    for repository, report, url in links:
        assert re.fullmatch(rf"https://github.com/{repository}/(issues|pull)/{report}", url)
    named = re.findall(r"`(test_case_\w+)`", text.split("**Test.**")[1])
    assert named
    assert all(name.startswith(f"test_case_{number:02d}_") for name in named)
    assert set(named) <= REMEDIES


def test_every_remedy_is_named_in_the_notebook():
    said = "\n".join(cell.source for cell in cells())
    assert [name for name in REMEDIES if name not in said] == []


@NUMBERS
def test_student_chooses_one_of_five_causes_before_anything_is_found(number):
    name, typed = question(number)
    assert isinstance(typed, Choice)
    assert {typed.right, *typed.misses} == {1, 2, 3, 4, 5}
    asked = f"predict.{name}(...)"
    (before,) = [a for a, b in pairwise(sections()[number]) if b.source.startswith(asked)]
    listed = re.findall(r"^(\d)\. (.+)$", before.source, flags=re.MULTILINE)
    assert [int(n) for n, _ in listed] == [1, 2, 3, 4, 5]
    cause = dict(listed)[str(typed.right)]
    assert f"<summary>Answer</summary>\n\nCause {typed.right}. {cause}\n</details>" in prose(number)


def test_right_cause_is_not_always_the_same_number():
    right = [question(number)[1].right for number in range(1, 17)]
    assert all(right.count(n) <= 6 for n in right)


def causes(number):
    """Return the five causes that a case offers, and which of them is right."""
    (text,) = [c.source for c in sections()[number] if c.source.startswith("**Predict.**")]
    return re.findall(r"^\d\. (.+)$", text, flags=re.MULTILINE), question(number)[1].right


@pytest.mark.parametrize("extreme", [max, min])
def test_length_of_a_cause_does_not_tell_that_it_is_right(extreme):
    hits = 0
    for number in range(1, 17):
        texts, right = causes(number)
        hits += len(texts[right - 1]) == extreme(map(len, texts))
    assert hits <= 6


@NUMBERS
def test_cause_is_named_by_nothing_in_the_cell_that_asks(number):
    assert question(number)[0] == f"case_{number}"


def recorded_in(number):
    """Yield the mappings called `recorded` that a case writes out."""
    for cell in code(number):
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "recorded":
                yield ast.literal_eval(node.value)


@pytest.mark.parametrize("number", [n for n in range(1, 17) if "seen = " in code(n)[0].source])
def test_what_was_seen_is_computed_after_the_choice(number):
    said = [line for cell in code(number)[2:] for line in printed(cell).splitlines()]
    compared = [line for line in said if "as seen" in line]
    assert compared
    assert all(line.endswith("True") for line in compared)


def stored(number):
    if number == 14:
        layers = json.loads(offsets.TARGET.read_text(encoding="utf-8"))["layers"]
        return {name: row["errors"][:5] for name, row in layers.items()}
    return RECORD["cases"].get(question(number)[0], {})


def check_written(said, found):
    """Assert that what a cell writes out was recorded: part of it, to four decimals."""
    if isinstance(said, dict):
        for key, value in said.items():
            check_written(value, found[key])
    elif isinstance(said, list):
        for a, b in zip(said, found, strict=True):
            check_written(a, b)
    elif isinstance(said, float) and abs(said) >= 0.001:
        assert said == round(found, 4)
    else:
        assert said == found


@NUMBERS
def test_recorded_numbers_are_those_of_the_record(number):
    for said in recorded_in(number):
        check_written(said, stored(number))


def test_planted_number_is_not_taken_for_recorded():
    check_written({"a": [0.3, "nan"]}, {"a": [0.30000000000000004, "nan"], "b": 1})
    for wrong in ({"a": [0.31, "nan"]}, {"a": [0.3, "inf"]}):
        with pytest.raises(AssertionError):
            check_written(wrong, {"a": [0.30000000000000004, "nan"]})


@NUMBERS
def test_case_says_with_which_version_it_was_recorded(number):
    names = {name.split(",")[0] for said in recorded_in(number) for name in said}
    versions = {
        "PyTorch": RECORD["versions"]["torch"].split("+")[0],
        "Keras": RECORD["versions"]["keras"],
        "Flax": "0.12.8",
    }
    for name in names:
        assert f"{name} {versions[name]}" in prose(number).split("**Symptom.**")[0]


# The pages


def anchor(number):
    return headings()[number].replace(" ", "-")


DIAGNOSIS = (ROOT / "docs" / "diagnosis.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = r"\[Case (\d+)\]\((?:(?:\.\./)?notebooks/11_clinic\.ipynb)?#([^)]+)\)"


def tables():
    """Return the notebook's last tables, as Markdown."""
    (text,) = [c.source for c in cells() if c.source.startswith("## From symptom to cause to test")]
    return text


def rows(page):
    """Return {number: the texts of the line that links this case}."""
    found = {}
    for line in page.splitlines():
        if line.startswith("|") and (link := re.search(LINK, line)):
            found[int(link[1])] = [part.strip() for part in line.strip("| ").split("|")]
    return found


def test_page_of_diagnosis_says_what_the_notebooks_tables_say():
    here, there = ({n: row[:3] for n, row in rows(page).items()} for page in (tables(), DIAGNOSIS))
    assert here == there


@NUMBERS
def test_framework_that_is_called_silent_was_recorded(number):
    silent = rows(tables())[number][3]
    names = {name.split(",")[0] for said in recorded_in(number) for name in said}
    if silent == "not recorded":
        assert names == set()
    else:
        assert names
        assert silent.startswith("none: ") or names >= set(silent.split(", "))


@pytest.mark.parametrize(
    "page", [DIAGNOSIS, README, tables()], ids=["diagnosis", "readme", "tables"]
)
def test_page_links_every_case_by_its_heading(page):
    found = [(int(number), target) for number, target in re.findall(LINK, page)]
    assert sorted(found) == [(number, anchor(number)) for number in range(1, 17)]


def test_notebook_lists_every_case_at_its_start():
    (index,) = [c.source for c in cells() if c.source.startswith("## Find your symptom")]
    for number, title in headings().items():
        assert f"[{title}](#{anchor(number)})" in index


SEARCHED = {  # what someone with the report in hand types, and the case
    1: ("requires_grad", "fine-tun"),
    2: ("NaN", "running_var"),
    3: ("update_bn", "val_loss"),
    4: ("gradient", "saliency"),
    5: ("Keras", "epsilon"),
    6: ("Expected more than 1 value per channel when training", "drop_last"),
    7: ("padding", "mask"),
    8: ("checkpoint", "num_batches_tracked"),
    9: ("gradient accumulation",),
    10: ("weight decay", "LayerNorm.weight"),
    11: ("dropout", "ReLU"),
    12: ("fuse", "ConvTranspose"),
    13: ("SyncBatchNorm", "DDP"),
    14: ("negative variance", "use_fast_variance"),
    15: ("bfloat16", "autocast"),
    16: ("LayerNorm2d", "RMSNorm"),
}


@pytest.mark.parametrize(("number", "words"), SEARCHED.items())
def test_readme_has_the_words_that_someone_searches(number, words):
    (line,) = [line for line in README.splitlines() if f"[Case {number}](" in line]
    assert [word for word in words if word.lower() not in line.lower()] == []
