"""The commands behind make test, make test-all and make test-flaky."""

import pytest

from tools import check, flaky


@pytest.fixture
def calls(monkeypatch):
    seen = []
    monkeypatch.setattr(check, "run", lambda module: seen.append(module) or 0)
    monkeypatch.setattr(check.os, "environ", {})
    return seen


def test_make_test_checks_style_and_leaves_out_what_is_slow(calls):
    assert check.main(["-k", "layers"]) == 0
    *style, tests = calls
    assert style == list(check.STYLE)
    assert tests == [*check.PYTEST, "-k", "layers"]
    assert check.os.environ["BNLIB_COMMAND"] == "make test"


def test_make_test_all_checks_types_and_runs_everything(calls):
    assert check.main(["--all", "-k", "layers"]) == 0
    assert check.TYPES in calls
    assert calls[-1] == [*check.PYTEST, *check.EVERYTHING, "-k", "layers"]


def test_first_part_that_fails_ends_it(monkeypatch):
    seen = []
    monkeypatch.setattr(check, "run", lambda module: seen.append(module) or 7)
    assert check.main([]) == 7
    assert len(seen) == 1


def test_flaky_names_the_seed_that_failed(monkeypatch, capsys):
    commands = []

    def call(command):
        commands.append(command)
        return "--hypothesis-profile=fresh" in command

    monkeypatch.setattr(flaky.subprocess, "call", call)
    assert flaky.main(["--seeds", "2", "--notebooks", "1"]) == 1
    seeds = [part for command in commands for part in command if "hypothesis-seed" in part]
    said = capsys.readouterr().out
    assert len(set(seeds)) == 2
    assert "1 of 3 runs passed" in said
    assert [f"failed: properties, {seed}" in said for seed in seeds] == [True, True]


def test_flaky_succeeds_where_nothing_fails(monkeypatch, capsys):
    monkeypatch.setattr(flaky.subprocess, "call", lambda command: 0)
    assert flaky.main(["--seeds", "1", "--notebooks", "1"]) == 0
    assert "2 of 2 runs passed" in capsys.readouterr().out
