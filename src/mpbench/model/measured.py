"""Records of measuring: cases, samples, repetitions, resource usage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.model.kinds import Metric, Scalar, StartMethod, Status

if TYPE_CHECKING:
    from mpbench.model.sampled import SampledUsage

__all__ = (
    "Case",
    "EpisodePosition",
    "Repetition",
    "ResourceUsage",
    "Sample",
    "WorkerCount",
)


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
        """
        Return one parameter as an integer.

        Raises:
            ValueError: It is no whole number.
        """
        value = self.value(name)
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(f"{self.id}: expected a whole number for {name}, found {value!r}")
        return int(value)

    def number(self, name: str) -> float:
        """Return one parameter as a float."""
        return float(self.value(name))

    def text(self, name: str) -> str:
        """Return one parameter as text."""
        return str(self.value(name))

    @property
    def start(self) -> str:
        """
        The name of the case's start method.

        Raises:
            ValueError: No start method can matter to it.
        """
        if self.method is None:
            raise ValueError(f"{self.id} has no start method")
        return self.method.value

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


class WorkerCount(NamedTuple):
    """What one worker of a self-timed workload stamped and counted, on the common clock."""

    start_ns: int
    end_ns: int
    operations: int


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
    latencies_ns: Sequence[int] = ()
    workers: tuple[WorkerCount, ...] = ()

    def value(self, metric: Metric) -> float:
        """Return the reading of the main metric in its base unit; NaN where there is none."""
        if metric.unit == "s":
            return self.seconds
        if metric.unit in {"op/s", "B/s"}:
            return self.operations * 1e9 / self.elapsed_ns if self.elapsed_ns else math.nan
        return float(self.facts.get(metric.key, math.nan))

    @property
    def seconds(self) -> float:
        """Seconds of one operation, whatever the main metric is; NaN without an operation."""
        return self.elapsed_ns / self.operations / 1e9 if self.operations else math.nan

    @property
    def overlap(self) -> float | None:
        """
        How concurrent the workers really were, from 0 to 1; None without two workers.

        (earliest end - latest start) / (latest end - earliest start), the full
        concurrency fraction of lockhammer's report.
        """
        if len(self.workers) < 2:  # noqa: PLR2004 - overlap needs two
            return None
        starts = [reading.start_ns for reading in self.workers]
        ends = [reading.end_ns for reading in self.workers]
        whole = max(ends) - min(starts)
        return max(0.0, (min(ends) - max(starts)) / whole) if whole > 0 else None


class ResourceUsage(NamedTuple):
    """
    What a process tree used, from the start of its agent to the end of its last process.

    `cpu_source` says how it was obtained and `cpu_coverage` which share it is of
    what a sampler saw (0 to 1). None means that the platform does not tell, or
    that nobody looked.
    """

    wall_ns: int
    cpu_user_ns: int
    cpu_system_ns: int | None
    voluntary_switches: int | None
    involuntary_switches: int | None
    peak_rss_bytes: int | None
    run_delay_ns: int | None
    processes: int | None
    cpu_source: str
    cpu_coverage: float | None


class EpisodePosition(NamedTuple):
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
    account: ResourceUsage | None = None
    slice: EpisodePosition | None = None
    extra: Mapping[str, Any] = {}
    sampled: SampledUsage | None = None

    @property
    def is_ok(self) -> bool:
        """Whether there is something to judge."""
        return self.status is Status.OK

    def values(self, metric: Metric) -> tuple[float, ...]:
        """Return the main reading of every sample, in the metric's base unit."""
        return tuple(sample.value(metric) for sample in self.samples)
