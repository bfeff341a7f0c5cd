"""One answer of the doctor: what was found, why it matters, what to do about it."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

__all__ = ("Finding", "Severity", "findings_to_record", "worst")


class Severity(Enum):
    """How much a finding harms measurements."""

    FINE = "fine"
    # Explains figures, harms none.
    NOTE = "note"
    # Makes figures noisier or peculiar to a setting.
    WARNING = "warning"
    # Figures taken now would be wrong, or some workloads cannot run.
    FAULT = "fault"

    @property
    def rank(self) -> int:
        """0 for fine, 3 for a fault."""
        return list(Severity).index(self)


class Finding(NamedTuple):
    """
    What one check found.

    Args:
        key: The check, in kebab-case.
        level: How much it harms.
        subject: What was looked at, for people.
        found: What it is like.
        reason: Why that matters; empty when it does not.
        remedy: What to do about it; empty when nothing is needed.
    """

    key: str
    level: Severity
    area: str
    found: str
    reason: str = ""
    remedy: str = ""


def worst(findings: tuple[Finding, ...]) -> Severity:
    """Return the highest level among findings."""
    return max((one.level for one in findings), key=lambda level: level.rank, default=Severity.FINE)


def findings_to_record(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """Return findings as JSON-able values, for results and `--json`."""
    return [{**one._asdict(), "level": one.level.value} for one in findings]
