"""Comparison of two or more subjects, measured now or read, with a stated error rate."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpbench.api.markup import html_table
from mpbench.api.progress import progress_for
from mpbench.api.running import methods_named, seconds_of, texts_of
from mpbench.api.subjects import prepared
from mpbench.errors import UsageError
from mpbench.model import Tier
from mpbench.plan import Plan

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from mpbench.analysis.outcome import ComparisonOutcome
    from mpbench.analysis.stats import Interval
    from mpbench.model import Run, Scalar
    from mpbench.session.progress import Progress

__all__ = ("Comparison", "compare")

_HEAD = ("Case", "Baseline", "Candidate", "Ratio", "Verdict", "Episodes")


class Comparison:
    """
    What a comparison found.

    Args:
        run: The session's records.
        folder: Where they were written; None where they were read.
    """

    def __init__(self, run: Run, *, folder: Path | None = None) -> None:
        from mpbench.analysis.outcome import outcome_of

        self.run = run
        self.folder = folder
        self.outcome: ComparisonOutcome = outcome_of(run)

    def __repr__(self) -> str:
        verdicts = ", ".join(
            sorted({judgement.verdict.value for judgement in self.outcome.judgements})
        )
        return f"<Comparison: {len(self.outcome.judgements)} cases, {verdicts}>"

    def _only(self, what: str) -> Any:
        if len(self.outcome.judgements) != 1:
            raise UsageError(
                f"{what} is of one case, and this comparison has {len(self.outcome.judgements)}; "
                "use frame()"
            )
        return self.outcome.judgements[0]

    @property
    def verdict(self) -> str:
        """The verdict of the only case; several cases have theirs in `frame()`."""
        return str(self._only("verdict").verdict.value)

    @property
    def ratio(self) -> float | None:
        """Candidate to baseline of the only case; None before the first look."""
        ratio = self._only("ratio").ratio
        return None if ratio is None else float(ratio.estimate)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval of the ratio of the only case, low and high; None before the first look."""
        ratio: Interval | None = self._only("interval").ratio
        return None if ratio is None else (ratio.low, ratio.high)

    def frame(self) -> pd.DataFrame:
        """
        Return one row for each compared reading, regressions first.

        Columns: case, baseline, candidate, metric, fact, unit, baseline_value and
        candidate_value (in `unit`), ratio, ratio_low, ratio_high, verdict, reason,
        p_value, adjusted_p_value, episodes, seconds and others of the JSON output.
        """
        import pandas as pd

        from mpbench.report.verdicts import to_record

        return pd.DataFrame(to_record(self.outcome)["comparisons"])

    def _repr_html_(self) -> str:
        from mpbench.report.verdicts import ranked, rows, summary

        outcome = ranked(self.outcome)
        cells = [
            (row.title, row.baseline, row.candidate, row.ratio, row.verdict, row.episodes)
            for row in rows(outcome)
        ]
        return html_table("; ".join(summary(outcome)[:2]), _HEAD, cells)


def compare(  # noqa: PLR0913 - what a comparison can be asked; all by name
    *subjects: object,
    select: str | Sequence[str] | None = None,
    tier: str = "quick",
    methods: str | Sequence[str] | None = None,
    params: Mapping[str, Sequence[Scalar]] | None = None,
    budget: str | float | None = None,
    min_effect: float = 0.02,
    margin: float = 0.05,
    control: bool = True,
    confirm: bool = False,
    seed: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """
    Measure two or more subjects in turns and judge the difference.

    Args:
        subjects: The baseline first: start methods, workloads, `"module:function"`, module-level
            functions, `program(...)` or `code(...)`; or one folder of an earlier comparison.
        select: Workloads, where the subjects are start methods.
        tier: Which values of parameters.
        methods: Start methods that are the same for all subjects.
        params: Values of parameters.
        budget: A limit on measuring, in seconds or as text such as `2m`.
        min_effect: The smallest relative difference that is called slower or faster.
        margin: Unchanged means surely within so much.
        control: Whether identical arms are compared as well.
        confirm: Whether every change is measured again in a second session.
        seed: Repeats the coins of an earlier session.
        folder: Where results.jsonl is written; by default a new folder in `reports/`.
        progress: Who is told how far it is; by default text where somebody reads it.

    Raises:
        UsageError: A subject cannot be compared, such as a function of a notebook's cell.
        EnvironmentUnfitError: One cannot run here, or another session measures.
        InvalidSessionError: There is nothing to measure.
    """
    from mpbench.analysis.verdict import DecisionRules
    from mpbench.session.comparing.compare import ComparePlan
    from mpbench.session.comparing.compare import compare as measure
    from mpbench.session.run import fresh_folder

    if len(subjects) == 1 and isinstance(subjects[0], (str, Path)) and Path(subjects[0]).exists():
        return _read(subjects[0])
    arms = [prepared(subject) for subject in subjects]
    paths = {path for arm in arms for path in arm.paths}
    plan = ComparePlan(
        plan=Plan(
            tier=Tier(tier),
            select=texts_of(select),
            methods=methods_named(methods),
            params={name: tuple(values) for name, values in (params or {}).items()},
            budget_s=seconds_of(budget),
            seed=secrets.randbelow(1 << 31) if seed is None else seed,
        ),
        arms=tuple(arm.arm for arm in arms),
        rules=DecisionRules(min_effect=min_effect, margin=margin),
        control=control,
        confirm=confirm,
        paths=tuple(sorted(paths | {Path.cwd()})) if paths else (),
    )
    with ExitStack() as stack:
        place = Path(folder) if folder is not None else stack.enter_context(fresh_folder())
        told = progress_for(progress)
        compared = measure(plan, folder=place, progress=told, command=("mpbench.compare",))
    return Comparison(compared.run, folder=compared.folder)


def _read(path: str | Path) -> Comparison:
    """
    Read one stored comparison.

    Raises:
        UsageError: It is a run and no comparison.
        RecordError: It cannot be read.
    """
    from mpbench.analysis.outcome import is_comparison
    from mpbench.api.reading import runs_of

    runs = runs_of(path)
    if len(runs) != 1 or not is_comparison(runs[0]):
        raise UsageError(f"{path} is no comparison; two runs are compared by `mpbench compare A B`")
    return Comparison(runs[0])
