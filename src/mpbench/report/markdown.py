"""A document as Markdown, to be pasted into an issue or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mpbench.printable import printable
from mpbench.report.document import (
    Cell,
    CheckState,
    Column,
    Document,
    FamilySection,
    Figure,
    Source,
    Table,
    WorkloadSection,
)

__all__ = ("escape", "markdown", "table_markdown")

# Everything that Markdown or the HTML inside it could act on.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#$~])")
_MARKS = {CheckState.GOOD: "fine", CheckState.NOTE: "note", CheckState.BAD: "look"}


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    plain = " ".join(printable(text).split())
    return _SPECIAL.sub(r"\\\1", plain)


def _prose(text: str) -> str:
    """Return a paragraph in which what stood between backticks stays code."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    spaces = [piece[: len(piece) - len(piece.lstrip())] for piece in pieces]
    made = ""
    for place, (piece, space) in enumerate(zip(pieces, spaces, strict=True)):
        if place % 2:
            made += f"`{' '.join(piece.split())}`"
        else:
            tail = " " if piece[-1:].isspace() and piece.strip() else ""
            made += (" " if space else "") + escape(piece) + tail
    return made.strip()


def _cell(cell: Cell) -> str:
    return escape(cell.text)


def table_markdown(table: Table) -> str:
    """Return a table; columns that are only drawn are left out."""
    drawn = {
        place for row in table.rows for place, cell in enumerate(row) if cell.strip is not None
    }
    places = [place for place in range(len(table.columns)) if place not in drawn]
    head = [escape(table.columns[place].title) for place in places]
    rule = ["---:" if table.columns[place].is_number else "---" for place in places]
    rows = [[_cell(row[place]) for place in places] for row in table.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def _part(part: WorkloadSection) -> Iterator[str]:
    yield f"### {escape(part.name)}"
    yield _prose(part.summary)
    for label, text in part.paragraphs:
        yield f"*{label}*: {_prose(text)}" if label else _prose(text)
    yield table_markdown(part.table)
    yield escape(part.table.caption)


def _values(figure: Figure) -> str:
    columns = tuple(Column(str(name), str(name)) for name in figure.table.columns)
    rows = figure.table.astype(str).itertuples(index=False, name=None)
    cells = tuple(tuple(Cell(text) for text in row) for row in rows)
    return table_markdown(Table("values", figure.title, figure.title, columns, cells))


def _family(family: FamilySection) -> Iterator[str]:
    yield f"## {escape(family.title)}"
    if family.text:
        yield escape(family.text)
    for figure in family.figures:
        yield f"**{escape(figure.title)}.** {escape(figure.caption)}"
        if not family.parts:
            # The values of other figures stand in the tables of their workloads.
            yield _values(figure)
    for part in family.parts:
        yield from _part(part)


def _table(table: Table | None) -> Iterator[str]:
    if table is not None:
        yield f"## {escape(table.title)}"
        yield table_markdown(table)
        yield escape(table.caption)


def _head(document: Document) -> Iterator[str]:
    yield f"# {escape(document.title)}"
    yield escape(document.subtitle)
    yield f"**{escape(document.verdict)}**"
    if document.caution:
        yield f"**{escape(document.caution)}**"
    if document.findings:
        yield "\n".join(f"- {escape(finding.text)}" for finding in document.findings)
    yield "## Can it be trusted?"
    yield "\n".join(
        f"- {_MARKS[check.state]}: {escape(check.name)} {escape(check.value)}"
        + (f", {escape(check.text)}" if check.text else "")
        for check in document.checks
    )


def _source(source: Source) -> Iterator[str]:
    fence = "`" * (3 + max(map(len, re.findall("`+", source.command)), default=0))
    command = printable(source.command)
    yield f"{escape(source.machine)}, {escape(source.started)}, run {escape(source.run)}:"
    yield f"{fence}\n{command}\n{fence}"
    yield escape(source.text)


def _blocks(document: Document) -> Iterator[str]:
    yield from _head(document)
    yield from _table(document.advice)
    yield from _table(document.unanswered)
    for section in document.verdicts:
        yield from _table(section.table)
        yield "\n".join(f"- {escape(note)}" for note in section.notes)
    yield from _table(document.matrix)
    for family in document.families:
        yield from _family(family)
    for table in (document.environment, document.failures, document.events):
        yield from _table(table)
    yield "## How it was made"
    for source in document.sources:
        yield from _source(source)


def markdown(document: Document) -> str:
    """Return the document as Markdown."""
    return "\n\n".join(_blocks(document)) + "\n"
