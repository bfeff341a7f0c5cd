"""asv's results directory (api versions 1 and 2), read into runs."""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import math
import re
from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.errors import RecordError
from mpbench.integrations.exchange.commit_order import ordered_dates
from mpbench.integrations.exchange.imported import (
    Imported,
    ImportedBenchmark,
    Origin,
    condensed,
    imported_run,
    metric_of,
    noted_metric,
    reading,
    text_of,
    values_in,
)
from mpbench.integrations.exchange.names import distinct_names
from mpbench.model import Metric
from mpbench.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mpbench.model import Run, Scalar

__all__ = ("AsvFolder", "read_asv", "read_asv_folder", "redated")

_METHOD = "method"
# A revision is counted by hand.
_MOST_DIGITS = 9
_EXPECTED = "a results directory of asv (api version 1 or 2) with its benchmarks.json"
_RESULT = "a result file of asv (api version 1 or 2)"
_SAMPLES_OF_1 = ("result", "params", "samples")


# The same few values stand in every file.
@lru_cache(maxsize=10_000)
def _plain(value: str) -> Scalar:
    """Return the value of which asv kept the `repr`."""
    try:
        literal = ast.literal_eval(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return value
    return literal if isinstance(literal, (bool, int, float, str)) else value


def _rows(content: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each benchmark's row by the names of api version 2."""
    columns = content.get("result_columns")
    versions = content.get("benchmark_version") or {}
    for name, values in content["results"].items():
        if columns is not None:
            yield name, dict(zip(columns, values, strict=False))
            continue
        # Version 1 has a value for a benchmark without parameters, or a dictionary of lists.
        row = dict(values) if isinstance(values, dict) else {"result": values}
        if not isinstance(row.get("result"), list):
            row = {key: [row[key]] for key in row if key in _SAMPLES_OF_1 and key != "params"}
        yield name, {**row, "version": versions.get(name)}


def _dropped(row: Mapping[str, Any], definition: Mapping[str, Any], *, timed: bool) -> str | None:
    """Return why a row is left out, as `asv publish` leaves it out; None where it is kept."""
    if not definition:
        return "benchmarks.json does not have the benchmark"
    metric = metric_of(definition.get("unit"))
    if timed and metric is not Metric.TIME:
        return f"measured in {text_of(definition.get('unit'))} and not in seconds"
    version, current = row.get("version"), definition.get("version")
    # The first files of asv had no versions.
    if version is not None and current is not None and str(version) != str(current):
        return "of an older version of the benchmark"
    if len(row.get("params") or []) != len(definition.get("param_names") or []):
        return "with other parameters than the benchmark has now"
    return None


class _Values(NamedTuple):
    """What a row has for one combination of parameters."""

    values: list[float]
    has_samples: bool
    failure: str | None


def _values(row: Mapping[str, Any], place: int) -> _Values:
    """Return the samples if asv was told to record them, else the result."""
    samples = row.get("samples")
    recorded = [float(value) for value in samples[place] or ()] if samples else []
    results = row.get("result")
    if results is None:
        # asv keeps no list where every combination failed.
        return _Values([], has_samples=False, failure="it failed in asv")
    # A list that is too short has n/a at its end.
    result = results[place] if place < len(results) else math.nan
    if recorded:
        return _Values(recorded, has_samples=True, failure=None)
    if result is None:
        return _Values([], has_samples=False, failure="it failed in asv")
    return _Values([] if math.isnan(result) else [float(result)], has_samples=False, failure=None)


def _name(name: str, definition: Mapping[str, Any]) -> str:
    return str(definition.get("pretty_name") or name.replace(".", "/", 1))


def _benchmarks(
    name: str, row: Mapping[str, Any], definition: Mapping[str, Any]
) -> Iterator[ImportedBenchmark]:
    names = definition.get("param_names") or []
    revision = _own_revision(definition)
    unit = str(definition.get("unit"))
    # Our exports note the metric: seconds may be those of a throughput.
    is_noted = unit == "seconds"
    metric = noted_metric(definition.get("mpbench_metric")) if is_noted else metric_of(unit)
    for place, chosen in enumerate(itertools.product(*(row.get("params") or []))):
        given = dict(zip(names, (_plain(str(value)) for value in chosen), strict=True))
        method = given.pop(_METHOD, None)
        values = _values(row, place)
        yield ImportedBenchmark(
            _name(name, definition),
            None if method is None else str(method),
            given,
            values_in(metric, values.values) if is_noted else values.values,
            1 if revision is None else revision,
            # The result alone is a median, of nobody knows how many agents.
            is_agents=revision is not None and values.has_samples,
            metric=metric,
            failure=values.failure,
            doc="" if is_noted else f"Its unit is {unit}.",
        )


def _own_revision(definition: Mapping[str, Any]) -> int | None:
    """
    Return the revision of what mpbench measured, None where asv's own timer did.

    Our benchmark type and our exports set the version `NAME:REVISION` and the
    name as the pretty name. asv's own version is a hash of the code.
    """
    name, _, number = str(definition.get("version")).rpartition(":")
    is_ours = bool(name) and name == definition.get("pretty_name") and number.isdecimal()
    return int(number) if is_ours and len(number) <= _MOST_DIGITS else None


def _environment_key(python: str, env_name: str) -> str:
    """Return the interpreter, and what else the name of asv's environment has."""
    rest = re.sub(r"^[A-Za-z]+", "", env_name)
    for known in (python, re.sub(r"[^\w.-]", "_", python)):
        rest = rest.removeprefix(f"-py{known}")
    rest = rest.strip("-")
    return f"{python}-{rest}" if rest else python


def _machine_facts(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return asv's facts of the machine as docs/FORMAT.md has them; what is missing stays so."""
    cpu = {
        "model": params.get("cpu"),
        "architecture": params.get("arch"),
        "logical": int(str(params["num_cpu"])) if str(params.get("num_cpu")).isdecimal() else None,
    }
    ram = str(params.get("ram"))
    facts: dict[str, Any] = {}
    if any(cpu.values()):
        facts["cpu"] = {key: value for key, value in cpu.items() if value}
    if ram.isdecimal() and int(ram):
        facts["memory"] = {"total_bytes": int(ram) * 1_024}
    if params.get("os"):
        facts["kernel"] = {"system": str(params["os"])}
    return facts


def _machine_of(path: Path) -> dict[str, Any]:
    """Return machine.json, nothing where it is missing or broken: results have a copy."""
    try:
        content = json.loads((path.parent / "machine.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


class AsvFolder:
    """
    A results directory of asv, read file by file.

    Args:
        folder: The directory.
        timed: Whether to leave out what is not measured in seconds.

    Raises:
        RecordError: It has no definitions of benchmarks.
    """

    def __init__(self, folder: Path, *, timed: bool) -> None:
        self.folder = folder
        known = folder / "benchmarks.json"
        with reading(known, _EXPECTED):
            definitions = json.loads(known.read_text(encoding="utf-8"))
            self._definitions: dict[str, Any] = dict(definitions.items())
        self._timed = timed
        self._workloads = distinct_names(
            dict.fromkeys(
                _name(key, row) for key, row in self._definitions.items() if isinstance(row, dict)
            )
        )
        self._dropped: Counter[str] = Counter()
        self._broken: list[RecordError] = []
        self._empty = 0

    def runs(self, *, medians_only: bool = False) -> Iterator[Run]:
        """
        Yield the run of each file that has any results.

        Args:
            medians_only: Whether to keep one value for each repetition, which takes a tenth
                of the memory.

        Raises:
            RecordError: Nothing in the directory can be read.
        """
        has_any = False
        for path in sorted(self.folder.glob("*/*.json")):
            if path.name == "machine.json":
                continue
            try:
                with reading(path, _RESULT):
                    run = self.read(path, self._dropped, medians_only=medians_only)
            except RecordError as error:
                self._broken.append(error)
                continue
            self._empty += not run.cases
            if run.cases:
                has_any = True
                yield run
        if not has_any:
            if self._broken:
                raise self._broken[0]
            wanted = "asv results in seconds" if self._timed else "asv results"
            raise RecordError(str(self.folder), 0, wanted, f"none in {self._empty} files")

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of the runs that were yielded, with the reasons."""
        notes = [f"{error}; left out" for error in self._broken]
        dropped = self._dropped.most_common()
        return (*notes, *(f"{counted(n, 'row')} left out: {reason}" for reason, n in dropped))

    def read(self, path: Path, dropped: Counter[str], *, medians_only: bool = False) -> Run:
        """
        Read one file.

        Args:
            path: The file.
            dropped: Counts rows that are left out, by reason.
            medians_only: As in `runs`.
        """
        text = path.read_bytes()
        content = json.loads(text)
        benchmarks: list[ImportedBenchmark] = []
        for name, row in _rows(content):
            definition = self._definitions.get(name) or {}
            reason = _dropped(row, definition, timed=self._timed)
            if reason is None:
                benchmarks += _benchmarks(name, row, definition)
            else:
                dropped[reason] += 1
        if medians_only:
            benchmarks = list(map(condensed, benchmarks))
        origin = _origin(path, content, hashlib.sha256(text).hexdigest())
        return imported_run(str(path), benchmarks, origin, self._workloads)


def _origin(path: Path, content: Mapping[str, Any], digest: str) -> Origin:
    python = text_of(content["python"])
    env_name = text_of(content.get("env_name") or "")
    params = {**_machine_of(path), **content["params"]}
    commit = text_of(content["commit_hash"])
    kept = ("requirements", "env_vars")
    return Origin(
        "asv",
        str(params.get("machine", path.parent.name)),
        python,
        datetime.fromtimestamp(content["date"] / 1_000, UTC).isoformat(),
        "PyPy" if python.lower().startswith("pypy") else "CPython",
        _environment_key(python, "" if env_name == "unknown" else env_name),
        digest,
        {
            "commit": commit,
            "env_name": env_name,
            **{key: content[key] for key in kept if isinstance(content.get(key), dict)},
        },
        {**_machine_facts(params), "source": {"commit": commit}},
    )


def read_asv_folder(folder: Path, *, timed: bool = False) -> Imported:
    """
    Read a results directory of asv: one run for each commit, machine and environment.

    The commit stands in the run's plan and its date in `started_utc`. Samples
    are there when asv was told to record them; else a run has one value for
    each case. Each sample of our own benchmark type is an agent. Those of asv's
    timer make one repetition: asv does not keep which process each is of. Rows
    of an older version of a benchmark are left out, as `asv publish` leaves
    them out, and files that are broken; the notes count them with the reasons.

    Args:
        folder: The directory.
        timed: Whether to leave out what is not measured in seconds.

    Raises:
        RecordError: It is no such directory, or nothing in it can be read.
    """
    results = AsvFolder(folder, timed=timed)
    runs = list(results.runs())
    dates = ordered_dates(
        ((run.header.started_utc, str(run.header.plan["commit"])) for run in runs), folder
    )
    return Imported(tuple(redated(run, dates) for run in runs), results.notes)


def redated(run: Run, dates: Mapping[tuple[str, str], str]) -> Run:
    """Return a run with the date that `ordered_dates` gave its commit."""
    header = run.header
    date = dates.get((header.started_utc, str(header.plan["commit"])))
    return run if date is None else run._replace(header=header._replace(started_utc=date))


def read_asv(folder: Path) -> tuple[Run, ...]:
    """
    Return what `read_asv_folder` reads, in seconds and without its notes.

    Raises:
        RecordError: It is no such directory, or nothing in it is timed.
    """
    return read_asv_folder(folder, timed=True).runs
