"""A profile as one record: what `profile.json` holds and the page shows."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import mpbench
from mpbench.environment import usable_cpus
from mpbench.profiling.cautions import ended_by, warnings_of
from mpbench.profiling.diagnosis import Loss, efficiency_sentence, largest_losses
from mpbench.profiling.diagnosis_input import DiagnosisInput
from mpbench.profiling.efficiency import efficiency_breakdown
from mpbench.profiling.hook import kinds
from mpbench.profiling.lock_holders import lock_uses
from mpbench.profiling.objects import describe_objects, merge_unnamed_pipes, object_costs, owner_of
from mpbench.profiling.processes import ProcessRecord, Role
from mpbench.profiling.states import State
from mpbench.profiling.task_tables import lock_table, task_table, time_table
from mpbench.profiling.tasks import tasks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpbench.profiling.event_files import Event, RecordedProcess
    from mpbench.profiling.metadata_files import TracedObject
    from mpbench.profiling.profile import Profile

__all__ = ("ending_of", "summary_of")

SCHEMA = 1


def ending_of(profile: Profile) -> str:
    """Say in words how the program ended."""
    ran = profile.ran
    if ran.interrupted and ran.cause == "killed":
        return "was interrupted, and ended by force"
    if ran.exit_code == -signal.SIGINT:
        return "was interrupted"
    if ran.cause == "deadline":
        return "ran out of time and was ended"
    if ran.cause == "lost":
        return "was lost: its supervisor disappeared, and what it had started was ended"
    if ran.exit_code is None:
        return "ended nobody knows how"
    is_memory = ran.exit_code == -signal.SIGKILL and ran.report.get("oom_kills")
    end = ended_by(ran.exit_code) if ran.exit_code else "finished"
    return f"{end}: out of memory" if is_memory else end


def _command(profile: Profile) -> list[str]:
    """Return the command without the path of the interpreter, which is nobody's business."""
    return [Path(profile.command[0]).name, *profile.command[1:]]


def _first(traced: RecordedProcess, kind: int) -> Event | None:
    lane = traced.main
    moments = () if lane is None else (*lane.events, *lane.unfinished)
    return min(
        (event for event in moments if event.kind == kind),
        key=lambda event: event.start_ns,
        default=None,
    )


def _start(process: ProcessRecord) -> dict[str, Any] | None:
    """Return how long each phase of a worker's start took; null where it did not happen."""
    traced = process.traced
    if traced is None or process.role is not Role.WORKER or process.start_event is None:
        return None
    imported, bootstrap = _first(traced, kinds.IMPORT_MAIN), _first(traced, kinds.BOOTSTRAP)
    run, get = _first(traced, kinds.RUN), _first(traced, kinds.GET)
    born = max(traced.born_ns, process.begin_ns)
    return {
        "number": process.number,
        "name": process.name,
        "call_ns": process.start_event.duration_ns,
        "first_instruction_ns": born - process.begin_ns,
        "import_ns": None if imported is None else imported.duration_ns,
        "run_ns": None if run is None else run.start_ns - process.begin_ns,
        "bootstrap_ns": None if bootstrap is None else bootstrap.start_ns - process.begin_ns,
        "first_task_ns": (
            None if get is None or not get.duration_ns else get.end_ns - process.begin_ns
        ),
        "hook_ns": traced.hook_load_ns,
    }


def _moving_elsewhere(process: ProcessRecord) -> int:
    """Return the time in which other threads than the main one pickled and sent."""
    if process.traced is None:
        return 0
    moves = {kinds.PICKLE, kinds.UNPICKLE, kinds.SEND}
    return sum(
        moment.duration_ns
        for lane in process.traced.threads
        if not lane.is_main
        for moment in lane.events
        if moment.kind in moves
    )


def _hanging(process: ProcessRecord, things: Mapping[str, TracedObject]) -> list[str]:
    """
    Return what a process was in the middle of when it ended, outermost first.

    A worker knows a queue's pipe and no more; whoever made the queue has described it.
    """
    lane = None if process.traced is None else process.traced.main
    frames = {kinds.BOOTSTRAP, kinds.RUN, kinds.WORKER}
    if lane is None or process.traced is None:
        return []
    words = []
    for moment in lane.unfinished:
        if moment.kind not in frames:
            known = process.traced.objects.get(moment.object)
            thing = things[owner_of(known.key, things)] if known else None
            of = f" of {thing.type_name} {thing.label}".rstrip() if thing else ""
            words.append(f"{kinds.NAMES.get(moment.kind, moment.kind)}{of}")
    return words


def _process(
    process: ProcessRecord, origin: int, things: Mapping[str, TracedObject]
) -> dict[str, Any]:
    return {
        "number": process.number,
        "pid": process.pid,
        "name": process.name,
        "role": process.role.value,
        "exit_code": process.exit_code,
        "detail": process.detail,
        "begin_ns": process.begin_ns - origin,
        "end_ns": process.end_ns - origin,
        "cpu_ns": process.cpu_ns,
        "delay_ns": process.run_queue_ns,
        "peak_rss_bytes": process.peak_rss_bytes,
        "states_ns": {state.value: ns for state, ns in process.totals.items()},
        "other_threads_moving_ns": _moving_elsewhere(process),
        "recorded": process.traced is not None,
        "unfinished": _hanging(process, things),
        "notes": list(process.traced.unknown) if process.traced is not None else [],
    }


def _overhead(profile: Profile) -> dict[str, Any]:
    """Return what recording cost: events at their measured price, and the hook's loading."""
    used = sum(process.cpu_ns for process in profile.members if process.traced is not None)
    events = profile.events * profile.event_ns
    loading = sum(recorded.hook_load_ns for recorded in profile.traced)
    seen = profile.ran.seen
    return {
        "event_ns": profile.event_ns,
        "events": profile.events,
        "dropped_events": profile.dropped,
        "events_total_ns": round(events),
        "loading_total_ns": loading,
        # Of the CPU time of those that recorded themselves.
        "share": min(1.0, (events + loading) / used) if used else 0.0,
        "sampler_cpu_ns": seen.own_cpu_ns,
        "sampler_share": seen.own_share,
        "sampler_looks": seen.ticks,
        "sampler_late_looks": seen.late_ticks,
    }


def _messages(profile: Profile) -> dict[str, Any] | None:
    flows = profile.flows
    if not flows:
        return None
    took = [flow.received.event.end_ns - flow.sent.event.start_ns for flow in flows]
    return {
        "count": len(flows),
        "bytes": sum(flow.sent.event.value for flow in flows),
        "median_ns": round(median(took)),
        "longest_ns": max(took),
    }


def _cpu(profile: Profile) -> dict[str, Any]:
    report = profile.ran.report
    accounted = report.get("cpu_user_ns", 0) + report.get("cpu_system_ns", 0)
    seen = max(profile.ran.seen.cpu_ns, sum(process.cpu_ns for process in profile.members))
    return {
        "accounted_ns": accounted,
        "seen_ns": seen,
        "source": "subreaper" if report.get("subreaper") else "rusage",
        "coverage": min(1.0, accounted / seen) if seen else None,
        "effective_cpus": max(accounted, seen) / max(1, profile.wall_ns),
    }


def _loss(loss: Loss) -> dict[str, Any]:
    """Return a loss under the names of profile.json."""
    record = loss._asdict()
    record["advice"] = record.pop("remedy")
    return record


def summary_of(profile: Profile, *, cpus: int | None = None) -> dict[str, Any]:
    """
    Return everything that is known about a profiled program, as JSON-able values.

    Times are nanoseconds; moments are counted from the beginning of the program.

    Args:
        profile: What was recorded.
        cpus: Usable CPUs; None asks the system.
    """
    usable = usable_cpus() if cpus is None else cpus
    balance, tasks = efficiency_breakdown(profile), tasks_of(profile.members)
    costs = object_costs(profile.traced)
    locks = lock_uses(profile.members)
    facts = (
        None if balance is None else DiagnosisInput(profile, balance, tasks, costs, usable, locks)
    )
    things = describe_objects(profile.traced)
    starts = [start for process in profile.members if (start := _start(process)) is not None]
    return {
        "schema": SCHEMA,
        "mpbench": mpbench.__version__,
        "command": _command(profile),
        "working_folder": Path(os.getcwd()).name,  # noqa: PTH109 - the name only
        "ending": ending_of(profile),
        "exit_code": profile.ran.exit_code,
        "wall_ns": profile.wall_ns,
        "usable_cpus": usable,
        "cpu": _cpu(profile),
        "peak_rss_bytes": profile.ran.seen.peak_rss_bytes,
        "verdict": None if facts is None else efficiency_sentence(facts),
        "efficiency": None if balance is None else balance.efficiency,
        "workers": None if balance is None else balance.workers,
        "warnings": warnings_of(profile, usable),
        "losses": [] if facts is None else [_loss(loss) for loss in largest_losses(facts)],
        "tasks": None if tasks is None else task_table(tasks, profile.began_ns),
        "time": None if facts is None else time_table(facts),
        "locks": [lock_table(use) for use in locks],
        "processes": [_process(process, profile.began_ns, things) for process in profile.members],
        "starts": starts,
        "objects": [pipe._asdict() for pipe in merge_unnamed_pipes(costs)],
        "messages": _messages(profile),
        "overhead": _overhead(profile),
        "left_behind": {
            "ended": list(profile.ran.report.get("ended", ())),
            "removed": list(profile.ran.report.get("removed", ())),
            "remaining": list(profile.ran.report.get("remaining", ())),
            "outlives": list(profile.ran.report.get("outlives", ())),
        },
        "states": [state.value for state in State],
    }
