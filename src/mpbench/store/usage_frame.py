"""
One tidy table of what samplers saw: the CPU time of each process between two looks.

============  ==========================================================================
run, subject  as in `frame`
workload      the name of the workload
method        fork, spawn or forkserver; empty where no start method can matter
params        every parameter but `workers` as text, sorted by name
workers       how many the case has
repetition    the number of the repetition, which is one fresh agent
role          `parent` or `worker`
number        of the process among those of its role, from 1, in the order of their starts
begin_s       the earlier look, in seconds from the first one at this case
end_s         the later look
share         the CPU time in between over the time in between: 1 is one whole CPU
============  ==========================================================================
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from mpbench.model.sampled import PARENT, WORKER, SampledUsage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mpbench.model import Case, Repetition, Run

__all__ = ("cpu_usage_frame", "sampler_cost_frame")

_COLUMNS = (
    *("run", "subject", "workload", "method", "params", "workers", "repetition"),
    *("role", "number", "begin_s", "end_s", "share"),
)


def _spans(sampled: SampledUsage) -> Iterator[dict[str, Any]]:
    """Yield a row for each process and pair of looks between which it was there."""
    seen: Counter[str] = Counter()
    origin = sampled.at_ns[0] if sampled.at_ns else 0
    for track in sampled.tracks:
        if track.role not in {PARENT, WORKER}:
            continue
        seen[track.role] += 1
        looks = zip(sampled.at_ns, track.cpu_ns, strict=True)
        for (begin, before), (end, after) in pairwise(looks):
            if before is None or after is None or end <= begin:
                continue
            yield {
                "role": track.role,
                "number": seen[track.role],
                "begin_s": (begin - origin) / 1e9,
                "end_s": (end - origin) / 1e9,
                "share": max(0, after - before) / (end - begin),
            }


def _case(case: Case) -> dict[str, Any]:
    others = [f"{name}={value}" for name, value in case.params if name != "workers"]
    return {
        "workload": case.workload,
        "method": "" if case.method is None else case.method.value,
        "params": ", ".join(others),
        "workers": case.integer("workers"),
    }


def _with_tracks(runs: Sequence[Run]) -> Iterator[tuple[Run, Repetition, SampledUsage]]:
    for run in runs:
        for repetition in run.repetitions:
            has_workers = isinstance(dict(repetition.case.params).get("workers"), int)
            if (
                repetition.is_ok
                and has_workers
                and repetition.sampled is not None
                and repetition.sampled.tracks
            ):
                yield run, repetition, repetition.sampled


def cpu_usage_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row for each process and pair of looks; empty where nobody looked."""
    rows = [
        {
            "run": run.header.run,
            "subject": track.subject,
            **_case(track.case),
            "repetition": track.number,
            **span,
        }
        for run, track, sampled in _with_tracks(runs)
        for span in _spans(sampled)
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def sampler_cost_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """
    Return what each sampler cost: one row for each agent that was watched.

    Columns: run, agent, looks, late_looks, own_share (of one CPU, 0 to 1).
    """
    rows = {
        (run.header.run, repetition.agent): (
            repetition.sampled.looks,
            repetition.sampled.late_looks,
            repetition.sampled.own_share,
        )
        for run in runs
        for repetition in run.repetitions
        if repetition.sampled is not None
    }
    names = ["run", "agent", "looks", "late_looks", "own_share"]
    return pd.DataFrame([(*key, *value) for key, value in rows.items()], columns=names)
