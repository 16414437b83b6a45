"""Every page of the site, opened from its file with the network cut off."""

import functools
import json
import re
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import SCREENSHOTS
from tests.browser.site_pages import SiteProblems, look_at, violations
from tools.site import explorers, judge, repository

LOOKS = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]
PAGES = {
    "axes-explorer": "01_concept",
    "graph-stepper": "04_computational_graph",
    "batch-laboratory": "06_statistics_checks",
}
SAME = """(explorer, [state, expected]) => {
    explorer.show(state);
    const box = document.createElement("div");
    box.innerHTML = expected;
    return box.firstChild.isEqualNode(explorer.querySelector("svg"))
        && explorer.querySelector("[role=status]").textContent
            == box.firstChild.getAttribute("aria-label");
}"""


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_every_page_is_whole_and_can_be_read_by_everyone(theme, width, site, open_page):
    wrong, formulas, weights = {}, 0, {}
    paths = [path for path in judge.find(site) if path.name != "404.html"]
    context = open_page(theme, width).context
    for path in paths:
        name = path.relative_to(site).as_posix()
        page = context.new_page()
        found, count, weights[name] = look_at(page, path)
        page.close()
        formulas += count
        if found:
            wrong[name] = found
    heaviest = max(weights, key=weights.get)
    problems = sum(map(len, wrong.values()))
    print(f"\n{len(paths)} pages, {theme}, {width} wide: {formulas} formulas, {problems} problems")
    print(f"The heaviest is {heaviest}: {weights[heaviest]:,} bytes")
    assert wrong == {}
    assert formulas > 100
    assert weights[heaviest] < judge.HEAVIEST


def test_every_page_says_how_many_minutes_it_takes(site):
    paths = [path for path in judge.find(site) if path.name not in ("404.html", "search.html")]
    said = re.compile(r"Time\.</strong> |\d+ minutes? to read</p>")
    assert [path.name for path in paths if not said.search(path.read_text("utf-8"))] == []


def test_every_notebook_can_be_launched_and_downloaded(site):
    for path in sorted((site / "notebooks").glob("*.html")):
        links = {found.get("href", "") for tag, found in judge.read(path).tags if tag == "a"}
        notebook = f"notebooks/{path.stem}.ipynb"
        assert {*repository.launch_addresses(notebook).values()} <= links
        assert f"../_sources/{notebook}" in links


def test_no_link_is_dead_and_there_are_many(site):
    links = [
        found["href"]
        for path in judge.find(site)
        for tag, found in judge.read(path).tags
        if tag == "a" and found.get("href")
    ]
    to_files = [href for href in links if href.startswith(repository.file_address(""))]
    print(f"\n{len(links)} links, {len(to_files)} of them to files of the repository")
    assert judge.complaints(site) == []
    assert len(links) > 1000
    assert to_files


@pytest.mark.parametrize("name", PAGES)
def test_page_draws_each_frame_as_the_widget_does(name, site, open_page):
    page = open_page()
    page.goto((site / "notebooks" / f"{PAGES[name]}.html").as_uri())
    element = page.locator("bnlib-explorer")
    element.scroll_into_view_if_needed()
    element.locator("svg").wait_for()
    explorer = explorers.every()[name]
    frames = explorers.frames(explorer)
    names = [c["name"] for row in frames["rows"] for c in row if c["kind"] != "button"]
    for key in frames["frames"]:
        places = dict(zip(names, map(int, key.split(",")), strict=True))
        state = {name: explorers.values(explorer, name)[k] for name, k in places.items()}
        assert element.evaluate(SAME, [places, explorer.draw(**state).svg]), state
    print(f"\n{name}: {len(frames['frames'])} frames")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_explorer_is_moved_by_keys_and_stays_readable_by_everyone(name, theme, site, open_page):
    page = open_page(theme)
    problems = SiteProblems()
    problems.watch(page)
    page.goto((site / "notebooks" / f"{PAGES[name]}.html").as_uri())
    element = page.locator("bnlib-explorer")
    element.scroll_into_view_if_needed()
    said = element.locator("[role=status]")
    said.wait_for()
    for control in element.locator("input[type=range], input[type=radio]:checked").all():
        before = said.inner_text()
        control.focus()
        page.keyboard.press("ArrowRight")
        assert said.inner_text() != before
    for slider in element.get_by_role("slider").all():
        assert slider.evaluate("one => one.labels[0].firstChild.textContent")
        assert slider.get_attribute("aria-valuetext")
    assert violations(page) == []
    assert problems == []
    element.screenshot(path=SCREENSHOTS / f"site_{name}_{theme}.png")


def test_stepper_walks_by_its_buttons_no_further_than_its_ends(site, open_page):
    page = open_page()
    page.goto((site / "notebooks" / f"{PAGES['graph-stepper']}.html").as_uri())
    element = page.locator("bnlib-explorer")
    element.scroll_into_view_if_needed()
    following = element.get_by_role("button", name="Next")
    following.focus()
    for step in range(2, 22):
        page.keyboard.press("Enter")
        element.locator(f'svg[data-state="step={min(step, 18)}"]').wait_for()
    element.get_by_role("button", name="Previous").click()
    element.locator('svg[data-state="step=17"]').wait_for()


def test_laboratory_moves_one_slider_at_a_time_and_says_so(site, open_page):
    page = open_page()
    page.goto((site / "notebooks" / f"{PAGES['batch-laboratory']}.html").as_uri())
    element = page.locator("bnlib-explorer")
    element.scroll_into_view_if_needed()
    element.locator("svg").wait_for()
    assert "one slider moves at a time" in element.inner_text()
    first, second = (element.get_by_role("slider").nth(k) for k in (0, 1))
    start = first.get_attribute("aria-valuetext")
    first.press("End")
    assert first.get_attribute("aria-valuetext") != start
    second.press("End")
    assert first.get_attribute("aria-valuetext") == start


def test_without_scripts_there_is_the_still_picture(site, open_page):
    page = open_page(java_script_enabled=False)
    page.goto((site / "notebooks" / f"{PAGES['graph-stepper']}.html").as_uri())
    still = page.locator("bnlib-explorer img")
    still.scroll_into_view_if_needed()
    assert still.is_visible()
    assert len(still.get_attribute("alt")) > 40


def test_frames_are_not_loaded_before_an_explorer_is_near(site, open_page):
    page = open_page()
    problems = SiteProblems()
    problems.watch(page)
    page.goto((site / "notebooks" / f"{PAGES['graph-stepper']}.html").as_uri())
    page.wait_for_timeout(500)
    assert "graph-stepper.js" not in {path.name for path in problems.files}
    page.locator("bnlib-explorer").scroll_into_view_if_needed()
    page.locator("bnlib-explorer svg").wait_for()
    assert "graph-stepper.js" in {path.name for path in problems.files}


def test_search_finds_a_word_without_a_server(site, open_page):
    page = open_page()
    problems = SiteProblems()
    problems.watch(page)
    page.goto((site / "search.html").as_uri() + "?q=variance")
    page.locator("#search-results li a", has_text="Notation").first.wait_for()
    assert problems == []


def test_exercise_says_where_to_answer_it_and_its_hints_unfold(site, open_page):
    page = open_page()
    page.goto((site / "notebooks" / "01_concept.html").as_uri())
    assert "Not written yet" not in page.locator("article").inner_text()
    note = page.locator(".bnlib-answer").first
    assert "make lab" in note.inner_text()
    addresses = [link.get_attribute("href") for link in note.get_by_role("link").all()]
    hosts = [urlsplit(address).hostname for address in addresses]
    assert hosts == ["mybinder.org", "colab.research.google.com"]
    hint = page.locator("details", has_text="Hint").first
    hint.locator("summary").first.click()
    assert hint.evaluate("one => one.open")


def test_printed_page_has_its_answers_unfolded(site, open_page):
    page = open_page()
    page.goto((site / "notebooks" / "01_concept.html").as_uri())
    assert page.locator("details:not([open])").count() > 5
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("article details:not([open])").count() == 0


def test_download_of_a_notebook_is_the_notebook_itself(site):
    for path in sorted((site / "_sources" / "notebooks").glob("*.ipynb")):
        original = judge.ROOT / "notebooks" / path.name
        assert json.loads(path.read_text(encoding="utf-8")) == json.loads(
            original.read_text(encoding="utf-8")
        )


@pytest.fixture
def served(site):
    """Serve the site below its path at GitHub Pages, with its page for what is not found."""
    prefix = urlsplit(repository.pages_address()).path

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path):
            inside = path.startswith(prefix)
            return super().translate_path("/" + path[len(prefix) :] if inside else "/nowhere")

        def send_error(self, code, message=None, explain=None):
            self.send_response(code)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write((site / "404.html").read_bytes())

        def log_message(self, *arguments):
            pass

    handler = functools.partial(Handler, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{prefix}"
        server.shutdown()


def test_page_for_what_is_not_found_works_at_any_address(served, open_page):
    page = open_page()
    failed = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.on("response", lambda reply: reply.status >= 400 and failed.append(reply.url))
    wrong = f"{served}notebooks/deeper/99_nothing.html"
    page.goto(wrong)
    assert page.get_by_role("heading", name="Page not found").is_visible()
    assert failed == [wrong]
    assert violations(page) == []
    page.locator("article").get_by_role("link", name="the first page").click()
    page.wait_for_url(f"{served}index.html")
    assert failed == [wrong]


def test_screenshots_of_what_a_reader_sees_first(site, open_page):
    for name, path, width in (
        ("landing", "index.html", 1280),
        ("phone", "notebooks/02_forward_pass.html", 390),
    ):
        page = open_page(width=width)
        page.goto((site / path).as_uri())
        page.wait_for_timeout(1000)
        page.screenshot(path=SCREENSHOTS / f"site_{name}.png")
        assert page.locator("article h1").is_visible()
