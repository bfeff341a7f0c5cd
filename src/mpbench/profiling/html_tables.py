"""Tables of a profile's page, as words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mpbench.profiling.states import State
from mpbench.profiling.table import Table
from mpbench.profiling.what_if_table import what_if_table
from mpbench.units import format_bytes, format_seconds

__all__ = ("as_percent", "as_time", "tables_of")

# Rows beyond these are in profile.json.
_MOST_OBJECTS = 40
_MOST_STARTS = 100
_MOST_PROCESSES = 500
_MOST_LOCKS, _MOST_HOLDERS = 10, 5
_NONE = "-"


def as_time(ns: float | None) -> str:
    """Return a duration in words; a dash where it is not known."""
    return _NONE if ns is None else format_seconds(ns / 1e9)


def _some(ns: float | None) -> str:
    """Write a duration, or a dash for none at all."""
    return as_time(ns) if ns else _NONE


def as_percent(share: float) -> str:
    """Return a share in percent."""
    if 0 < share < 0.0005:  # noqa: PLR2004 - would be written as nothing at all
        return "less than 0.1%"
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"  # noqa: PLR2004 - two digits


def _processes(record: Mapping[str, Any]) -> Table:
    waits = [state.value for state in State if state.is_wait]
    starts = [State.STARTING.value, State.IMPORTING.value]
    rows = []
    for process in record["processes"][:_MOST_PROCESSES]:
        states = process["states_ns"]
        doing = f", {process['detail']}" if process["detail"] else ""
        rows.append(
            (
                f"{process['number']}. {process['name']}",
                f"{process['role']}{doing}",
                str(process["pid"]),
                as_time(process["end_ns"] - process["begin_ns"]),
                _some(sum(states.get(name, 0) for name in starts)),
                _some(states.get(State.WORKING.value)),
                _some(sum(states.get(name, 0) for name in waits)),
                _some(states.get(State.MOVING.value)),
                _some(states.get(State.EXITING.value)),
                _some(process["cpu_ns"]),
                _some(process["delay_ns"]),
                format_bytes(float(process["peak_rss_bytes"]))
                if process["peak_rss_bytes"]
                else _NONE,
            )
        )
    return Table(
        "processes",
        "Processes",
        "Wall-clock time of each main thread by what it did; “own code” is the program's own, "
        "whether on a CPU or not; CPU time of all threads; “no CPU” is time in which it could "
        "have run but had none.",
        (
            "process",
            "role",
            "pid",
            "lived",
            "start-up",
            "own code",
            "waiting",
            "moving data",
            "exit",
            "CPU",
            "no CPU",
            "peak memory",
        ),
        ("process", "role"),
        tuple(rows),
    )


def _waits(record: Mapping[str, Any]) -> Table | None:
    """Return what each process waited for, in columns that are not empty."""
    names = [state.value for state in State if state.is_wait or state is State.MANAGER]
    used = [
        name
        for name in names
        if any(process["states_ns"].get(name) for process in record["processes"])
    ]
    rows = [
        (
            f"{process['number']}. {process['name']}",
            *(_some(process["states_ns"].get(name)) for name in used),
            "; ".join(process["unfinished"]) or _NONE,
        )
        for process in record["processes"][:_MOST_PROCESSES]
        if any(process["states_ns"].get(name) for name in used) or process["unfinished"]
    ]
    if not rows:
        return None
    heads = ("process", *(name.removeprefix("waiting ") for name in used), "was in when it ended")
    caption = "What each main thread waited for, and what it had begun and never finished."
    return Table("waits", "Waits", caption, heads, ("process", heads[-1]), tuple(rows))


def _starts(record: Mapping[str, Any]) -> Table | None:
    rows = tuple(
        (
            f"{start['number']}. {start['name']}",
            as_time(start["call_ns"]),
            as_time(start["first_instruction_ns"]),
            as_time(start["import_ns"]),
            as_time(start["bootstrap_ns"]),
            as_time(start["run_ns"]),
            as_time(start["first_task_ns"]),
            _some(start["hook_ns"]),
        )
        for start in record["starts"][:_MOST_STARTS]
    )
    if not rows:
        return None
    return Table(
        "starts",
        "How workers started",
        "Time since Process.start was called, but for the call itself, the import of the main "
        "module, and what the profiler's own hook added to it.",
        (
            "process",
            "start() took",
            "first instruction",
            "importing main",
            "bootstrap",
            "run",
            "first task",
            "profiler's hook",
        ),
        ("process",),
        rows,
    )


def _objects(record: Mapping[str, Any]) -> Table | None:
    rows = tuple(
        (
            one["what"],
            one["place"] or _NONE,
            f"{one['calls']:,}",
            str(one["processes"]),
            _some(one["call_ns"]),
            _some(one["wait_ns"]),
            _some(one["longest_ns"]),
            format_bytes(float(one["sent_bytes"])) if one["sent_bytes"] else _NONE,
        )
        for one in record["objects"][:_MOST_OBJECTS]
    )
    if not rows:
        return None
    more = len(record["objects"]) - len(rows)
    return Table(
        "objects",
        "Queues, locks, pools and managers",
        "Summed over all processes and threads, the longest waits first."
        + (f" {more} more are in profile.json." if more else ""),
        (
            "object",
            "made at",
            "calls",
            "processes",
            "in calls",
            "waiting",
            "longest wait",
            "sent",
        ),
        ("object", "made at"),
        rows,
    )


def _stacks(stacks: Sequence[Mapping[str, Any]]) -> Table | None:
    rows = tuple(
        (stack["function"], stack["process"], as_percent(stack["share"])) for stack in stacks
    )
    if not rows:
        return None
    return Table(
        "stacks",
        "Busiest functions",
        "Share of py-spy's samples in which a function was innermost; stacks.txt has whole stacks.",
        ("function", "process", "share"),
        ("function", "process"),
        rows,
    )


def _tasks(record: Mapping[str, Any]) -> Table | None:
    rows = tuple(
        (
            f"{one['function']}({one['arguments'].removeprefix('(').removesuffix(')')})",
            f"{one['number']:,}",
            one["worker"],
            as_time(one["begin_ns"]),
            as_time(one["duration_ns"]),
        )
        for one in (record["tasks"] or {}).get("longest", ())
    )
    if not rows:
        return None
    tasks = record["tasks"]
    parts = tasks["percentiles_ns"]
    spread = ", ".join(f"{part} %: {as_time(ns)}" for part, ns in parts.items())
    return Table(
        "tasks",
        "Longest tasks",
        f"Of {tasks['calls']:,} tasks, which took up to {spread}. A worker describes a task that "
        f"is longer than all before it. Workers were idle for {as_time(tasks['idle_tail_ns'])} "
        "together between their last task and the last of all.",
        ("task", "number", "worker", "began at", "took"),
        ("task", "worker"),
        rows,
    )


def _locks(record: Mapping[str, Any]) -> Table | None:
    rows = tuple(
        (
            f"{lock['what']} {lock['place']}".strip(),
            as_time(lock["waited_ns"]),
            holder["name"],
            _some(holder["while_others_waited_ns"]),
            f"{holder['holds']:,}",
            as_time(holder["longest_ns"]),
            holder["place"] or _NONE,
        )
        for lock in record["locks"][:_MOST_LOCKS]
        for holder in lock["holders"][:_MOST_HOLDERS]
    )
    if not rows:
        return None
    return Table(
        "locks",
        "Who held the locks",
        "Holds of 0.02 ms or more of locks that were waited for; the time in which others waited "
        "counts each of them.",
        ("lock", "waited for", "held by", "while others waited", "holds", "longest", "until"),
        ("lock", "held by", "until"),
        rows,
    )


def tables_of(record: Mapping[str, Any], stacks: Sequence[Mapping[str, Any]]) -> list[Table]:
    """Return the tables of a page that have rows."""
    makers = (what_if_table, _processes, _waits, _tasks, _locks, _starts, _objects)
    tables = [*(make(record) for make in makers), _stacks(stacks)]
    return [table for table in tables if table is not None]
