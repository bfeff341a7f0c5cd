"""The command line: parses, calls a session, prints, and maps errors to exit codes."""

from mpbench.cli.main import main

__all__ = ("main",)
