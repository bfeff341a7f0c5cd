"""Other tools' figures as a run of ours, so that tables, reports and comparisons take them."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from mpbench import __version__
from mpbench.model import (
    Case,
    CaseRecord,
    Metric,
    Repetition,
    Run,
    RunEnd,
    RunHeader,
    Sample,
    StartMethod,
    Status,
    Timing,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpbench.model import Scalar

__all__ = ("Foreign", "foreign_run")

# Seconds become integers of nanoseconds over this many operations, so that
# figures below a nanosecond keep six digits.
_OPERATIONS = 1_000_000

_METHODS = {one.value for one in StartMethod}


class Foreign(NamedTuple):
    """One benchmark of another tool: its name, and its values in seconds per operation."""

    name: str
    method: str | None
    params: Mapping[str, Scalar]
    seconds: Sequence[float]
    revision: int = 1


def _workload_name(name: str) -> str:
    """Return a name in our form, family/behaviour in kebab-case."""
    words = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in name.split("/", 1)]
    family, behaviour = words if len(words) == 2 else ("imported", words[0])  # noqa: PLR2004
    return f"{family or 'imported'}/{behaviour or 'benchmark'}"


def _case(one: Foreign) -> Case:
    method = str(one.method).strip("'\"") if one.method else None
    given = dict(one.params)
    if method is not None and method not in _METHODS:
        given["method"] = method
        method = None
    start = None if method is None else StartMethod(method)
    return Case.make(_workload_name(one.name), start, given)


def _sample(seconds: float) -> Sample:
    return Sample(max(1, round(seconds * 1e9 * _OPERATIONS)), _OPERATIONS)


def foreign_run(
    path: str,
    benchmarks: Sequence[Foreign],
    *,
    source: str,
    machine: str,
    python: str,
    started_utc: str,
) -> Run:
    """
    Return a run that holds another tool's figures.

    Args:
        path: Where they were read.
        benchmarks: What it measured; values that are no number are left out.
        source: The tool.
        machine: Its name for the machine.
        python: The version of the interpreter.
        started_utc: When it ran.
    """
    records, repetitions = [], []
    times: Counter[Case] = Counter()
    for one in benchmarks:
        case = _case(one)
        times[case] += 1
        if times[case] > 1:
            # Tests of one name in two files would else pass for one case.
            case = Case.make(case.workload, case.method, {**dict(case.params), "copy": times[case]})
        values = [value for value in one.seconds if math.isfinite(value) and value > 0]
        records.append(
            CaseRecord(
                subject=python,
                case=case,
                metric=Metric.TIME,
                facts={},
                timing=Timing.LOOP,
                floor=None,
                no_floor=f"measured by {source}, which has no floors",
                revision=one.revision,
                doc=f"Imported from {source}: {one.name}.",
                status=Status.OK if values else Status.SKIPPED,
                reason=None if values else f"{source} has no value for it",
            )
        )
        repetitions += [
            Repetition(
                subject=python,
                case=case,
                number=number,
                status=Status.OK,
                reason=None,
                iterations=1,
                samples=(_sample(value),),
                started_ns=0,
                elapsed_ns=round(value * 1e9),
                hash_seed=None,
                agent=number,
            )
            for number, value in enumerate(values)
        ]
    header = RunHeader(
        run=hashlib.sha256(f"{path}{started_utc}".encode()).hexdigest()[:16],
        started_utc=started_utc,
        mpbench=__version__,
        machine=machine,
        command=("mpbench", "import"),
        plan={"imported_from": source},
        subjects={python: {"implementation": "CPython", "version": python}},
        environment={"imported_from": source},
    )
    return Run(path, header, tuple(records), tuple(repetitions), (), RunEnd(0, Status.OK, None))
