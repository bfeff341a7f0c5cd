"""Figure of kinds of worker: efficiency of threads, interpreters and processes by job."""

from __future__ import annotations

from mpbench.analysis.advise.workers import lock_words
from mpbench.analysis.measurements import Measurement, distinct, pick
from mpbench.report.document import Figure
from mpbench.report.figures.dots import DotRow, Dots, dots_figure
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.figures.labels import param_value

__all__ = ("efficiencies",)

# More series than this cannot be told apart; the first of each kind are shown.
_MOST = 6
_SHOWN = (
    *("pool-fork", "pool-forkserver", "executor-forkserver"),
    *("thread-executor", "to-thread", "interpreter-executor"),
)
_WORKS = {"cpu": "compute", "memory": "move memory", "sleep": "wait"}


def _rows(readings: tuple[Measurement, ...], kinds: tuple[str, ...]) -> tuple[DotRow, ...]:
    """Return a row for each kind of work and task length."""
    rows = []
    for work, does in _WORKS.items():
        each = pick(readings, fact=None, params={"work": work})
        for length in distinct(each, "task_us"):
            series = {
                str(reading.params["kind"]): reading
                for reading in pick(each, fact=None, params={"task_us": length})
                if reading.params["kind"] in kinds
            }
            if series:
                rows.append(DotRow(f"{does}, tasks of {param_value('task_us', length)}", series))
    return tuple(rows)


def efficiencies(material: FigureData) -> tuple[Figure, ...]:
    """Draw how much of their workers each kind uses, for each kind of task."""
    readings = material.of("worker/scaling", fact="efficiency")
    kinds = tuple(
        str(kind) for kind in dict.fromkeys(reading.params["kind"] for reading in readings)
    )
    if len(kinds) < 2:  # noqa: PLR2004 - one kind is compared with nothing
        return ()
    if len(kinds) > _MOST:
        kinds = tuple(kind for kind in kinds if kind in _SHOWN)
    counts = [reading for reading in distinct(readings, "workers") if isinstance(reading, float)]
    workers = counts[len(counts) // 2]
    rows = _rows(pick(readings, fact=None, params={"workers": workers}), kinds)
    if not rows:
        return ()
    caption = (
        f"Efficiency of {workers:g} workers: 1 is as many tasks as workers without any cost would "
        f"do, {1 / workers:.2g} is what one worker alone does. {lock_words(material.gil)}. "
        f"{material.note}"
    ).strip()
    title = "Threads, interpreters or processes: how much of the workers each kind uses"
    return (dots_figure("worker", Dots("kinds", title, rows, caption)),)
