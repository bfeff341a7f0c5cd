"""The closed sets, each member with the facts that belong to it."""

from __future__ import annotations

from enum import Enum
from typing import Union

__all__ = (
    "Better",
    "Metric",
    "Scalar",
    "StartMethod",
    "Status",
    "Tier",
    "Timing",
)

# What a parameter of a workload may be.
Scalar = Union[bool, int, float, str]


class StartMethod(str, Enum):
    """How multiprocessing starts a process."""

    FORK = "fork"
    SPAWN = "spawn"
    FORKSERVER = "forkserver"


class Better(Enum):
    """Which direction of a metric is an improvement."""

    LOWER = "lower"
    HIGHER = "higher"


class Tier(str, Enum):
    """How much of the catalogue a run measures."""

    QUICK = "quick"
    STANDARD = "standard"
    FULL = "full"

    @property
    def rank(self) -> int:
        """0 for quick, 1 for standard, 2 for full."""
        return ("quick", "standard", "full").index(self.value)


class Timing(str, Enum):
    """What the argument of a body means."""

    # Iterations, calibrated until one sample is long against the clock.
    LOOP = "loop"
    # Milliseconds of one common window in which every worker counts.
    WINDOW = "window"
    # Always one iteration: the body measures a state, not a rate.
    ONCE = "once"


class Status(str, Enum):
    """How the measuring of a case ended; each but OK comes with a reason."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    SKIPPED = "skipped"
    UNSUPPORTED = "unsupported"
    INTERRUPTED = "interrupted"
    LOST = "lost"


class Metric(Enum):
    """What a number means: its name, its base unit and its better direction."""

    TIME = ("time", "s", Better.LOWER, "time per operation")
    LATENCY = ("latency", "s", Better.LOWER, "latency, one way")
    ROUND_TRIP = ("round-trip", "s", Better.LOWER, "round trip")
    WALL_CLOCK = ("wall-clock", "s", Better.LOWER, "wall-clock time")
    WAITING = ("waiting", "s", Better.LOWER, "waiting time")
    THROUGHPUT = ("throughput", "op/s", Better.HIGHER, "throughput")
    BANDWIDTH = ("bandwidth", "B/s", Better.HIGHER, "bandwidth")
    FAIRNESS = ("fairness", "1", Better.HIGHER, "Jain fairness index")
    EFFICIENCY = ("efficiency", "1", Better.HIGHER, "efficiency")
    SHARE = ("share", "1", Better.LOWER, "share")
    COUNT = ("count", "1", Better.LOWER, "count")
    MEMORY = ("memory", "B", Better.LOWER, "memory")

    @property
    def key(self) -> str:
        """The name in result files and on the command line."""
        return self.value[0]

    @property
    def unit(self) -> str:
        """The base unit: `s`, `op/s`, `B/s`, `B` or `1`."""
        return self.value[1]

    @property
    def better(self) -> Better:
        """Which direction is an improvement."""
        return self.value[2]

    @property
    def is_timed(self) -> bool:
        """Whether a sample of it is a time and a count, so that seconds follow from it."""
        return self.unit in {"s", "op/s", "B/s"}

    @property
    def label(self) -> str:
        """The words for axes and table heads."""
        return self.value[3]

    @classmethod
    def of(cls, key: str) -> Metric:
        """
        Return the metric with this key.

        Raises:
            ValueError: No metric has it.
        """
        found = _METRICS.get(key)
        if found is None:
            raise ValueError(f"no metric is called {key!r}; one of {list(_METRICS)}")
        return found


_METRICS = {one.key: one for one in Metric}
