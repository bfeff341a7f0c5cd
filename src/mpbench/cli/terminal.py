"""The console through which tables and progress bars reach the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment

from mpbench.cli.streams import PlainText
from mpbench.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType

__all__ = ("terminal",)


class _StyledFile:
    """The way of rich's own control sequences through a stream of plain text."""

    def __init__(self, stream: PlainText) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text with control sequences."""
        return self._stream.write_styled(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Console(Console):
    """A console that takes control characters out of whatever it is given to show."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as rich does; only its own control segments keep such characters."""
        for segment in super().render(renderable, options):
            if segment.control is None and not segment.text.isprintable():
                yield Segment(printable(segment.text, keep="\n"), segment.style)
            else:
                yield segment


def terminal(*, stderr: bool = False) -> Console:
    """Return a console on stdout or stderr."""
    stream: Any = sys.stderr if stderr else sys.stdout
    styled: Any = _StyledFile(stream) if isinstance(stream, PlainText) else stream
    return _Console(file=styled)
