"""Contract of a workload, worker groups, child servers, unrolled loops."""

from mpbench.workload.child_server import child_server
from mpbench.workload.contract import (
    START_FLOOR,
    Body,
    BodyFactory,
    BodyResult,
    FloorByMethod,
    Needs,
    NoFloor,
    Sweep,
    Verifier,
    Workload,
    fixed,
    worker_counts,
    workload,
)
from mpbench.workload.latency import (
    intervals,
    latency_result,
    lateness_body,
    mean_parts,
    pair_deliveries,
    subsample,
)
from mpbench.workload.semaphores import no_semaphore_value
from mpbench.workload.spin import spin, spin_loops
from mpbench.workload.worker_group import (
    WORKER_METRICS,
    WindowCounter,
    WorkerGroup,
    jain_index,
    worker_group,
)

__all__ = (
    "START_FLOOR",
    "WORKER_METRICS",
    "Body",
    "BodyFactory",
    "BodyResult",
    "FloorByMethod",
    "Needs",
    "NoFloor",
    "Sweep",
    "Verifier",
    "WindowCounter",
    "WorkerGroup",
    "Workload",
    "child_server",
    "fixed",
    "intervals",
    "jain_index",
    "latency_result",
    "lateness_body",
    "mean_parts",
    "no_semaphore_value",
    "pair_deliveries",
    "spin",
    "spin_loops",
    "subsample",
    "worker_counts",
    "worker_group",
    "workload",
)

# Names of version 0.1, which users' workload files may still import.
_OLD_NAMES = {
    "CREW_FACTS": "WORKER_METRICS",
    "Bind": "BodyFactory",
    "Check": "Verifier",
    "Crew": "WorkerGroup",
    "Outcome": "BodyResult",
    "Turn": "WindowCounter",
    "crew": "worker_group",
    "delivered": "pair_deliveries",
    "loops_for": "spin_loops",
    "partner": "child_server",
    "steps": "intervals",
    "thinned": "subsample",
}


def __getattr__(name: str) -> object:
    if name in _OLD_NAMES:
        return globals()[_OLD_NAMES[name]]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
