"""How the start and the end of a child are stamped on the common clock."""

from __future__ import annotations

import os
import select
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, StartMethod
from mpbench.workload import Body, BodyResult, subsample
from mpbench.workloads.targets import RECORD_BYTES, exit_at_once, idle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = (
    "LIFE_FACTS",
    "READY_FACTS",
    "ProcessLife",
    "Stamps",
    "crowded",
    "ended",
    "idle_children",
    "lived_body",
    "outcome_of",
    "process_of",
    "ready_body",
    "stamps",
    "stop_fork_server",
    "timed_life",
    "warm",
)
# What the bodies of this module report beside their main reading, each counted
# from the call of `start` but for the last.
READY_FACTS = {"start_return": Metric.TIME, "first_bytecode": Metric.LATENCY}
LIFE_FACTS = {**READY_FACTS, "exit_to_join": Metric.LATENCY}

# More interpreters than this take a minute to start on a small machine.
_MANY = 64


def crowded(case: Case) -> str | None:
    """Say why a case with so many living children cannot run, or None."""
    for name in ("children", "processes", "objects"):
        count = dict(case.params).get(name, 0)
        if case.method is StartMethod.SPAWN and int(count) > _MANY:
            return f"starting {count} interpreters takes minutes; measure fork or forkserver"
    return None


def process_of(
    context: BaseContext, target: Callable[..., Any], arguments: Sequence[Any], **options: Any
) -> BaseProcess:
    """Make a process object; `options` are those of `Process`."""
    made: BaseProcess = context.Process(  # type: ignore[attr-defined]  # BaseContext has no Process in typeshed
        target=target, args=tuple(arguments), **options
    )
    return made


def ended(process: BaseProcess, expected: int = 0) -> None:
    """
    Join and close a process.

    Raises:
        WorkloadError: Its exit code is not the expected one.
    """
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
    Pay what is paid once: the resource tracker and the fork server.

    Under forkserver one child is started and joined, because the server goes
    on booting after the call that starts it has returned.
    """
    method = context.get_start_method()
    if method == "fork":
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()
    if method == "forkserver":
        process = process_of(context, exit_at_once, ())
        process.start()
        ended(process)


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
        """
        Wait for a report of a living child and return its numbers.

        Raises:
            WorkloadError: The child ended without one.
        """
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
        # Without /proc a named pipe does the same, at the price of a file.
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


class ProcessLife(NamedTuple):
    """One child's life in nanoseconds, counted from the call of `start` but for the last."""

    total: int
    start_return: int
    first_bytecode: int
    exit_to_join: int


def timed_life(process: BaseProcess, pipe: Stamps) -> ProcessLife:
    """
    Start a child that reports two readings of the clock, and join it.

    Raises:
        WorkloadError: The child failed.
    """
    began = monotonic_ns()
    process.start()
    started = monotonic_ns()
    process.join()
    joined = monotonic_ns()
    ended(process)
    first, last = pipe.read()[:2]
    return ProcessLife(joined - began, started - began, first - began, joined - last)


def outcome_of(latencies: Sequence[int], facts: Mapping[str, int], asked: int) -> BodyResult:
    """
    Return what single timed operations amount to.

    Args:
        latencies: Each operation, in nanoseconds.
        facts: Sums over all operations, in nanoseconds.
        asked: Operations asked for.
    """
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
        return outcome_of(
            [one.total for one in lives],
            {
                "start_return": sum(one.start_return for one in lives),
                "first_bytecode": sum(one.first_bytecode for one in lives),
                "exit_to_join": sum(one.exit_to_join for one in lives),
            },
            iterations,
        )

    return body


def ready_body(make: Callable[[], BaseProcess], pipe: Stamps, length: int = 0) -> Body:
    """
    Return the body that starts one child after the other and hears each say ready.

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
            ended(process)
            if rest and rest[0] != length:
                raise WorkloadError(f"the child received {rest[0]} bytes, expected {length}")
        return outcome_of(latencies, facts, iterations)

    return body


@contextmanager
def idle_children(context: BaseContext, count: int, pipe: Stamps) -> Iterator[list[BaseProcess]]:
    """
    Keep so many sleeping children while the block runs.

    Raises:
        WorkloadError: One of them failed.
    """
    children: list[BaseProcess] = []
    try:
        for _ in range(count):
            child = process_of(context, idle, (pipe.path,), daemon=True)
            child.start()
            children.append(child)
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
