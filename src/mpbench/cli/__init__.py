"""The command line: parsing, printing, and exit codes for errors."""

from mpbench.cli.main import main

__all__ = ("main",)
