"""An answer that runs in another process, as when a class is graded.

What is done to a function in this process, from reading its text to changing its globals, such an
answer does itself: nothing that a stranger wrote runs here. It is called as a function is.
"""

from abc import ABC, abstractmethod


class Elsewhere(ABC):
    """A function in another process; ``__signature__`` says what it takes."""

    @abstractmethod
    def __call__(self, *values, **by_keyword):
        """Call it there; arrays that it changes there change here, too."""

    @abstractmethod
    def source(self):
        """Return the text of its definition, or None."""

    @abstractmethod
    def redefined(self, source):
        """Return what this text defines in the function's place."""

    @abstractmethod
    def numbers_read(self):
        """Return the numbers outside that it reads, by name."""

    @abstractmethod
    def with_globals(self, changed):
        """Return the function with these values for globals."""

    @abstractmethod
    def where(self, error):
        """Return the student's line on which it raised an exception, or None."""
