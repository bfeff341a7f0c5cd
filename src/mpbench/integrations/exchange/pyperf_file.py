"""JSON of pyperf, written with one value for each process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mpbench.integrations.exchange.medians import readings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.integrations.exchange.medians import Readings
    from mpbench.model import Run

__all__ = ("pyperf_json",)

# The format that pyperf 1.0 to 2.10 read and write.
_FORMAT = "1.0"


def _benchmark(readings: Readings) -> dict[str, Any]:
    case = readings.record.case
    return {
        "metadata": {
            "name": readings.name,
            "unit": "second",
            "loops": 1,
            "mpbench_workload": readings.record.case.workload,
            "mpbench_revision": readings.record.revision,
            "mpbench_metric": readings.record.metric.key,
            "mpbench_case": json.dumps(
                {
                    "method": None if case.method is None else case.method.value,
                    "params": dict(case.params),
                }
            ),
        },
        "runs": [{"values": [value]} for value in readings.seconds],
    }


def pyperf_json(runs: Sequence[Run]) -> str:
    """
    Return the text of a pyperf file.

    Raises:
        UsageError: Nothing in the runs is timed.
    """
    content = {
        "version": _FORMAT,
        "metadata": {
            "hostname": runs[0].header.machine,
            "python_version": ", ".join(runs[0].header.subjects),
            "mpbench_version": runs[0].header.mpbench,
            "date": runs[0].header.started_utc,
        },
        "benchmarks": [_benchmark(readings) for readings in readings_of(runs)],
    }
    return json.dumps(content, allow_nan=False, sort_keys=True) + "\n"
