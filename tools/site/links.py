"""Where links lead that are written for readers of the repository."""

import posixpath
import re
from urllib.parse import unquote, urlsplit

from tools.nbfiles import ROOT
from tools.site import repository

LINK = re.compile(r"(\]\()([^)\s:#]*)(#[^)\s]*)?(\))")
LANDING = "README"  # the first page, index, is made from it


def for_page(text, docname, pages, root=ROOT):
    """Return a page's Markdown with links to pages, or else to files of the repository.

    Parameters
    ----------
    text : str
    docname : str
        The page's path without its ending, from the project's folder.
    pages : set of str
        Those of all pages.
    """

    def changed(match):
        before, target, anchor, after = match.groups()
        leads_to = target and destination(target, docname, pages, root)
        if anchor and not urlsplit(leads_to).scheme:
            anchor = f"#{place(anchor[1:])}"
        return f"{before}{leads_to}{anchor or ''}{after}"

    return LINK.sub(changed, repository.known(text))


def place(anchor):
    """Return the name of a heading on a page, from GitHub's name for it or from Jupyter's.

    >>> place("Case-9:-Gradients-differ")
    'case-9-gradients-differ'
    """
    return re.sub(r"[^\w-]", "", unquote(anchor).lower())


def destination(target, docname, pages, root=ROOT):
    """Return where a link of a page leads: as it stands, or to a file that is no page."""
    folder = posixpath.dirname(docname)
    path = posixpath.normpath(posixpath.join(folder, target))
    stem, kind = posixpath.splitext(path)
    if path == f"{LANDING}.md":
        return posixpath.relpath("index.md", folder or ".")
    is_page = kind in (".md", ".ipynb") and stem in pages
    outside = path.startswith("..")
    if is_page or kind in (".png", ".svg") or outside or not (root / path).exists():
        return target  # Sphinx complains of what is nowhere
    return repository.file_address(path)
