"""The contract of a workload, and the crew of workers that time themselves."""

from mpbench.workload.contract import (
    Bind,
    Body,
    Check,
    Needs,
    NoFloor,
    Outcome,
    Sweep,
    Workload,
    fixed,
    worker_counts,
    workload,
)
from mpbench.workload.crew import Crew, Turn, crew, jain_index
from mpbench.workload.spin import loops_for, spin

__all__ = (
    "Bind",
    "Body",
    "Check",
    "Crew",
    "Needs",
    "NoFloor",
    "Outcome",
    "Sweep",
    "Turn",
    "Workload",
    "crew",
    "fixed",
    "jain_index",
    "loops_for",
    "spin",
    "worker_counts",
    "workload",
)
