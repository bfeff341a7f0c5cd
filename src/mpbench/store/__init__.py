"""Result files: written line by line, read strictly, turned into one table."""

from mpbench.store.reader import RESULTS, read
from mpbench.store.writer import Writer

__all__ = ("RESULTS", "Writer", "read")
