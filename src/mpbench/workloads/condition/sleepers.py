"""Children that sleep until woken, and detection of their sleep."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = ("Sleepers", "sleepers")

# How often a waiting parent looks whether its children still live, in seconds.
_LOOK_S = 0.5

# Between two looks at whether the children sleep, in seconds.
_GLANCE_S = 0.000_05

# Where /proc is missing: time for the children to go to sleep.
_SETTLE_S = 0.002

# A child that is not asleep after this never will be.
_PATIENCE_NS = 5_000_000_000


class Sleepers:
    """
    Children that wait for the parent.

    Args:
        processes: The children, started.
        states: Open descriptors of their `/proc/PID/stat`; empty where there is none.
    """

    def __init__(self, processes: Sequence[BaseProcess], states: Sequence[int]) -> None:
        self.processes = tuple(processes)
        self._states = tuple(states)

    def collect(self, semaphore: Any, count: int) -> None:
        """
        Acquire a semaphore that the children release, so many times.

        Raises:
            WorkloadError: A child ended instead.
        """
        for _ in range(count):
            while not semaphore.acquire(True, _LOOK_S):
                self.check()

    def check(self) -> None:
        """
        Make sure that every child is alive.

        Raises:
            WorkloadError: One is not.
        """
        for index, process in enumerate(self.processes):
            if process.exitcode is not None:
                raise WorkloadError(
                    f"child {index} of {len(self.processes)} ended with exit code "
                    f"{process.exitcode} while it should have waited; see the agent's stderr"
                )

    def fall_asleep(self) -> None:
        """
        Return when every child sleeps in the kernel.

        A wake-up that is asked for before the sleeper sleeps costs nothing and
        would be measured as a fast one. One look at all is not a single
        moment, so two in a row must agree.

        Raises:
            WorkloadError: One does not sleep.
        """
        if not self._states:
            time.sleep(_SETTLE_S)
            return
        limit = monotonic_ns() + _PATIENCE_NS
        agreeing = 0
        while agreeing < 2:
            agreeing = agreeing + 1 if all(map(_sleeps, self._states)) else 0
            if monotonic_ns() > limit:
                self.check()
                raise WorkloadError(f"a child was still awake after {_PATIENCE_NS} ns")
            time.sleep(_GLANCE_S)


def _sleeps(state: int) -> bool:
    """Whether the process of an open `/proc/PID/stat` sleeps."""
    # The name in parentheses may hold anything; the state follows the last one.
    return os.pread(state, 512, 0).rpartition(b") ")[2][:1] == b"S"


def _states_of(processes: Sequence[BaseProcess]) -> list[int]:
    """Open what tells the states of processes; nothing where the platform does not."""
    opened: list[int] = []
    try:
        opened.extend(os.open(f"/proc/{process.pid}/stat", os.O_RDONLY) for process in processes)
    except OSError:
        for descriptor in opened:
            os.close(descriptor)
        return []
    return opened


def _end(processes: Sequence[BaseProcess], *, in_order: bool) -> None:
    """Join the children, by force after a failure or when they do not end."""
    for process in processes:
        if in_order:
            process.join(_PATIENCE_NS / 1e9)
        if process.exitcode is None:
            in_order = False
            process.kill()
            process.join()


def _check_exits(processes: Sequence[BaseProcess]) -> None:
    codes = [process.exitcode for process in processes]
    if any(codes):
        raise WorkloadError(f"expected exit codes of 0 from the children, found {codes}")


@contextmanager
def sleepers(
    context: BaseContext,
    serve: Callable[..., None],
    arguments: Sequence[tuple[Any, ...]],
    *,
    stop: Callable[[], None],
) -> Iterator[Sleepers]:
    """
    Keep children at work while the block runs.

    Args:
        context: Where the processes come from.
        serve: The top-level function that each runs.
        arguments: For each child what it is called with.
        stop: Makes all of them end; called when the block has ended well.

    Raises:
        WorkloadError: A child ended with an exit code other than 0.
    """
    processes: list[BaseProcess] = []
    states: list[int] = []
    in_order = False
    try:
        for argument in arguments:
            processes.append(
                context.Process(  # type: ignore[attr-defined]  # not in typeshed
                    target=serve, args=argument, daemon=True
                )
            )
            processes[-1].start()
        states = _states_of(processes)
        workers = Sleepers(processes, states)
        yield workers
        workers.check()
        stop()
        in_order = True
    finally:
        _end(processes, in_order=in_order)
        for descriptor in states:
            os.close(descriptor)
        # A failure inside the block is the one to report.
        if in_order:
            _check_exits(processes)
        for process in processes:
            process.close()
