"""
The steps that this field is known for, looked for in the readings of every report.

Each of them is found again or not: a jump is claimed where the agents' own
spread leaves no doubt, and a sweep that was measured without one says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mpbench.analysis.advise.tcp_delays import tcp_exchanges
from mpbench.analysis.measurements import Measurement, ParamValue, distinct, grouped, pick
from mpbench.analysis.steps import Step, boundary_of, find_steps
from mpbench.report import formatting
from mpbench.report.document import Conclusion
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.figures.labels import param_value, params_words, quantity

__all__ = ("known_steps",)

_SIZE, _MEMORY = "payload_bytes", "rss_mib"


class _Said(NamedTuple):
    """One conclusion before it is linked: what it is about, in words, and its evidence."""

    figure: str
    subject: str
    text: str
    case: str


def _steps(readings: Sequence[Measurement], over: str) -> tuple[Step, ...]:
    """Return the jumps of one series, of the time per operation."""
    costs = {
        value: [1 / cost if reading.unit == "op/s" else cost for cost in reading.agents]
        for reading in readings
        if (value := reading.number(over)) is not None
        and reading.agents
        and min(reading.agents) > 0
    }
    return find_steps(costs)


def _around(readings: Sequence[Measurement], over: str, step: Step) -> Measurement:
    """Return the reading just after a step."""
    return next(reading for reading in readings if reading.number(over) == step.after)


def _jump(name: str, step: Step) -> str:
    costs = f"{quantity(step.cost_before, 's')} to {quantity(step.cost_after, 's')}"
    return f"{formatting.ratio_text(step.ratio.value)} for {name} ({costs})"


def _without(names: Sequence[str]) -> str:
    return f"; none is shown for {formatting.join_words(list(names))}" if names else ""


def _at(
    series: Mapping[str, Sequence[Measurement]], boundary: str, subject: str, what: str
) -> Iterator[_Said]:
    """Say which series jump up at a documented size, and which were measured there and do not."""
    found: dict[str, tuple[Step, Measurement]] = {}
    missing: list[str] = []
    for name, readings in series.items():
        if len(distinct(readings, _SIZE)) < 2:  # noqa: PLR2004 - one size is no sweep
            continue
        here = [
            step
            for step in _steps(readings, _SIZE)
            if step.is_up and (boundary_of(step) or "").startswith(boundary)
        ]
        if here:
            found[name] = (here[0], _around(readings, _SIZE, here[0]))
        else:
            missing.append(name)
    if found:
        step, after = max(
            (entry for entry in found.values()), key=lambda entry: entry[0].ratio.value
        )
        low, high = (param_value(_SIZE, value) for value in (step.before, step.after))
        jumps = formatting.join_words([_jump(name, entry) for name, (entry, _) in found.items()])
        yield _Said(
            formatting.ratio_text(step.ratio.value),
            subject,
            f"{what} steps up between {low} and {high}: {jumps}{_without(missing)}.",
            after.case,
        )
    elif missing:
        first = next(iter(series.values()))[0]
        yield _Said(
            "no step",
            subject,
            f"{what} shows no sure step of 10 % or more at {boundary} "
            f"({formatting.join_words(missing)}).",
            first.case,
        )


def _argument(material: FigureData) -> Iterator[_Said]:
    readings = material.of("process/start-by-argument", fact="start_return")
    scripts = distinct(readings, "main_ms")
    fixed: dict[str, ParamValue] = {"main_ms": scripts[0]} if scripts else {}
    series = grouped(pick(readings, fact=None, params=fixed), lambda reading: reading.method)
    yield from _at(series, "64 KiB", "start() by the size of its argument", "The return of start()")


def _connection(material: FigureData) -> Iterator[_Said]:
    series: dict[str, Sequence[Measurement]] = {}
    pipes = material.first_method(material.of("pipe/round-trip"))
    for form, each in grouped(
        pipes, lambda reading: str(reading.params.get("form", "bytes"))
    ).items():
        series[f"Pipe ({form})"] = each
    sockets = material.first_method(material.of("connection/round-trip"))
    for family, each in grouped(
        sockets, lambda reading: str(reading.params.get("family", ""))
    ).items():
        series[f"Client over {family}"] = each
    # Without both sides of the boundary nothing can be said about it.
    near = {
        name: each
        for name, each in series.items()
        if {16_384.0, 16_385.0} <= {reading.number(_SIZE) for reading in each}
    }
    yield from _at(
        near, "16 KiB", "One more byte through a Connection", "A Connection's round trip"
    )


def _grows(ordered: Sequence[Measurement]) -> str | None:
    """Return how much the last reading is above the first, None where intervals leave it open."""
    first, last = ordered[0], ordered[-1]
    if first.overlaps(last) or last.value <= first.value:
        return None
    return formatting.ratio_text(last.value / first.value)


def _memory(material: FigureData) -> Iterator[_Said]:
    readings = material.of("process/start-at-rss")
    pages = distinct(readings, "pages")
    fixed: dict[str, ParamValue] = {"pages": pages[0]} if pages else {}
    series = {
        method: sorted(each, key=lambda reading: reading.number(_MEMORY) or 0.0)
        for method, each in grouped(
            pick(readings, params=fixed), lambda reading: reading.method
        ).items()
    }
    series = {method: each for method, each in series.items() if len(each) > 1}
    if not series:
        return
    every = next(iter(series.values()))
    low, high = (each.number(_MEMORY) or 0.0 for each in (every[0], every[-1]))
    less = param_value(_MEMORY, low) if low else "none"
    held = f"{param_value(_MEMORY, high)} of data instead of {less}"
    grown = {method: ratio for method, each in series.items() if (ratio := _grows(each))}
    flat = [method for method in series if method not in grown]
    words = [f"{ratio} as long under {method}" for method, ratio in grown.items()]
    said = f"takes {formatting.join_words(words)}" if grown else "takes no longer"
    rest = f"; no growth is shown under {formatting.join_words(flat)}" if flat and grown else ""
    top = max(series, key=lambda method: series[method][-1].value / series[method][0].value)
    yield _Said(
        grown.get(top, "no growth" if not grown else next(iter(grown.values()))),
        "Starting a process from a large parent",
        f"From a parent that holds {held} a start {said}{rest}.",
        series[top][-1].case,
    )


def _apart(
    early: Measurement, late: Measurement, subject: str, words: tuple[str, str]
) -> Iterator[_Said]:
    """Say how far two readings of one case are apart, if their intervals say that they are."""
    if early.overlaps(late) or late.value <= early.value:
        text = f"{words[0]} {quantity(early.value, 's')}, {words[1]} {quantity(late.value, 's')}"
        yield _Said("no difference", subject, f"{text}: no difference is shown.", late.case)
        return
    ratio = formatting.ratio_text(late.value / early.value)
    text = (
        f"{words[0]} {quantity(early.value, 's')}, {words[1]} {quantity(late.value, 's')}: "
        f"{ratio} as long."
    )
    yield _Said(ratio, subject, text, late.case)


def _largest(readings: Sequence[Measurement]) -> Measurement | None:
    known = [reading for reading in readings if reading.number(_SIZE) is not None]
    return max(known, key=lambda one: one.number(_SIZE) or 0.0, default=None)


def _delivered(material: FigureData) -> Iterator[_Said]:
    arrived = material.first_method(material.of("queue/put-delivered"))
    late = _largest(pick(arrived, params={"kind": "Queue"}))
    returned = material.of("queue/put-delivered", fact="put_return")
    early = next((one for one in returned if late is not None and one.case == late.case), None)
    if late is None or early is None:
        return
    size = params_words({_SIZE: late.params[_SIZE]}).removeprefix("payload ")
    words = (f"Queue.put() of {size} returns after", "the message has arrived after")
    yield from _apart(early, late, "Queue: from put() to delivery", words)


def _touched(material: FigureData) -> Iterator[_Said]:
    every = pick(
        material.of("shared/create", fact=None), fact=None, params={"kind": "SharedMemory"}
    )
    late = _largest(pick(every, fact="first_touch"))
    early = next(
        (entry for entry in every if late and entry.fact == "steady" and entry.case == late.case),
        None,
    )
    if late is None or early is None:
        return
    size = params_words({_SIZE: late.params[_SIZE]}).removeprefix("payload ")
    words = (f"Writing {size} of shared memory takes", "and the first time")
    yield from _apart(early, late, "Shared memory: the first write", words)


def _tcp(material: FigureData) -> Iterator[_Said]:
    exchanges = list(tcp_exchanges(material.readings))
    delayed = [exchange for exchange in exchanges if exchange.is_delayed]
    costs = "; ".join(exchange.costs for exchange in delayed or exchanges)
    subject = "Over TCP: the wait for a delayed acknowledgement"
    if delayed:
        first = delayed[0]
        cures = " or ".join(dict.fromkeys(exchange.cure for exchange in delayed))
        ratio = first.uncured.value / first.cured[1].value
        text = (
            "Over TCP a second small write waits for the other side's delayed acknowledgement: "
            f"{costs}; {cures}."
        )
        yield _Said(formatting.ratio_text(ratio), subject, text, first.uncured.case)
    elif exchanges:
        text = f"No wait for a delayed acknowledgement is shown over TCP: {costs}."
        yield _Said("no wait", subject, text, exchanges[0].uncured.case)


_RULES = (_argument, _memory, _connection, _delivered, _touched, _tcp)


def known_steps(material: FigureData, targets: Mapping[str, str]) -> tuple[Conclusion, ...]:
    """
    Return what the readings of one place show of the known steps.

    Args:
        material: The readings.
        targets: The id of each case's place in the page.

    Returns:
        A conclusion for each step whose sweep was measured: how high it is, or
        that none is shown. Nothing about what was not measured.
    """
    # Without intervals nothing is sure, neither a step nor that there is none.
    sure = pick(material.readings, fact=None, where=lambda reading: reading.has_interval)
    material = material._replace(readings=sure)
    note = f" {material.note}" if material.note else ""
    return tuple(
        Conclusion(
            said.figure, said.subject, f"{said.text}{note}", targets.get(said.case, "summary")
        )
        for rule in _RULES
        for said in rule(material)
    )
