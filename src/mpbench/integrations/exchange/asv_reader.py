"""asv's results directory (api versions 1 and 2), read into runs."""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import math
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.errors import RecordError
from mpbench.integrations.exchange.commit_order import commit_positions
from mpbench.integrations.exchange.imported import (
    Imported,
    ImportedBenchmark,
    Origin,
    imported_run,
    metric_of,
    noted_metric,
    reading,
    text_of,
    values_in,
)
from mpbench.model import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mpbench.model import Run, Scalar

__all__ = ("read_asv", "read_asv_folder")

_METHOD = "method"
# A revision is counted by hand.
_MOST_DIGITS = 9
_EXPECTED = "a results directory of asv (api version 1 or 2) with its benchmarks.json"
_RESULT = "a result file of asv (api version 1 or 2)"
_SAMPLES_OF_1 = ("result", "params", "samples")


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
        given = dict(zip(names, (_plain(value) for value in chosen), strict=True))
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


def _read(path: Path, definitions: Mapping[str, Any], dropped: Counter[str], *, timed: bool) -> Run:
    text = path.read_bytes()
    content = json.loads(text)
    benchmarks: list[ImportedBenchmark] = []
    for name, row in _rows(content):
        definition = definitions.get(name) or {}
        reason = _dropped(row, definition, timed=timed)
        if reason is None:
            benchmarks += _benchmarks(name, row, definition)
        else:
            dropped[reason] += 1
    python = text_of(content["python"])
    env_name = text_of(content.get("env_name") or "")
    params = {**_machine_of(path), **content["params"]}
    commit = text_of(content["commit_hash"])
    kept = ("requirements", "env_vars")
    origin = Origin(
        "asv",
        str(params.get("machine", path.parent.name)),
        python,
        datetime.fromtimestamp(content["date"] / 1_000, UTC).isoformat(),
        "PyPy" if python.lower().startswith("pypy") else "CPython",
        _environment_key(python, "" if env_name == "unknown" else env_name),
        hashlib.sha256(text).hexdigest(),
        {
            "commit": commit,
            "env_name": env_name,
            **{key: content[key] for key in kept if isinstance(content.get(key), dict)},
        },
        {**_machine_facts(params), "source": {"commit": commit}},
    )
    names = (_name(name, one) for name, one in definitions.items() if isinstance(one, dict))
    return imported_run(str(path), benchmarks, origin, names)


def _in_repository_order(runs: Sequence[Run], folder: Path) -> tuple[Run, ...]:
    """
    Return runs whose commits of one second differ by microseconds, in the repository's order.

    Dates of commits are whole seconds; where there is no repository, they stay as they are.
    """
    by_date: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        by_date[run.header.started_utc].add(str(run.header.plan["commit"]))
    if all(len(commits) == 1 for commits in by_date.values()):
        return tuple(runs)
    positions = commit_positions(folder)
    places: dict[tuple[str, str], int] = {}
    for date, commits in by_date.items():
        ordered = sorted(commits & positions.keys(), key=positions.__getitem__)
        places |= {(date, commit): place for place, commit in enumerate(ordered)}

    def moved(run: Run) -> Run:
        place = places.get((run.header.started_utc, str(run.header.plan["commit"])), 0)
        date = datetime.fromisoformat(run.header.started_utc) + timedelta(microseconds=place)
        return run._replace(header=run.header._replace(started_utc=date.isoformat()))

    return tuple(map(moved, runs))


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
    known = folder / "benchmarks.json"
    with reading(known, _EXPECTED):
        definitions = dict(json.loads(known.read_text(encoding="utf-8")).items())
    runs: list[Run] = []
    broken: list[RecordError] = []
    dropped: Counter[str] = Counter()
    for path in sorted(folder.glob("*/*.json")):
        if path.name == "machine.json":
            continue
        try:
            with reading(path, _RESULT):
                runs.append(_read(path, definitions, dropped, timed=timed))
        except RecordError as error:
            broken.append(error)
    kept = [run for run in runs if run.cases]
    if not kept:
        if broken:
            raise broken[0]
        wanted = "asv results in seconds" if timed else "asv results"
        raise RecordError(str(folder), 0, wanted, f"none in {len(runs)} files")
    notes = [f"{error}; left out" for error in broken]
    notes += [f"{count} rows left out: {reason}" for reason, count in dropped.most_common()]
    return Imported(_in_repository_order(kept, folder), tuple(notes))


def read_asv(folder: Path) -> tuple[Run, ...]:
    """
    Return what `read_asv_folder` reads, in seconds and without its notes.

    Raises:
        RecordError: It is no such directory, or nothing in it is timed.
    """
    return read_asv_folder(folder, timed=True).runs
