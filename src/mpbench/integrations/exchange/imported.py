"""Other tools' results as a run of ours."""

from __future__ import annotations

import hashlib
import math
import statistics
from collections import Counter
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench import __version__
from mpbench.errors import RecordError, reason_of
from mpbench.integrations.exchange.names import LONGEST_NAME, distinct_names
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

__all__ = (
    "Imported",
    "ImportedBenchmark",
    "Origin",
    "condensed",
    "imported_run",
    "metric_of",
    "noted_metric",
    "reading",
    "text_of",
    "values_in",
)

# Seconds become integers of nanoseconds over a power of ten of operations, so that they keep
# twelve digits; sums of a million of them fit into 64 bits.
_DIGITS, _MOST_ZEROS = 12, 17

# A million samples need some 55 MB of the 64 MiB that one line of a result file may have.
_MOST = 1_000_000

# What a result file can hold: names, integers, and seconds of one operation (30 years).
_LARGEST = 2**63 - 1
_LONGEST_S = 1e9

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
        if isinstance(error, OSError):
            found = reason_of(error)
        raise RecordError(str(path), 0, expected, found) from error


def text_of(value: object) -> str:
    """Return text that a result file can hold as a name."""
    # JSON may have half a character of two, which UTF-8 has not.
    return str(value).encode("utf-8", "replace").decode()[:LONGEST_NAME] or "unknown"


def _scalar(value: object) -> Scalar:
    """Return a parameter's value, as text where a result file has nothing else for it."""
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) <= _LARGEST):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return text_of(value) if value != "" else ""


class ImportedBenchmark(NamedTuple):
    """
    One benchmark of another tool: its name and its values.

    `seconds` are values in the base unit of the metric. `is_agents` tells whether each is
    the median of one fresh agent, as in what mpbench's own front ends wrote. Values of other
    tools are of one process, or of a few that their files do not tell apart. `processes` has
    the values of each process instead, where a file tells them apart. `failure` is why there
    are no values.
    """

    name: str
    method: str | None
    params: Mapping[str, Scalar]
    seconds: Sequence[float]
    revision: int = 1
    is_agents: bool = False
    metric: Metric = Metric.TIME
    processes: Sequence[Sequence[float]] = ()
    failure: str | None = None
    doc: str = ""

    @property
    def groups(self) -> list[Sequence[float]]:
        """The values of each repetition."""
        if self.processes:
            return list(self.processes)
        return [[value] for value in self.seconds] if self.is_agents else [self.seconds]


class Origin(NamedTuple):
    """
    Where and when another tool measured.

    Args:
        source: The tool.
        machine: Its name for the machine.
        python: The version of the interpreter.
        started_utc: When it ran.
        implementation: CPython, PyPy, ...
        key: The interpreter and what else its environment has; without, the version.
        digest: Of the file, so that a copy elsewhere is the same run.
        plan: Further facts of the run: commit, environment, requirements.
        environment: Facts of the machine, as docs/FORMAT.md has them.
    """

    source: str
    machine: str
    python: str
    started_utc: str
    implementation: str = "CPython"
    key: str = ""
    digest: str = ""
    plan: Mapping[str, Any] = {}
    environment: Mapping[str, Any] = {}


class Imported(NamedTuple):
    """Runs that were read, and notes on what was left out."""

    runs: tuple[Run, ...]
    notes: tuple[str, ...] = ()


_UNITS = {
    "s": Metric.TIME,
    "second": Metric.TIME,
    "seconds": Metric.TIME,
    "byte": Metric.MEMORY,
    "bytes": Metric.MEMORY,
    "op/s": Metric.THROUGHPUT,
    "ops/s": Metric.THROUGHPUT,
    "b/s": Metric.BANDWIDTH,
}


def metric_of(unit: object) -> Metric:
    """Return what a unit of another tool measures; a count where it is none of ours."""
    return _UNITS.get(str(unit).lower(), Metric.COUNT)


def noted_metric(key: object) -> Metric:
    """Return the metric that our export noted beside seconds, a time without one."""
    try:
        metric = Metric.of(str(key))
    except ValueError:
        return Metric.TIME
    return metric if metric.is_timed else Metric.TIME


def values_in(metric: Metric, seconds: Sequence[float]) -> tuple[float, ...]:
    """Return seconds of one operation in the unit of a timed metric."""
    if metric.unit == "s":
        return tuple(seconds)
    return tuple(1 / value for value in seconds if value > 0)


def _case(benchmark: ImportedBenchmark, workload: str) -> Case:
    method = str(benchmark.method).strip("'\"") if benchmark.method else None
    given = {text_of(name): _scalar(value) for name, value in benchmark.params.items()}
    if method is not None and method not in _METHODS:
        given["method"] = text_of(method)
        method = None
    start = None if method is None else StartMethod(method)
    return Case.make(workload, start, given)


def _kept(seconds: Sequence[float], most: int = _MOST, metric: Metric = Metric.TIME) -> list[float]:
    """Return the values that the metric can have, thinned evenly where a line has no room."""
    largest = _LONGEST_S if metric.unit == "s" else _LARGEST
    values = [
        value
        for value in seconds
        if (value > 0 or (value == 0 and not metric.is_timed)) and value <= largest
    ]
    return values[:: math.ceil(len(values) / most) or 1]


def condensed(benchmark: ImportedBenchmark) -> ImportedBenchmark:
    """Return a benchmark with the median of each repetition in place of its values."""
    groups = [_kept(group, metric=benchmark.metric) for group in benchmark.groups]
    medians = [[statistics.median(group)] for group in groups if group]
    return benchmark._replace(seconds=(), processes=medians)


def _record(benchmark: ImportedBenchmark, case: Case, python: str, source: str) -> CaseRecord:
    has_values = benchmark.failure is not None or any(
        _kept(group, metric=benchmark.metric) for group in benchmark.groups
    )
    return CaseRecord(
        subject=python,
        case=case,
        metric=benchmark.metric,
        facts={},
        timing=Timing.LOOP if benchmark.metric.is_timed else Timing.ONCE,
        floor=None,
        no_floor=f"measured by {source}, which has no floors",
        revision=benchmark.revision,
        doc=text_of(f"Imported from {source}: {benchmark.name}. {benchmark.doc}".strip()),
        status=Status.OK if has_values else Status.SKIPPED,
        reason=None if has_values else f"{source} has no value for it",
    )


def _sample(value: float, metric: Metric) -> Sample:
    if not metric.is_timed:
        return Sample(1, 1, {metric.key: float(value)})
    seconds = value if metric.unit == "s" else 1 / value
    digits = _DIGITS - 1 - math.floor(math.log10(seconds * 1e9))
    operations = 10 ** min(max(0, digits), _MOST_ZEROS)
    return Sample(max(1, round(seconds * 1e9 * operations)), operations)


def _repetition(
    case: Case, python: str, number: int, samples: tuple[Sample, ...], failure: str | None = None
) -> Repetition:
    return Repetition(
        subject=python,
        case=case,
        number=number,
        status=Status.OK if failure is None else Status.FAILED,
        reason=failure,
        iterations=1 if samples else 0,
        samples=samples,
        started_ns=0,
        elapsed_ns=min(round(sum(sample.seconds for sample in samples) * 1e9), _LARGEST),
        hash_seed=None,
        agent=number,
    )


def _repetitions(benchmark: ImportedBenchmark, case: Case, python: str) -> Iterator[Repetition]:
    """
    Yield a repetition for each agent or process, and otherwise one for all values.

    Values of one process share its memory layout and its place in time. As
    repetitions they would pass for independent, and an interval of them
    leaves the median over processes out nearly always.
    """
    is_told_apart = benchmark.is_agents or bool(benchmark.processes)
    unit = "agent" if is_told_apart else "process"
    if benchmark.failure is not None:
        yield _repetition(case, python, 0, (), text_of(benchmark.failure))._replace(
            extra={"imported": unit}
        )
        return
    groups = [_kept(group, metric=benchmark.metric) for group in benchmark.groups]
    for number, group in enumerate(filter(None, groups)):
        samples = tuple(_sample(value, benchmark.metric) for value in group)
        yield _repetition(case, python, number, samples)._replace(extra={"imported": unit})


def imported_run(
    path: str,
    benchmarks: Sequence[ImportedBenchmark],
    origin: Origin,
    workloads: Mapping[str, str] | None = None,
) -> Run:
    """
    Return a run that holds another tool's values.

    Args:
        path: Where they were read.
        benchmarks: What it measured; values that the metric cannot have are left out.
        origin: Where and when.
        workloads: Our name of each benchmark, from `distinct_names` of all that the tool has, so
            that each keeps its own in every run.

    Raises:
        ValueError: `started_utc` is no time.
    """
    machine, python = text_of(origin.machine), text_of(origin.python)
    key = text_of(origin.key or python)
    datetime.fromisoformat(origin.started_utc)
    records: list[CaseRecord] = []
    repetitions: list[Repetition] = []
    times: Counter[Case] = Counter()
    if workloads is None:
        workloads = distinct_names(dict.fromkeys(benchmark.name for benchmark in benchmarks))
    for benchmark in benchmarks:
        case = _case(benchmark, workloads[benchmark.name])
        times[case] += 1
        if times[case] > 1:
            # Tests of one name in two files would else pass for one case.
            case = Case.make(case.workload, case.method, {**dict(case.params), "copy": times[case]})
        records.append(_record(benchmark, case, key, origin.source))
        repetitions += _repetitions(benchmark, case, key)
    digest = hashlib.sha256(f"{origin.digest or path}{origin.started_utc}".encode())
    header = RunHeader(
        run=digest.hexdigest()[:16],
        started_utc=origin.started_utc,
        mpbench=__version__,
        machine=machine,
        command=("mpbench", "import"),
        plan={**origin.plan, "imported_from": origin.source},
        subjects={key: {"implementation": text_of(origin.implementation), "version": python}},
        environment={**origin.environment, "imported_from": origin.source},
    )
    return Run(path, header, tuple(records), tuple(repetitions), (), RunEnd(0, Status.OK, None))
