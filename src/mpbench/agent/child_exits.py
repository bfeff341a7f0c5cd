"""Exit codes of the children that a user's function started."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import popen_fork, process
from typing import Any

from mpbench.errors import WorkloadError

__all__ = ("ChildExits", "recorded_child_exits")


class ChildExits(set):  # type: ignore[type-arg]  # Python 3.9 has no set[...] as a base at run time
    """
    The set of live children that multiprocessing keeps, with a note of those that failed.

    multiprocessing discards a child when it has been waited for, under every start method.
    A child that its parent told to end has not failed.
    """

    def __init__(self, children: set[Any]) -> None:
        super().__init__(children)
        self.failures: list[str] = []
        self.told_to_end: set[int] = set()

    def discard(self, child: Any) -> None:
        """Note a child's exit code and forget the child."""
        popen: Any = getattr(child, "_popen", None)
        code = getattr(popen, "returncode", None)
        if code and child in self and popen.pid not in self.told_to_end:
            self.failures.append(f"{child.name} {_ending(code)}")
        super().discard(child)

    def check(self, target: str) -> None:
        """
        Wait for nothing, and make sure that no child that has ended failed.

        Raises:
            WorkloadError: One ended by an exception, an exit code or a signal.
        """
        multiprocessing.active_children()
        if self.failures:
            more = f" (and {len(self.failures) - 1} more)" if len(self.failures) > 1 else ""
            failure, self.failures = self.failures[0], []
            raise WorkloadError(f"{target}: its child {failure}, expected exit code 0{more}")


def _ending(code: int) -> str:
    if code > 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


@contextmanager
def recorded_child_exits() -> Iterator[ChildExits]:
    """Record exit codes until the context is left; children that a fork copies do not."""
    module: Any = process
    popen: Any = popen_fork.Popen
    before, send = module._children, popen._send_signal  # noqa: SLF001 - has no public hook
    exits = module._children = ChildExits(before)  # noqa: SLF001

    def send_noted(one: Any, number: int) -> None:
        exits.told_to_end.add(one.pid)
        send(one, number)

    popen._send_signal = send_noted  # noqa: SLF001
    try:
        yield exits
    finally:
        popen._send_signal = send  # noqa: SLF001
        module._children = set(exits)  # noqa: SLF001
