"""A notebook in JupyterLab, worked as a student works it: by menu, mouse and keys."""

from urllib.parse import urlsplit

POLLING = 200  # milliseconds; by default the page would be asked at every frame
HERE = ("127.0.0.1", "localhost")
CELLS = """() => [...jupyterapp.shell.currentWidget.content.model.cells].map(cell => ({
    kind: cell.type,
    source: cell.sharedModel.getSource(),
    count: cell.executionCount ?? null,
    outputs: cell.type == "code" ? cell.outputs.toJSON() : [],
}))"""
FINISHED = """() => {
    const cells = [...jupyterapp.shell.currentWidget.content.model.cells];
    const code = cells.filter(cell => cell.type == "code");
    const failed = code.some(cell => cell.outputs.toJSON().some(o => o.output_type == "error"));
    const idle = document.querySelector("#jp-main-statusbar").innerText.includes("| Idle");
    return idle && (failed || code.every(cell => cell.executionCount !== null));
}"""
STARTED = """(counts) => [...jupyterapp.shell.currentWidget.content.model.cells]
    .filter(cell => cell.executionCount).length >= counts"""
IDLE = "() => document.querySelector('#jp-main-statusbar')?.innerText.includes('| Idle')"
SHOW = "(index) => jupyterapp.shell.currentWidget.content.scrollToItem(index, 'start')"


class Problems(list):
    """What a person would not see on the screen: console errors, and requests to other machines."""

    def watch(self, page):
        """Note the problems of a page from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"uncaught: {error}"))
        page.on("request", lambda request: self._request(request.url))
        page.on("websocket", lambda socket: self._request(socket.url))

    def _console(self, message):
        if message.type == "error":
            self.append(f"console: {message.text}")

    def _request(self, url):
        parts = urlsplit(url)
        if parts.scheme not in ("blob", "data") and parts.hostname not in HERE:
            self.append(f"request to another machine: {url}")


class LabPage:
    """One notebook, open in a page.

    Parameters
    ----------
    page : playwright Page
    address : str
        Of the server, with / at its end.
    token : str
    """

    def __init__(self, page, address, token):
        self.page = page
        self.address = address
        self.token = token

    def open(self, name):
        """Open a notebook of the server's folder, and wait until its kernel is ready."""
        self.page.goto(f"{self.address}lab/tree/{name}?reset&token={self.token}")
        self.page.wait_for_selector(".jp-NotebookPanel:visible")
        # The toolbar's circle is idle too early: Run All would be lost.
        self.page.wait_for_function(IDLE)

    def menu(self, *path):
        """Click through a menu: the name in the menu bar, then the entries."""
        bar, *entries = path
        self.page.locator("#jp-MainMenu").get_by_text(bar, exact=True).click()
        for name in entries:
            self.page.locator(".lm-Menu-itemLabel").get_by_text(name, exact=True).click()

    def theme(self, name):
        """Choose the theme Dark or Light; JupyterLab keeps it, for later pages too."""
        self.menu("Settings", "Theme", f"JupyterLab {name}")
        light = str(name == "Light").lower()
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")

    def cells(self):
        """List the cells as they are now: kind, source, count, outputs."""
        return self.page.evaluate(CELLS)

    def code_cells(self):
        """List the code cells."""
        return [cell for cell in self.cells() if cell["kind"] == "code"]

    def index(self, text):
        """Return the index of the one code cell whose source contains a text."""
        (found,) = (
            k
            for k, cell in enumerate(self.cells())
            if cell["kind"] == "code" and text in cell["source"]
        )
        return found

    def wait_for_count(self, count):
        """Wait until so many cells have been run."""
        self.page.wait_for_function(STARTED, arg=count, polling=POLLING)

    def run_all(self, timeout=240):
        """Choose Run All Cells, and wait until every code cell has run, or one has failed."""
        self.menu("Run", "Run All Cells")
        self.page.wait_for_function(FINISHED, timeout=1000 * timeout, polling=POLLING)

    def restart(self):
        """Restart the kernel, and wait until the new one is ready."""
        self.menu("Kernel", "Restart Kernel…")
        self.page.get_by_role("button", name="Confirm Kernel Restart").click()
        self.page.wait_for_function(IDLE)

    def show(self, index):
        """Scroll to a cell; return what locates it. Cells out of sight are not in the page."""
        self.page.evaluate(SHOW, index)
        cell = self.page.locator(f'.jp-NotebookPanel [data-windowed-list-index="{index}"]')
        cell.wait_for(state="attached")
        return cell

    def run_cell(self, index):
        """Click into a cell, press Ctrl+Enter, and wait for the end."""
        before = self.cells()[index]["count"]
        self.show(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(
            """([index, before]) => {
                const cell = jupyterapp.shell.currentWidget.content.model.cells.get(index);
                return cell.executionCount !== before && cell.executionState == "idle";
            }""",
            arg=[index, before],
        )

    def replace_cell(self, index, text):
        """Put a text in place of all of a cell, as a student pastes it."""
        self.show(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def replace_line(self, index, number, text):
        """Type a text in place of a line of a cell, as a student does; its indent stays."""
        self.show(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+Home")
        for _ in range(number):
            self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("End")
        self.page.keyboard.press("Shift+Home")
        self.page.keyboard.type(text)
