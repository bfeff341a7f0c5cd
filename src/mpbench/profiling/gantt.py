"""The timeline as one SVG: what every process did, its CPU and memory over time."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from markupsafe import Markup, escape

from mpbench.profiling.gantt_rows import MOST_ROWS, row_name, rows_of
from mpbench.profiling.off_cpu import off_cpu_spans
from mpbench.profiling.states import State
from mpbench.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from mpbench.profiling.processes import ProcessRecord
    from mpbench.profiling.profile import Profile
    from mpbench.profiling.states import Span

__all__ = ("style_class", "timeline")

_WIDTH, _LEFT, _RIGHT = 1_200, 190, 24
_ROW, _GAP, _TOP = 20, 6, 26
_PANEL = 64
# Enough that a step is a pixel on most screens; fewer when there are many rows.
_MOST_BINS, _MOST_CELLS = 900, 24_000
# A state below this share of a bin is not drawn in it.
_VISIBLE = 1 / 12


def style_class(state: State) -> str:
    """Return the CSS class that colours a state."""
    return f"s-{state.name.lower()}"


class _Scale(NamedTuple):
    """Nanoseconds to horizontal places."""

    origin_ns: int
    wall_ns: int

    def x(self, ns: int) -> float:
        """Return where a moment is drawn."""
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (ns - self.origin_ns) / max(1, self.wall_ns)


class _Cell(NamedTuple):
    """A piece of a row: from bin to bin, from a height to a height."""

    first: int
    last: int
    top: float
    bottom: float
    state: State


def _covered(
    spans: Sequence[Span], origin: int, edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return for how long spans had lasted in all at each moment; they do not overlap."""
    # From the origin on, so that a float holds the nanoseconds.
    starts = np.array([span.start_ns - origin for span in spans], np.float64)
    lengths = np.array([span.end_ns - span.start_ns for span in spans], np.float64)
    before = np.concatenate(([0.0], np.cumsum(lengths)))
    last = np.searchsorted(starts, edges, side="right") - 1
    inside = np.clip(edges - starts[last], 0.0, lengths[last])
    return np.where(last >= 0, before[last] + inside, 0.0)


def _bins(process: ProcessRecord, origin: int, step: float, count: int) -> list[dict[State, float]]:
    """Return for each bin the share of each state in it."""
    bins: list[dict[State, float]] = [{} for _ in range(count)]
    by_state: dict[State, list[Span]] = {}
    for span in off_cpu_spans(process):
        by_state.setdefault(span.state, []).append(span)
    edges = np.arange(count + 1, dtype=np.float64) * np.float64(step)
    for state, spans in by_state.items():
        shares = np.diff(_covered(spans, origin, edges)) / step
        for number in np.flatnonzero(shares > 0).tolist():
            bins[number][state] = float(shares[number])
    return bins


def _layers(shares: dict[State, float]) -> tuple[tuple[State, float], ...]:
    """Return a bin's states with rounded heights, in the order in which they are stacked."""
    visible = {state: part for state, part in shares.items() if part >= _VISIBLE}
    if not visible:
        return ()
    whole = sum(visible.values())
    # A bin in which the process lived for a part only is drawn full all the same.
    return tuple(
        (state, round(12 * visible[state] / whole) / 12) for state in State if state in visible
    )


def _cells(bins: Sequence[dict[State, float]]) -> Iterator[_Cell]:
    """Return the pieces of a row; equal neighbours become one."""
    layers = [_layers(one) for one in bins]
    first = 0
    for number in range(1, len(layers) + 1):
        if number < len(layers) and layers[number] == layers[first]:
            continue
        top = 0.0
        for state, height in layers[first]:
            bottom = min(1.0, top + height)
            if bottom > top:
                yield _Cell(first, number, top, bottom, state)
            top = bottom
        first = number


def _title(process: ProcessRecord) -> str:
    about = ", ".join(
        text for text in (f"pid {process.pid}", process.role.value, process.detail) if text
    )
    lived, used = (format_seconds(ns / 1e9) for ns in (process.lifetime_ns, process.cpu_ns))
    peak = format_bytes(float(process.peak_rss_bytes))
    lines = [f"{process.name} ({about})", f"lived {lived}, CPU {used}, peak {peak}"]
    ranked = sorted(process.totals.items(), key=lambda item: -item[1])
    lines += [f"{state.value}: {format_seconds(ns / 1e9)}" for state, ns in ranked[:6] if ns]
    return "\n".join(lines)


def _usage(process: ProcessRecord, scale: _Scale, top: float) -> str:
    """Return the line of a process's CPU use: the row's floor is none, its roof one CPU."""
    places = []
    for before, after in pairwise(process.snapshots):
        elapsed = after.at_ns - before.at_ns
        # A process that nobody has waited for yet can be looked at after its end.
        if elapsed > 0 and (before.at_ns + after.at_ns) // 2 <= process.end_ns:
            share = min(1.0, max(0.0, (after.cpu_ns - before.cpu_ns) / elapsed))
            middle = (before.at_ns + after.at_ns) // 2
            places.append(f"{scale.x(middle):.1f},{top + _ROW * (1 - share):.1f}")
    if len(places) < 2:  # noqa: PLR2004 - a line needs two points
        return ""
    return f'<polyline class="cpu" points="{" ".join(places)}"/>'


def _drawn(process: ProcessRecord, scale: _Scale, top: float, bins: int) -> str:
    """Return one process in its row; its title has its figures."""
    step = scale.wall_ns / bins
    width = (_WIDTH - _LEFT - _RIGHT) / bins
    cells = "".join(
        f'<rect class="{style_class(cell.state)}" x="{_LEFT + cell.first * width:.1f}" '
        f'y="{top + cell.top * _ROW:.1f}" width="{(cell.last - cell.first) * width + 0.2:.1f}" '
        f'height="{(cell.bottom - cell.top) * _ROW:.1f}"/>'
        for cell in _cells(_bins(process, scale.origin_ns, step, bins))
    )
    return f"<title>{escape(_title(process))}</title>{cells}{_usage(process, scale, top)}"


def _row(row: Sequence[ProcessRecord], scale: _Scale, top: float, bins: int) -> str:
    """Return a row with its name, and the processes that had it one after the other."""
    parts = [_drawn(one, scale, top, bins) for one in row]
    drawn = parts[0] if len(parts) == 1 else "".join(f"<g>{part}</g>" for part in parts)
    name = f'<text class="name" x="{_LEFT - 8}" y="{top + 14}">{escape(row_name(row))}</text>'
    return f'<g class="row">{name}{drawn}</g>'


def _nice_step(span: float, most: int) -> float:
    """Return a round step that divides a span into at most so many parts."""
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _axis(scale: _Scale, bottom: float) -> str:
    step = _nice_step(scale.wall_ns / 1e9, 10)
    parts = []
    for number in range(int(scale.wall_ns / 1e9 / step) + 1):
        at = scale.x(scale.origin_ns + round(number * step * 1e9))
        label = format_seconds(number * step, significant=3) if number else "0"
        parts.append(
            f'<line class="grid" x1="{at:.1f}" y1="{_TOP - 6}" x2="{at:.1f}" y2="{bottom:.1f}"/>'
            f'<text class="tick" x="{at:.1f}" y="{_TOP - 11}">{escape(label)}</text>'
        )
    return "".join(parts)


def _series(
    members: Sequence[ProcessRecord], scale: _Scale, count: int, *, memory: bool
) -> list[float]:
    """Return the sum over all processes for each step of time: CPUs in use, or bytes."""
    step = scale.wall_ns / count
    sums = [0.0] * count
    for process in members:
        for before, after in pairwise(process.snapshots):
            elapsed = after.at_ns - before.at_ns
            value = before.rss_bytes if memory else (after.cpu_ns - before.cpu_ns)
            if elapsed <= 0 or value < 0:
                continue
            first = int((before.at_ns - scale.origin_ns) / step)
            last = int((after.at_ns - scale.origin_ns) / step)
            for number in range(max(0, first), min(count - 1, last) + 1):
                begin = max(before.at_ns, scale.origin_ns + number * step)
                end = min(after.at_ns, scale.origin_ns + (number + 1) * step)
                part = max(0.0, end - begin)
                sums[number] += value * part / step if memory else value * part / elapsed / step
    return sums


def _panel(
    values: Sequence[float], *, top: float, label: str, most: float, mark: float | None
) -> str:
    """Return one area under the rows, with its label and largest value."""
    width = (_WIDTH - _LEFT - _RIGHT) / len(values)
    bottom = top + _PANEL
    places = [f"{_LEFT},{bottom}"]
    for number, value in enumerate(values):
        y = bottom - _PANEL * min(1.0, value / most if most else 0.0)
        places += [
            f"{_LEFT + number * width:.1f},{y:.1f}",
            f"{_LEFT + (number + 1) * width:.1f},{y:.1f}",
        ]
    places.append(f"{_WIDTH - _RIGHT},{bottom}")
    line = ""
    if mark is not None:
        y = bottom - _PANEL * mark / most
        line = f'<line class="mark" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"/>'
    words = "".join(
        f'<text class="name" x="{_LEFT - 8}" y="{top + 14 + 15 * number}">{escape(text)}</text>'
        for number, text in enumerate(label.split("\n"))
    )
    return (
        f'{words}<rect class="frame" x="{_LEFT}" y="{top}" '
        f'width="{_WIDTH - _LEFT - _RIGHT}" height="{_PANEL}"/>'
        f'<polygon class="area" points="{" ".join(places)}"/>{line}'
    )


def _panels(members: Sequence[ProcessRecord], scale: _Scale, top: float, cpus: int) -> str:
    # Steps no finer than the sampler's, or the areas would show its pauses.
    count = max(1, min(300, max((len(process.snapshots) for process in members), default=1)))
    used = _series(members, scale, count, memory=False)
    memory = _series(members, scale, count, memory=True)
    most = max(cpus, max(used, default=0.0)) * 1.08 or 1.0
    peak = max(memory, default=0.0)
    return _panel(
        used,
        top=top,
        label=f"CPUs in use\n(dashed: {cpus} usable)",
        most=most,
        mark=float(cpus),
    ) + _panel(
        memory,
        top=top + _PANEL + 14,
        label=f"memory (RSS), seen\nup to {format_bytes(peak)}",
        most=peak * 1.08 or 1.0,
        mark=None,
    )


def timeline(profile: Profile, *, cpus: int) -> Markup:
    """
    Return the timeline of a program as an SVG element without any script.

    Each row is a process, or several that lived one after the other; the height of a
    colour in it is the share of that time. The line over it is its CPU use.

    Args:
        profile: What was recorded.
        cpus: Usable CPUs, drawn as a line over the sum.
    """
    rows = rows_of(profile.members)[:MOST_ROWS]
    drawn = sum(len(row) for row in rows)
    scale = _Scale(profile.began_ns, profile.wall_ns)
    bins = max(150, min(_MOST_BINS, _MOST_CELLS // max(1, 3 * len(rows))))
    height = _TOP + len(rows) * (_ROW + _GAP)
    parts = [_axis(scale, height + 2 * _PANEL + 20)]
    parts += [
        _row(row, scale, _TOP + number * (_ROW + _GAP), bins) for number, row in enumerate(rows)
    ]
    parts.append(_panels(profile.members, scale, height + 6, cpus))
    total = height + 2 * _PANEL + 28
    return Markup(  # noqa: S704 - every text in it was escaped above
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {total}" role="img" '
        f'aria-labelledby="timeline-title" preserveAspectRatio="xMinYMin meet">'
        f'<title id="timeline-title">Timeline of {drawn} processes over '
        f"{escape(format_seconds(profile.wall_ns / 1e9))}; the table below has the same "
        f"figures</title>{''.join(parts)}</svg>"
    )
