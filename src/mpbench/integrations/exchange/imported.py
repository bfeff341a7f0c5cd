"""Other tools' figures as a run of ours, so that tables, reports and comparisons take them."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from mpbench import __version__
from mpbench.errors import RecordError
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
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mpbench.model import Scalar

__all__ = ("ImportedBenchmark", "imported_run", "reading", "text_of")

# Seconds become integers of nanoseconds over this many operations, so that
# figures below a nanosecond keep six digits.
_OPERATIONS = 1_000_000

# A million samples need some 55 MB of the 64 MiB that one line of a result file may have.
_MOST = 1_000_000

# What a result file can hold: names, integers, and seconds of one operation (30 years).
_LONGEST_NAME = 1_000
_LARGEST = 2**63 - 1
_LONGEST_S = 1e9

# From here on a nanosecond is digits enough, and a million operations are too many.
_LONG_S = 1_000

_METHODS = {one.value for one in StartMethod}

# What a file that another tool did not write can lead to.
_WRONG = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, IndexError),
    *(ArithmeticError, RecursionError),
)


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """
    Read another tool's file; whatever is wrong with it becomes one error that names it.

    Args:
        path: The file.
        expected: What it should be.

    Raises:
        RecordError: It is something else.
    """
    try:
        yield
    except _WRONG as error:
        found = f"{type(error).__name__}: {error}"
        raise RecordError(str(path), 0, expected, found) from error


def text_of(value: object) -> str:
    """Return text that a result file can hold as a name."""
    # JSON may have half a character of two, which UTF-8 has not.
    return str(value).encode("utf-8", "replace").decode()[:_LONGEST_NAME] or "unknown"


def _scalar(value: object) -> Scalar:
    """Return a parameter's value, as text where a result file has nothing else for it."""
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) <= _LARGEST):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return text_of(value) if value != "" else ""


class ImportedBenchmark(NamedTuple):
    """
    One benchmark of another tool: its name, and its values in seconds per operation.

    `is_agents` tells whether each value is the median of one fresh agent, as in
    what mpbench's own front ends wrote. Values of other tools are of one
    process, or of a few that their files do not tell apart.
    """

    name: str
    method: str | None
    params: Mapping[str, Scalar]
    seconds: Sequence[float]
    revision: int = 1
    is_agents: bool = False


def _workload_name(name: str) -> str:
    """Return a name in our form, family/behaviour in kebab-case."""
    words = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in name.split("/", 1)]
    family, behaviour = words if len(words) == 2 else ("imported", words[0])  # noqa: PLR2004
    return f"{family or 'imported'}/{behaviour or 'benchmark'}"[:_LONGEST_NAME]


def _case(one: ImportedBenchmark) -> Case:
    method = str(one.method).strip("'\"") if one.method else None
    given = {text_of(name): _scalar(value) for name, value in one.params.items()}
    if method is not None and method not in _METHODS:
        given["method"] = text_of(method)
        method = None
    start = None if method is None else StartMethod(method)
    return Case.make(_workload_name(one.name), start, given)


def _kept(seconds: Sequence[float], most: int = _MOST) -> list[float]:
    """Return the values that can be times, thinned evenly where a line has no room."""
    values = [value for value in seconds if 0 < value <= _LONGEST_S]
    return values[:: math.ceil(len(values) / most) or 1]


def _record(one: ImportedBenchmark, case: Case, python: str, source: str) -> CaseRecord:
    has_values = bool(_kept(one.seconds))
    return CaseRecord(
        subject=python,
        case=case,
        metric=Metric.TIME,
        facts={},
        timing=Timing.LOOP,
        floor=None,
        no_floor=f"measured by {source}, which has no floors",
        revision=one.revision,
        doc=f"Imported from {source}: {text_of(one.name)}.",
        status=Status.OK if has_values else Status.SKIPPED,
        reason=None if has_values else f"{source} has no value for it",
    )


def _sample(seconds: float) -> Sample:
    operations = _OPERATIONS if seconds < _LONG_S else 1
    return Sample(max(1, round(seconds * 1e9 * operations)), operations)


def _repetition(case: Case, python: str, number: int, values: Sequence[float]) -> Repetition:
    return Repetition(
        subject=python,
        case=case,
        number=number,
        status=Status.OK,
        reason=None,
        iterations=1,
        samples=tuple(_sample(value) for value in values),
        started_ns=0,
        elapsed_ns=min(round(sum(values) * 1e9), _LARGEST),
        hash_seed=None,
        agent=number,
    )


def _repetitions(one: ImportedBenchmark, case: Case, python: str) -> Iterator[Repetition]:
    """
    Yield a repetition for each agent, and otherwise one for all values.

    Values of one process share its memory layout and its place in time. As
    repetitions they would pass for independent, and an interval of them
    leaves the median over processes out nearly always.
    """
    values = _kept(one.seconds)
    unit = "agent" if one.is_agents else "process"
    groups = [[value] for value in values] if one.is_agents else [values] if values else []
    for number, group in enumerate(groups):
        yield _repetition(case, python, number, group)._replace(extra={"imported": unit})


def imported_run(
    path: str,
    benchmarks: Sequence[ImportedBenchmark],
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

    Raises:
        ValueError: That is no time.
    """
    machine, python = text_of(machine), text_of(python)
    datetime.fromisoformat(started_utc)
    records: list[CaseRecord] = []
    repetitions: list[Repetition] = []
    times: Counter[Case] = Counter()
    for one in benchmarks:
        case = _case(one)
        times[case] += 1
        if times[case] > 1:
            # Tests of one name in two files would else pass for one case.
            case = Case.make(case.workload, case.method, {**dict(case.params), "copy": times[case]})
        records.append(_record(one, case, python, source))
        repetitions += _repetitions(one, case, python)
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
