"""The files that describe the environment agree with each other, and hold nothing of a machine."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bnlib
from tools.environments import ADDITIONS, lock_of
from tools.nbfiles import ROOT
from tools.notebook_style import EMBEDDED, MACHINE_PATH

CONDA_NAMES = {"matplotlib-base": "matplotlib"}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


EXTRAS = set(pyproject()["project"]["optional-dependencies"])


def project_ranges(without=()):
    """Map each dependency, of bnlib or of an extra, to its range of versions."""
    project = pyproject()["project"]
    extras = project["optional-dependencies"]
    lines = [line for name in extras if name not in without for line in extras[name]]
    found = [Requirement(line) for line in project["dependencies"] + lines]
    ranges = {canonicalize_name(item.name): str(item.specifier) for item in found}
    return {"python": project["requires-python"], **ranges}


def conda_ranges(environment):
    """Map each conda package, by its name in pyproject.toml, to its range of versions."""
    found = [Requirement(line) for line in environment["dependencies"] if isinstance(line, str)]
    ranges = {canonicalize_name(item.name): str(item.specifier) for item in found}
    ranges.pop("pip")
    return {CONDA_NAMES.get(name, name): versions for name, versions in ranges.items()}


def environment():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def test_environment_has_the_names_and_ranges_of_pyproject():
    # Conda has no MPI for Windows, and no notebook needs one.
    assert conda_ranges(environment()) == project_ranges(without=[*ADDITIONS, "mpi"])


def test_another_range_in_the_environment_is_found():
    changed = {"dependencies": ["python>=3.11", "pip", "matplotlib-base>=3.8,<4"]}
    assert conda_ranges(changed) == {"python": ">=3.11", "matplotlib": "<4,>=3.8"}


def test_environment_takes_conda_forge_alone_and_installs_bnlib_itself():
    assert environment()["channels"] == ["conda-forge", "nodefaults"]
    assert environment()["dependencies"][-1] == {"pip": ["-e ."]}


def locked_packages(lock):
    """Map each locked package to its number of hashes."""
    entries = re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)[1:]
    return {entry.split("==")[0]: entry.count("--hash=sha256:") for entry in entries}


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("requirements.txt", ADDITIONS),
        *((lock_of(name), EXTRAS - {name}) for name in ADDITIONS),
    ],
)
def test_lock_has_every_dependency_with_hashes(name, without):
    lock = (ROOT / name).read_text(encoding="utf-8")
    packages = locked_packages(lock)
    assert project_ranges(without).keys() - {"python"} <= packages.keys()
    assert all(packages.values()), [name for name, hashes in packages.items() if not hashes]
    assert "://" not in lock


def locked_versions(name):
    """Map each package of a lock to its version."""
    lock = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, flags=re.MULTILINE))


@pytest.mark.parametrize("addition", ADDITIONS)
def test_what_two_locks_hold_they_hold_in_the_same_version(addition):
    main, added = map(locked_versions, ("requirements.txt", lock_of(addition)))
    assert added.keys() - main.keys()
    assert {name: main.get(name, found) for name, found in added.items()} == added


def test_entry_without_a_hash_is_found():
    lock = "# head\na==1 \\\n    --hash=sha256:00\nb-c==2 ; os_name == 'nt'\nd==3 \\\n"
    assert locked_packages(lock) == {"a": 1, "b-c": 0, "d": 0}


def project_files():
    """List the text files that are committed or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True)
    except FileNotFoundError:
        pytest.skip("git is not on PATH")
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


def test_ruff_looks_at_every_program_and_notebook():
    shown = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--show-files"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    programs = {path for path in project_files() if path.suffix in (".py", ".ipynb")}
    assert programs <= {Path(line) for line in shown.stdout.splitlines()}


RESERVED = re.compile(r"(^|/)(CON|PRN|AUX|NUL|COM\d|LPT\d)(\.|/|$)", flags=re.IGNORECASE)
WINDOWS_LONGEST = 259  # characters of a path
FOLDERS_LONGEST = 90  # as CONTRIBUTING says
INSTALLED = len(r"\.venv\Lib\site-packages") + 1


def test_windows_can_hold_every_file():
    names = [path.relative_to(ROOT).as_posix() for path in project_files()]
    assert [name for name in names if RESERVED.search(name)] == []
    assert [name for name in names if re.search(r'[<>:"|?*\\]|[. ](/|$)', name)] == []
    assert len({name.casefold() for name in names}) == len(names)
    assert max(map(len, names)) + FOLDERS_LONGEST < WINDOWS_LONGEST


def test_windows_can_hold_every_installed_file():
    files = [str(file) for found in distributions() for file in found.files or ()]
    assert max(map(len, files)) + INSTALLED + FOLDERS_LONGEST < WINDOWS_LONGEST
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"{FOLDERS_LONGEST} characters" in contributing


def test_machine_without_git_is_no_failure(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="git is not on PATH"):
        project_files()


def machine_traces(text):
    """List what belongs to one machine: its paths, and where its packages come from."""
    sources = re.findall(r"--(?:extra-)?index-url[= ]\S+|--find-links[= ]\S+|file:/{2}\S+", text)
    return MACHINE_PATH.findall(EMBEDDED.sub("", text)) + sources


def test_no_file_holds_a_machines_path_or_package_address():
    found = {
        path.name: machine_traces(path.read_text(encoding="utf-8")) for path in project_files()
    }
    assert {name: traces for name, traces in found.items() if traces} == {}


@pytest.mark.parametrize(
    "trace",
    ["/" + "home/ann/x", "C:" + "\\Users\\Ann", "--index-url" + " there", "file:" + "//disk/wheel"],
)
def test_planted_trace_of_a_machine_is_found(trace):
    assert machine_traces(f"see {trace} for more")


def validate(schema, *paths):
    """Run check-jsonschema with one of its own schemas; nothing is fetched."""
    return CliRunner().invoke(check_jsonschema, ["--builtin-schema", schema, *map(str, paths)])


def test_workflows_are_valid(tmp_path):
    done = validate("vendor.github-workflows", *WORKFLOWS)
    assert done.exit_code == 0, done.output
    broken = tmp_path / "broken.yml"
    broken.write_text("on: push\njobs: {test: {steps: [{run: make test}]}}\n")
    assert validate("vendor.github-workflows", broken).exit_code == 1


def test_citation_is_valid_and_of_this_version():
    path = ROOT / "CITATION.cff"
    done = validate("vendor.citation-file-format", path)
    assert done.exit_code == 0, done.output
    citation = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert citation["version"] == bnlib.__version__
    assert citation["license"] == pyproject()["project"]["license"].split(" AND ")[0]


def commands(workflow):
    """List all that a workflow runs."""
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    return [line for step in steps for line in step.get("run", "").splitlines()]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_calls_only_make_and_reads_only(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    installs_make = "choco install make --no-progress --yes"
    assert commands(workflow)
    assert [x for x in commands(workflow) if not x.startswith("make ") and x != installs_make] == []
    assert workflow["permissions"] == {"contents": "read"}


def test_workflow_proves_the_oldest_supported_numpy():
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    tried = [row["numpy"] for row in workflow["jobs"]["numpy"]["strategy"]["matrix"]["include"]]
    assert [f">={tried[0]}", "newest"] == [project_ranges()["numpy"], tried[1]]


def test_workflow_proves_the_oldest_and_the_newest_python_on_every_system():
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["locked"]["strategy"]["matrix"]
    assert [system.split("-")[0] for system in matrix["os"]] == ["ubuntu", "macos", "windows"]
    assert [f">={matrix['python'][0]}", "3.14"] == [
        project_ranges()["python"],
        matrix["python"][-1],
    ]


def test_ci_runs_what_the_readme_says():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {"make test", "make test-all"} <= {*lines}
    assert lines[-1] == "exec make test-browser"
