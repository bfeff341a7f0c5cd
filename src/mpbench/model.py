"""
The records that pass between the layers, and the closed sets they use.

The records here are named tuples and not dataclasses: the measuring
interpreter imports this module, and `dataclasses` brings `inspect` with it,
which every spawned child would pay for and every forked child would copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple, Union

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
    "overlap_of",
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
        for metric in cls:
            if metric.key == key:
                return metric
        raise ValueError(f"no metric is called {key!r}; one of {[one.key for one in cls]}")


class Case(NamedTuple):
    """
    One workload with every parameter fixed.

    `method` is None where no start method can matter (a bare `os.fork`).
    `params` is sorted by name, so that equal cases are equal tuples.
    """

    workload: str
    method: StartMethod | None
    params: tuple[tuple[str, Scalar], ...] = ()

    @classmethod
    def make(cls, workload: str, method: StartMethod | None, params: Mapping[str, Scalar]) -> Case:
        """Build a case with its parameters in canonical order."""
        return cls(workload, method, tuple(sorted(params.items())))

    def value(self, name: str) -> Scalar:
        """
        Return one parameter.

        Raises:
            KeyError: The case has no parameter of that name.
        """
        for key, value in self.params:
            if key == name:
                return value
        raise KeyError(f"{self.id} has no parameter {name!r}")

    def integer(self, name: str) -> int:
        """Return one parameter as an integer."""
        return int(self.value(name))

    def number(self, name: str) -> float:
        """Return one parameter as a float."""
        return float(self.value(name))

    def text(self, name: str) -> str:
        """Return one parameter as text."""
        return str(self.value(name))

    @property
    def family(self) -> str:
        """The part of the workload's name before the slash."""
        return self.workload.partition("/")[0]

    @property
    def id(self) -> str:
        """The name for people and files: `pipe/round-trip[fork, payload_bytes=64]`."""
        parts = [] if self.method is None else [self.method.value]
        parts += [f"{name}={value}" for name, value in self.params]
        return f"{self.workload}[{', '.join(parts)}]" if parts else self.workload


class WorkerReading(NamedTuple):
    """What one worker of a self-timed workload stamped and counted, on the common clock."""

    start_ns: int
    end_ns: int
    operations: int


def overlap_of(workers: Iterable[WorkerReading]) -> float | None:
    """
    Return how concurrent the workers really were, from 0 to 1.

    (earliest end - latest start) / (latest end - earliest start), the full
    concurrency fraction of lockhammer's report; None without two workers.
    """
    readings = tuple(workers)
    if len(readings) < 2:  # noqa: PLR2004 - overlap needs two
        return None
    starts = [reading.start_ns for reading in readings]
    ends = [reading.end_ns for reading in readings]
    whole = max(ends) - min(starts)
    return max(0.0, (min(ends) - max(starts)) / whole) if whole > 0 else None


class Sample(NamedTuple):
    """
    One timed run of a body.

    `facts` holds further readings of the same run: nanoseconds per operation
    where the fact's metric is a time, its base unit otherwise.
    `latencies_ns` holds single operations where the body could see them.
    """

    elapsed_ns: int
    operations: int
    facts: Mapping[str, float] = {}
    latencies_ns: tuple[int, ...] = ()
    workers: tuple[WorkerReading, ...] = ()

    def value(self, metric: Metric) -> float:
        """Return the sample's reading of the workload's main metric, in its base unit."""
        if metric.unit == "s":
            return self.elapsed_ns / self.operations / 1e9
        if metric.unit in {"op/s", "B/s"}:
            return self.operations * 1e9 / self.elapsed_ns
        return float(self.facts[metric.key])

    @property
    def overlap(self) -> float | None:
        """How concurrent the workers really were, from 0 to 1; None without workers."""
        return overlap_of(self.workers)


class Account(NamedTuple):
    """
    What a process tree used, from the start of its agent to the end of its last process.

    `cpu_source` says how it was obtained and `cpu_coverage` which share of the
    tree it saw (0 to 1). None means that the platform does not tell.
    """

    wall_ns: int
    cpu_user_ns: int
    cpu_system_ns: int
    voluntary_switches: int | None
    involuntary_switches: int | None
    peak_rss_bytes: int | None
    run_delay_ns: int | None
    processes: int
    cpu_source: str
    cpu_coverage: float | None


class Slice(NamedTuple):
    """Where a repetition stood in an episode of a comparison."""

    arm: str
    episode: int
    launched_first: bool
    # For each sample, its place in the order in which the arms took turns.
    turns: tuple[int, ...]


class Repetition(NamedTuple):
    """The samples taken of one case in one fresh agent, or the reason why there are none."""

    subject: str
    case: Case
    number: int
    status: Status
    reason: str | None
    iterations: int
    samples: tuple[Sample, ...]
    started_ns: int
    elapsed_ns: int
    hash_seed: int | None
    agent: int
    account: Account | None = None
    slice: Slice | None = None
    extra: Mapping[str, Any] = {}

    @property
    def is_ok(self) -> bool:
        """Whether there is something to judge."""
        return self.status is Status.OK

    def values(self, metric: Metric) -> tuple[float, ...]:
        """Return the main reading of every sample, in the metric's base unit."""
        return tuple(sample.value(metric) for sample in self.samples)


class CaseRecord(NamedTuple):
    """
    What a run set out to measure: one case on one subject.

    `status` is OK when it was to be measured; what became of it then stands in
    its repetitions. A case that preflight refused is SKIPPED or UNSUPPORTED
    and has none. `floor` is the case id of the floor measured in the same run.
    """

    subject: str
    case: Case
    metric: Metric
    facts: Mapping[str, Metric]
    timing: Timing
    floor: str | None
    no_floor: str | None
    revision: int
    doc: str
    status: Status
    reason: str | None


class Event(NamedTuple):
    """Something that a reader of the results should know: a kill, a warning, a budget cut."""

    elapsed_ns: int
    kind: str
    text: str
    case: str | None = None


class RunHeader(NamedTuple):
    """
    Where, when and how a run was made.

    `environment` holds the machine (docs/FORMAT.md lists its keys), `subjects`
    one description for each measured interpreter by its key, `plan` what was
    asked for, with the seed of every random choice.
    """

    run: str
    started_utc: str
    mpbench: str
    machine: str
    command: tuple[str, ...]
    plan: Mapping[str, Any]
    subjects: Mapping[str, Mapping[str, Any]]
    environment: Mapping[str, Any]


class RunEnd(NamedTuple):
    """How a run ended; a file without one was cut off."""

    elapsed_ns: int
    status: Status
    reason: str | None


class Run(NamedTuple):
    """One result file, read and checked."""

    path: str
    header: RunHeader
    cases: tuple[CaseRecord, ...]
    repetitions: tuple[Repetition, ...]
    events: tuple[Event, ...]
    end: RunEnd | None
