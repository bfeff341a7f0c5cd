"""The replayed form of a program: scripts of its threads, its pools and their jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = (
    "NOTHING",
    "Acquire",
    "AwaitItems",
    "ClosePool",
    "Cost",
    "Item",
    "Job",
    "Join",
    "MakePool",
    "Op",
    "Pool",
    "Program",
    "Receive",
    "Release",
    "Script",
    "Send",
    "Start",
    "Submit",
    "Work",
)


class Cost(NamedTuple):
    """
    What something costs, in seconds.

    Args:
        cpu_s: CPU time.
        idle_s: Time in which nothing is used.
        profiler_s: The profiler's CPU time.
        queue_s: Time in which a CPU was waited for when it was recorded.
    """

    cpu_s: float
    idle_s: float = 0.0
    profiler_s: float = 0.0
    queue_s: float = 0.0

    def scaled(self, factor: float) -> Cost:
        """Return this cost taken several times."""
        return Cost(*(factor * part for part in self))

    def plus(self, other: Cost) -> Cost:
        """Return both costs together."""
        return Cost(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NOTHING = Cost(0.0)


class Work(NamedTuple):
    """A thread's own work; `is_serial` where it is the program's own code."""

    cost: Cost
    is_serial: bool = False


class Acquire(NamedTuple):
    """A lock is taken, after those who asked for it earlier."""

    lock: str


class Release(NamedTuple):
    """A lock is given back."""

    lock: str


class Send(NamedTuple):
    """A message is made and sent: `cost` is its sender's, which grows with its bytes."""

    channel: str
    cost: Cost
    payload_bytes: int = 0


class Receive(NamedTuple):
    """The next message of a channel is waited for and taken."""

    channel: str
    cost: Cost = NOTHING


class Start(NamedTuple):
    """A process is started; `cost` is its parent's."""

    script: str
    cost: Cost


class Join(NamedTuple):
    """The end of a process is waited for."""

    script: str


class MakePool(NamedTuple):
    """A pool is made, with its workers."""

    pool: int


class Submit(NamedTuple):
    """A job is given to its pool."""

    job: int


class AwaitItems(NamedTuple):
    """
    Calls of a job are waited for: the first so many, or any so many.

    `calls` None means all of them.
    """

    job: int
    calls: int | None = None
    in_order: bool = True


class ClosePool(NamedTuple):
    """A pool is ended when its jobs are done; `cost` is what that takes from then on."""

    pool: int
    cost: Cost


Op = (
    Work | Acquire | Release | Send | Receive | Start | Join | MakePool | Submit | AwaitItems
    | ClosePool
)  # fmt: skip


class Item(NamedTuple):
    """One call of a job."""

    cpu_s: float
    idle_s: float = 0.0
    queue_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    Calls that were given to a pool together.

    Args:
        pool: The number of the pool.
        items: The calls in their order.
        chunk_size: How many of them one message brings.
        has_chunk_size: Whether the call that made it takes a chunk size.
        place: File and line of that call.
    """

    pool: int
    items: tuple[Item, ...]
    chunk_size: int = 1
    has_chunk_size: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """
    A pool or an executor.

    Args:
        workers: Its number of workers.
        method: The start method of its workers.
        start: What starting one costs its parent.
        boot: What a worker does before its first task.
        main_import: The part of it that imports the program's main module.
        hand: What handing over one chunk, and taking its result, costs its parent.
        take: What the same costs a worker.
        hand_payload: The part of `hand` that grows with the bytes.
        take_payload: The part of `take` that grows with the bytes.
        chunk_bytes: Bytes that one chunk and its result bring, on average.
        max_tasks: Chunks after which a worker is replaced; 0 where it never is.
        on_demand: Whether workers are started when the first job is given.
        is_executor: Whether it is a ProcessPoolExecutor.
        place: File and line of the call that made it.
    """

    workers: int
    method: str = "fork"
    start: Cost = NOTHING
    boot: Cost = NOTHING
    main_import: Cost = NOTHING
    hand: Cost = NOTHING
    take: Cost = NOTHING
    hand_payload: Cost = NOTHING
    take_payload: Cost = NOTHING
    chunk_bytes: float = 0.0
    max_tasks: int = 0
    on_demand: bool = False
    is_executor: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """
    What one process's main thread does.

    Args:
        ops: In order.
        method: The start method; empty for the first process.
        boot: What it does before.
        main_import: The part of `boot` that imports the program's main module.
        exit: What it does after, until its end.
    """

    ops: tuple[Op, ...]
    method: str = ""
    boot: Cost = NOTHING
    main_import: Cost = NOTHING
    exit: Cost = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """
    A program as it is replayed; the script named `main` is its first process.

    Args:
        scripts: By name.
        pools: By number.
        jobs: By number.
        cpus: CPUs that it may use.
        outside: The share of the recorded waits for a CPU that others than this program caused.
        slowdown: How much longer work takes when all CPUs are busy.
        server: What starting the fork server, or the resource tracker, costs at first.
        helper: CPU time of helpers that start beside.
        own_import: What importing the program's modules costs a child that has none of them.
        heavy_import: The module whose import costs children most, and what it costs each.
        places: File and line of locks and channels, by their name.
    """

    scripts: Mapping[str, Script]
    pools: Mapping[int, Pool] = field(default_factory=dict)
    jobs: Mapping[int, Job] = field(default_factory=dict)
    cpus: int
    outside: float = 0.0
    slowdown: float = 1.0
    server: Cost = NOTHING
    helper: Cost = NOTHING
    own_import: Cost = NOTHING
    heavy_import: tuple[str, float] = ("", 0.0)
    places: Mapping[str, str] = field(default_factory=dict)
