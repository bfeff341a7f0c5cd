"""Turns results into what people read: a page, Markdown, CSV, tables in the terminal."""

from mpbench.report.write import write

__all__ = ("write",)
