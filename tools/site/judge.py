"""What is wrong with pages: dead links, pictures without words, what asks another machine.

Sphinx finds what is wrong with sources; this reads the pages that came out.
"""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.nbfiles import ROOT
from tools.site import repository

HEAVIEST = 3_000_000  # bytes of a page and all that it loads, unpacked, but for explorers' frames
FETCHED = {"img": "src", "link": "href", "script": "src", "source": "src", "iframe": "src"}
NO_REQUEST = ("canonical", "next", "prev", "index", "search", "author", "copyright")
A_FILE = re.compile(r"\.(png|svg|jpe?g|gif)$", re.IGNORECASE)
NAMED = re.compile(r"url\(([^)]+\.(?:woff2?|svg|png))[^)]*\)")


class Page(HTMLParser):
    """The tags of a page, the names that links can lead to."""

    def __init__(self, path):
        super().__init__()
        self.path, self.tags, self.names = path, [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Keep a tag, and what it can be linked to by."""
        found = {name: value or "" for name, value in attributes}
        self.tags.append((tag, found))
        self.names.update({found.get("id"), found.get("name")} - {None})


@cache
def read(path):
    """Return a page, read once."""
    return Page(path)


def find(folder):
    """List the pages, without those that hold the parts of a theme."""
    return sorted(path for path in folder.rglob("*.html") if "_static" not in path.parts)


def complaints(folder):
    """List all that is wrong with the pages in a folder; an empty list is what we want."""
    read.cache_clear()
    return [
        f"{path.relative_to(folder).as_posix()}: {line}"
        for path in find(folder)
        for rule in (pictures_have_words, links_lead_somewhere, nothing_is_fetched_elsewhere)
        for line in rule(read(path))
    ] + [f"{path.name}: {line}" for path in find(folder) for line in too_heavy(path)]


def pictures_have_words(page):
    """Each picture has alternative text, and not the name of a file."""
    for tag, found in page.tags:
        alt = found.get("alt", "").strip()
        if tag == "img" and (not alt or A_FILE.search(alt)) and found.get("role") != "presentation":
            yield f"a picture without alternative text: {found.get('src', '')[:60]}"


def links_lead_somewhere(page):
    """Each link leads to a page, to a place in it, to a file of the site or of the repository."""
    for tag, found in page.tags:
        if tag == "a" and "href" in found and is_dead(found["href"], page.path):
            yield f"a link that leads nowhere: {found['href']}"


def is_dead(href, path):
    """Tell whether a link of a page leads nowhere; links to other sites are not followed."""
    if href.startswith(repository.file_address("")):
        return not (ROOT / unquote(urlsplit(href).path).split("/HEAD/", 1)[1]).exists()
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        return False
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return True
    return bool(
        parts.fragment and target.suffix == ".html" and not is_named(target, parts.fragment)
    )


def is_named(path, fragment):
    """Tell whether a page has a place of this name."""
    return unquote(fragment) in read(path).names


def nothing_is_fetched_elsewhere(page):
    """All that a page needs lies beside it."""
    for tag, address in fetched(page):
        if urlsplit(address).netloc:
            yield f"<{tag}> asks another machine: {address}"


def fetched(page):
    """Yield (tag, address) of all that a page loads, but for what is written in the page."""
    for tag, found in page.tags:
        address = found.get(FETCHED.get(tag), "")
        asks = tag != "link" or not set(found.get("rel", "").split()) & set(NO_REQUEST)
        if address and asks and not address.startswith("data:"):
            yield tag, address


def weight(path):
    """Return the bytes of a page with what it loads at once: scripts, styles, pictures and fonts.

    All fonts of MathJax are counted, and all that a style sheet names, though a page needs few.
    """
    loaded = {path}
    for _, address in fetched(read(path)):
        if not urlsplit(address).netloc:
            loaded.add((path.parent / unquote(urlsplit(address).path)).resolve())
    for file in tuple(loaded):
        loaded.update(named_by(file))
    return sum(file.stat().st_size for file in loaded if file.is_file())


@cache
def named_by(file):
    """List the fonts and pictures that a style sheet names; of MathJax, all that it may load."""
    if file.suffix == ".css":
        names = NAMED.findall(file.read_text(encoding="utf-8"))
        return [(file.parent / name.strip("\"'")).resolve() for name in names]
    return sorted(file.parent.rglob("*.*")) if file.parent.name == "mathjax" else []


def too_heavy(path):
    """Each page opens on a telephone, too."""
    if (found := weight(path)) > HEAVIEST:
        yield f"{found / 1e6:.2f} MB with all that it loads, over {HEAVIEST / 1e6:.0f}"


def heaviest(folder):
    """Return the heaviest page and its bytes."""
    found = max(find(folder), key=weight)
    return Path(found).relative_to(folder).as_posix(), weight(found)
