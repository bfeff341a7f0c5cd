"""
One tidy table of everything that runs measured.

`frame` has a row for each reading of each sample; its columns:

============  ==========================================================================
run           the run's identifier
machine       the name of the machine
subject       the key of the measured interpreter in its run
python        its implementation and exact version, `CPython 3.11.7`
family        the part of the workload's name before the slash
workload      the name of the workload
method        fork, spawn or forkserver; empty where no start method can matter
params        every parameter as text, sorted by name: `payload_bytes=64, workers=2`
param:NAME    one column for each parameter: a float where all its values are numbers
case          the number of the case in `cases`
fact          which reading of the sample: empty for the main one
metric        what the reading means: `time`, `latency`, `throughput`, ...
unit          its base unit: s, op/s, B/s, B or 1
arm, episode  where it stood in a comparison; empty and -1 outside one
repetition    the number of the repetition, which is one fresh agent
sample        the number of the sample in its repetition, from 0
value         the reading in its base unit; NaN where it is undefined (no operation)
============  ==========================================================================

`latencies` has a row for each single operation that a body could see: the
same columns, without parameters that none of their cases has; `value` is in
seconds. `cases` has a row for each planned case, `repetitions` one for each
repetition, failed ones included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from mpbench.model import Case, CaseRecord, Metric, Repetition, Run, Sample, Scalar

__all__ = (
    "cases",
    "frame",
    "latencies",
    "params_text",
    "python_of",
    "repetitions",
    "single_operations",
)

Floats = npt.NDArray[np.float64]

# What identifies a case, in the order in which tables sort.
_KEYS = ("run", "machine", "subject", "python", "family", "workload", "method", "params")


def params_text(case: Case) -> str:
    """Return a case's parameters as one text, sorted by name."""
    return ", ".join(f"{name}={value}" for name, value in case.params)


def python_of(description: Mapping[str, Any]) -> str:
    """Return implementation and version of an interpreter; a free-threaded one ends in `t`."""
    name = str(description.get("implementation", "Python"))
    version = str(description.get("version", "of unknown version"))
    return f"{name} {version}{'t' if description.get('free_threaded') else ''}"


def _numbered(runs: Sequence[Run]) -> Iterator[tuple[int, Run, CaseRecord]]:
    number = 0
    for run in runs:
        for record in run.cases:
            yield number, run, record
            number += 1


def _param_column(values: list[Scalar | None]) -> pd.Series[Any]:
    """Return numbers as floats, anything else as the categories that it has."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in present):
        return pd.Series([math.nan if value is None else value for value in values], dtype=float)
    return pd.Series(pd.Categorical([None if one is None else str(one) for one in values]))


def cases(runs: Sequence[Run]) -> pd.DataFrame:
    """
    Return one row for each planned case; the index is the number of the case.

    Beside the columns of the key it has metric, unit, is_higher_better, label,
    timing, floor (a case id), no_floor, revision, doc, id (the case's own),
    status and reason.
    """
    rows: list[dict[str, Any]] = []
    params: list[Mapping[str, Scalar]] = []
    for _, run, record in _numbered(runs):
        case = record.case
        params.append(dict(case.params))
        rows.append(
            {
                "run": run.header.run,
                "machine": run.header.machine,
                "subject": record.subject,
                "python": python_of(run.header.subjects.get(record.subject, {})),
                "family": case.family,
                "workload": case.workload,
                "method": "" if case.method is None else case.method.value,
                "params": params_text(case),
                "id": case.id,
                "metric": record.metric.key,
                "unit": record.metric.unit,
                "label": record.metric.label,
                "timing": record.timing.value,
                "floor": record.floor or "",
                "no_floor": record.no_floor or "",
                "revision": record.revision,
                "doc": record.doc,
                "status": record.status.value,
                "reason": record.reason or "",
            }
        )
    columns = [*_KEYS, "id", "metric", "unit", "label", "timing", "floor", "no_floor"]
    columns += ["revision", "doc", "status", "reason"]
    table = pd.DataFrame(rows, columns=columns)
    for name in sorted({name for one in params for name in one}):
        table[f"param:{name}"] = _param_column([one.get(name) for one in params])
    return table


def _time(sample: Sample) -> float:
    return sample.elapsed_ns / sample.operations / 1e9 if sample.operations else math.nan


def _rate(sample: Sample) -> float:
    return sample.operations * 1e9 / sample.elapsed_ns if sample.elapsed_ns else math.nan


def _fact(name: str, scale: float) -> Callable[[Sample], float]:
    def value(sample: Sample) -> float:
        return sample.facts.get(name, math.nan) * scale

    return value


class _Reading(NamedTuple):
    """How one reading of a sample is obtained."""

    fact: str
    metric: Metric
    value: Callable[[Sample], float]


def _readings(record: CaseRecord) -> tuple[_Reading, ...]:
    metric = record.metric
    main = {"s": _time, "op/s": _rate, "B/s": _rate}.get(metric.unit, _fact(metric.key, 1.0))
    facts = (
        _Reading(name, fact, _fact(name, 1e-9 if fact.unit == "s" else 1.0))
        for name, fact in record.facts.items()
    )
    return (_Reading("", metric, main), *facts)


class _Columns:
    """Rows of equal case, reading and repetition, kept as one value and a count."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.samples: list[int] = []
        self.counts: list[int] = []
        self.numbers: list[int] = []
        self.repetitions: list[int] = []
        self.episodes: list[int] = []
        self.facts: list[str] = []
        self.metrics: list[str] = []
        self.arms: list[str] = []

    def add(
        self, number: int, repetition: Repetition, reading: _Reading, values: list[float]
    ) -> None:
        """Append the rows of one reading of one repetition."""
        part = repetition.slice
        self.values += values
        self.counts.append(len(values))
        self.numbers.append(number)
        self.repetitions.append(repetition.number)
        self.facts.append(reading.fact)
        self.metrics.append(reading.metric.key)
        self.arms.append(part.arm if part else "")
        self.episodes.append(part.episode if part else -1)

    def table(self, catalogue: pd.DataFrame) -> pd.DataFrame:
        """Return the tidy table; what belongs to the case comes from *catalogue*."""
        counts = np.asarray(self.counts, dtype=np.int64)
        numbers = np.repeat(np.asarray(self.numbers, dtype=np.int32), counts)
        columns: dict[str, Any] = {}
        for name in (
            *_KEYS,
            *(column for column in catalogue.columns if column.startswith("param:")),
        ):
            columns[name] = _taken(catalogue[name], numbers)
        columns["case"] = numbers
        columns["fact"] = _repeated(self.facts, counts)
        columns["metric"] = _repeated(self.metrics, counts)
        units = [Metric.of(key).unit for key in self.metrics]
        columns["unit"] = _repeated(units, counts)
        columns["arm"] = _repeated(self.arms, counts)
        columns["episode"] = np.repeat(np.asarray(self.episodes, dtype=np.int64), counts)
        columns["repetition"] = np.repeat(np.asarray(self.repetitions, dtype=np.int64), counts)
        columns["sample"] = np.asarray(self.samples, dtype=np.int32)
        columns["value"] = np.asarray(self.values, dtype=float)
        return pd.DataFrame(columns)


def _taken(column: pd.Series[Any], numbers: np.ndarray[Any, np.dtype[np.int32]]) -> Any:
    """Spread a column of the cases over their rows; text as categories, to keep it small."""
    if column.dtype == float:
        return column.to_numpy()[numbers]
    categories = pd.Categorical(column)
    return pd.Categorical.from_codes(categories.codes[numbers], dtype=categories.dtype)


def _repeated(values: list[str], counts: np.ndarray[Any, np.dtype[np.int64]]) -> Any:
    categories: Any = pd.Categorical(values)
    return pd.Categorical.from_codes(np.repeat(categories.codes, counts), dtype=categories.dtype)


def _measured(runs: Sequence[Run]) -> Iterator[tuple[int, CaseRecord, Repetition]]:
    """Yield every repetition with its case and that case's number."""
    offset = 0
    for run in runs:
        places = {(case.subject, case.case): place for place, case in enumerate(run.cases)}
        for repetition in run.repetitions:
            place = places[repetition.subject, repetition.case]
            yield offset + place, run.cases[place], repetition
        offset += len(run.cases)


def frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row for each reading of each sample of the repetitions that went well."""
    columns = _Columns()
    readings: dict[int, tuple[_Reading, ...]] = {}
    for number, record, repetition in _measured(runs):
        samples = repetition.samples
        if not repetition.is_ok or not samples:
            continue
        if number not in readings:
            readings[number] = _readings(record)
        for reading in readings[number]:
            columns.add(number, repetition, reading, [reading.value(sample) for sample in samples])
            columns.samples += range(len(samples))
    return columns.table(cases(runs))


def latencies(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row for each single operation that a body could see, in seconds."""
    columns = _Columns()
    reading = _Reading("latency", Metric.LATENCY, _time)
    for number, _, repetition in _measured(runs):
        if not repetition.is_ok:
            continue
        for place, sample in enumerate(repetition.samples):
            if sample.latencies_ns:
                values = [value / 1e9 for value in sample.latencies_ns]
                columns.add(number, repetition, reading, values)
                columns.samples += [place] * len(values)
    catalogue = cases(runs)
    seen = catalogue.loc[sorted(set(columns.numbers))]
    # There are far more operations than samples: no column for what none of their cases has.
    params = (column for column in seen.columns if column.startswith("param:"))
    empty = [name for name in params if seen[name].isna().all()]
    return columns.table(catalogue.drop(columns=empty))


def single_operations(runs: Sequence[Run]) -> Iterator[tuple[int, str, Floats]]:
    """Yield case, arm and every single operation in seconds, one array at a time."""
    found: dict[tuple[int, str], list[Sequence[int]]] = {}
    for number, _, repetition in _measured(runs):
        if repetition.is_ok:
            arm = repetition.slice.arm if repetition.slice else ""
            operations = [s.latencies_ns for s in repetition.samples if s.latencies_ns]
            if operations:
                found.setdefault((number, arm), []).extend(operations)
    for (number, arm), every in found.items():
        yield number, arm, np.concatenate([np.asarray(entry) for entry in every]) / 1e9


def repetitions(runs: Sequence[Run]) -> pd.DataFrame:
    """
    Return one row for each repetition, whether it went well or not.

    Columns: case (its number in `cases`), repetition, arm, episode, status,
    reason, iterations, samples, overlap (the smallest of its samples; NaN
    without workers), elapsed_s, cpu_s, cpu_source, cpu_coverage, run_delay_s,
    peak_rss_bytes, processes; NaN stands for what the platform does not tell.
    """
    rows = []
    for number, _, one in _measured(runs):
        used, part = one.account, one.slice
        is_seen = one.sampled is not None or bool(used and used.cpu_source == "sampled")
        overlaps = [sample.overlap for sample in one.samples if sample.workers]
        rows.append(
            {
                "case": number,
                "repetition": one.number,
                "arm": part.arm if part else "",
                "episode": part.episode if part else -1,
                "status": one.status.value,
                "reason": one.reason or "",
                "iterations": one.iterations,
                "samples": len(one.samples),
                "overlap": min((x for x in overlaps if x is not None), default=math.nan),
                "elapsed_s": one.elapsed_ns / 1e9,
                "cpu_s": (used.cpu_user_ns + (used.cpu_system_ns or 0)) / 1e9 if used else math.nan,
                "cpu_source": used.cpu_source if used else "",
                # Files of 0.1 say 1 of both where nobody looked.
                "cpu_coverage": _number(used and used.cpu_coverage if is_seen else None),
                "run_delay_s": _number(used and used.run_delay_ns) / 1e9,
                "peak_rss_bytes": _number(used and used.peak_rss_bytes),
                "processes": _number(used and used.processes if is_seen else None),
            }
        )
    names = ["case", "repetition", "arm", "episode", "status", "reason", "iterations", "samples"]
    names += ["overlap", "elapsed_s", "cpu_s", "cpu_source", "cpu_coverage", "run_delay_s"]
    return pd.DataFrame(rows, columns=[*names, "peak_rss_bytes", "processes"])


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
