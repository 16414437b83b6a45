"""Make the pages in build/site, and say how many there are and how heavy."""

import sys
import time

from sphinx.application import Sphinx

from tools.nbfiles import ROOT
from tools.site import layout

BUILD = ROOT / "build"


def make(sources, target, doctrees):
    """Let Sphinx make pages of laid-out sources; return whether it had no complaint."""
    app = Sphinx(
        srcdir=sources,
        confdir=layout.OWN,
        outdir=target,
        doctreedir=doctrees,
        buildername="html",
        freshenv=True,
        status=None,
        warning=sys.stderr,
        warningiserror=True,
    )
    app.build()
    return app.statuscode == 0


def main(arguments):
    """Lay out, make and judge; return 1 where there is a complaint."""
    start = time.perf_counter()
    layout.lay_out(BUILD / "site-sources")
    made = make(BUILD / "site-sources", BUILD / "site", BUILD / "site-doctrees")
    print(time.perf_counter() - start)
    return int(not made)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
