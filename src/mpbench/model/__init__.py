"""
The records that pass between the layers, and the closed sets they use.

The records are named tuples and not dataclasses: the measuring interpreter
imports them, and `dataclasses` brings `inspect` with it, which every spawned
child would pay for and every forked child would copy.
"""

from mpbench.model.kinds import Better, Metric, Scalar, StartMethod, Status, Tier, Timing
from mpbench.model.measured import (
    Case,
    EpisodePosition,
    Repetition,
    ResourceUsage,
    Sample,
    WorkerCount,
)
from mpbench.model.runs import CaseRecord, Run, RunEnd, RunEvent, RunHeader

__all__ = (
    "Better",
    "Case",
    "CaseRecord",
    "EpisodePosition",
    "Metric",
    "Repetition",
    "ResourceUsage",
    "Run",
    "RunEnd",
    "RunEvent",
    "RunHeader",
    "Sample",
    "Scalar",
    "StartMethod",
    "Status",
    "Tier",
    "Timing",
    "WorkerCount",
)
