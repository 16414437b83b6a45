"""Lay out what Sphinx makes pages from, as it lies in the project: pages, pictures, scripts.

Pages are taken by listing: every notebook, every document in docs/, every module of bnlib.
"""

import re
import shutil
from html import escape
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from tools.nbfiles import NOTEBOOKS, ROOT, read
from tools.site import api_pages, explorers, judge, repository

OWN = ROOT / "docs" / "site"  # configuration, templates, styles and scripts
AT_ROOT = ("CONTRIBUTING.md", "CHANGELOG.md")
PICTURES = (".png", ".svg")
TITLE = re.compile(r"^# +(.+?) *$", re.MULTILINE)
UNNAMED = '<summary><span class="toctree-toggle"'  # the theme's, which a screen reader cannot name
MATHJAX = (  # 1.2 of the package's 30 MB; docs/site/conf.py names those to load
    *("startup.js", "core.js", "input/tex.js", "a11y/assistive-mml.js"),
    *("output/chtml.js", "output/chtml/fonts/tex.js", "output/chtml/fonts/woff-v2"),
)

CONTENTS = """

```{toctree}
:hidden:
:caption: Notebooks

{notebooks}
```

```{toctree}
:hidden:
:caption: To look up
:glob:

docs/*
api/index
```

```{toctree}
:hidden:
:caption: The project

CONTRIBUTING
CHANGELOG
```
"""
SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{}</urlset>
"""
NOT_FOUND = """---
orphan: true
---
# Page not found

There is no page at this address. It may have been renamed.

Go to [the first page](index), or search for what you were looking for, at the left.
"""


def lay_out(folder, root=ROOT):
    """Fill a folder with the sources of all pages; what was in it before is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in pages(root) + pictures(root):
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    landing = (root / "README.md").read_text(encoding="utf-8")
    write(folder / "index.md", landing + CONTENTS.replace("{notebooks}", listed(root)))
    write(folder / "404.md", NOT_FOUND)
    for name, text in api_pages.sources():
        write(folder / "api" / name, text)
    lay_out_static(folder / "_static")


def listed(root=ROOT):
    """Return the notebooks' entries in the list of pages, with their numbers."""
    entries = []
    for path in sorted((root / NOTEBOOKS.name).glob("*.ipynb")):
        title = TITLE.search("".join(read(path)["cells"][0]["source"]))
        number = path.stem.partition("_")[0]
        entries.append(f"{number} {title[1] if title else path.stem} <notebooks/{path.stem}>")
    return "\n".join(entries)


def pages(root=ROOT):
    """List the files that become pages as they are."""
    notebooks = sorted((root / NOTEBOOKS.name).glob("*.ipynb"))
    return [*notebooks, *sorted((root / "docs").glob("*.md")), *(root / name for name in AT_ROOT)]


def pictures(root=ROOT):
    """List the pictures that pages may show."""
    folders = root / "docs", root / NOTEBOOKS.name / "figures"
    return [path for at in folders for path in sorted(at.glob("*")) if path.suffix in PICTURES]


def lay_out_static(folder):
    """Write styles, scripts, MathJax, and the explorers' frames."""
    shutil.copytree(OWN / "static", folder)
    packed = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    for name in MATHJAX:
        copy = shutil.copytree if (packed / name).is_dir() else shutil.copyfile
        (folder / "mathjax" / name).parent.mkdir(parents=True, exist_ok=True)
        copy(packed / name, folder / "mathjax" / name)
    for name, script in explorers.scripts():
        write(folder / "explorers" / f"{name}.js", script)


def finish(site):
    """Add what GitHub Pages and search engines look for; let the 404 page work at any address."""
    write(site / ".nojekyll", "")  # or folders that begin with _ would be left out
    own = ("404.html", "search.html")
    names = [path.relative_to(site).as_posix() for path in judge.find(site)]
    addresses = [repository.pages_address() + name for name in names if name not in own]
    locations = "".join(f"<url><loc>{escape(address)}</loc></url>\n" for address in addresses)
    write(site / "sitemap.xml", SITEMAP.format(locations))
    for path in judge.find(site):
        text = path.read_text(encoding="utf-8")
        write(path, text.replace(UNNAMED, UNNAMED.replace(">", ' aria-label="Its pages">', 1)))
    lost = site / "404.html"
    if lost.exists():
        base = f'<head>\n<base href="{urlsplit(repository.pages_address()).path}">'
        write(lost, lost.read_text(encoding="utf-8").replace("<head>", base, 1))


def write(path, text):
    """Write a text file, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
