"""HTML page of a profile that needs nothing else: no script, no network, no font."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from mpbench.profiling.gantt import style_class, timeline
from mpbench.profiling.gantt_rows import MOST_ROWS, rows_of
from mpbench.profiling.html_tables import as_percent, as_time, tables_of
from mpbench.profiling.states import State
from mpbench.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from mpbench.profiling.profile import Profile

__all__ = ("page_of",)

# Names in a sentence.
_MOST_NAMES = 8


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _cards(record: Mapping[str, Any]) -> list[dict[str, str]]:
    cpu, tasks = record["cpu"], record["tasks"]
    cards = [("wall-clock time", as_time(record["wall_ns"]))]
    if record["efficiency"] is not None:
        cards.append(("parallel efficiency", as_percent(record["efficiency"])))
    busy = f"{cpu['effective_cpus']:.2f} of {record['usable_cpus']}"
    cards.append(("CPUs in use, on average", busy))
    if record["workers"] is not None:
        cards.append(("workers at once", str(record["workers"])))
    cards.append(("processes", str(len(record["processes"]))))
    if tasks is not None:
        cards.append(("tasks", f"{tasks['calls']:,}"))
        cards.append(("a typical task", as_time(tasks["call_ns"])))
    if record["messages"] is not None:
        cards.append(("messages followed", f"{record['messages']['count']:,}"))
        cards.append(("put to got, median", as_time(record["messages"]["median_ns"])))
    cards.append(("peak memory (RSS)", format_bytes(float(record["peak_rss_bytes"]))))
    return [{"label": label, "value": value} for label, value in cards]


def _overhead(record: Mapping[str, Any]) -> str:
    cost = record["overhead"]
    dropped = f"{cost['dropped_events']:,} short events were not kept, their times are in the sums."
    return (
        f"Events: {cost['events']:,}, at {format_seconds(cost['event_ns'] / 1e9)} each (measured "
        f"in this interpreter just before, where nothing else happened: in a program it is several "
        f"times that), and {as_time(cost['loading_total_ns'])} to load the hook everywhere: "
        f"together at least {as_percent(cost['share'])} of their CPU time. "
        f"Looks of the sampler: {cost['sampler_looks']:,}, of them late "
        f"{cost['sampler_late_looks']:,}; it used {as_percent(cost['sampler_share'])} of one CPU. "
        f"{dropped if cost['dropped_events'] else 'No event was lost.'}"
    )


def _time_sentence(record: Mapping[str, Any]) -> str:
    """Return the workers' time in a sentence; empty without workers."""
    time = record["time"]
    if time is None:
        return ""
    words = {
        "own code": "own_code_ns",
        "waiting": "waiting_ns",
        "moving data": "moving_ns",
        "starting": "starting_ns",
        "profiler": "profiler_ns",
    }
    parts = [f"{word} {as_time(time[key])}" for word, key in words.items() if time[key]]
    alone = as_time(time["without_workers_ns"])
    return f"All workers together: {', '.join(parts)}; without workers about {alone}."


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
    for process in record["processes"]:
        notes += [f"{process['name']}: {text}" for text in process["notes"]]
    silent = [process["name"] for process in record["processes"] if not process["recorded"]]
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
    environment.filters.update(percent=as_percent, sentence=_sentence)
    style = environment.from_string(folder.joinpath("profile.css").read_text(encoding="utf-8"))
    css = style.render(states=[_state(state) for state in State])
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    present = {state for process in profile.members for state in process.totals} | {State.BLOCKED}
    rows = rows_of(profile.members)
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
        time=_time_sentence(record),
        drawing=timeline(profile, cpus=record["usable_cpus"]),
        hidden=sum(len(row) for row in rows[MOST_ROWS:]),
        shared=any(len(row) > 1 for row in rows),
        shown=[_state(state) for state in State if state in present],
        tables=tables_of(record, stacks),
        overhead=_overhead(record),
        notes=_notes(record),
    )
