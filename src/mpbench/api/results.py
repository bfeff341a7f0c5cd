"""Results of runs: tidy DataFrames, a report, a figure, Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpbench.api.markup import html_table
from mpbench.api.reading import runs_of
from mpbench.errors import OutputError, UsageError
from mpbench.printable import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import pandas as pd

    from mpbench.analysis.history import CommitRun
    from mpbench.model import Run
    from mpbench.report.build import ReportData
    from mpbench.report.workload_plot import Figure

__all__ = ("Results", "read")

_HEAD = ("Case", "Start method", "Median", "95 % interval", "Agents")
# A notebook's table stays on one screen.
_SHOWN = 40


class Results:
    """
    The runs that were read or measured.

    Args:
        runs: Runs, of any number of machines and interpreters.
        folder: Where they were written; None where they were read.
        is_interrupted: Whether the user stopped the measurement.
    """

    def __init__(
        self, runs: Sequence[Run], *, folder: Path | None = None, is_interrupted: bool = False
    ) -> None:
        self.runs = tuple(runs)
        self.folder = folder
        self.is_interrupted = is_interrupted
        self._data: ReportData | None = None

    def __repr__(self) -> str:
        machines = sorted({run.header.machine for run in self.runs})
        cases = counted(sum(len(run.cases) for run in self.runs), "case")
        return f"<Results: {counted(len(self.runs), 'run')}, {cases}, {', '.join(machines[:3])}>"

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def data(self) -> ReportData:
        """The tables that a report is made of."""
        if self._data is None:
            from mpbench.report.build import load_report_data

            self._data = load_report_data(self.runs)
        return self._data

    def samples(self) -> pd.DataFrame:
        """
        Return one row for each sample: its main reading in the base unit.

        Columns as in `mpbench.store.frame`; names are categoricals, `value` is a
        float in `unit` (s, op/s, B/s, B or 1), and `attrs["units"]` maps each
        metric to its unit.
        """
        table = self.data.samples
        return self._with_units(table[table["fact"] == ""].drop(columns="fact"))

    def readings(self) -> pd.DataFrame:
        """Return one row for each reading of each sample: `fact` names it, "" is the main one."""
        return self._with_units(self.data.samples.copy())

    def summary(self) -> pd.DataFrame:
        """
        Return one row for each case: median over the agents, 95 % interval, ratios.

        `median`, `low` and `high` are in `unit`; NaN is what was not measured.
        """
        table = self.data.summaries
        shown = table[table["fact"] == ""].drop(columns=["fact", "row_key"])
        return self._with_units(shown.reset_index(drop=True))

    def machines(self) -> pd.DataFrame:
        """Return one row for each run: machine, time, versions, facts that could be found out."""
        import pandas as pd

        return pd.DataFrame([_machine(run) for run in self.runs])

    def to_parquet(self, path: str | os.PathLike[str]) -> Path:
        """
        Write `readings()` to a Parquet file and return its path.

        Raises:
            UsageError: pyarrow is not installed.
            OutputError: The file cannot be written.
        """
        place = Path(path)
        try:
            self.readings().to_parquet(place, index=False)
        except ImportError as error:
            raise UsageError("Parquet needs pyarrow: pip install 'mpbench[parquet]'") from error
        except OSError as error:
            raise OutputError(f"cannot write {place}: {error.strerror or error}") from error
        return place

    def report(
        self, folder: str | os.PathLike[str], *, history: Sequence[Run | CommitRun] = ()
    ) -> tuple[Path, ...]:
        """
        Write report.html, report.md and report.csv; return their paths.

        Args:
            folder: It is made if need be.
            history: Runs of several commits, which get a section of their own.

        Raises:
            UsageError: A run is given twice.
            OutputError: The folder cannot be written to.
        """
        from mpbench.report.write import write

        return write(self.runs, Path(folder), history=history, evidence=self.data)

    def plot(self, workload: str, *, ax: Any = None) -> Figure:
        """
        Return a figure of one workload: each case's median and 95 % interval, one dot an agent.

        Args:
            workload: Its name, such as `pipe/round-trip`.
            ax: Axes of matplotlib to draw on; by default a figure of its own.

        Raises:
            UsageError: The results hold no such workload.
        """
        from mpbench.report.workload_plot import plot_workload

        return plot_workload(self.data, workload, ax=ax)

    def _with_units(self, table: pd.DataFrame) -> pd.DataFrame:
        pairs = table[["metric", "unit"]].drop_duplicates()
        table.attrs["units"] = {str(row.metric): str(row.unit) for row in pairs.itertuples()}
        return table

    def _repr_html_(self) -> str:
        from mpbench.report.cells import case_text, interval_cell, median_cell, varying_params

        table = self.data.summaries
        rows: list[Any] = table[table["fact"] == ""].to_dict("records")
        cells = []
        for row in rows[:_SHOWN]:
            own = [other for other in rows if other["workload"] == row["workload"]]
            name = case_text(row, varying_params(own))
            values = (median_cell(row).text, interval_cell(row).text, str(row["agents"]))
            cells.append((name, str(row["method"]), *values))
        more = len(rows) - len(cells)
        title = repr(self).strip("<>") + (f"; {more} more cases in summary()" if more else "")
        return html_table(title, _HEAD, cells)


def _machine(run: Run) -> dict[str, Any]:
    """Return what is known of a run's machine; None is what is not."""
    facts = run.header.environment

    def fact(*names: str) -> Any:
        value: Any = facts
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    load = fact("load", "average")
    return {
        "run": run.header.run,
        "machine": run.header.machine,
        "started_utc": run.header.started_utc,
        "mpbench": run.header.mpbench,
        "subjects": ", ".join(run.header.subjects),
        "cpu": fact("cpu", "model"),
        "usable_cpus": fact("cpu", "usable"),
        "kernel": fact("kernel", "release"),
        "load": load[0] if isinstance(load, list) and load else None,
        "commit": fact("source", "commit") or run.header.plan.get("commit"),
        "path": run.path,
    }


def read(*paths: str | os.PathLike[str]) -> Results:
    """
    Read results.

    Args:
        paths: Result files, folders of a run or of runs, glob patterns, results
            directories of asv, JSON files of pytest-benchmark.

    Returns:
        All runs, in the order of the paths.

    Raises:
        UsageError: No path is given, or one holds no results.
        RecordError: A file cannot be read, or is no result file.
    """
    if not paths:
        raise UsageError("name result files, folders of runs, or patterns such as 'reports/*'")
    return Results(runs_of(*paths))
