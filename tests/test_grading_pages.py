"""The pages hold what they should, run nothing, and cannot be written into by a student."""

import re
from html.parser import HTMLParser

import pytest

from bnlib.grading import pages, tables
from bnlib.grading.judge import Row

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\u202e\"'&"
ROWS = [
    Row("01", "channel_mean", "correct", said="Correct, in all 68 cases."),
    Row(
        "01",
        "undo",
        "wrong",
        "eps forgotten",
        0.1,
        "Not right yet. eps.\nCase x",
        "eps is missing.",
    ),
    Row("01", "normalize_table", "stopped", "does not end", said="It was stopped."),
    Row("01", "count_m", "not written"),
    Row("01", "normalize_images", "error", EVIL, said=EVIL, sentence=EVIL),
]


def class_rows(*students):
    return tables.merged(
        {"student": name, "file": f"{name}/01.ipynb", "rows": ROWS} for name in students
    )


class Tags(HTMLParser):
    """Lists the tags and attributes of a page, and notes those that are not closed."""

    def __init__(self, page):
        super().__init__()
        self.found, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(params=["report", "feedback"])
def page(request):
    rows = class_rows(EVIL)
    return pages.report(rows) if request.param == "report" else pages.feedback(EVIL, rows)


def test_nothing_that_a_student_wrote_becomes_markup(page):
    found = Tags(page)
    assert found.open == []
    allowed = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "section"}
    allowed |= {"table", "tr", "th", "td", "bdi", "a", "pre"}
    assert {tag for tag, _ in found.found} <= allowed
    assert not any(name.startswith("on") for _, named in found.found for name in named)


def test_page_forbids_scripts_and_everything_from_elsewhere(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert "http" not in page.replace("http-equiv", "")


def test_page_can_be_read_in_the_dark_and_printed(page):
    assert "color-scheme: light dark" in page
    assert "@media print" in page
    assert not re.search(r"(?<!-)\b(color|background): ", page)  # the reader's own colours stay


def test_report_counts_verdicts_and_mistakes():
    text = pages.report(class_rows("ana", "bob"))
    plain = re.sub(r"<[^>]+>", " ", text)
    assert "2 students, 10 answers" in plain
    assert re.search(r"undo +eps forgotten +2 +eps is missing\.", plain)
    assert re.search(r"01 +channel_mean +2 +0 +0 +0 +0", plain)
    assert re.search(r"ana +ana/01.ipynb +normalize_table +stopped", plain)


def test_report_links_to_the_page_of_each_student():
    links = re.findall(r'href="feedback/([^"]+)"', pages.report(class_rows("ana", "bob")))
    assert links == [pages.file_of("ana"), pages.file_of("bob")]


def test_feedback_says_what_the_check_says_and_what_is_next():
    plain = re.sub(r"<[^>]+>", " ", pages.feedback("ana", class_rows("ana")))
    assert "1 of 5 correct" in plain
    assert "Not right yet. eps.\nCase x" in plain
    assert "exercises.count_m.hint(1)" in plain


@pytest.mark.parametrize(
    "names",
    [("ana", "Ana"), ("a b", "a-b"), ("", " "), ("\u674e", "\u660e"), ("x" * 300, "x" * 301)],
)
def test_students_have_pages_of_their_own_under_harmless_names(names):
    files = [pages.file_of(name) for name in names]
    assert len({file.lower() for file in files}) == 2
    assert all(re.fullmatch(r"[a-z0-9-]{1,52}\.html", file) for file in files)
    assert re.fullmatch(r"[a-z0-9-]+\.html", pages.file_of("../../etc/passwd\0"))
