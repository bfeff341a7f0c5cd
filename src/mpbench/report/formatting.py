"""Text of numbers and names, the same in every format of the report."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mpbench.units import format_bytes, format_quantity

__all__ = (
    "DASH",
    "TIMES",
    "digits_for",
    "docstring_parts",
    "family_text",
    "family_title",
    "interval_text",
    "join_words",
    "param_text",
    "param_title",
    "percent_text",
    "quantity_text",
    "ratio_text",
    "slug",
)

DASH = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"

_FAMILIES: Mapping[str, tuple[str, str]] = {
    "floor": (
        "Floors",
        "The cheapest things that use the same kernel mechanisms, measured in the same run.",
    ),
    "process": ("Processes", "Starting a process, reaching its first bytecode, and joining it."),
    "lock": ("Locks", "Locks and semaphores, free and fought for."),
    "condition": ("Conditions, events, barriers", "How long it takes to wake those who wait."),
    "shared": ("Shared values", "Value, Array and shared memory: memory that processes share."),
    "manager": ("Managers", "Objects that live in another process and are reached by proxy."),
    "pipe": ("Pipes", "Connections between two processes: latency, bandwidth, message rate."),
    "queue": ("Queues", "Queue, SimpleQueue and JoinableQueue: put, get, and what lies between."),
    "pool": ("Pools", "Handing tasks to a Pool: overhead for each task, chunk sizes, scaling."),
    "connection": ("Connections", "Listener, Client and what can be sent through them."),
    "cross": ("Across families", "The same job done in every way there is, and what it holds."),
    "peer": (
        "Other libraries",
        "The same tasks through pools that are no part of multiprocessing.",
    ),
    "worker": (
        "Kinds of worker",
        "The same jobs for processes, threads and interpreters: start, memory, tasks, crashes.",
    ),
}

_LABELS = ("Timed", "Not timed", "Reads as")
_LABEL = re.compile(rf"(?:(?<=\s)|^)({'|'.join(_LABELS)}):\s+")


def family_title(family: str) -> str:
    """Return the heading of a family."""
    return _FAMILIES.get(family, (family.replace("-", " ").capitalize(), ""))[0]


def family_text(family: str) -> str:
    """Return one sentence about a family; empty for one that we do not know."""
    return _FAMILIES.get(family, ("", ""))[1]


def digits_for(median: float, low: float, high: float) -> int:
    """Return how many digits of a median carry information, given its interval."""
    width = (high - low) / 2 / abs(median) if median else math.nan
    if not math.isfinite(width) or width <= 0:
        return 3
    return max(2, min(4, 1 + math.ceil(-math.log10(width))))


def quantity_text(value: float, unit: str, *, digits: int = 3) -> str:
    """Return a value with its unit, or a dash where there is none."""
    if not math.isfinite(value):
        return DASH
    return format_quantity(value, unit, significant=digits)


def interval_text(low: float, high: float, unit: str, *, digits: int = 3) -> str:
    """Return an interval; a unit that both ends share is written once."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return DASH
    first = quantity_text(low, unit, digits=digits)
    last = quantity_text(high, unit, digits=digits)
    number, _, name = first.partition(" ")
    return (
        f"{number} {DASH} {last}"
        if name and last.endswith(f" {name}")
        else f"{first} {DASH} {last}"
    )


def ratio_text(ratio: float) -> str:
    """Return a ratio with as many digits as a reader can use."""
    if not math.isfinite(ratio):
        return DASH
    if ratio < 1.995:  # noqa: PLR2004 - near 1 the second decimal is the news
        return f"{ratio:.2f}{TIMES}"
    return f"{ratio:,.1f}{TIMES}" if ratio < 9.95 else f"{ratio:,.0f}{TIMES}"  # noqa: PLR2004 - as above


def percent_text(share: float) -> str:
    """Return a share as a percentage."""
    if not math.isfinite(share):
        return DASH
    return f"{100 * share:.1f} %" if abs(share) < 0.0995 else f"{100 * share:.0f} %"  # noqa: PLR2004


def param_title(name: str) -> str:
    """Return the heading of a parameter."""
    return name.removesuffix("_bytes").replace("_", " ")


def param_text(name: str, value: Any) -> str:
    """Return the value of a parameter; sizes get their unit."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return DASH
    if not isinstance(value, float):
        return str(value)
    if name.endswith("_bytes"):
        return format_bytes(int(value))
    return f"{value:,g}" if value < 1e6 else f"{value:,.0f}"  # noqa: PLR2004 - no exponents


def slug(name: str) -> str:
    """Return a name as it may stand in an id; two different names never become one."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if plain == name.replace("/", "-"):
        return plain
    return f"{plain[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")


def join_words(words: Sequence[str]) -> str:
    """Return words as one phrase: `a, b and c`."""
    if len(words) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def docstring_parts(doc: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """
    Split a workload's docstring into its first line and what it says under its labels.

    Returns:
        The first line, then pairs of a label (`Timed`, `Not timed`, `Reads as`,
        or empty for further text) and its text.
    """
    first, _, rest = doc.strip().partition("\n\n")
    parts: list[tuple[str, str]] = []
    for paragraph in rest.split("\n\n"):
        words = " ".join(paragraph.split())
        pieces = _LABEL.split(words)
        if pieces[0].strip():
            parts.append(("", pieces[0].strip()))
        parts += [
            (label, text.strip()) for label, text in zip(pieces[1::2], pieces[2::2], strict=True)
        ]
    return " ".join(first.split()), tuple(parts)
