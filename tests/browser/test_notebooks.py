"""A student's first hour, in a real browser: every notebook runs, answers, and can be restarted."""

import shutil
from io import BytesIO

import pytest
from coloraide import Color
from matplotlib.image import imread

from bnlib.exercises.checker import shown
from tests.browser.lab_page import LabPage, Problems
from tests.lab_server import running
from tools.figures import figure_in
from tools.nbfiles import find, read
from tools.site.notebook_pages import joined

NOTEBOOKS = [path.name for path in find("")]
WIDGET = "application/vnd.jupyter.widget-view+json"


def first_figure(lab):
    """Scroll to the first cell that shows a figure; return the picture."""

    def shows(cell):
        data = [output.get("data", {}) for output in cell["outputs"]]
        return any(figure_in(one) and WIDGET not in one for one in data)

    index = next(k for k, cell in enumerate(lab.cells()) if shows(cell))
    picture = lab.show(index).locator(".jp-RenderedHTML img").first
    picture.wait_for()
    return picture


def failures(cells):
    """Say of each code cell that has failed, or was not run in order, what is wrong with it."""
    found = []
    for expected, cell in enumerate(cells, start=1):
        if cell["count"] != expected:
            found.append(f"count {cell['count']} instead of {expected}: {cell['source'][:80]}")
        for output in cell["outputs"]:
            said = "".join(output.get("text", ""))  # a progress bar is no failure
            if output["output_type"] == "error" or "Warning" in said:
                found.append(f"{output}: {cell['source'][:80]}")
    return found


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_from_top_to_bottom(name, lab, screenshot):
    lab.open(name)
    lab.run_all()
    assert failures(lab.code_cells()) == []
    for index in range(len(lab.cells())):
        lab.show(index)  # what is never in sight is never drawn
    if any("plotting.show(" in cell["source"] for cell in lab.code_cells()):
        figure = first_figure(lab)
        assert figure.evaluate("image => image.width <= image.parentElement.clientWidth")
    screenshot(name.removesuffix(".ipynb"))


def answer_text(lab, index):
    """Return what the check below a cell says."""
    return lab.show(index).locator(".jp-OutputArea-output").inner_text()


def test_exercise_answers_a_wrong_and_then_a_right_solution(lab, screenshot):
    lab.open("01_concept.ipynb")
    lab.run_cell(lab.index("from bnlib import exercises"))
    exercise = lab.index("exercises.channel_mean.check")
    lab.run_cell(exercise)
    assert "Not written yet" in answer_text(lab, exercise)
    assert verdict_color(lab, exercise) == shown.COLORS["open"]
    lab.replace_line(exercise, 1, "return x.mean(axis=(0, 1))")
    lab.run_cell(exercise)
    assert "The mean is taken over the axes (0, 1)" in answer_text(lab, exercise)
    assert verdict_color(lab, exercise) == shown.COLORS["wrong"]
    screenshot("exercise_wrong")
    lab.replace_line(exercise, 1, "return x.mean(axis=(0, 2, 3))")
    lab.run_cell(exercise)
    assert "\nCorrect" in answer_text(lab, exercise)
    assert verdict_color(lab, exercise) == shown.COLORS["right"]
    screenshot("exercise_right")


def verdict_color(lab, index):
    """Return the ground behind a verdict's word, as #RRGGBB."""
    badge = lab.show(index).locator("[class^='bnlib-'] > strong")
    said = badge.evaluate("word => getComputedStyle(word).backgroundColor")
    return Color(said).to_string(hex=True, upper=True)


def squares(lab):
    """Run the progress of notebook 00, which is open; return the sign of each exercise by name."""
    lab.run_cell(lab.index("from bnlib import exercises"))
    index = lab.index("exercises.progress()")
    lab.run_cell(index)
    titles = lab.show(index).locator(".bnlib-progress span[title]")
    found = titles.evaluate_all("spans => spans.map(span => span.title)")
    return dict(title.split(": ") for title in found)


def answer_mean(lab, axes):
    """Answer the first function of notebook 01, which is open, with a mean over some axes."""
    lab.run_cell(lab.index("from bnlib import exercises"))
    exercise = lab.index("exercises.channel_mean.check")
    lab.replace_line(exercise, 1, f"return x.mean(axis={axes})")
    lab.run_cell(exercise)
    return exercise


def test_progress_follows_the_checks_and_outlasts_the_server(tmp_path, page, screenshot):
    with running(tmp_path, "--expose-app-in-browser") as address:
        lab = LabPage(page, *address)
        page.goto(f"{address[0]}lab/tree/00_start.ipynb?reset&token={address[1]}")
        lab.open("00_start.ipynb")
        assert set(squares(lab).values()) == {"open"}
        for axes, state in (("(0, 1)", "tried"), ("(0, 2, 3)", "solved")):
            lab.open("01_concept.ipynb")
            answer_mean(lab, axes)
            lab.open("00_start.ipynb")
            assert squares(lab)["channel_mean"] == state
        screenshot("progress")
    with running(tmp_path, "--expose-app-in-browser") as address:
        lab = LabPage(page, *address)
        lab.open("00_start.ipynb")
        found = squares(lab)
    assert found.pop("channel_mean") == "solved"
    assert set(found.values()) == {"open"}


def test_stub_that_is_shown_begins_an_exercise_anew(lab):
    lab.open("01_concept.ipynb")
    first = lab.cells()[lab.index("exercises.channel_mean.check")]["source"]
    exercise = answer_mean(lab, "(0, 1)")
    lab.replace_cell(exercise, "exercises.channel_mean.stub()")
    lab.run_cell(exercise)
    stub = answer_text(lab, exercise)
    assert stub.strip() == first.strip()
    lab.replace_cell(exercise, stub)
    lab.run_cell(exercise)
    assert "Not written yet" in answer_text(lab, exercise)


def test_first_page_is_notebook_00_with_its_links(lab, screenshot, server):
    lab.page.goto(f"{server[0]}?token={server[1]}")
    shown_now = lab.page.locator(".jp-NotebookPanel:visible h1")
    shown_now.get_by_text("Start here").wait_for()  # in front of what was open before
    screenshot("first_page")
    lab.page.get_by_role("link", name="glossary").click()
    lab.page.wait_for_selector(".jp-MarkdownViewer:visible")
    screenshot("glossary")


def test_notebook_runs_again_after_a_restart_in_the_middle(lab):
    lab.open("02_forward_pass.ipynb")
    lab.menu("Run", "Run All Cells")
    lab.wait_for_count(10)
    lab.restart()
    lab.run_all()
    assert failures(lab.code_cells()) == []  # counts from 1 again: it is a new kernel


def test_figure_shows_with_its_text_before_a_notebook_is_trusted(lab, lab_folder):
    stored = find("02")[0]
    shutil.copyfile(stored, lab_folder / "work" / "untrusted.ipynb")
    lab.open("untrusted.ipynb")
    trusted = "() => [...jupyterapp.shell.currentWidget.content.model.cells].map(c => c.trusted)"
    assert not any(lab.page.evaluate(trusted))
    picture = first_figure(lab)
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    outputs = (o for cell in read(stored)["cells"] for o in cell.get("outputs", []))
    texts = [joined(o.get("data", {}).get("text/plain", "")) for o in outputs]
    assert f"Figure: {picture.get_attribute('alt')}" in texts


def test_figures_are_legible_in_the_dark_theme(lab, screenshot):
    lab.open("03_gradient_checking.ipynb")
    lab.run_all()
    lab.theme("Dark")
    pixels = imread(BytesIO(first_figure(lab).screenshot()))[..., :3]
    screenshot("dark_theme")
    lab.theme("Light")
    assert (pixels.max(axis=2) < 0.1).mean() > 0.8  # the figure's ground is as dark as the page
    assert (pixels.min(axis=2) > 0.8).mean() > 0.005  # and its text is light


# The judges of all this


def test_console_errors_and_requests_to_elsewhere_are_noticed(page):
    problems = Problems()
    problems.watch(page)
    page.goto("data:text/html,<h1>quiet</h1>")
    assert problems == []
    page.set_content('<img src="https://example.org/logo.png"><script>console.error("x")</script>')
    page.evaluate("() => setTimeout(() => { throw new Error('thrown') })")
    page.wait_for_timeout(500)
    assert [text for text in problems if text.startswith("request")]
    assert "console: x" in problems
    assert "uncaught: thrown" in problems


def test_failed_and_skipped_cells_are_noticed():
    good = {"count": 1, "outputs": [], "source": "1"}
    progress = {"output_type": "stream", "name": "stderr", "text": " 50%|##  | 1/2"}
    assert failures([good, {**good, "count": 2, "outputs": [progress]}]) == []
    warned = {"output_type": "stream", "name": "stderr", "text": "UserWarning: old"}
    for output in ({"output_type": "error", "ename": "ValueError"}, warned):
        assert len(failures([{**good, "outputs": [output]}])) == 1
    assert len(failures([{**good, "count": None}])) == 1
