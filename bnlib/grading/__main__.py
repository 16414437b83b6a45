"""Run the command."""

import sys

from bnlib.grading.command import main

if __name__ == "__main__":
    sys.exit(main())
