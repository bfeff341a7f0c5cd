"""A profile as one HTML page that needs nothing else: no script, no network, no font."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
from markupsafe import Markup

from mpbench.profiling.gantt import MOST_ROWS, style_class, timeline
from mpbench.profiling.states import State
from mpbench.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from mpbench.profiling.profile import Profile

__all__ = ("page_of",)

# Rows beyond these are in profile.json.
_MOST_OBJECTS = 40
_MOST_STARTS = 100
_MOST_PROCESSES = 500
# Names in a sentence.
_MOST_NAMES = 8
_NONE = "-"


class _Table(NamedTuple):
    """A table of words; the columns named in `words` are aligned to the left."""

    key: str
    title: str
    caption: str
    heads: tuple[str, ...]
    words: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def _time(ns: float | None) -> str:
    return _NONE if ns is None else format_seconds(ns / 1e9)


def _some(ns: float | None) -> str:
    """Write a duration, or a dash for none at all."""
    return _time(ns) if ns else _NONE


def _percent(share: float) -> str:
    if 0 < share < 0.0005:  # noqa: PLR2004 - would be written as nothing at all
        return "less than 0.1%"
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"  # noqa: PLR2004 - two digits


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _processes(record: Mapping[str, Any]) -> _Table:
    waits = [state.value for state in State if state.is_wait]
    starts = [State.STARTING.value, State.IMPORTING.value]
    rows = []
    for one in record["processes"][:_MOST_PROCESSES]:
        states = one["states_ns"]
        doing = f", {one['detail']}" if one["detail"] else ""
        rows.append(
            (
                f"{one['number']}. {one['name']}",
                f"{one['role']}{doing}",
                str(one["pid"]),
                _time(one["end_ns"] - one["begin_ns"]),
                _some(sum(states.get(name, 0) for name in starts)),
                _some(states.get(State.WORKING.value)),
                _some(sum(states.get(name, 0) for name in waits)),
                _some(states.get(State.MOVING.value)),
                _some(states.get(State.EXITING.value)),
                _some(one["cpu_ns"]),
                _some(one["delay_ns"]),
                format_bytes(float(one["peak_rss_bytes"])) if one["peak_rss_bytes"] else _NONE,
            )
        )
    return _Table(
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


def _waits(record: Mapping[str, Any]) -> _Table | None:
    """Return what each process waited for, in columns that are not empty."""
    names = [state.value for state in State if state.is_wait or state is State.MANAGER]
    used = [
        name for name in names if any(one["states_ns"].get(name) for one in record["processes"])
    ]
    rows = [
        (
            f"{one['number']}. {one['name']}",
            *(_some(one["states_ns"].get(name)) for name in used),
            "; ".join(one["unfinished"]) or _NONE,
        )
        for one in record["processes"][:_MOST_PROCESSES]
        if any(one["states_ns"].get(name) for name in used) or one["unfinished"]
    ]
    if not rows:
        return None
    heads = ("process", *(name.removeprefix("waiting ") for name in used), "was in when it ended")
    caption = "What each main thread waited for, and what it had begun and never finished."
    return _Table("waits", "Waits", caption, heads, ("process", heads[-1]), tuple(rows))


def _starts(record: Mapping[str, Any]) -> _Table | None:
    rows = tuple(
        (
            f"{one['number']}. {one['name']}",
            _time(one["call_ns"]),
            _time(one["first_instruction_ns"]),
            _time(one["import_ns"]),
            _time(one["bootstrap_ns"]),
            _time(one["run_ns"]),
            _time(one["first_task_ns"]),
            _some(one["hook_ns"]),
        )
        for one in record["starts"][:_MOST_STARTS]
    )
    if not rows:
        return None
    return _Table(
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


def _objects(record: Mapping[str, Any]) -> _Table | None:
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
    return _Table(
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


def _stacks(stacks: Sequence[Mapping[str, Any]]) -> _Table | None:
    rows = tuple((one["function"], one["process"], _percent(one["share"])) for one in stacks)
    if not rows:
        return None
    return _Table(
        "stacks",
        "Busiest functions",
        "Share of py-spy's samples in which a function was innermost; stacks.txt has whole stacks.",
        ("function", "process", "share"),
        ("function", "process"),
        rows,
    )


def _cards(record: Mapping[str, Any]) -> list[dict[str, str]]:
    cpu, tasks = record["cpu"], record["tasks"]
    cards = [("wall-clock time", _time(record["wall_ns"]))]
    if record["efficiency"] is not None:
        cards.append(("parallel efficiency", _percent(record["efficiency"])))
    busy = f"{cpu['effective_cpus']:.2f} of {record['usable_cpus']}"
    cards.append(("CPUs in use, on average", busy))
    if record["workers"] is not None:
        cards.append(("workers at once", str(record["workers"])))
    cards.append(("processes", str(len(record["processes"]))))
    if tasks is not None:
        cards.append(("tasks", f"{tasks['calls']:,}"))
        cards.append(("a typical task", _time(tasks["call_ns"])))
    if record["messages"] is not None:
        cards.append(("messages followed", f"{record['messages']['count']:,}"))
        cards.append(("put to got, median", _time(record["messages"]["median_ns"])))
    cards.append(("peak memory (RSS)", format_bytes(float(record["peak_rss_bytes"]))))
    return [{"label": label, "value": value} for label, value in cards]


def _overhead(record: Mapping[str, Any]) -> str:
    cost = record["overhead"]
    dropped = f"{cost['dropped_events']:,} short events were not kept, their times are in the sums."
    return (
        f"Events: {cost['events']:,}, at {format_seconds(cost['event_ns'] / 1e9)} each (measured "
        f"in this interpreter just before, where nothing else happened: in a program it is several "
        f"times that), and {_time(cost['loading_total_ns'])} to load the hook in all processes: "
        f"together at least {_percent(cost['share'])} of their CPU time. "
        f"Looks of the sampler: {cost['sampler_looks']:,}, of them late "
        f"{cost['sampler_late_looks']:,}; it used {_percent(cost['sampler_share'])} of one CPU. "
        f"{dropped if cost['dropped_events'] else 'No event was lost.'}"
    )


def _notes(record: Mapping[str, Any]) -> list[str]:
    left, cpu = record["left_behind"], record["cpu"]
    notes = [f"{name} was still there at the end and was ended." for name in left["ended"]]
    notes += [f"The shared-memory file {name} was left and removed." for name in left["removed"]]
    notes += [f"{name} outlives the program (--no-orphans ends such)." for name in left["outlives"]]
    remaining = left["remaining"]
    if remaining:
        notes.append(
            f"In shared memory appeared meanwhile, and may belong to another program: "
            f"{', '.join(remaining[:_MOST_NAMES])}{_more(len(remaining))}."
        )
    if cpu["coverage"] is not None and cpu["coverage"] < 0.9:  # noqa: PLR2004 - as accounting
        notes.append(
            f"The kernel's sums cover {cpu['coverage']:.0%} of the CPU time that was seen: some "
            "process does not wait for its children."
        )
    for one in record["processes"]:
        notes += [f"{one['name']}: {text}" for text in one["notes"]]
    silent = [one["name"] for one in record["processes"] if not one["recorded"]]
    if silent:
        many = "processes" if len(silent) > 1 else "process"
        names = sorted(set(silent))
        notes.append(
            f"{len(silent)} {many} recorded nothing, known from outside only: "
            f"{', '.join(names[:_MOST_NAMES])}{_more(len(names))}."
        )
    return notes


def _more(count: int) -> str:
    """Return how many names of some were left out, in words."""
    return f" and {count - _MOST_NAMES} more" if count > _MOST_NAMES else ""


def _program(command: Sequence[str]) -> str:
    """Return what was run, without the folder of a script."""
    words = list(command[1:]) or list(command)
    words[0] = words[0].replace("\\", "/").rpartition("/")[2] or words[0]
    return " ".join(words)


def _without_workers(record: Mapping[str, Any]) -> str:
    """Return the sentence for a program that multiprocessing did not start any worker of."""
    others = len(record["processes"]) - 1
    words = "the program started no worker of multiprocessing"
    if others > 0:
        words += f"; {others} other process{'es' if others != 1 else ''} ran beside it"
    return words


def _state(state: State) -> dict[str, str]:
    return {"key": state.name.lower(), "css": style_class(state), "label": state.value}


def page_of(
    profile: Profile, record: Mapping[str, Any], stacks: Sequence[Mapping[str, Any]] = ()
) -> str:
    """
    Return the page of a profile.

    Args:
        profile: For the timeline.
        record: What `summary_of` returned for it.
        stacks: The busiest functions, where stacks were taken.
    """
    folder = files("mpbench.profiling").joinpath("templates")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters.update(percent=_percent, sentence=_sentence)
    style = environment.from_string(folder.joinpath("profile.css").read_text(encoding="utf-8"))
    css = style.render(states=[_state(state) for state in State])
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    present = {state for one in profile.members for state in one.totals} | {State.BLOCKED}
    tables = [
        _processes(record),
        _waits(record),
        _starts(record),
        _objects(record),
        _stacks(stacks),
    ]
    template = environment.from_string(
        folder.joinpath("profile.html.j2").read_text(encoding="utf-8")
    )
    return template.render(
        record=record,
        program=_program(record["command"]),
        sentence=_sentence(record["verdict"] or _without_workers(record)),
        style=Markup(css),  # noqa: S704 - our own style, without any of the program's words
        digest=f"'sha256-{digest}'",
        cards=_cards(record),
        drawing=timeline(profile, cpus=record["usable_cpus"]),
        hidden=max(0, len(profile.members) - MOST_ROWS),
        shown=[_state(state) for state in State if state in present],
        tables=[table for table in tables if table is not None],
        overhead=_overhead(record),
        notes=_notes(record),
    )
