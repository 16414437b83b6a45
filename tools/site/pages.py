"""What is changed in sources and pages on their way through Sphinx."""

import json
import math
import re

from docutils import nodes

from tools.site import links, notebook_pages

WORDS_A_MINUTE = 200
NOT_FOUND = "404"
BAR = re.compile(r"(`[^`]*`)|\|")
TIME = re.compile(r"^Time\.\s")  # as the notebooks say it
FIELD = "Alias for field number"  # of a named tuple, which its docstring describes


def connect(app):
    """Let Sphinx call what is below."""
    app.connect("source-read", change_source)
    app.connect("doctree-read", add_minutes)
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("autodoc-skip-member", skip_fields)


def change_source(app, docname, source):
    """Give a page its form: links that lead on, and of a notebook what needs no kernel."""
    pages = app.env.found_docs
    if str(app.env.doc2path(docname)).endswith(".ipynb"):
        notebook = notebook_pages.as_page(json.loads(source[0]), f"{docname}.ipynb")
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                text = notebook_pages.joined(cell["source"])
                cell["source"] = links.for_page(text, docname, pages)
        source[0] = json.dumps(notebook, ensure_ascii=False)
    elif not docname.startswith("api/"):
        source[0] = links.for_page(source[0], docname, pages)


def add_minutes(app, doctree):
    """Say below the title how long the page takes to read, unless it says it itself."""
    title = next(iter(doctree.findall(nodes.title)), None)
    paragraphs = list(doctree.findall(nodes.paragraph))
    says_it = any(TIME.match(p.astext()) for p in paragraphs)
    if title is None or says_it or app.env.docname == NOT_FOUND:
        return
    read = (*paragraphs, *doctree.findall(nodes.literal_block))
    minutes = math.ceil(sum(len(p.astext().split()) for p in read) / WORDS_A_MINUTE)
    said = f"{minutes} minute{'s' if minutes > 1 else ''} to read"
    title.parent.insert(1, nodes.paragraph("", said, classes=["bnlib-minutes"]))


def escape_bars(app, what, name, thing, options, lines):
    """Keep the bars of |x| in a docstring from being taken for a substitution."""
    lines[:] = [BAR.sub(lambda found: found[1] or r"\|", line) for line in lines]


def skip_fields(app, what, name, thing, skip, options):
    """Leave out what only says which field of a named tuple it is."""
    return True if (getattr(thing, "__doc__", None) or "").startswith(FIELD) else None
