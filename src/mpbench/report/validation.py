"""The tables of a selftest as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mpbench.analysis.validation import ValidationTable
from mpbench.report.markdown import escape

__all__ = ("proofs_markdown",)


def _lines(proof: ValidationTable) -> Iterator[str]:
    yield f"### {escape(proof.title)}"
    yield ""
    yield f"| {' | '.join(escape(one) for one in proof.head)} |"
    yield "|---" * len(proof.head) + "|"
    for row in proof.rows:
        yield f"| {' | '.join(escape(cell) for cell in row)} |"
    yield ""
    yield escape(proof.note)
    yield ""


def proofs_markdown(proofs: Iterable[ValidationTable], *, head: str) -> str:
    """Return all tables; *head* says where and when they were measured, and how to repeat it."""
    return "\n".join([head, "", *(line for proof in proofs for line in _lines(proof))])
