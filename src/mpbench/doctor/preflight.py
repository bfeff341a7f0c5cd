"""Reasons why a case cannot run on this machine, before it is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mpbench.model import Case
    from mpbench.workload import Needs, Workload

__all__ = ("Capacity", "capacity_of", "skip_reason", "skip_reasons")

# A file system for shared memory that fills up ends the process that touches
# it with SIGBUS, so half of it stays free for everybody else.
_SHM_SHARE = 0.5
# Beyond this share of the available memory the machine begins to swap or kill.
_MEMORY_SHARE = 0.7
# What agent, supervisor, controller and the rest of the desktop still need.
_PROCESS_MARGIN = 32
_DESCRIPTOR_MARGIN = 16


class Capacity(NamedTuple):
    """What a machine can still give; None where there is no limit or none is known."""

    shm_free_bytes: int | None = None
    memory_free_bytes: int | None = None
    processes_left: int | None = None
    descriptors: int | None = None
    semaphores: bool = True


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def capacity_of(machine: Mapping[str, Any], interpreter: Mapping[str, Any]) -> Capacity:
    """
    Return what a machine can give to a case.

    RLIMIT_NPROC counts the user's threads in the whole system, which nobody
    can know beforehand; the margin stands for them. The administrator is not
    held to it.

    Args:
        machine: The environment record.
        interpreter: The description of the interpreter that runs the agent.
    """
    group, limits = machine["cgroup"], machine["limits"]
    left = None
    if group["process_limit"] is not None:
        left = group["process_limit"] - (group["processes"] or 0)
    own = limits.get("nproc", (None, None))[0]
    return Capacity(
        shm_free_bytes=machine["shared_memory"]["free_bytes"],
        memory_free_bytes=_least(
            machine["memory"]["available_bytes"],
            group["memory_limit_bytes"],
        ),
        processes_left=_least(left, own),
        descriptors=limits.get("nofile", (None, None))[0],
        semaphores=interpreter.get("semaphores", True),
    )


def _short_of_processes(needs: Needs, has: Capacity) -> str | None:
    if has.processes_left is not None and needs.processes + _PROCESS_MARGIN > has.processes_left:
        return (
            f"needs {needs.processes} process{'' if needs.processes == 1 else 'es'} beside the "
            f"{_PROCESS_MARGIN} kept for others, "
            f"{has.processes_left} are left; raise `ulimit -u` or the container's process limit"
        )
    if has.descriptors is not None and needs.descriptors + _DESCRIPTOR_MARGIN > has.descriptors:
        return (
            f"needs {needs.descriptors} open file{'' if needs.descriptors == 1 else 's'} beside "
            f"the {_DESCRIPTOR_MARGIN} kept for others, the limit is {has.descriptors}; "
            "raise `ulimit -n`"
        )
    return None


def _short_of_memory(needs: Needs, has: Capacity) -> str | None:
    if needs.shm_bytes and has.shm_free_bytes is not None:
        allowed = int(has.shm_free_bytes * _SHM_SHARE)
        if needs.shm_bytes > allowed:
            return (
                f"needs {format_bytes(needs.shm_bytes)} of shared memory, half of what is free is "
                f"{format_bytes(allowed)}; enlarge /dev/shm (docker run --shm-size)"
            )
    if needs.memory_bytes and has.memory_free_bytes is not None:
        allowed = int(has.memory_free_bytes * _MEMORY_SHARE)
        if needs.memory_bytes > allowed:
            return (
                f"needs {format_bytes(needs.memory_bytes)} of memory, "
                f"{_MEMORY_SHARE:.0%} of what is available is {format_bytes(allowed)}"
            )
    return None


def skip_reason(needs: Needs, has: Capacity) -> str | None:
    """Return why a case with these needs cannot run on such a machine, or None."""
    if needs.semaphores and not has.semaphores:
        return (
            "needs semaphores (sem_open), which cannot be made here: the interpreter lacks them, "
            "or /dev/shm is full, read-only or missing"
        )
    return _short_of_processes(needs, has) or _short_of_memory(needs, has)


def skip_reasons(
    machine: Mapping[str, Any], interpreter: Mapping[str, Any]
) -> Callable[[Workload, Case], str | None]:
    """
    Return a function that says why a case cannot run here, or None.

    Args:
        machine: The environment record.
        interpreter: The description of the interpreter that runs the agent.
    """
    has = capacity_of(machine, interpreter)

    def answer(workload: Workload, case: Case) -> str | None:
        return workload.unsupported(case) or skip_reason(workload.needs(case), has)

    return answer
