"""A page of the site as a person meets it: in light or dark, on a desk or a telephone, offline."""

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.browser.lab_page import Problems

AXE = Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js")
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN_AXE = """async tags => {
    const found = await axe.run(
        {runOnly: tags, resultTypes: ["violations"], preload: false});
    return found.violations.flatMap(violation =>
        violation.nodes.map(node => `${violation.id}: ${node.target} ${node.html.slice(0, 120)}`));
}"""
# Formulas are typeset when MathJax has started; one that it cannot read is an mjx-merror.
FORMULAS = """async () => {
    const formulas = [...document.querySelectorAll("span.math, div.math")];
    if (formulas.length) {
        while (!window.MathJax?.startup?.promise) await new Promise(done => setTimeout(done, 50));
        await MathJax.startup.promise;
    }
    const bad = formulas.filter(one =>
        !one.querySelector("mjx-container") || one.querySelector("mjx-merror, [data-mjx-error]"));
    return [formulas.length, bad.map(one => one.textContent.slice(0, 80))];
}"""
WIDER = """() => {
    const wide = document.documentElement.scrollWidth - window.innerWidth;
    if (wide <= 0) return [];
    const beyond = [...document.querySelectorAll("article *")].filter(
        one => one.getBoundingClientRect().right > window.innerWidth + 1);
    return [`${wide} pixels too wide: ${beyond[0]?.outerHTML.slice(0, 120)}`];
}"""
# An explorer has its frames a moment after it has been seen.
SHOW_EXPLORERS = """async () => {
    for (const explorer of document.querySelectorAll("bnlib-explorer")) {
        explorer.scrollIntoView();
        while (!explorer.querySelector("svg")) await new Promise(done => setTimeout(done, 50));
    }
}"""


class SiteProblems(Problems):
    """What goes wrong on pages that are opened as files; and the files that were loaded."""

    def __init__(self):
        super().__init__()
        self.files = set()

    def watch(self, page):
        """Note problems and files from now on."""
        super().watch(page)
        page.on("requestfailed", lambda request: self.append(f"not loaded: {request.url[:200]}"))

    def _request(self, url):
        parts = urlsplit(url)
        if parts.scheme == "file":
            self.files.add(Path(unquote(parts.path)))
        else:
            super()._request(url)


def look_at(page, path):
    """Open a page; return what is wrong with it, how many formulas, and how many bytes."""
    found = SiteProblems()
    found.watch(page)
    page.goto(path.as_uri())
    formulas, bad = page.evaluate(FORMULAS)
    weight = sum(file.stat().st_size for file in found.files)
    page.evaluate(SHOW_EXPLORERS)
    wrong = [f"formula: {text}" for text in bad] + page.evaluate(WIDER) + violations(page)
    return [*found, *wrong], formulas, weight


def violations(page):
    """List where axe-core finds that a page breaks WCAG 2.2, levels A and AA."""
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    return page.evaluate(RUN_AXE, STANDARD)
