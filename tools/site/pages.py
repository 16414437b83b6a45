"""What is changed in sources and pages on their way through Sphinx."""

import json
import math
import posixpath
import re

from docutils import nodes

from tools.nbfiles import ROOT
from tools.site import notebook_pages, repository

WORDS_A_MINUTE = 200
LINK = re.compile(r"(\]\()([^)\s:#]+)(#[^)\s]*)?(\))")
TIME = re.compile(r"^Time\.\s")
LANDING = "README"  # the first page is made from it


def connect(app):
    """Let Sphinx call what is below."""
    app.connect("source-read", change_source)
    app.connect("doctree-read", add_minutes)
    app.connect("html-page-context", add_context)


def change_source(app, docname, source):
    """Let links lead to the repository where there is no page; give a notebook its page's form."""
    known = app.env.found_docs | {LANDING}
    if str(app.env.doc2path(docname)).endswith(".ipynb"):
        path = f"{docname}.ipynb"
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                text = notebook_pages.joined(cell["source"])
                cell["source"] = with_links(text, docname, known)
        source[0] = json.dumps(notebook_pages.as_page(notebook, path), ensure_ascii=False)
    elif not docname.startswith("api/"):
        source[0] = with_links(source[0], docname, known)


def with_links(text, docname, known):
    """Return Markdown whose links lead to pages, or else to files of the repository."""
    text = text.replace(repository.UNKNOWN, repository.name())

    def changed(match):
        before, target, anchor, after = match.groups()
        return f"{before}{destination(target, docname, known)}{anchor or ''}{after}"

    return LINK.sub(changed, text)


def destination(target, docname, known, root=ROOT):
    """Return where a link of a page leads: as it stands, or to a file that is no page."""
    folder = posixpath.dirname(docname)
    path = posixpath.normpath(posixpath.join(folder, target))
    stem, kind = posixpath.splitext(path)
    if stem == LANDING:
        return posixpath.relpath("index.md", folder or ".")
    is_page = kind in (".md", ".ipynb") and stem in known
    if is_page or kind in (".png", ".svg") or not (root / path).exists():
        return target  # Sphinx complains of what is nowhere
    return repository.file_address(path)


def add_minutes(app, doctree):
    """Say below the title how long the page takes to read, unless it says it itself."""
    title = next(iter(doctree.findall(nodes.title)), None)
    paragraphs = list(doctree.findall(nodes.paragraph))
    if title is None or any(TIME.match(p.astext()) for p in paragraphs):
        return
    words = sum(
        len(p.astext().split()) for p in (*paragraphs, *doctree.findall(nodes.literal_block))
    )
    minutes = math.ceil(words / WORDS_A_MINUTE)
    said = f"{minutes} minute{'s' if minutes > 1 else ''} to read"
    title.parent.insert(1, nodes.paragraph("", said, classes=["bnlib-minutes"]))


def add_context(app, pagename, templatename, context, doctree):
    """Give the templates the address of the site."""
    context["bnlib_pages"] = repository.pages_address()
