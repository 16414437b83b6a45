"""Make the pages in build/site, and say how many there are and how heavy."""

import argparse
import gzip
import shutil
import sys
import time
from pathlib import Path

from sphinx.application import Sphinx

from tools.nbfiles import ROOT
from tools.site import judge, layout


def sphinx(sources, target, doctrees):
    """Let Sphinx make pages of laid-out sources; return whether it had no complaint."""
    shutil.rmtree(target, ignore_errors=True)
    app = Sphinx(
        srcdir=sources,
        confdir=layout.OWN,
        outdir=target,
        doctreedir=doctrees,
        buildername="html",
        confoverrides={"html_static_path": [str(sources / "_static")]},
        freshenv=True,
        status=None,
        warning=sys.stderr,
        warningiserror=True,
    )
    app.build()
    return app.statuscode == 0


def build(folder, root=ROOT):
    """Make a project's pages in folder/site; return whether nothing is wrong with them."""
    sources, site = folder / "site-sources", folder / "site"
    layout.lay_out(sources, root)
    made = sphinx(sources, site, folder / "site-doctrees")
    layout.finish(site)
    wrong = judge.complaints(site)
    print("\n".join(wrong), file=sys.stderr, end="\n" * bool(wrong))
    return made and not wrong


def main(arguments=None):
    """Build, and describe what was built; return 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT, help="another one's pages")
    parser.add_argument(
        "--into", type=Path, default=ROOT / "build", help="another folder than build"
    )
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    good = build(options.into.resolve(), options.project.resolve())
    site = options.into.resolve() / "site"
    name, weight = judge.heaviest(site)
    took = time.perf_counter() - start
    print(f"{len(judge.find(site))} pages in {options.into / 'site'}, after {took:.0f} s.")
    print(f"The heaviest is {name}: {weight / 1e6:.2f} MB with all that it loads.")
    frames = [path.read_bytes() for path in (site / "_static" / "explorers").glob("*.js")]
    raw, packed = sum(map(len, frames)), sum(len(gzip.compress(script)) for script in frames)
    print(f"The explorers' frames: {raw / 1e6:.2f} MB, {packed / 1e3:.0f} kB compressed.")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
