"""Cautions: what a reader must know before believing the figures of a profile."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from mpbench.profiling.hook.layout import LEAST_FREE_BYTES
from mpbench.profiling.processes import Role
from mpbench.profiling.tasks import lost_tasks, was_told_to_end
from mpbench.units import format_bytes

if TYPE_CHECKING:
    from mpbench.profiling.profile import Profile

__all__ = ("ended_by", "warnings_of")

# From this share of their lives without a CPU, other programs explain a part.
_BUSY = 0.15
# So many processes that did not end well are named.
_MOST = 5
# Libraries with workers of their own, and how much of them is recorded.
_OUTSIDE = "not followed: its tasks are not counted, its processes are seen from outside"
_THREADS = "not followed: its tasks are not counted, they are a part of their process's own code"
_LIBRARIES = {
    "billiard": _OUTSIDE,
    "multiprocess": _OUTSIDE,
    "gevent": _THREADS,
    "ray": _OUTSIDE,
    "mpire": "followed as processes and queues: what it sends as tasks is an estimate",
    "pebble": "followed as processes and pipes: its tasks are not counted",
    "distributed": "followed as processes and connections: its tasks are not counted",
    "xdist": _OUTSIDE,
    "torch.utils.data": "followed as processes and queues: its batches count as tasks",
    "concurrent.futures.interpreter": _THREADS,
    "concurrent.futures.thread": _THREADS,
}
_NAMES = {
    "concurrent.futures.interpreter": "InterpreterPoolExecutor",
    "concurrent.futures.thread": "ThreadPoolExecutor",
    "torch.utils.data": "torch's DataLoader",
    "distributed": "dask.distributed",
}


def _uncounted(profile: Profile) -> list[str]:
    """Say which libraries of the program are not followed, or not as a whole."""
    imported = {name for process in profile.traced for name in process.libraries}
    if imported & {"joblib", "loky", "distributed", "mpire", "pebble"}:
        # They use threads of their own, which are not the program's affair.
        imported.discard("concurrent.futures.thread")
    return [
        f"the program uses {_NAMES.get(name, name)}, which is {text}"
        for name, text in _LIBRARIES.items()
        if name in imported
    ]


def _lost_tasks(profile: Profile) -> list[str]:
    """Name the workers that were killed with a task in hand, of which nobody will hear."""
    lost = []
    for process in lost_tasks(profile.members)[:_MOST]:
        end = ended_by(process.exit_code or 0)
        text = f"{process.name} (pid {process.pid}) {end} with a task in hand, which is lost"
        if "pool worker" in process.detail:
            text += "; a Pool gives it to no other worker and waits for its result for ever"
        lost.append(text)
    return lost


def _memory(profile: Profile) -> list[str]:
    """Say what the control group counted while the program ran."""
    count = profile.ran.report.get("oom_kills")
    if not count:
        return []
    text = (
        f"out of memory: the kernel ended {count} of the processes in the program's control group; "
        "look at its memory limit (mpbench doctor), and at what each process needs"
    )
    return [text]


def ended_by(code: int) -> str:
    """Say how a process ended that did not end well."""
    if code > 0:
        return f"failed with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def warnings_of(profile: Profile, cpus: int) -> list[str]:
    """Return what a reader must know before believing the figures."""
    workers = [process for process in profile.members if process.role is Role.WORKER]
    lost = lost_tasks(profile.members)
    ended = [
        process
        for process in profile.members
        if process.exit_code
        and process.role is not Role.MAIN
        and not was_told_to_end(process)
        and process not in lost
    ]
    if profile.ran.interrupted:
        # Ctrl-C reaches them all; that each ended with KeyboardInterrupt is no news.
        ended = [one for one in ended if one.exit_code not in {1, -signal.SIGINT}]
    # Whom somebody told to end did so because of the others.
    ended.sort(key=lambda one: one.exit_code == -signal.SIGTERM)
    found = [f"{one.name} (pid {one.pid}) {ended_by(one.exit_code or 0)}" for one in ended[:_MOST]]
    if len(ended) > _MOST:
        found.append(f"{len(ended) - _MOST} more processes did not end in good order")
    if profile.dropped:
        found.insert(
            0,
            f"{profile.dropped:,} of {profile.events:,} events were not kept, the shortest: sums "
            "have all of them, tasks, messages and the timeline do not (--events keeps more)",
        )
    found = [*_memory(profile), *_uncounted(profile), *_lost_tasks(profile), *found]
    delay = sum(worker.run_queue_ns for worker in workers)
    lived = sum(worker.lifetime_ns for worker in workers)
    if lived and delay > _BUSY * lived and len(workers) <= cpus:
        found.append(
            f"the machine was busy: workers were ready to run but had no CPU for "
            f"{delay / lived:.0%} of their time; repeat when it is idle (see mpbench doctor)"
        )
    if profile.room_bytes < LEAST_FREE_BYTES:
        found.append(
            f"no event was kept: {format_bytes(float(profile.room_bytes))} were free where "
            f"temporary files are made, and {format_bytes(float(LEAST_FREE_BYTES))} are needed; "
            "set TMPDIR to a folder with more room"
        )
    elif not profile.traced and profile.ran.exit_code == 0:
        found.append(
            "no process recorded anything: the interpreter ignored PYTHONPATH (-E or -I), or the "
            "program did not use multiprocessing; processes are shown from outside only"
        )
    return found
