"""Single operations seen by a body: subsamples, intervals, pairs of stamps, lateness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.workload.contract import BodyResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpbench.workload.contract import Body

__all__ = (
    "KEPT",
    "intervals",
    "latency_result",
    "lateness_body",
    "mean_parts",
    "pair_deliveries",
    "subsample",
)

# Latencies kept of one sample: enough for a 99.9th percentile over eight agents.
KEPT = 2_000


def subsample(values: Sequence[int], keep: int = KEPT) -> tuple[int, ...]:
    """
    Return the values, or an even choice of *keep* of them when there are more.

    The choice is made from the sorted values, so that percentiles stay where
    they are and a pattern in time cannot alias.
    """
    if len(values) <= keep:
        return tuple(values)
    ordered, step = sorted(values), len(values) / keep
    return tuple(ordered[int((place + 0.5) * step)] for place in range(keep))


def intervals(stamps: Sequence[int]) -> list[int]:
    """Return the differences of neighbouring readings of the clock."""
    return [after - before for before, after in zip(stamps, stamps[1:])]


def latency_result(
    latencies: Sequence[int], asked: int, facts: Mapping[str, float] | None = None
) -> BodyResult:
    """Return the result of operations that a body timed one by one."""
    return BodyResult(
        operations=len(latencies),
        asked=asked,
        elapsed_ns=sum(latencies),
        facts=facts or {},
        latencies_ns=subsample(latencies),
    )


def mean_parts(readings: Sequence[Sequence[int]], *names: str) -> dict[str, float]:
    """Return the mean of each column of readings under its name; an empty name skips one."""
    columns = zip(names, zip(*readings))
    return {name: sum(column) / len(readings) for name, column in columns if name}


def lateness_body(
    wait: Callable[[float], object], timeout_ms: int, *, renew: Callable[[], object] | None = None
) -> Body:
    """
    Return a body whose operation is by how much a wait takes longer than asked.

    Args:
        wait: Waits for so many seconds; raises if it did not.
        timeout_ms: How long.
        renew: Called after each wait, not timed.
    """

    def body(iterations: int, /) -> BodyResult:
        clock = monotonic_ns
        timeout, asked_ns = timeout_ms / 1_000, timeout_ms * 1_000_000
        late: list[int] = []
        for _ in range(iterations):
            started = clock()
            wait(timeout)
            late.append(clock() - started - asked_ns)
            if renew is not None:
                renew()
        return latency_result(late, iterations)

    return body


def pair_deliveries(
    sent: Sequence[int], returned: Sequence[int], received: Sequence[int], *, fact: str
) -> BodyResult:
    """
    Pair what the sender and the receiver stamped on the common clock.

    Args:
        sent: Read before each sending call.
        returned: Read when that call had returned.
        received: Read by the receiver when it had the message.
        fact: The name under which the mean duration of the call is reported.

    Returns:
        A result whose main reading is the time from before the call until
        the receiver had the message.

    Raises:
        VerificationError: Messages are missing, or one arrived before it was sent.
    """
    if len(received) != len(sent):
        raise VerificationError(len(sent), len(received), "messages were received")
    latencies = [after - before for before, after in zip(sent, received)]
    in_order = sum(latency > 0 for latency in latencies)
    if in_order != len(latencies):
        raise VerificationError(len(latencies), in_order, "messages arrived after they were sent")
    return latency_result(latencies, len(sent), {fact: (sum(returned) - sum(sent)) / len(sent)})
