"""Readings of the common clock by children, and the bodies that start and join them."""

from __future__ import annotations

import os
import select
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, StartMethod
from mpbench.workload import START_FLOOR, Body, BodyResult, Needs, subsample
from mpbench.workloads.targets import RECORD_BYTES, exit_at_once, idle, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = (
    "COVERS",
    "LIFE",
    "READY",
    "READY_FACTS",
    "ProcessLife",
    "Stamps",
    "crowded",
    "forked_only",
    "idle_children",
    "join_checked",
    "kill_all",
    "latency_result",
    "lived_body",
    "make_process",
    "needs_children",
    "ready_body",
    "stamps",
    "start_and_join",
    "start_idle",
    "stop_fork_server",
    "timed_life",
    "warm",
    "warm_stamps",
)

# What every workload covers that starts, joins and closes children.
COVERS = ("Process", "Process.start", "Process.join", "Process.exitcode", "Process.close")
# What the bodies of this module report beside their main reading, each counted
# from the call of `start` but for the last.
READY_FACTS = {"start_return": Metric.TIME, "first_bytecode": Metric.LATENCY}
LIFE_FACTS = {**READY_FACTS, "exit_to_join": Metric.LATENCY}
# How a workload is declared that starts and joins children, or waits until they are ready.
_START: dict[str, Any] = {"floor": START_FLOOR, "covers": COVERS}
LIFE = {**_START, "metric": Metric.TIME, "facts": LIFE_FACTS}
READY = {**_START, "metric": Metric.LATENCY, "facts": READY_FACTS}

# More interpreters than this take a minute to start on a small machine.
_MANY = 64


def forked_only(case: Case) -> str | None:
    """Say why a case about inherited memory cannot run, or None."""
    return (
        None if case.method is StartMethod.FORK else "only a forked child shares its parent's pages"
    )


def crowded(case: Case) -> str | None:
    """Say why a case with so many children at once cannot run, or None."""
    for name in ("children", "processes"):
        count = dict(case.params).get(name, 0)
        if case.method is StartMethod.SPAWN and int(count) > _MANY:
            return f"starting {count} interpreters takes minutes; measure fork or forkserver"
    return None


def needs_children(parameter: str) -> Callable[[Case], Needs]:
    """Return what tells the needs of a case that keeps as many children as a parameter says."""

    def needs(case: Case) -> Needs:
        count = case.integer(parameter)
        # A sleeping spawned child takes 10 to 14 MiB of address space, as measured.
        return Needs(count + 1, descriptors=4 * count + 32, memory_bytes=count * (16 << 20))

    return needs


def make_process(
    context: BaseContext, target: Callable[..., Any], arguments: Sequence[Any], **options: Any
) -> BaseProcess:
    """Make a process object; `options` are those of `Process`."""
    made: BaseProcess = context.Process(  # type: ignore[attr-defined]  # BaseContext has no Process in typeshed
        target=target, args=tuple(arguments), **options
    )
    return made


def join_checked(process: BaseProcess, expected: int = 0) -> None:
    """Join and close a process; a WorkloadError says that its exit code is another one."""
    process.join()
    code = process.exitcode
    process.close()
    if code != expected:
        raise WorkloadError(
            f"a child ended with exit code {code}, expected {expected}; see the agent's stderr"
        )


def stop_fork_server() -> None:
    """End this interpreter's fork server if it has one, so that the next start makes a new one."""
    from multiprocessing import forkserver  # not on every platform

    # Private, and the only way: the server reads its preload list once.
    server: Any = forkserver._forkserver  # noqa: SLF001
    if server._forkserver_pid is not None:  # noqa: SLF001
        server._stop()  # noqa: SLF001


def warm(context: BaseContext) -> None:
    """
    Start the resource tracker and the fork server.

    The fork server goes on booting after the call that starts it has returned,
    so one child is started and joined.
    """
    method = context.get_start_method()
    if method == "fork":
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()
    if method == "forkserver":
        process = make_process(context, exit_at_once, ())
        process.start()
        join_checked(process)


class Stamps:
    """The parent's end of the pipe on which children report."""

    def __init__(self, reader: int, path: str) -> None:
        self._reader = reader
        self.path = path

    def read(self) -> tuple[int, ...]:
        """Return the numbers of the next report; it must be certain that one comes."""
        record = os.read(self._reader, RECORD_BYTES)
        return tuple(int(number) for number in record.split())

    def wait(self, process: BaseProcess) -> tuple[int, ...]:
        """Return the numbers of a living child's report; a WorkloadError says that it ended."""
        ready, _, _ = select.select([self._reader, process.sentinel], [], [])
        if self._reader not in ready:
            process.join()
            raise WorkloadError(
                f"a child ended with exit code {process.exitcode} before it was ready; "
                "see the agent's stderr"
            )
        return self.read()


@contextmanager
def stamps() -> Iterator[Stamps]:
    """Open a pipe for reports of children, however they are started."""
    reader, writer = os.pipe()
    path = f"/proc/{os.getpid()}/fd/{writer}"
    folder = None
    if not os.path.exists(path):
        # Without /proc a named pipe does the same.
        import tempfile

        folder = tempfile.mkdtemp(prefix="mpbench-")
        path = f"{folder}/stamps"
        os.mkfifo(path, 0o600)
        os.close(reader)
        reader = os.open(path, os.O_RDWR)
    try:
        yield Stamps(reader, path)
    finally:
        os.close(reader)
        os.close(writer)
        if folder is not None:
            os.unlink(path)
            os.rmdir(folder)


@contextmanager
def warm_stamps(context: BaseContext) -> Iterator[Stamps]:
    """Open a pipe for reports, with tracker and fork server started."""
    with stamps() as pipe:
        warm(context)
        yield pipe


class ProcessLife(NamedTuple):
    """Times of one child in nanoseconds, counted from the call of `start` but for the last."""

    total: int
    start_return: int
    first_bytecode: int
    exit_to_join: int


def timed_life(process: BaseProcess, pipe: Stamps) -> ProcessLife:
    """Start a child that reports two readings of the clock, and join it."""
    began = monotonic_ns()
    process.start()
    started = monotonic_ns()
    process.join()
    joined = monotonic_ns()
    join_checked(process)
    first, last = pipe.read()[:2]
    return ProcessLife(joined - began, started - began, first - began, joined - last)


def latency_result(latencies: Sequence[int], facts: Mapping[str, int], asked: int) -> BodyResult:
    """Return the result of single timed operations; *facts* are sums over all of them."""
    count = len(latencies)
    return BodyResult(
        operations=count,
        asked=asked,
        elapsed_ns=sum(latencies),
        facts={name: value / max(1, count) for name, value in facts.items()},
        latencies_ns=subsample(latencies),
    )


def lived_body(make: Callable[[], BaseProcess], pipe: Stamps) -> Body:
    """Return the body that starts and joins one child after the other."""

    def body(iterations: int, /) -> BodyResult:
        lives = [timed_life(make(), pipe) for _ in range(iterations)]
        facts = {name: sum(getattr(life, name) for life in lives) for name in LIFE_FACTS}
        return latency_result([life.total for life in lives], facts, iterations)

    return body


def start_and_join(context: BaseContext, pipe: Stamps) -> Body:
    """Return the body that starts and joins children that only read the clock."""
    return lived_body(lambda: make_process(context, stamp, (pipe.path,)), pipe)


def ready_body(make: Callable[[], BaseProcess], pipe: Stamps, length: int = 0) -> Body:
    """
    Return the body that starts one child after the other and waits for its report.

    Args:
        make: Returns the next process, to be started.
        pipe: Where the children report.
        length: The third number that each must report, if there is one.
    """

    def body(iterations: int, /) -> BodyResult:
        latencies = []
        facts = {"start_return": 0, "first_bytecode": 0}
        for _ in range(iterations):
            process = make()
            began = monotonic_ns()
            process.start()
            started = monotonic_ns()
            first, _, *rest = pipe.wait(process)
            latencies.append(monotonic_ns() - began)
            facts["start_return"] += started - began
            facts["first_bytecode"] += first - began
            join_checked(process)
            if rest and rest[0] != length:
                raise WorkloadError(f"the child received {rest[0]} bytes, expected {length}")
        return latency_result(latencies, facts, iterations)

    return body


def start_idle(context: BaseContext, pipe: Stamps) -> BaseProcess:
    """Start a child that reports and sleeps."""
    child = make_process(context, idle, (pipe.path,), daemon=True)
    child.start()
    return child


def kill_all(children: Sequence[BaseProcess]) -> None:
    """End children by SIGKILL."""
    for child in children:
        child.kill()
    for child in children:
        join_checked(child, -9)


@contextmanager
def idle_children(context: BaseContext, count: int, pipe: Stamps) -> Iterator[list[BaseProcess]]:
    """Keep so many sleeping children while the block runs; a WorkloadError says that one ended."""
    children: list[BaseProcess] = []
    try:
        children.extend(start_idle(context, pipe) for _ in range(count))
        for child in children:
            pipe.wait(child)
        yield children
        alive = sum(child.is_alive() for child in children)
        if alive != count:
            raise WorkloadError(f"expected {count} sleeping children at the end, found {alive}")
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.join()
            child.close()
