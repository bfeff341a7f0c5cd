"""Advice on kinds of worker: the best for each work, and what is known of the lock."""

from __future__ import annotations

import pytest

from mpbench.analysis.advise import JobDescription, SupportLevel, advise
from mpbench.analysis.advise.workers import lock_words
from mpbench.analysis.measurements import Measurement, ParamValue
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.figures.worker_kinds import efficiencies


def _reading(
    workload: str, value: float, unit: str = "s", fact: str = "", **params: ParamValue
) -> Measurement:
    """Return a reading of eight agents within 7 %."""
    agents = tuple(value * (1 + 0.01 * number) for number in range(8))
    case = f"{workload}[{', '.join(f'{n}={v}' for n, v in sorted(params.items()))}]"
    metric = "efficiency" if fact == "efficiency" else "time"
    return Measurement(
        case, workload, "", params, fact, metric, unit, value, agents[0], agents[-1], agents
    )


def _scaling(kind: str, rate: float, *, work: str = "cpu", task_us: float = 1e4) -> Measurement:
    params = {"kind": kind, "work": work, "task_us": task_us, "workers": 2.0}
    return _reading("worker/scaling", rate, "op/s", **params)  # type: ignore[arg-type]  # params alone


_CPU = (_scaling("pool-fork", 190.0), _scaling("thread-executor", 99.0))
_SLEEP = (
    _scaling("pool-fork", 150.0, work="sleep"),
    _scaling("thread-executor", 190.0, work="sleep"),
)


def _answers(*readings: Measurement, gil: bool | None = None, **wishes: object) -> dict[str, str]:
    description = JobDescription(**wishes)  # type: ignore[arg-type]  # the fields of the record
    found = advise(readings, description, 2, gil=gil)
    return {one.key: one.answer for one in found if one.key.startswith("worker-")}


def test_each_work_has_its_own_answer() -> None:
    """Processes for what computes, threads for what waits."""
    assert {"worker-cpu-10000us": "pool-fork", "worker-sleep-10000us": "thread-executor"} == (
        _answers(*_CPU, *_SLEEP)
    )


def test_the_description_of_a_job_chooses() -> None:
    """`work` takes one kind of work, `task_s` the nearest length."""
    short = _scaling("pool-fork", 9_000.0, task_us=100.0)

    assert ["worker-cpu-100us"] == list(_answers(*_CPU, *_SLEEP, short, work="cpu", task_s=1e-4))


def test_nothing_measured_is_said() -> None:
    """With the command that measures it."""
    found = {one.key: one for one in advise(())}["worker-cpu"]

    assert SupportLevel.NOT_MEASURED is found.standing
    assert "worker/*" in found.measure_command


@pytest.mark.parametrize(
    ("gil", "words"), [(None, "is not known"), (True, "has its lock"), (False, "without its lock")]
)
def test_the_lock_is_named(gil: bool | None, words: str) -> None:
    """Known, absent, or not known."""
    found = advise(_CPU, None, 2, gil=gil)[0]

    assert words in found.because
    assert words in lock_words(gil)


def test_start_memory_and_crashes_are_told() -> None:
    """In an answer of their own; what was not measured is named."""
    start = {"kind": "thread-executor", "workers": 4.0, "shared_mib": 0.0}
    more = (
        _reading("worker/start", 1e-3, **start),  # type: ignore[arg-type]  # params alone
        _reading("worker/start", 2e-4, fact="next", **start),  # type: ignore[arg-type]  # params alone
        _reading("worker/start", 65_536.0, "B", fact="memory", **start),  # type: ignore[arg-type]  # params alone
        _reading("worker/crash", 1.0, "1", fact="program_ended", kind="thread-executor"),
        _reading("worker/crash", 0.0, "1", fact="program_ended", kind="pool-fork"),
    )
    found = {one.key: one for one in advise((*_CPU, *more), None, 2)}

    assert "thread-executor" == found["worker-start"].answer
    assert "one more worker: thread-executor 200 us and 64 KiB" in found["worker-start"].because
    assert "a crash in thread-executor ends the program" in found["worker-start"].because
    assert "interpreters were not measured" in found["worker-cpu-10000us"].because


def test_the_figure_has_a_row_for_each_job() -> None:
    """Its table has every kind; one kind alone is no figure."""
    params = {"task_us": 1e4, "workers": 2.0}
    readings = tuple(
        _reading("worker/scaling", value, "1", "efficiency", kind=kind, work=work, **params)  # type: ignore[arg-type]  # params alone
        for work in ("cpu", "sleep")
        for kind, value in (("pool-fork", 0.95), ("thread-executor", 0.5))
    )
    material = FigureData(readings, None, (), None, 2, gil=True)  # type: ignore[arg-type]  # no place is shown
    (figure,) = efficiencies(material)

    assert "Dot plot" in figure.alt
    assert "2 rows" in figure.alt
    assert "has its lock" in figure.caption
    assert () == efficiencies(material._replace(readings=readings[:1]))
