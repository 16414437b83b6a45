"""The explorers follow mouse and keyboard, and fast enough to feel it."""

from statistics import median

import pytest
from coloraide import Color

from bnlib.widgets import axes
from tests.browser.conftest import SCREENSHOTS

PRESSES = 21  # there and back again, and one more, so that it ends elsewhere
LIMIT = 150  # milliseconds from key press to changed figure; beyond it, cause and effect part
EXPLORERS = {
    "axes-explorer": ("01_concept.ipynb", "axes_explorer("),
    "graph-stepper": ("04_computational_graph.ipynb", "graph_stepper("),
    "batch-laboratory": ("06_statistics_checks.ipynb", "batch_laboratory("),
}
# The clock starts with the key's own time stamp and stops behind the frame that shows the change.
MEASURE = """root => {
    const state = () => root.querySelector("svg[data-state]")?.dataset.state;
    let before = state(), pressed = null;
    root.times = [];
    document.addEventListener("keydown", event => { pressed = event.timeStamp; }, true);
    new MutationObserver(() => {
        const now = state();
        if (now === undefined || now === before || pressed === null) return;
        const start = pressed;
        [before, pressed] = [now, null];
        requestAnimationFrame(() => setTimeout(() => root.times.push(performance.now() - start)));
    }).observe(root, {subtree: true, childList: true, attributes: true});
}"""
TEXTS = ("p[role=status]", "svg text", ".widget-label:visible", ".widget-readout")
TEXT_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
GROUND = """element => {
    const style = getComputedStyle(element);
    const ink = element.closest("svg") ? style.fill : style.color;
    while (getComputedStyle(element).backgroundColor == "rgba(0, 0, 0, 0)")
        element = element.parentElement;
    return [ink, getComputedStyle(element).backgroundColor];
}"""
MEASURED = "([root, count]) => root.times.length >= count && root.times"


def times(page, root, presses):
    """Press a key again and again, each time waiting for the figure; return the milliseconds."""
    root.evaluate(MEASURE)
    element = root.element_handle()
    for count in range(1, presses + 1):
        page.keyboard.press("ArrowRight" if count % 2 else "ArrowLeft")
        found = page.wait_for_function(MEASURED, arg=[element, count])
    return found.json_value()


def contrast(element):
    """Return the contrast ratio of an element's text on what lies behind it."""
    ink, ground = map(Color, element.evaluate(GROUND))
    return ink.contrast(ground, method="wcag21")


@pytest.fixture
def explorer(request, lab):
    """Run a notebook's explorer; return it, with its first slider focused."""
    notebook, call = EXPLORERS[request.param]
    lab.open(notebook)
    code = ((k, cell) for k, cell in enumerate(lab.cells()) if cell["kind"] == "code")
    lab.run_cell(next(k for k, cell in code if "widgets" in cell["source"]))  # it imports them
    index = lab.index(call)
    lab.run_cell(index)
    root = lab.show(index).locator(f".bnlib-{request.param}")
    root.locator("svg[data-state]").wait_for()
    root.locator(".noUi-handle").first.focus()
    return root


@pytest.mark.parametrize("explorer", EXPLORERS, indirect=True)
def test_figure_follows_the_slider_in_time_and_is_legible_in_the_dark(
    explorer, lab, screenshot, request
):
    before = explorer.locator("svg[data-state]").get_attribute("aria-label")
    found = times(lab.page, explorer, PRESSES)
    assert explorer.locator("svg[data-state]").get_attribute("aria-label") != before
    name = request.node.callspec.params["explorer"]
    screenshot(name)
    print(f"\n{name}, key press to changed figure: {median(found):.0f} ms, worst {max(found):.0f}")
    lab.theme("Dark")
    ratios = {text: contrast(explorer.locator(text).first) for text in TEXTS}
    screenshot(f"{name}_dark")
    lab.theme("Light")
    assert median(found) < LIMIT
    assert {text for text, ratio in ratios.items() if ratio < TEXT_CONTRAST} == set()


def wait_for_step(root, step):
    root.locator(f'svg[data-state="step={step}"]').wait_for()


@pytest.mark.parametrize("explorer", ["graph-stepper"], indirect=True)
def test_stepper_walks_by_its_buttons_and_by_keys(explorer, lab):
    press = lab.page.keyboard.press
    following = explorer.get_by_role("button", name="Next")
    for step in (2, 3):
        following.click()
        wait_for_step(explorer, step)
    explorer.get_by_role("button", name="Previous").click()
    wait_for_step(explorer, 2)
    press("Tab")  # from Previous to Next
    for key, step in (("Enter", 3), ("Space", 4)):
        press(key)
        wait_for_step(explorer, step)
    assert following.evaluate("button => getComputedStyle(button).outlineWidth") == "3px"
    press("Tab")  # to the slider
    press("End")
    wait_for_step(explorer, 18)
    press("Shift+Tab")
    press("Enter")  # there is no step beyond the last
    press("Shift+Tab")
    press("Enter")
    wait_for_step(explorer, 17)


@pytest.mark.parametrize("explorer", ["graph-stepper"], indirect=True)
def test_stepper_fits_the_screen_and_its_words_keep_off_the_handle(explorer, lab, screenshot):
    parts = (".noUi-handle", ".widget-readout", "p[role=status]", "button")
    handle, readout, said, button = (explorer.locator(part).first for part in parts)
    _, above, _, below = edges(lab.page.locator(".jp-WindowedPanel-outer:visible"))
    for key, step in (("Home", 1), ("End", 18)):
        handle.press(key)
        wait_for_step(explorer, step)
        assert edges(said)[3] - edges(button)[1] < below - above  # in a window of 900 pixels
        assert edges(readout)[0] - edges(handle)[2] >= 6
        assert readout.evaluate("words => words.scrollWidth <= words.clientWidth")  # none cut off
        screenshot(f"graph-stepper_{step}")
    for step in range(17, 11, -1):
        handle.press("ArrowLeft")
        wait_for_step(explorer, step)
    handle.blur()
    explorer.screenshot(path=SCREENSHOTS / "stepper.png")  # docs/stepper.png is a copy


@pytest.mark.parametrize("explorer", ["axes-explorer"], indirect=True)
def test_click_on_a_square_chooses_it_where_it_is_drawn(explorer, lab, screenshot):
    left, top, *_ = edges(explorer.locator("svg[data-state]"))
    for image, channel in ((2, 3), (0, 1)):
        x, y = axes._corner(axes.LEFT, image, channel)
        middle = axes.CELL / 2
        lab.page.mouse.click(left + x + middle, top + y + middle)
        state = f"norm=batch image={image} channel={channel}"
        explorer.locator(f'svg[data-state="{state}"]').wait_for()
    screenshot("axes-explorer_clicked")


def edges(locator):
    """Return where an element's left, top, right and bottom are on the page."""
    x, y, width, height = (locator.bounding_box()[name] for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


# The judges of this


def test_dark_text_on_a_dark_page_is_found(page):
    page.set_content('<body style="background: #111"><p style="color: #333">a</p><b>b</b>')
    assert contrast(page.locator("p")) < 2
    page.set_content('<body style="background: #111"><p style="color: #eee">a</p>')
    assert contrast(page.locator("p")) > 10


SLOW = """<div id="root"><svg data-state="0"></svg></div><script>
    let state = 0;
    document.addEventListener("keydown", () => setTimeout(() => {
        state += 1;
        document.querySelector("#root").innerHTML = `<svg data-state="${state}"></svg>`;
    }, 200));
</script>"""


def test_slow_figure_is_measured_as_slow(page):
    page.set_content(SLOW)
    found = times(page, page.locator("#root"), 3)
    assert 200 <= median(found) < 400
