"""
The records that pass between the layers, and the closed sets they use.

The records are named tuples and not dataclasses: the measuring interpreter
imports them, and `dataclasses` brings `inspect` with it, which every spawned
child would pay for and every forked child would copy.
"""

from mpbench.model.kinds import Better, Metric, Scalar, StartMethod, Status, Tier, Timing
from mpbench.model.measured import (
    Account,
    Case,
    Repetition,
    Sample,
    Slice,
    WorkerReading,
)
from mpbench.model.runs import CaseRecord, Event, Run, RunEnd, RunHeader

__all__ = (
    "Account",
    "Better",
    "Case",
    "CaseRecord",
    "Event",
    "Metric",
    "Repetition",
    "Run",
    "RunEnd",
    "RunHeader",
    "Sample",
    "Scalar",
    "Slice",
    "StartMethod",
    "Status",
    "Tier",
    "Timing",
    "WorkerReading",
)
