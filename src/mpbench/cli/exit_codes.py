"""Exit codes of the commands; errors of mpbench carry their own."""

from __future__ import annotations

__all__ = ("BUG", "INTERRUPTED", "TIMED_OUT", "TOOL_FAILED", "USAGE")

# The command line asks for something that does not exist.
USAGE = 2

# Our own fault, EX_SOFTWARE of sysexits.h.
BUG = 70

# 128 and the number of SIGINT, as shells report it; results were saved before.
INTERRUPTED = 130

# Of `profile`, which else ends as its program does: the codes that timeout(1) has for
# a command that took too long, and for a failure of its own.
TIMED_OUT = 124
TOOL_FAILED = 125
