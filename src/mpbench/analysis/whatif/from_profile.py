"""A recorded program as it can be replayed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.whatif.job_records import JobRecords
from mpbench.analysis.whatif.model import Cost, Program, Script, Work
from mpbench.analysis.whatif.pool_records import PoolRecords
from mpbench.analysis.whatif.replay import replay
from mpbench.analysis.whatif.timeline import Timeline, Use
from mpbench.profiling.hook import kinds
from mpbench.profiling.processes import ProcessRecord, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.analysis.whatif.costs import Costs
    from mpbench.analysis.whatif.model import Op
    from mpbench.profiling.profile import Profile

__all__ = ("Recorded", "program_of")

# An interpreter's own end, after its last event, is not longer than this.
_MOST_EXIT_S = 0.5


class Recorded(NamedTuple):
    """
    A program, and what is not known of it.

    Args:
        program: As it is replayed.
        measured_s: How long it ran.
        outside_s: How long its processes waited for a CPU that others had.
        unknown_s: Time that the first process, or the one that it waited for, spent in waits
            whose cause was not recorded.
        problem: Why it cannot be replayed at all; empty where it can.
    """

    program: Program
    measured_s: float
    outside_s: float
    unknown_s: float
    problem: str = ""


def _name(process: ProcessRecord) -> str:
    return "main" if process.role is Role.MAIN else f"process {process.number}"


def _boot_s(process: ProcessRecord) -> tuple[Cost, int]:
    """Return what a child did before its run, and when that began."""
    lane = None if process.traced is None else process.traced.main
    if lane is None or process.traced is None:
        return Cost(0.0), process.begin_ns
    runs = [event for event in (*lane.events, *lane.unfinished) if event.kind == kinds.RUN]
    begin = runs[0].start_ns if runs else process.traced.born_ns
    asked = process.begin_ns if process.start_event is None else process.start_event.end_ns
    wall_s = max(0.0, (begin - asked) / 1e9)
    cpu_s = min(wall_s, process.traced.boot_cpu_ns / 1e9 or wall_s)
    hook_s = min(cpu_s, process.traced.hook_load_ns / 1e9)
    return Cost(cpu_s - hook_s, 0.0, hook_s, wall_s - cpu_s), begin


def _main_import_s(process: ProcessRecord, cpu_share: float) -> float:
    """Return the CPU time in which a child imported the program's main module."""
    lane = None if process.traced is None else process.traced.main
    if lane is None:
        return 0.0
    imports = [event.duration_ns for event in lane.events if event.kind == kinds.IMPORT_MAIN]
    return cpu_share * sum(imports) / 1e9


def _child_script(process: ProcessRecord, timeline: Timeline, method: str) -> Script:
    """Return what a process did that the program started itself."""
    boot, begin = _boot_s(process)
    lane = None if process.traced is None else process.traced.main
    run = next((one for one in (lane.events if lane else ()) if one.kind == kinds.RUN), None)
    end = process.end_ns if run is None else run.end_ns
    use = None if run is None or not run.value else Use(run.value / 1e9, 0.0)
    ops = timeline.ops(process, begin, end, use)
    wall = max(1e-9, (begin - process.begin_ns) / 1e9)
    share = min(1.0, (boot.cpu_s + boot.profiler_s) / wall)
    left_s = min(_MOST_EXIT_S, max(0.0, (process.end_ns - end) / 1e9))
    return Script(
        ops=ops,
        method=method,
        boot=boot,
        main_import=Cost(_main_import_s(process, share)),
        exit=Cost(left_s),
    )


# What a child of multiprocessing imports anyway.
_STANDARD = {"multiprocessing", "concurrent", "importlib", "_posixshmem"}


def _is_own(name: str) -> bool:
    """Tell whether a module is none that every child of multiprocessing imports."""
    return name.split(".", maxsplit=1)[0] not in _STANDARD


def _own_import(main: ProcessRecord) -> Cost:
    """Return what the first process spent on imports of the program's own modules."""
    if main.traced is None:
        return Cost(0.0)
    first = min((job.at_ns for job in main.traced.jobs), default=main.end_ns)
    spent = sum(
        one.ended_ns - one.began_ns
        for one in main.traced.imports
        if _is_own(one.name) and one.began_ns < first
    )
    share = min(1.0, main.cpu_ns / max(1, main.cpu_ns + main.run_queue_ns))
    return Cost(share * spent / 1e9)


def _heavy_import(members: Sequence[ProcessRecord]) -> tuple[str, float]:
    """Return the module whose import took children longest, and its CPU time in each."""
    sums: dict[str, list[float]] = {}
    for process in members:
        if process.role is not Role.WORKER or process.traced is None or process.traced.forked:
            continue
        share = min(1.0, process.cpu_ns / max(1, process.cpu_ns + process.run_queue_ns))
        for module in process.traced.imports:
            if _is_own(module.name):
                spent = share * (module.ended_ns - module.began_ns) / 1e9
                sums.setdefault(module.name, []).append(spent)
    heaviest = max(sums, key=lambda name: sum(sums[name]), default="")
    return heaviest, median(sums[heaviest]) if heaviest else 0.0


def _problem(profile: Profile, main: ProcessRecord | None) -> str:
    """Return why a program cannot be replayed."""
    if main is None or main.traced is None or main.traced.main is None:
        return "it used nothing of multiprocessing that was recorded"
    if profile.ran.cause != "exited" or profile.ran.interrupted:
        return "the program was ended from outside"
    if profile.dropped:
        return f"{profile.dropped:,} events were too many to be kept (--events)"
    libraries = sorted({name for recorded in profile.traced for name in recorded.libraries})
    foreign = [name for name in libraries if name != "concurrent.futures.thread"]
    if foreign:
        return f"{', '.join(foreign)} has workers whose tasks are not recorded"
    if any(process.role is Role.MANAGER for process in profile.members):
        return "what a manager does between its calls is not recorded"
    return ""


def _methods(processes: Sequence[ProcessRecord]) -> Mapping[int, str]:
    """Return the start method of each child by its number."""
    known = {"fork", "spawn", "forkserver"}
    return {
        process.number: next((word for word in process.detail.split(", ") if word in known), "")
        for process in processes
    }


def program_of(profile: Profile, costs: Costs | None, cpus: int) -> Recorded:
    """
    Return a program as it can be replayed.

    Args:
        profile: What was recorded.
        costs: What operations cost on this machine; None where it was not measured.
        cpus: Usable CPUs.
    """
    members = profile.members
    main = next((process for process in members if process.role is Role.MAIN), None)
    measured_s = profile.wall_ns / 1e9 if main is None else main.lifetime_ns / 1e9
    problem = _problem(profile, main)
    empty = Program(scripts={"main": Script(ops=())}, cpus=cpus)
    if main is None or problem:
        return Recorded(empty, measured_s, 0.0, 0.0, problem)
    jobs = JobRecords(members)
    methods = _methods(members)
    pools = PoolRecords(main, members, jobs, methods, costs, profile.event_ns / 1e9)
    timeline = Timeline(profile, main, pools, jobs)
    children = [
        process
        for process in members
        if process.role is Role.WORKER
        and process.number not in pools.workers
        and process.traced is not None
    ]
    timeline.name_children({one.pid: _name(one) for one in children})
    main_ops = timeline.ops(main, main.begin_ns, main.end_ns, None)
    hook_s = 0.0 if main.traced is None else main.traced.hook_load_ns / 1e9
    scripts = {"main": Script(ops=(*_without(main_ops, hook_s), Work(Cost(0.0, 0.0, hook_s))))}
    for child in children:
        scripts[_name(child)] = _child_script(child, timeline, methods.get(child.number, ""))
    program = Program(
        scripts=scripts,
        pools=pools.pools,
        jobs=jobs.jobs,
        cpus=cpus,
        slowdown=1.0 if costs is None else costs.slowdown.value,
        own_import=_own_import(main),
        heavy_import=_heavy_import(members),
        places={
            thing.key: thing.label
            for recorded in profile.traced
            for thing in recorded.objects.values()
            if thing.label
        },
    )
    program = replace(program, outside=_outside(program))
    run_queue_s = program.outside * _queue_s(program)
    problem = pools.problem or jobs.problem or timeline.problem
    return Recorded(program, measured_s, run_queue_s, timeline.unknown_s, problem)


def _queue_s(program: Program) -> float:
    """Return how long the recorded program waited for a CPU, as far as it is replayed."""
    scripts = sum(
        script.boot.queue_s + sum(op.cost.queue_s for op in script.ops if isinstance(op, Work))
        for script in program.scripts.values()
    )
    jobs = sum(item.queue_s for job in program.jobs.values() for item in job.items)
    chunks = {
        number: sum(
            -(-len(job.items) // job.chunk_size)
            for job in program.jobs.values()
            if job.pool == number
        )
        for number in program.pools
    }
    pools = sum(
        pool.boot.queue_s * pool.workers + (pool.hand.queue_s + pool.take.queue_s) * chunks[number]
        for number, pool in program.pools.items()
    )
    return scripts + jobs + pools


# Each replay is nearer to the share at which its own waits and those of others add up.
_ROUNDS = 3


def _outside(program: Program) -> float:
    """Return the share of the recorded waits for a CPU that this program did not cause itself."""
    recorded = _queue_s(program)
    share = 0.0
    for _ in range(_ROUNDS):
        own = replay(replace(program, outside=share), with_profiler=True).run_queue_s
        share = max(0.0, 1 - own / recorded) if recorded > 0 else 0.0
    return share


def _without(ops: Sequence[Op], hook_s: float) -> list[Op]:
    """Take the loading of the hook out of the program's own work at its beginning."""
    kept: list[Op] = []
    for op in ops:
        if isinstance(op, Work) and hook_s > 0:
            part = min(hook_s, op.cost.cpu_s)
            hook_s -= part
            kept.append(op._replace(cost=op.cost._replace(cpu_s=op.cost.cpu_s - part)))
        else:
            kept.append(op)
    return kept
