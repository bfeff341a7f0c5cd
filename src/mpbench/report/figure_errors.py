"""Figures that must not cost a report: what cannot be drawn is said, and the rest is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mpbench.report import formatting
from mpbench.report.document import Check, CheckState, Figure
from mpbench.report.svg import checked_svg

__all__ = ("FigureCollector",)


class FigureCollector:
    """Draws, and takes note of what could not be drawn."""

    def __init__(self) -> None:
        self._lost: list[str] = []

    def draw(self, name: str, make: Callable[[], Iterable[Figure]]) -> tuple[Figure, ...]:
        """
        Return figures, or none where drawing them failed.

        Args:
            name: What they are about, for the note.
            make: Draws them.
        """
        try:
            return tuple(figure._replace(svg=checked_svg(figure.svg)) for figure in make())
        except Exception as error:  # noqa: BLE001 - recorded: the page says what is missing and why
            self._lost.append(f"{name} ({type(error).__name__}: {error})")
            return ()

    def check(self) -> tuple[Check, ...]:
        """Return what was lost as a check of the report; nothing when all was drawn."""
        if not self._lost:
            return ()
        text = f"{formatting.join_words(self._lost)}; please report it, the tables are complete"
        return (Check("Figures", CheckState.NOTE, f"{len(self._lost)} not drawn", text),)
