"""Advice about connections over TCP: where TCP_NODELAY or who speaks first matters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mpbench.analysis.advise.error_propagation import estimate_of
from mpbench.analysis.advise.record import Advice, Choice, advice_of
from mpbench.analysis.advise.tcp_delays import TcpExchange, tcp_exchanges
from mpbench.analysis.measurements import Measurement

__all__ = ("tcp",)


def _because(exchange: TcpExchange) -> str:
    """Say in one sentence what it costs, why, and what cures it."""
    if not exchange.is_delayed:
        return f"No wait for a delayed acknowledgement is shown: {exchange.costs}"
    costs = exchange.costs[:1].upper() + exchange.costs[1:]
    return (
        f"{costs}, because {exchange.cause}: a second small write waits for the other side's "
        f"delayed acknowledgement (Nagle's algorithm); {exchange.cure}"
    )


def tcp(readings: Sequence[Measurement]) -> Iterator[Advice]:
    """Answer how to make each exchange over TCP that was measured in more than one way."""
    for exchange in tcp_exchanges(readings):
        choices = [
            Choice(name, estimate_of(reading), "s", (reading.case,))
            for name, reading in exchange.ways.items()
        ]
        question = f"How to avoid waiting over TCP: {exchange.what}?"
        yield advice_of(f"tcp-{exchange.key}", question, choices, _because(exchange))
