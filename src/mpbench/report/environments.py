"""Table of the measured machines and interpreters, and their differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mpbench.model import Run
from mpbench.report.document import Cell, Column, Table
from mpbench.report.formatting import DASH
from mpbench.report.run_names import run_names
from mpbench.store.frame import python_of
from mpbench.units import format_bytes

__all__ = ("environments", "flat")

# Facts of a moment: two runs of one machine always differ in them.
_MOMENTARY = (
    "load.",
    "memory.available_bytes",
    "memory.swap_used_bytes",
    "shared_memory.free_bytes",
    "cgroup.processes",
    "cgroup.cpu_throttling.",
    "fingerprint",
    "machine",
)
# What a single machine is described with; the result file has the rest.
_TELLING = (
    "cpu.model",
    "cpu.generation",
    "cpu.architecture",
    "cpu.usable",
    "cpu.logical",
    "cpu.physical",
    "cpu.quota",
    "cpu.smt",
    "cpu.governors",
    "cpu.turbo",
    "cpu.caches_bytes.L2",
    "cpu.caches_bytes.L3",
    "memory.total_bytes",
    "memory.huge_pages",
    "kernel.system",
    "kernel.release",
    "kernel.distribution",
    "kernel.libc",
    "shared_memory.size_bytes",
    "cgroup.cpu_quota",
    "cgroup.memory_limit_bytes",
    "limits.nproc",
    "limits.nofile",
    "virtualisation.hypervisor",
    "virtualisation.container",
    "packages.mpbench",
    "source.commit",
    "source.dirty",
    "python.compiler",
    "python.optimisation",
    "python.pgo",
    "python.lto",
    "python.debug",
    "python.gil",
    "python.jit",
    "python.start_methods",
    "python.default_start_method",
)
_MOST_COLUMNS = 8


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested facts as pairs of a dotted name and a text."""
    if isinstance(value, Mapping):
        for key in value:
            yield from flat(value[key], f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        yield name, ", ".join(_text(item, name) for item in value) or "none"
    else:
        yield name, _text(value, name)


def _text(value: Any, name: str) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)) and "_bytes" in name:
        return format_bytes(value)
    return str(value)


def _title(name: str) -> str:
    group, _, rest = name.partition(".")
    if not rest:
        return group.capitalize()
    words = rest.replace("_bytes", "").replace("_", " ").replace(".", " ")
    return f"{'CPU' if group == 'cpu' else group.replace('_', ' ').capitalize()}: {words}"


def _folder(run: Run) -> str:
    """Return the name by which a reader knows a result: that of its folder."""
    path = Path(run.path)
    return path.parent.name or path.stem


def _described(runs: Sequence[Run]) -> dict[str, dict[str, str]]:
    """Return the flat facts of each machine and interpreter by its label."""
    several = len(runs) > len({run.header.machine for run in runs})
    found: dict[str, dict[str, str]] = {}
    names = run_names(runs)
    for run in runs:
        # What the doctor found stands in the trust panel, with its remedies.
        known = {name: one for name, one in run.header.environment.items() if name != "doctor"}
        facts = dict(flat(known))
        for key, description in run.header.subjects.items():
            # Named as in the tables.
            label = f"{names[run.header.run]}, " * several
            label += f"{run.header.machine}, {python_of(description)}"
            if label in found:
                label += f", {key}"
            own = dict(flat(description, "python"))
            which = {"result": _folder(run)} if several else {}
            found[label] = {**which, "started": run.header.started_utc, **facts, **own}
    return found


def environments(runs: Sequence[Run]) -> Table:
    """
    Return what was measured on: the telling facts of one machine, or the differences of several.

    More than a few machines are too wide for a page; their facts are counted.
    """
    described = _described(runs)
    if len(described) == 1:
        ((label, facts),) = described.items()
        rows = [(Cell(_title(name)), Cell(facts[name])) for name in _TELLING if name in facts]
        columns = [Column("fact", "Fact"), Column("value", label)]
        caption = "What this was measured on; the result file has more facts"
        return Table("environment", "Environment", caption, tuple(columns), tuple(rows))
    names = dict.fromkeys(name for facts in described.values() for name in facts)
    differing = [
        name
        for name in names
        if not name.startswith(_MOMENTARY)
        and len({facts.get(name, DASH) for facts in described.values()}) > 1
    ]
    equal = len(names) - len(differing)
    caption = f"Only what differs is listed; {equal:,} further facts are equal or of the moment"
    if len(described) > _MOST_COLUMNS:
        return _counted(described, differing, caption)
    columns = [Column("fact", "Fact"), *(Column(label, label) for label in described)]
    made = tuple(
        (Cell(_title(name)), *(Cell(facts.get(name, DASH)) for facts in described.values()))
        for name in differing
    )
    return Table("environment", "Environments", caption, tuple(columns), made)


def _counted(
    described: Mapping[str, Mapping[str, str]], names: Sequence[str], caption: str
) -> Table:
    """Return each differing fact with how often each of its values occurs."""
    rows = []
    for name in names:
        counts: dict[str, int] = {}
        for facts in described.values():
            value = facts.get(name, DASH)
            counts[value] = counts.get(value, 0) + 1
        common = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        text = "; ".join(f"{value} ({count})" for value, count in common[:4])
        if len(common) > 4:  # noqa: PLR2004 - as many as were written
            text += f"; {len(common) - 4} others"
        rows.append((Cell(_title(name)), Cell(f"{len(counts)}", len(counts)), Cell(text)))
    columns = [Column("fact", "Fact"), Column("values", "Values", is_number=True)]
    columns += [Column("most", "Most common, and how often")]
    return Table("environment", "Environments", caption, tuple(columns), tuple(rows))
