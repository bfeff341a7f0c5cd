"""Records of a tuning: plan, profiled program, measured settings, and who does the work."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mpbench.analysis.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mpbench.analysis.outcome import ComparisonOutcome
    from mpbench.analysis.stats import Interval
    from mpbench.analysis.whatif.prediction import WhatIf
    from mpbench.profiling.profile import Profile
    from mpbench.session.tuning.call_sites import Edit
    from mpbench.session.tuning.candidates import Candidate

__all__ = ("Measured", "ProfiledProgram", "TunePlan", "Tuner", "Tuning")


@dataclass(frozen=True, slots=True, kw_only=True)
class TunePlan:
    """
    What is tuned.

    Args:
        words: The program: a script, or `-m` and a module, and its arguments.
        python: The interpreter's path; None takes the running one.
        budget_s: All of it should take no longer; a run is never cut short for that.
        timeout_s: When a run is ended.
        stdin: What the program reads; nothing where it is None.
        ignore_output: Whether it may write something else with other settings.
        seed: Of the coins.
    """

    words: tuple[str, ...]
    python: str | None = None
    budget_s: float = 60.0
    timeout_s: float = 60.0
    stdin: Path | None = None
    ignore_output: bool = False
    seed: int | None = None

    @property
    def text(self) -> str:
        """The program in one line."""
        return shlex.join(self.words)


class ProfiledProgram(NamedTuple):
    """One profiled run: its record for files, and the predictions made of it."""

    record: Mapping[str, object]
    what_if: WhatIf
    profile: Profile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """
    One candidate with what the comparison says of it.

    Args:
        candidate: The setting.
        baseline_s: The program as it is, the median; None where it was not measured.
        seconds: The program with the setting.
        ratio: Of both with its interval; None before the first look.
        verdict: What the comparison calls it; None where it was not measured.
        reason: Why there is no verdict.
        episodes: How many episodes that rests on.
        edits: What to change where, one for each setting.
    """

    candidate: Candidate
    baseline_s: float | None = None
    seconds: float | None = None
    ratio: Interval | None = None
    verdict: Verdict | None = None
    reason: str = ""
    episodes: int = 0
    edits: tuple[Edit, ...] = ()

    @property
    def helps(self) -> bool:
        """Whether it was measured to make the program faster."""
        return self.verdict is Verdict.FASTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """
    Everything that is known at the end, or when it was stopped.

    Args:
        program: The program in one line.
        profiled: Its profile and the predictions; None where it was stopped before.
        results: The candidates, measured or not, in the order in which they were chosen.
        control: What the control of identical arms said.
        interrupted: Whether the user stopped it.
        note: Why nothing was measured, or not all that was chosen.
        seconds: How long all of it took.
    """

    program: str
    profiled: ProfiledProgram | None = None
    results: tuple[Measured, ...] = ()
    control: str | None = None
    interrupted: bool = False
    note: str = ""
    seconds: float = 0.0

    @property
    def best(self) -> Measured | None:
        """The setting that was measured to be the fastest."""
        helpful = [result for result in self.results if result.helps and result.ratio is not None]
        return min(helpful, key=lambda one: one.ratio.estimate if one.ratio else 1.0, default=None)


class Tuner(Protocol):
    """What the tuning of a program is made of; a fake in tests."""

    def profile(self) -> ProfiledProgram:
        """Run the program once and predict."""

    def compare(self, candidates: Sequence[Candidate], budget_s: float) -> ComparisonOutcome:
        """Measure the program as it is against each candidate."""

    def edits(self, candidate: Candidate) -> tuple[Edit, ...]:
        """Return what a candidate is in the program's source."""
