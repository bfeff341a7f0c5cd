"""Single operations that a body saw: kept evenly, and paired across two processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.errors import VerificationError
from mpbench.workload.contract import BodyResult

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("KEPT", "intervals", "pair_deliveries", "subsample")

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
        An outcome whose main reading is the time from before the call until
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
    return BodyResult(
        operations=len(latencies),
        asked=len(sent),
        elapsed_ns=sum(latencies),
        facts={fact: (sum(returned) - sum(sent)) / len(sent)},
        latencies_ns=subsample(latencies),
    )
