"""Doctor findings of the machines of a report, with remedies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mpbench.model import Run
from mpbench.report import formatting
from mpbench.report.document import Check, CheckState
from mpbench.report.run_names import run_names

__all__ = ("doctor_checks",)

# What of the doctor's levels needs a reader's attention, the worst first.
_STATES = {"fault": CheckState.BAD, "warning": CheckState.NOTE}


def _findings(run: Run) -> Iterator[Mapping[str, Any]]:
    """Yield what a file says of its machine; files come from anywhere, so nothing is sure."""
    found = run.header.environment.get("doctor")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("subject"), str):
            yield one


def _text(entry: Mapping[str, Any], machines: Sequence[str], of: int) -> str:
    parts = [str(entry.get(name) or "").strip().rstrip(".") for name in ("reason", "remedy")]
    parts = [f"{part[:1].upper()}{part[1:]}." for part in parts if part]
    if of > 1:
        where = formatting.join_words(list(machines[:3]))
        more = f" and {len(machines) - 3} more" if len(machines) > 3 else ""  # noqa: PLR2004
        parts.insert(0, f"On {where}{more}.")
    return " ".join(parts)


def doctor_checks(runs: Sequence[Run]) -> tuple[Check, ...]:
    """
    Return a check for each fault and warning of the doctor, or one that there was none.

    Machines that have the same finding share a check. Results that hold no
    findings give none: they come from elsewhere.
    """
    seen: dict[tuple[str, str, str], tuple[Mapping[str, Any], list[str]]] = {}
    examined: dict[str, int] = {}
    several = len(runs) > len({run.header.machine for run in runs})
    names = run_names(runs)
    for run in runs:
        machine = names[run.header.run] if several else run.header.machine
        for finding in _findings(run):
            examined[machine] = examined.get(machine, 0) + 1
            level = str(finding.get("level"))
            if level in _STATES:
                key = (level, finding["subject"], str(finding.get("found", "")))
                machines = seen.setdefault(key, (finding, []))[1]
                if machine not in machines:
                    machines.append(machine)
    if not examined:
        return ()
    if not seen:
        text = f"the doctor's {max(examined.values())} checks found no fault before measuring"
        return (Check("Machine", CheckState.GOOD, "fit", text),)
    order = list(_STATES)
    return tuple(
        Check(
            subject[:1].upper() + subject[1:],
            _STATES[level],
            found,
            _text(one, machines, len(examined)),
        )
        for (level, subject, found), (one, machines) in sorted(
            seen.items(), key=lambda item: order.index(item[0][0])
        )
    )
