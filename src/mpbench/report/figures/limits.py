"""Usable workers of a platform and the limit behind: affinity, quota, cores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ("Band", "Limits", "limits_of")


class Band(NamedTuple):
    """Worker counts beyond one limit: where they begin, why, and how they are hatched."""

    beyond: int
    words: str
    hatch: str


class Limits(NamedTuple):
    """
    What bounds the workers of one place; what is not known is None.

    Args:
        allowed: CPUs in the affinity mask.
        quota: CPUs that the cgroup grants, may be a fraction.
        physical: Cores of the machine, each once whatever threads it has.
        logical: CPUs of the machine.
    """

    allowed: int | None = None
    quota: float | None = None
    physical: int | None = None
    logical: int | None = None

    @property
    def bands(self) -> tuple[Band, ...]:
        """The limits that bind, the lowest first; none where nothing is known."""
        found = []
        most = math.inf if self.allowed is None else self.allowed
        if self.quota is not None and self.quota < most:
            words = f"beyond the quota of {self.quota:g} CPU{'s' if self.quota != 1 else ''}"
            found.append(Band(max(1, math.floor(self.quota)), words, "//"))
        if self.physical is not None and self.physical < most < math.inf:
            words = f"beyond {self.physical} physical core{'s' if self.physical != 1 else ''}"
            found.append(Band(self.physical, words, ".."))
        if self.allowed is not None:
            is_pinned = self.logical is not None and self.allowed < self.logical
            what = "allowed" if is_pinned else "usable"
            of = f" of {self.logical}" if is_pinned else ""
            words = f"beyond {self.allowed} {what} CPU{'s' if self.allowed != 1 else ''}{of}"
            found.append(Band(self.allowed, words, ""))
        return tuple(sorted(found, key=lambda band: band.beyond))

    def exceeded_by(self, workers: float) -> tuple[Band, ...]:
        """Return the bands that a number of workers reaches."""
        return tuple(band for band in self.bands if workers > band.beyond)


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and value > 0 else None


def limits_of(environment: Mapping[str, Any]) -> Limits:
    """Return the limits that the environment of a run tells."""
    cpu = environment.get("cpu")
    if not isinstance(cpu, dict):
        return Limits()
    affinity = cpu.get("affinity")
    # Files of platforms without an affinity mask only have the usable count.
    allowed = len(affinity) if isinstance(affinity, list) and affinity else cpu.get("usable")
    counts = (_number(one) for one in (allowed, cpu.get("physical"), cpu.get("logical")))
    allowed, physical, logical = (None if count is None else int(count) for count in counts)
    return Limits(allowed, _number(cpu.get("quota")), physical, logical)
