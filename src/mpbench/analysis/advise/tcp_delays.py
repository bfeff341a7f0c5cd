"""Exchanges over TCP, each measured with and without a cure of the wait for a delayed ACK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mpbench.analysis.advise.error_propagation import estimate_of
from mpbench.analysis.measurements import Measurement, pick
from mpbench.units import format_seconds

__all__ = ("TcpExchange", "tcp_exchanges")

# Linux delays an acknowledgement by 40 ms; what differs by less than half of it has another cause.
_DELAY_S = 0.02
_METHODS = ("fork", "forkserver", "spawn", "")
_NODELAY = {
    "none": "without TCP_NODELAY",
    "client": "with TCP_NODELAY on the client",
    "both": "with TCP_NODELAY on both sides",
}
_FIRST = {"client": "where the client speaks first", "server": "where the server speaks first"}
_AUTHENTICATED = "the request follows the client's last authentication message"


class _Exchange(NamedTuple):
    """Which cases do one exchange; the first value of `ways` is what multiprocessing does."""

    key: str
    what: str
    cause: str
    workload: str
    switch: str
    ways: Mapping[str, str]
    params: Mapping[str, str]
    above: Mapping[str, float]


class TcpExchange(NamedTuple):
    """One exchange over TCP: its readings by how it was made, the uncured one first."""

    key: str
    what: str
    cause: str
    ways: Mapping[str, Measurement]

    @property
    def uncured(self) -> Measurement:
        """The reading without a cure."""
        return next(iter(self.ways.values()))

    @property
    def cured(self) -> tuple[str, Measurement]:
        """How the cheapest of the others was made, and its reading."""
        others = list(self.ways.items())[1:]
        return min(others, key=lambda way: estimate_of(way[1]).value)

    @property
    def cure(self) -> str:
        """What to do about the wait."""
        if self.cured[0] in _FIRST.values():
            return "let the server speak first"
        return "set TCP_NODELAY on the side that writes twice"

    @property
    def costs(self) -> str:
        """What the exchange takes without a cure and with the best one."""
        name, cured = self.cured
        uncured = format_seconds(estimate_of(self.uncured).value)
        return f"{self.what} takes {uncured}, {format_seconds(estimate_of(cured).value)} {name}"

    @property
    def is_delayed(self) -> bool:
        """Whether the uncured one is above the cured one by a delayed ACK, beyond all doubt."""
        return _bounds(self.uncured)[0] - _bounds(self.cured[1])[1] >= _DELAY_S


def _bounds(reading: Measurement) -> tuple[float, float]:
    """Return the interval of a cost, or the range of its agents where there is none."""
    cost = estimate_of(reading)
    if cost.low is not None and cost.high is not None:
        return cost.low, cost.high
    costs = [1 / value if reading.unit == "op/s" else value for value in reading.agents]
    return min(costs, default=cost.value), max(costs, default=cost.value)


_EXCHANGES = (
    _Exchange(
        "first-request",
        "the first request on a new connection",
        _AUTHENTICATED,
        "connection/nodelay",
        "nodelay",
        _NODELAY,
        {"exchange": "first-request"},
        {},
    ),
    _Exchange(
        "speaks-first",
        "connecting with a key",
        _AUTHENTICATED,
        "connection/connect",
        "speaks_first",
        _FIRST,
        {},
        {"key_bytes": 0},
    ),
    _Exchange(
        "manager",
        "creating an object in a remote manager",
        f"on each of four new connections {_AUTHENTICATED}",
        "manager/network-create",
        "nodelay",
        _NODELAY,
        {},
        {},
    ),
    _Exchange(
        "message",
        "a message above 16,384 bytes there and back",
        "the body follows the header in a write of its own, and is less than a segment of loopback",
        "connection/nodelay",
        "nodelay",
        _NODELAY,
        {"exchange": "message"},
        {"payload_bytes": 16_384},
    ),
)


def _ways(readings: Sequence[Measurement], asked: _Exchange) -> dict[str, Measurement]:
    """Return the readings of the first case that has an uncured one, and of its other ways."""
    params = {**asked.params, "family": "AF_INET"}
    cases = pick(
        readings,
        asked.workload,
        params=params,
        where=lambda case: all((case.number(n) or 0) > least for n, least in asked.above.items()),
    )
    for uncured in sorted(cases, key=lambda case: _METHODS.index(case.method)):
        if uncured.params.get(asked.switch) != next(iter(asked.ways)):
            continue
        made = {
            name: case
            for value, name in asked.ways.items()
            for case in cases
            if case.method == uncured.method
            and case.params == {**uncured.params, asked.switch: value}
        }
        if len(made) > 1:
            return made
    return {}


def tcp_exchanges(readings: Sequence[Measurement]) -> Iterator[TcpExchange]:
    """Return each exchange that was measured over AF_INET without a cure and with one."""
    for asked in _EXCHANGES:
        ways = _ways(readings, asked)
        if ways:
            yield TcpExchange(asked.key, asked.what, asked.cause, ways)
