"""The contract of a workload, and the crew of workers that time themselves."""

from mpbench.workload.child_server import partner
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
from mpbench.workload.latency import delivered, steps, thinned
from mpbench.workload.spin import loops_for, spin
from mpbench.workload.worker_group import CREW_FACTS, Crew, Turn, crew, jain_index

__all__ = (
    "CREW_FACTS",
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
    "delivered",
    "fixed",
    "jain_index",
    "loops_for",
    "partner",
    "spin",
    "steps",
    "thinned",
    "worker_counts",
    "workload",
)
