"""Result files: written line by line, read strictly, turned into one table."""

from mpbench.store.jsonl import Writer
from mpbench.store.reader import RESULTS, read

__all__ = ("RESULTS", "Writer", "read")
