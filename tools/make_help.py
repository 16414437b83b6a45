"""Print the Makefile's targets with the text behind their ``##``."""

import re
from pathlib import Path

MAKEFILE = Path(__file__).parent.parent / "Makefile"


def targets(makefile):
    """Return (name, help text) for every target that has a help text, in the file's order."""
    return re.findall(r"^([\w-]+):.*?## (.+)$", makefile, flags=re.MULTILINE)


def main():
    """Print one line for each target."""
    found = targets(MAKEFILE.read_text(encoding="utf-8"))
    width = max(len(name) for name, _ in found)
    for name, text in found:
        print(f"make {name:{width}}  {text}")


if __name__ == "__main__":
    main()
