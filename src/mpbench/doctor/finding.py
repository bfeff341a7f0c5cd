"""Answers of the doctor: what a check saw, why it matters, what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mpbench.doctor.probes import ProbeResults

__all__ = (
    "UNKNOWN",
    "Check",
    "Evidence",
    "Finding",
    "Severity",
    "above",
    "below",
    "findings_to_record",
    "worst",
)

# What a finding says where the machine does not tell.
UNKNOWN = "not visible here"


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
        area: What was looked at, for people.
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


class Evidence(NamedTuple):
    """What checks judge: the environment record with `interpreter`, and the experiments."""

    facts: Mapping[str, Any]
    probes: ProbeResults


class Check(NamedTuple):
    """
    One question to a machine.

    Args:
        key: Its name, in kebab-case.
        area: What is looked at, for people.
        value: Returns what is judged, or None where the machine does not tell.
        text: Returns the value in words.
        level: Returns how much it harms.
        reason: Why it matters where it harms.
        remedy: What to do then.
    """

    key: str
    area: str
    value: Callable[[Evidence], Any]
    text: Callable[[Any], str]
    level: Callable[[Any], Severity]
    reason: str
    remedy: str

    def examine(self, evidence: Evidence) -> Finding:
        """Return what the machine is like."""
        value = self.value(evidence)
        if value is None:
            return Finding(self.key, Severity.FINE, self.area, UNKNOWN)
        level, text = self.level(value), self.text(value)
        if level is Severity.FINE:
            return Finding(self.key, level, self.area, text)
        return Finding(self.key, level, self.area, text, self.reason, self.remedy)


def above(warning: float, fault: float = float("inf")) -> Callable[[float], Severity]:
    """Return the level of a value that harms from *warning* upwards."""
    return lambda value: (
        Severity.FAULT
        if value >= fault
        else Severity.WARNING
        if value >= warning
        else Severity.FINE
    )


def below(warning: float) -> Callable[[float], Severity]:
    """Return the level of a value that harms below *warning*."""
    return lambda value: Severity.WARNING if value < warning else Severity.FINE


def worst(findings: tuple[Finding, ...]) -> Severity:
    """Return the highest level among findings."""
    levels = (finding.level for finding in findings)
    return max(levels, key=lambda level: level.rank, default=Severity.FINE)


def findings_to_record(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """Return findings under the names that result files and `--json` have for them."""
    return [
        {
            "key": finding.key,
            "level": finding.level.value,
            "subject": finding.area,
            "found": finding.found,
            "reason": finding.reason,
            "remedy": finding.remedy,
        }
        for finding in findings
    ]
