"""Remove what the make targets made: environments, caches, build results. Never work/."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
AT_ROOT = (
    *(".venv", ".venv-numpy-*", ".venv-mutation", ".venv-nbgrader", ".venv*-discarded"),
    *(".hypothesis", ".import_linter_cache", ".pytest_cache", ".ruff_cache"),
    *("__pycache__", "build", "dist"),
)
FOLDERS = ("benchmarks", "bnlib", "docs", "notebooks", "tests", "tools")
IN_FOLDERS = ("__pycache__", ".ipynb_checkpoints")


def leftovers(root):
    """List the folders that can be made again by calling make."""
    found = [path for pattern in AT_ROOT for path in root.glob(pattern)]
    for folder in FOLDERS:
        found += [path for pattern in IN_FOLDERS for path in (root / folder).rglob(pattern)]
    return sorted(set(found))


def main():
    """Remove them, and say which."""
    for path in leftovers(ROOT):
        print("removing", path.relative_to(ROOT))
        path.unlink() if path.is_symlink() else shutil.rmtree(path)


if __name__ == "__main__":
    main()
