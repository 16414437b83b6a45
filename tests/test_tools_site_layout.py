"""Pages are taken by listing: what is added to the project is on the site."""

import json
import pkgutil

from matplotlib.image import imread

import bnlib
from tools.nbfiles import ROOT
from tools.site import api_pages, layout


def test_every_notebook_and_document_of_the_project_is_a_page():
    names = {path.relative_to(ROOT).as_posix() for path in layout.pages()}
    expected = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("docs/*.md")]
    assert {path.relative_to(ROOT).as_posix() for path in expected} <= names
    assert {"CONTRIBUTING.md", "CHANGELOG.md", "docs/notation.md"} <= names


def test_new_notebook_and_document_are_pages_and_the_notebook_is_listed(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "new.md").write_text("# New")
    (tmp_path / "notebooks").mkdir()
    cells = [{"cell_type": "markdown", "source": ["# Be new\n", "\n", "Text"]}]
    (tmp_path / "notebooks" / "13_new.ipynb").write_text(json.dumps({"cells": cells}))
    assert {path.name for path in layout.pages(tmp_path)} >= {"new.md", "13_new.ipynb"}
    assert layout.listed(tmp_path) == "13 Be new <notebooks/13_new>"


def test_every_module_of_the_package_has_a_page_in_the_reference():
    pages = dict(api_pages.sources())
    names = [module.name for module in pkgutil.iter_modules(bnlib.__path__)]
    assert pages.keys() == {"index.md", *(f"bnlib.{name}.md" for name in names)}
    assert all(f"(bnlib.{name}.md) | " in pages["index.md"] for name in names)


def test_room_lists_what_is_its_own_and_a_module_what_it_defines():
    pages = dict(api_pages.sources())
    assert "imported-members" not in pages["bnlib.layers.md"]
    assert "BatchStatistics" in pages["bnlib.kernels.md"].partition(":exclude-members:")[2]


def test_finished_site_has_what_publishing_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "ann/bnlib")
    for name in ("index.html", "search.html", "404.html", "notebooks/01.html", "_static/a.html"):
        layout.write(tmp_path / name, f"<html><head></head>{layout.UNNAMED}></html>")
    layout.finish(tmp_path)
    listed = (tmp_path / "sitemap.xml").read_text()
    assert listed.count("<loc>") == 2
    assert "<loc>https://ann.github.io/bnlib/notebooks/01.html</loc>" in listed
    assert (tmp_path / ".nojekyll").exists()
    assert '<base href="/bnlib/">' in (tmp_path / "404.html").read_text()
    assert "<base" not in (tmp_path / "index.html").read_text()
    assert '<summary aria-label="Its pages">' in (tmp_path / "index.html").read_text()


def test_picture_of_a_shared_link_has_the_size_that_networks_show():
    height, width, _ = imread(layout.OWN / "static" / "preview.png").shape
    assert (width, height) == (1200, 630)
