"""What mutation testing changes, which tests have to notice, and what is said of survivors."""

import importlib
import inspect
import re
import tomllib
from functools import reduce

import pytest

from tools import mutation, mutation_report
from tools.nbfiles import ROOT


def test_configuration_is_toml_that_names_existing_files():
    options = tomllib.loads(mutation.configuration(mutation.MODULES))["tool"]["mutmut"]
    named = options["only_mutate"] + options["pytest_add_cli_args_test_selection"]
    assert all((ROOT / name).is_file() for name in named)
    assert "bnlib/layout.py" in options["only_mutate"]


def test_package_counts_with_all_its_files():
    files = mutation.files_of(["graph"])
    assert "bnlib/graph/primitives.py" in files


def test_each_test_file_counts_once():
    assert mutation.tests_of(["graph"]).count("tests/test_graph.py") == 1


def test_module_that_does_not_exist_is_an_error():
    with pytest.raises(SystemExit, match="there is no bnlib/layuot"):
        mutation.files_of(["layuot"])


def test_every_module_has_tests():
    assert all(mutation.tests_of([module]) for module in mutation.MODULES)


def test_notebooks_are_not_run_for_every_change():
    assert not [name for name in mutation.tests_of(mutation.MODULES) if "notebook" in name]


def test_copy_has_the_settings_of_mutmut_and_hypothesis(tmp_path, monkeypatch):
    monkeypatch.setattr(mutation, "COPY", tmp_path / "copy")
    monkeypatch.setattr(mutation, "COPIED", ("conftest.py", "pyproject.toml", "bnlib", "tests"))
    mutation.copy_project(["layout"])
    with open(tmp_path / "copy" / "pyproject.toml", "rb") as file:
        assert tomllib.load(file)["tool"]["mutmut"]["only_mutate"] == ["bnlib/layout.py"]
    conftest = (tmp_path / "copy" / "conftest.py").read_text(encoding="utf-8")
    assert conftest == (ROOT / "conftest.py").read_text(encoding="utf-8") + mutation.BRISK
    compile(conftest, "conftest.py", "exec")
    tests = (tmp_path / "copy" / "tests" / "test_graph.py").read_text(encoding="utf-8")
    assert set(re.findall(r"(?:max_examples=|@examples\()([0-9]+)", tests)) == {"20"}
    assert (tmp_path / "copy" / "bnlib" / "layout.py").is_file()


# The report

LISTED = """
    bnlib.layout.x_count__mutmut_1: killed
    bnlib.layout.x__add_up__mutmut_3: survived
    bnlib.statistics.xǁMomentsǁof__mutmut_4: timeout
    bnlib.statistics.xǁMomentsǁof__mutmut_5: no tests
"""
SHOWN = """# bnlib.layout.x__add_up__mutmut_3: survived
--- bnlib/layout.py
+++ bnlib/layout.py
@@ -5,7 +5,7 @@
     another mean than the array.
     \"\"\"
-    wide = np.result_type(a.dtype, np.float64)  # a comment
+    wide = np.result_type(a.dtype, None)  # a comment
     return wide
"""
CHANGE = mutation_report.Change(
    "layout._add_up",
    "wide = np.result_type(a.dtype, np.float64)  # a comment",
    "wide = np.result_type(a.dtype, None)  # a comment",
)
EXPLAINED = """
[[{kind}]]
functions = ["layout._add_up"]
was = "np.float64"
becomes = ["None", "float"]
reason = "None means float64."
"""


def explained(kind="equivalent"):
    return mutation_report.explanations(EXPLAINED.format(kind=kind))


def test_survivors_are_all_that_were_neither_killed_nor_ran_too_long():
    fates = mutation_report.read_fates(LISTED)
    assert len(fates) == 4
    assert mutation_report.survivors(fates) == [
        "bnlib.layout.x__add_up__mutmut_3",
        "bnlib.statistics.xǁMomentsǁof__mutmut_5",
    ]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("bnlib.layout.x__add_up__mutmut_3", "layout._add_up"),
        ("bnlib.layout.x_sum_to__mutmut_12", "layout.sum_to"),
        ("bnlib.statistics.xǁMomentsǁof__mutmut_4", "statistics.Moments.of"),
        ("bnlib.graph.xǁGraphǁ_repr_markdown___mutmut_4", "graph.Graph._repr_markdown_"),
        ("bnlib.graph.primitives.x_spread__mutmut_1", "graph.primitives.spread"),
    ],
)
def test_functions_are_named_as_in_the_source(name, function):
    assert mutation_report.function_of(name) == function


def test_a_change_is_its_function_and_its_two_lines():
    assert mutation_report.read_change("bnlib.layout.x__add_up__mutmut_3", SHOWN) == CHANGE


@pytest.mark.parametrize(
    ("other", "is_explained"),
    [
        ({}, True),
        ({"function": "layout.count"}, False),
        ({"becomes": "wide = np.result_type(a.dtype, )  # a comment"}, False),
        ({"becomes": "wide = np.result_type(None, np.float64)  # a comment"}, False),
        ({"was": "f(np.float64, np.float64)", "becomes": "f(np.float64, float)"}, True),
        ({"was": "f(np.float64, np.float64)", "becomes": "f(None, None)"}, False),
        ({"was": "f(x)", "becomes": "f(None)"}, False),
    ],
)
def test_an_explanation_is_for_one_piece_of_a_line_in_its_functions(other, is_explained):
    (explanation,) = explained()
    assert explanation.explains(CHANGE._replace(**other)) == is_explained


def fates(killed, survived):
    """Return what mutmut says of so many changes."""
    return {f"bnlib.layout.x_f__mutmut_{n}": "killed" for n in range(killed)} | {
        f"bnlib.layout.x__add_up__mutmut_{n}": "survived" for n in range(survived)
    }


def test_equivalent_survivors_are_not_held_against_the_tests():
    text, good = mutation_report.report(fates(9, 1), [CHANGE], explained())
    assert good
    assert "bnlib.layout: killed 9 of 10 (90.0 %)" in text
    assert "survivors explained: 1 change nothing, 0 accepted" in text
    assert "that change something: 9 of 9 (100.0 %)" in text
    assert "survivors unexplained: 0" in text


@pytest.mark.parametrize(("killed", "good"), [(18, False), (19, True)])
def test_accepted_survivors_count_in_the_95_percent(killed, good):
    text, result = mutation_report.report(fates(killed, 1), [CHANGE], explained("accepted"))
    assert result == good
    assert "survivors explained: 0 change nothing, 1 accepted" in text


def test_an_unexplained_survivor_is_an_error_and_is_shown():
    text, good = mutation_report.report(fates(999, 1), [CHANGE], [])
    assert not good
    assert "survivors unexplained: 1\n  layout._add_up\n  - wide = np.result" in text
    assert "+ wide = np.result_type(a.dtype, None)" in text


def test_changes_that_ran_too_long_are_counted_apart():
    text, _ = mutation_report.report(fates(1, 0) | {"bnlib.a.x_f__mutmut_1": "timeout"}, [], [])
    assert "killed 2 of 2 (100.0 %)\n  1 of them by running too long" in text


def test_no_changes_at_all_are_an_error():
    assert not mutation_report.report({}, [], [])[1]


STORED = mutation_report.explanations()


@pytest.mark.parametrize("explanation", STORED, ids=lambda e: f"{e.functions[0]}: {e.was}")
def test_stored_explanations_are_of_lines_that_exist(explanation):
    assert explanation.reason.endswith(".")
    for function in explanation.functions:
        package, *names = function.split(".")
        module = importlib.import_module(f"bnlib.{package}")
        source = inspect.getsource(reduce(getattr, names, module))
        assert explanation.was in source, function
