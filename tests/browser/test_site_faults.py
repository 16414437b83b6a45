"""What is wrong with the sources of a page stops the site, or is found in the browser."""

import filecmp
import shutil

import nbformat
import pytest

from tests.browser.conftest import made
from tests.browser.site_pages import look_at
from tests.notebook_samples import complete_notebook, figure_output, printed
from tools.refresh import canonical

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/notes.md")
SAMPLE = "notebooks/01_sample.ipynb"


@pytest.fixture
def project(tmp_path):
    """Write a small project whose pages are as they should be."""
    folder = tmp_path / "project"
    for name in PAGES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# Notes of {name}\n\nA mean: $\\mu = s / m$.\n", "utf-8")
    (folder / "notebooks" / "figures").mkdir(parents=True)
    notebook = canonical(complete_notebook())
    notebook.cells[4].outputs = [figure_output()]
    nbformat.write(notebook, folder / SAMPLE)
    return folder


def change(project, cell, outputs):
    """Store other outputs in the sample."""
    notebook = nbformat.read(project / SAMPLE, as_version=4)
    notebook.cells[cell].outputs = outputs
    nbformat.write(notebook, project / SAMPLE)


def site_of(project, name):
    """Make the pages; return what was said, the exit code, and the folder."""
    folder = project.parent / name
    said, code = made("--project", project, "--into", folder)
    return said, code, folder / "site"


def test_changed_output_changes_its_page_and_no_other(project):
    shutil.copytree(project, project.parent / "copy")
    said, code, before = site_of(project, "before")
    assert code == 0, said
    assert not filecmp.dircmp(project, project.parent / "copy").diff_files  # it is only read
    change(project, 2, [printed("4.25\n")])
    said, code, after = site_of(project, "after")
    assert code == 0, said
    names = [path.relative_to(before) for path in before.rglob("*.html")]
    changed = [n.as_posix() for n in names if (before / n).read_bytes() != (after / n).read_bytes()]
    assert changed == ["notebooks/01_sample.html"]
    assert "4.25" in (after / changed[0]).read_text(encoding="utf-8")


def test_dead_link_and_picture_without_words_stop_the_site(project, page):
    with open(project / "docs" / "notes.md", "a", encoding="utf-8") as file:
        file.write("\n[Gone](gone.md)\n\n<a href='lost.html'>Lost</a>\n\n$$\\frac{1$$\n")
    silent = figure_output()
    silent.data["text/html"] = silent.data["text/html"].replace("alt=", "title=")
    change(project, 4, [silent])
    said, code, site = site_of(project, "planted")
    assert code == 1
    assert "gone.md" in said  # Sphinx sees it in the source
    assert "docs/notes.html: a link that leads nowhere: lost.html" in said
    assert "notebooks/01_sample.html: a picture without alternative text" in said
    wrong, formulas, _ = look_at(page, site / "docs" / "notes.html")
    assert formulas == 2
    assert [line for line in wrong if line.startswith("formula: ")]


def test_console_error_request_and_width_are_noticed_on_a_page(project, page):
    with open(project / "docs" / "notes.md", "a", encoding="utf-8") as file:
        file.write(
            "\n<div style='width: 2000px'>Wide</div>\n<script>console.error('x')</script>\n"
            "<script>fetch('https://example.org/')</script>\n<p style='color: #ddd'>Pale</p>\n"
        )
    _, _, site = site_of(project, "planted")
    wrong, _, _ = look_at(page, site / "docs" / "notes.html")
    for begin in ("console: x", "request to another machine", "color-contrast"):
        assert [line for line in wrong if line.startswith(begin)], begin
    assert [line for line in wrong if "pixels too wide" in line]
