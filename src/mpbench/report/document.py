"""Parts of a report before any format: texts, tables, figures, sections."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

__all__ = (
    "Cell",
    "Check",
    "CheckState",
    "Column",
    "Conclusion",
    "Document",
    "FamilySection",
    "Figure",
    "Section",
    "Source",
    "Strip",
    "Table",
    "WorkloadSection",
)


class Figure(NamedTuple):
    """
    One figure, complete enough to be read without seeing it.

    Args:
        key: Unique in its family, in kebab-case; becomes part of an HTML id.
        title: What is shown, in a few words.
        svg: One `<svg>` element: no XML prologue, transparent background, a
            `viewBox`, colours that can be read on white and on black (text and
            lines in `currentColor`), ids prefixed so that several figures can
            stand in one page.
        caption: The conclusion in one or two sentences, with units.
        alt: What a reader who cannot see it needs to know.
        table: The values that are drawn; shown below it on request.
    """

    key: str
    title: str
    svg: str
    caption: str
    alt: str
    table: pd.DataFrame


class Strip(NamedTuple):
    """
    How the agents of one case are spread, each place from 0 to 1 on the scale of its table.

    `points` is empty where there are too many cases to draw every agent;
    `mark` is a place that the others are held against, such as "no difference".
    """

    low: float | None
    median: float
    high: float | None
    smallest: float
    largest: float
    points: tuple[float, ...]
    mark: float | None = None


class Cell(NamedTuple):
    """
    One cell: the text that people read, and the value behind it.

    Args:
        text: What is shown, with its unit.
        value: What sorting and copying use; None where there is nothing.
        note: What is said when the reader asks for more.
        tone: From -3 (much cheaper) to 3 (much dearer) in a heat map.
        strip: The spread that is drawn in place of the text.
        target: The id of the place in the page that the cell points to.
    """

    text: str
    value: float | str | None = None
    note: str = ""
    tone: int | None = None
    strip: Strip | None = None
    target: str = ""


class Column(NamedTuple):
    """One column; `key` is its name in copies, `note` explains it."""

    key: str
    title: str
    note: str = ""
    is_number: bool = False


class Table(NamedTuple):
    """One table; `row_keys` name the rows for links, empty where nobody links to them."""

    key: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    row_keys: tuple[str, ...] = ()


class CheckState(Enum):
    """What a check of trust came to."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


class Check(NamedTuple):
    """One reason to trust the results, or not to: what was looked at, and what was found."""

    name: str
    state: CheckState
    value: str
    text: str


class Conclusion(NamedTuple):
    """
    One conclusion in words.

    Args:
        figure: The number that it is about, short enough for a headline.
        subject: What the number is, in a few words.
        text: The whole sentence.
        target: The id of the evidence in the page.
    """

    figure: str
    subject: str
    text: str
    target: str


class WorkloadSection(NamedTuple):
    """One workload: what its docstring says, its cases, and their samples."""

    key: str
    name: str
    summary: str
    paragraphs: tuple[tuple[str, str], ...]
    floor: str
    table: Table
    samples: Table | None


class FamilySection(NamedTuple):
    """The workloads of one family, with the figures about them."""

    key: str
    title: str
    text: str
    figures: tuple[Figure, ...]
    parts: tuple[WorkloadSection, ...]


class Source(NamedTuple):
    """One result file: where it came from and how to make another like it."""

    file: str
    run: str
    machine: str
    started: str
    command: str
    text: str


class Section(NamedTuple):
    """A table under a heading of its own, with lines about it."""

    key: str
    title: str
    table: Table
    notes: tuple[str, ...]


class Document(NamedTuple):
    """
    A whole report.

    `caution` says what to keep in mind, empty where there is nothing.
    `verdicts` are the comparisons among the runs, `unanswered` the questions
    that need another run.
    """

    title: str
    subtitle: str
    verdict: str
    caution: str
    findings: tuple[Conclusion, ...]
    checks: tuple[Check, ...]
    verdicts: tuple[Section, ...]
    matrix: Table | None
    families: tuple[FamilySection, ...]
    environment: Table
    failures: Table | None
    events: Table | None
    sources: tuple[Source, ...]
    version: str
    advice: Table | None = None
    unanswered: Table | None = None
