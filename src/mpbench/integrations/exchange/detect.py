"""Reader of other tools' results: which tool wrote a file or a folder."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from mpbench.errors import RecordError
from mpbench.integrations.exchange.asv_reader import read_asv_folder
from mpbench.integrations.exchange.imported import Imported, reading
from mpbench.integrations.exchange.pyperf_reader import read_pyperf_json
from mpbench.integrations.exchange.pytest_file import read_pytest_json

if TYPE_CHECKING:
    from pathlib import Path

    from mpbench.model import Run

__all__ = ("read_other_tool",)

_EXPECTED = "a JSON file of pyperf, pyperformance or pytest-benchmark, or asv's results directory"
_DEFINITIONS = "benchmarks.json"


def _read_file(path: Path) -> Run:
    """
    Read one file.

    Raises:
        RecordError: No tool that is known here wrote it, or it is broken.
    """
    with reading(path, _EXPECTED):
        text = path.read_bytes()
        content: Any = json.loads(gzip.decompress(text) if path.suffix == ".gz" else text)
        if "commit_hash" in content or "result_columns" in content:
            raise ValueError("one file of asv, whose folder has the definitions; name the folder")
        benchmarks = content["benchmarks"]
        is_pyperf = "machine_info" not in content and any(
            "runs" in benchmark for benchmark in benchmarks
        )
    return read_pyperf_json(path) if is_pyperf else read_pytest_json(path)


def _results_folder(folder: Path) -> Path | None:
    """Return asv's results directory: the folder, or what its asv.conf.json or `.asv` leads to."""
    places = (folder, folder / "results", folder / ".asv" / "results")
    return next((place for place in places if (place / _DEFINITIONS).is_file()), None)


def read_other_tool(source: Path) -> Imported:
    """
    Read results of asv, pyperf, pyperformance or pytest-benchmark.

    Args:
        source: A file, asv's results directory, or a folder with files, such as `.benchmarks`.

    Raises:
        RecordError: Nothing there can be read.
    """
    if not source.is_dir():
        return Imported((_read_file(source),))
    results = _results_folder(source)
    if results is not None:
        return read_asv_folder(results)
    runs: list[Run] = []
    broken: list[RecordError] = []
    paths = [path for ending in ("json", "json.gz") for path in source.rglob(f"*.{ending}")]
    for path in sorted(paths):
        try:
            runs.append(_read_file(path))
        except RecordError as error:
            broken.append(error)
    if not runs:
        if len(broken) == 1:
            raise broken[0]
        text = f"none in {len(paths)} files" + (f"; the first: {broken[0].found}" if broken else "")
        raise RecordError(str(source), 0, _EXPECTED, text)
    return Imported(tuple(runs), tuple(f"{error}; left out" for error in broken))
