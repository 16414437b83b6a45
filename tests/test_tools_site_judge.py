"""The judge of pages finds what is planted into one, and nothing in a good one."""

import pytest

from tools.site import judge, repository

GOOD = f"""<html><head><link rel="canonical" href="https://a.b/c">
<link rel="stylesheet" href="s.css"></head><body><h1 id="top">A</h1>
<a href="#top">up</a> <a href="b.html#there">b</a>
<a href="{repository.file_address("LICENSE")}">licence</a> <a href="https://a.b">out</a>
<img alt="A line" src="data:image/svg+xml,%3Csvg/%3E"></body></html>"""
FAULTS = {
    "no alt": ('alt="A line"', "", "without alternative text"),
    "empty alt": ('alt="A line"', 'alt=" "', "without alternative text"),
    "alt is a file's name": ('alt="A line"', 'alt="ab12.svg"', "without alternative text"),
    "dead page": ("b.html#there", "c.html", "leads nowhere: c.html"),
    "dead place": ("b.html#there", "b.html#gone", "leads nowhere: b.html#gone"),
    "dead place here": ('"#top"', '"#gone"', "leads nowhere: #gone"),
    "dead file of the repository": ("HEAD/LICENSE", "HEAD/LICENCE", "leads nowhere"),
    "style of another machine": ('"s.css"', '"https://a.b/s.css"', "asks another machine"),
    "picture of another machine": ('src="data', 'src="https://a.b/data', "asks another machine"),
    "script of another machine": (
        "</h1>",
        "</h1><script src='//a.b/c.js'>",
        "asks another machine",
    ),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.html").write_text(GOOD)
    (tmp_path / "b.html").write_text('<h2 id="there">B</h2>')
    (tmp_path / "s.css").write_text("a { src: url('f.woff2') }")
    (tmp_path / "f.woff2").write_bytes(bytes(1000))
    return tmp_path


def test_good_page_has_no_complaint(folder):
    assert judge.complaints(folder) == []


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_found(name, folder):
    old, new, expected = FAULTS[name]
    assert old in GOOD
    (folder / "a.html").write_text(GOOD.replace(old, new))
    found = judge.complaints(folder)
    assert len(found) == 1
    assert expected in found[0]


def test_weight_counts_what_a_page_loads_and_what_its_styles_name(folder):
    sizes = [(folder / name).stat().st_size for name in ("a.html", "s.css", "f.woff2")]
    judge.complaints(folder)
    assert judge.weight(folder / "a.html") == sum(sizes)
    assert judge.heaviest(folder) == ("a.html", sum(sizes))


def test_page_that_is_too_heavy_is_found(folder, monkeypatch):
    monkeypatch.setattr(judge, "HEAVIEST", 1100)
    assert [line for line in judge.complaints(folder) if "MB with all that it loads" in line]
