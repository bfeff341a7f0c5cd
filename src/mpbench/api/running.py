"""Measurement of workloads: the plan and the session behind `mpbench run`."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpbench.api.progress import progress_for
from mpbench.api.results import Results
from mpbench.errors import UsageError
from mpbench.model import StartMethod, Tier
from mpbench.plan import Plan, plan_for
from mpbench.units import parse_seconds

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from mpbench.model import Scalar
    from mpbench.session.progress import Progress

__all__ = ("make_plan", "methods_named", "run", "seconds_of", "texts_of")


def texts_of(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return one text or several as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def seconds_of(budget: str | float | None) -> float | None:
    """
    Return a budget in seconds.

    Raises:
        UsageError: It is no duration above 0.
    """
    if budget is None:
        return None
    try:
        return parse_seconds(str(budget))
    except ValueError as error:
        raise UsageError(str(error)) from error


def methods_named(names: str | Sequence[str] | None) -> tuple[StartMethod, ...]:
    """
    Return start methods by their names.

    Raises:
        UsageError: One does not exist.
    """
    known = [method.value for method in StartMethod]
    wanted = texts_of(names)
    for name in wanted:
        if name not in known:
            raise UsageError(f"{name!r} is no start method; one of {', '.join(known)}")
    return tuple(StartMethod(name) for name in dict.fromkeys(wanted))


def make_plan(tier: Tier, *, is_chosen: bool, budget_s: float | None, **changes: Any) -> Plan:
    """
    Return the plan of a run.

    Args:
        tier: Which workloads and values, where nothing is chosen.
        is_chosen: Whether the user named workloads; these are measured well and without a limit.
        budget_s: Seconds of measuring; None takes the tier's.
        changes: Fields of `Plan`; None leaves the tier's value.
    """
    plan = plan_for(tier)
    if is_chosen:
        plan = plan.override(sample_ns=50_000_000, window_ms=100, samples=3)
        plan = replace(plan, budget_s=None)
    if changes.get("seed") is None:
        changes["seed"] = secrets.randbelow(1 << 31)
    return plan.override(budget_s=budget_s, **changes)


def run(  # noqa: PLR0913 - what a run can be asked; all by name
    select: str | Sequence[str] | None = None,
    *,
    tier: str = "quick",
    methods: str | Sequence[str] | None = None,
    params: Mapping[str, Sequence[Scalar]] | None = None,
    repetitions: int | None = None,
    budget: str | float | None = None,
    python: str | Sequence[str] | None = None,
    workload_files: Sequence[str | os.PathLike[str]] = (),
    seed: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Results:
    """
    Measure workloads on this machine.

    Args:
        select: Patterns on workload names, such as `pool/*`; None takes the tier's.
        tier: `quick` (at most a minute), `standard` (15 min) or `full`.
        methods: Start methods; None takes those that the interpreter has.
        params: Values of parameters, such as `{"workers": [1, 2]}`.
        repetitions: Fresh agents for each case (8; 12 in tier full).
        budget: A limit on measuring, in seconds or as text such as `2m`.
        python: Interpreters, as versions or paths; None takes the running one.
        workload_files: Python files with workloads of your own.
        seed: Repeats the order of an earlier run.
        folder: Where results.jsonl is written; by default a new folder in `reports/`.
        progress: Who is told how far it is; by default text where somebody reads it.

    Returns:
        What was measured; after an interrupt what there was until then.

    Raises:
        UsageError: What is asked for does not exist, or the budget is too short for it.
        EnvironmentUnfitError: An interpreter cannot run, or another session measures.
        OutputError: The folder cannot be written to.
        InvalidSessionError: There was nothing to measure.
    """
    from mpbench.session.run import fresh_folder
    from mpbench.session.run import run as measure

    try:
        wanted = Tier(tier)
    except ValueError:
        known = ", ".join(one.value for one in Tier)
        raise UsageError(f"{tier!r} is no tier; one of {known}") from None
    files = tuple(Path(path) for path in workload_files)
    patterns = texts_of(select)
    plan = make_plan(
        wanted,
        is_chosen=bool(patterns or files),
        budget_s=seconds_of(budget),
        select=patterns or None,
        methods=methods_named(methods) or None,
        params=None if not params else {name: tuple(values) for name, values in params.items()},
        repetitions=repetitions,
        pythons=texts_of(python) or None,
        files=files or None,
        seed=seed,
    )
    with ExitStack() as stack:
        place = Path(folder) if folder is not None else stack.enter_context(fresh_folder())
        told = progress_for(progress)
        measured = measure(plan, folder=place, progress=told, command=("mpbench.run",))
    return Results((measured.run,), folder=measured.folder, is_interrupted=measured.interrupted)
