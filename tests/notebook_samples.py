"""Small notebooks for the tests of the tools: a complete one, to plant faults in."""

from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

from bnlib.plotting.style import forms

OPENING = """# Add two numbers

**You will do.** You add.

**You will learn.** Sums.

**You need.** Numbers.

**Time.** A minute."""
NOTATION = """| symbol | meaning |
| --- | --- |
| a | a number |"""
CLOSING = """## Summary
It adds up.
## Fine print
None.
## References
None.
## Next
Nothing."""
ALT = "A line that rises from the lower left to the upper right of the axes."
SVG = f'<svg role="img" aria-label="{ALT}"><path d="M 0 0 L 9 9"/></svg>'
DRAW = f"""from IPython.display import display

from bnlib.plotting.style import forms

display(forms('''{SVG}''', "{ALT}"), raw=True)"""


def figure_output(svg=SVG, alt=ALT):
    """Return the output of bnlib.plotting.show for a figure."""
    return new_output("display_data", forms(svg, alt))


def older_figure_output(svg=SVG, alt=ALT):
    """Return the output in the form that style.AS_HTML turns off."""
    return new_output("display_data", {"image/svg+xml": svg, "text/plain": f"Figure: {alt}"})


def printed(text):
    """Return the output of print."""
    return new_output("stream", name="stdout", text=text)


def complete_notebook():
    """Return a notebook, as if run, that obeys every rule of style."""
    notebook = new_notebook()
    notebook.cells = [
        new_markdown_cell(OPENING),
        new_markdown_cell(NOTATION),
        new_code_cell("a = 2\nprint(a + 2)", execution_count=1, outputs=[printed("4\n")]),
        new_markdown_cell("## A figure\n" + "Look at the line, and say where it goes. " * 15),
        new_code_cell(DRAW, execution_count=2, outputs=[figure_output()]),
        new_markdown_cell(CLOSING),
    ]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook
