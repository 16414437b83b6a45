"""What mutation testing is set to change, and which tests have to notice."""

import tomllib

import pytest

from tools import mutation
from tools.nbfiles import ROOT


def test_configuration_is_toml_that_names_existing_files():
    options = tomllib.loads(mutation.configuration(mutation.MODULES))["tool"]["mutmut"]
    named = options["only_mutate"] + options["pytest_add_cli_args_test_selection"]
    assert all((ROOT / name).is_file() for name in named)
    assert "bnlib/layout.py" in options["only_mutate"]


def test_package_counts_with_all_its_files():
    assert "bnlib/graph/primitives.py" in mutation.files_of(["graph"])


def test_module_that_does_not_exist_is_an_error():
    with pytest.raises(SystemExit, match="there is no bnlib/layuot"):
        mutation.files_of(["layuot"])


def test_every_module_has_tests():
    assert all(mutation.tests_of([module]) for module in mutation.MODULES)


def test_notebooks_are_not_run_for_every_change():
    assert not [name for name in mutation.tests_of(mutation.MODULES) if "notebook" in name]
