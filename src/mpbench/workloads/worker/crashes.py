"""A program of its own in which a worker dies, and what of it is left."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import WorkloadError
from mpbench.workloads.process.stamps import make_process
from mpbench.workloads.targets import report
from mpbench.workloads.worker.jobs import crash, nap
from mpbench.workloads.worker.kinds import workers

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from mpbench.workloads.process.stamps import Stamps
    from mpbench.workloads.worker.kinds import Wait

__all__ = ("CrashCounts", "crashed_program", "lose_a_worker")

_OTHERS = 8
_NAP_MS = 20
# A result that has not come by then never comes.
_LIMIT_S = 2.0
_KILLED = -9


class _CrashSeenError(Exception):
    """Ends pools that have lost a worker: they are terminated, not waited for."""


class CrashCounts(NamedTuple):
    """What one crash ended."""

    lost_share: float
    waits_forever: bool
    program_ended: bool


def _outcome(wait: Wait) -> str:
    """Wait for a task: `result`, `nothing` or `error`."""
    from concurrent.futures import TimeoutError as FutureTimeoutError
    from multiprocessing import TimeoutError as PoolTimeoutError

    try:
        wait(_LIMIT_S)
    except (FutureTimeoutError, PoolTimeoutError, TimeoutError):
        return "nothing"
    except Exception:  # noqa: BLE001 - whatever the pool raises for a dead worker
        return "error"
    return "result"


def lose_a_worker(path: str, kind: str) -> None:
    """Be a program: let a worker die, and report what became of its task and of the others."""
    from multiprocessing import get_all_start_methods, get_context, set_start_method

    if "fork" in get_all_start_methods():
        # A ThreadPool has semaphores of the default method, and cannot unlink them when it
        # is killed; those of fork have no name. Processes are given their own method.
        set_start_method("fork", force=True)
    with suppress(_CrashSeenError), workers(get_context(), kind, 2) as made:
        made.run(nap, [_NAP_MS] * 2)
        first = made.begin(crash, [1])
        others = [made.begin(nap, [_NAP_MS]) for _ in range(_OTHERS)]
        lost = sum(_outcome(wait) != "result" for wait in others)
        report(path, lost, int(_outcome(first) == "nothing"))
        raise _CrashSeenError


def crashed_program(context: BaseContext, kind: str, pipe: Stamps) -> CrashCounts:
    """
    Start the program and return what it reported.

    Raises:
        WorkloadError: It ended in another way than by the crash or by itself.
    """
    program = make_process(context.get_context("spawn"), lose_a_worker, (pipe.path, kind))
    program.start()
    program.join()
    code = program.exitcode
    program.close()
    if code == _KILLED:
        return CrashCounts(1.0, waits_forever=False, program_ended=True)
    if code != 0:
        raise WorkloadError(
            f"the program with the crash ended with exit code {code}, expected 0 or {_KILLED}; "
            "see the agent's stderr"
        )
    lost, forever = pipe.read()
    return CrashCounts(lost / _OTHERS, waits_forever=bool(forever), program_ended=False)
