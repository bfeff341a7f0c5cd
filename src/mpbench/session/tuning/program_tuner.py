"""Tuner of a real program: its profile, its comparison with candidates, its source."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mpbench.errors import InvalidSessionError
from mpbench.plan import Plan
from mpbench.profiling.profile import profile_program
from mpbench.profiling.run_program import RunOptions
from mpbench.profiling.summary import summary_of
from mpbench.session.comparing.arms import Arm
from mpbench.session.comparing.compare import ComparePlan, compare
from mpbench.session.comparing.program_specs import ProgramOptions
from mpbench.session.tuning.call_sites import Edit, edit_of, find_source
from mpbench.session.tuning.candidates import Candidate, overrides_of
from mpbench.session.tuning.record import ProfiledProgram
from mpbench.session.what_if import what_if_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.analysis.outcome import ComparisonOutcome
    from mpbench.session.progress import Progress
    from mpbench.session.tuning.record import TunePlan

__all__ = ("ProgramTuner", "arms_of")


def arms_of(text: str, python: str | None, candidates: Sequence[Candidate]) -> tuple[Arm, ...]:
    """Return the program as it is, and with each candidate, as arms of a comparison."""
    plain = Arm(text=f"program={text}", program=text, python=python)
    return (
        plain,
        *(
            Arm(
                text=f"program={text},{candidate.name}",
                program=text,
                python=python,
                overrides=overrides_of(candidate.settings),
            )
            for candidate in candidates
        ),
    )


class ProgramTuner:
    """
    The real one.

    Args:
        plan: What is tuned.
        folder: Where results.jsonl is written.
        progress: Who watches.
    """

    def __init__(self, plan: TunePlan, folder: Path, progress: Progress) -> None:
        self._plan = plan
        self._folder = folder
        self._progress = progress
        self._script: Path | None = None

    def profile(self) -> ProfiledProgram:
        """
        Run the program once under the profiler and predict.

        Raises:
            InvalidSessionError: It failed, or did not end.
            KeyboardInterrupt: The user stopped it.
        """
        plan = self._plan
        options = RunOptions(
            timeout_s=plan.timeout_s,
            end_orphans=True,
            stdin=str(plan.stdin or os.devnull),
            quiet=True,
        )
        profile = profile_program([plan.python or sys.executable, *plan.words], options)
        ran = profile.ran
        if ran.cause == "deadline":
            raise InvalidSessionError(
                f"{plan.text!r} did not end within {plan.timeout_s:g} s (--timeout) and was ended; "
                "it has no terminal and reads nothing unless --input is given"
            )
        if ran.interrupted:
            raise KeyboardInterrupt
        if ran.exit_code != 0:
            how = "was lost" if ran.exit_code is None else f"failed with exit code {ran.exit_code}"
            raise InvalidSessionError(
                f"{plan.text!r} {how} while it was profiled, so there is nothing to tune; what it "
                "wrote to stderr stands above"
            )
        return ProfiledProgram(summary_of(profile), what_if_of(profile), profile)

    def compare(self, candidates: Sequence[Candidate], budget_s: float) -> ComparisonOutcome:
        """
        Measure the program as it is against each candidate, in turns.

        Raises:
            InvalidSessionError: None of them can be measured.
        """
        plan = self._plan
        seed = secrets.randbelow(1 << 31) if plan.seed is None else plan.seed
        compared = compare(
            ComparePlan(
                plan=Plan(budget_s=budget_s, seed=seed),
                arms=arms_of(plan.text, plan.python, candidates),
                programs=ProgramOptions(
                    stdin=plan.stdin,
                    timeout_s=plan.timeout_s,
                    # The profile has read everything once.
                    warmups=0,
                    ignore_output=plan.ignore_output,
                ),
            ),
            folder=self._folder,
            progress=self._progress,
            command=("mpbench", "tune", *plan.words),
        )
        return compared.outcome

    def edits(self, candidate: Candidate) -> tuple[Edit, ...]:
        """Return what a candidate is in the program's source."""
        first = self._plan.words[0]
        script = None if first.startswith("-") else Path(first)
        return tuple(
            edit_of(setting, place, [find_source(place.rpartition(":")[0], script)])
            for setting, place in zip(candidate.settings, candidate.places, strict=True)
        )
