"""Tables in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpbench.model import Run

__all__ = ("print_run",)


def print_run(run: Run) -> None:
    """Print what a run measured."""
    for one in run.repetitions:
        values = one.samples[0].elapsed_ns / one.samples[0].operations if one.samples else None
        sys.stdout.write(f"{one.case.id} {one.number} {one.status.value} {values}\n")
