"""Plain-text tables that fit any width without losing a column or part of a name."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from mpbench.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ("TextColumn", "print_table", "table_lines", "terminal_width", "wrapped")

# What a pipe or a file gets: no terminal says how wide it is.
_PLAIN_WIDTH = 160
_GAP = "  "
_INDENT = "  "


class TextColumn(NamedTuple):
    """A heading, and whether its cells are numbers, which stand to the right."""

    title: str
    is_number: bool = False


def terminal_width() -> int:
    """Return how many columns the output has; COLUMNS overrides what a terminal says."""
    return shutil.get_terminal_size((_PLAIN_WIDTH, 24)).columns


def wrapped(text: str, width: int | None = None, indent: str = "") -> str:
    """Return text without control characters in lines of at most *width* columns."""
    return textwrap.fill(
        printable(text),
        max(12, width or terminal_width()),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def table_lines(
    columns: Sequence[TextColumn], rows: Sequence[Sequence[str]], width: int | None = None
) -> Iterator[str]:
    """
    Yield the lines of a table whose first column names the row.

    Where a row does not fit on a line, its name stands on a line of its own above the
    other cells; where these do not fit either, each stands behind its heading.

    Args:
        columns: One heading for each cell of a row.
        rows: The cells.
        width: Columns of the terminal; by default those that it has.
    """
    width = width or terminal_width()
    plain = [[printable(cell) for cell in row] for row in rows]
    sizes = [
        max(len(column.title), *(len(row[place]) for row in plain), 0)
        for place, column in enumerate(columns)
    ]
    total = sum(sizes) + len(_GAP) * (len(sizes) - 1)
    if total <= width:
        yield from _grid(columns, plain, sizes)
    elif total - sizes[0] - len(_GAP) + len(_INDENT) <= width and len(columns) > 1:
        yield from _below_names(columns, plain, sizes, width)
    else:
        yield from _in_words(columns, plain, width)


def _line(columns: Sequence[TextColumn], cells: Sequence[str], sizes: Sequence[int]) -> str:
    return _GAP.join(
        cell.rjust(size) if column.is_number else cell.ljust(size)
        for column, cell, size in zip(columns, cells, sizes, strict=True)
    ).rstrip()


def _grid(
    columns: Sequence[TextColumn], rows: Sequence[Sequence[str]], sizes: Sequence[int]
) -> Iterator[str]:
    yield _line(columns, [column.title for column in columns], sizes)
    yield "-" * (sum(sizes) + len(_GAP) * (len(sizes) - 1))
    for row in rows:
        yield _line(columns, row, sizes)


def _below_names(
    columns: Sequence[TextColumn], rows: Sequence[Sequence[str]], sizes: Sequence[int], width: int
) -> Iterator[str]:
    rest, own = columns[1:], sizes[1:]
    head = _INDENT + _line(rest, [column.title for column in rest], own)
    yield columns[0].title
    yield head
    yield "-" * min(width, sum(own) + len(_GAP) * len(own))
    name = None
    for row in rows:
        if row[0] != name:
            name = row[0]
            yield from wrapped(name, width).splitlines()
        yield _INDENT + _line(rest, row[1:], own)


def _in_words(
    columns: Sequence[TextColumn], rows: Sequence[Sequence[str]], width: int
) -> Iterator[str]:
    for row in rows:
        yield from wrapped(row[0], width).splitlines()
        cells = zip(columns[1:], row[1:], strict=True)
        text = "; ".join(f"{column.title} {cell}".strip() for column, cell in cells if cell)
        yield from wrapped(text, width, _INDENT).splitlines()


def print_table(title: str, columns: Sequence[TextColumn], rows: Sequence[Sequence[str]]) -> None:
    """Print a title, a table and an empty line."""
    lines = [*([wrapped(title)] if title else []), *table_lines(columns, rows), ""]
    sys.stdout.write("\n".join(lines) + "\n")
