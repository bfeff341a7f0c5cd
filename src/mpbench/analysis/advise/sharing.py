"""Advice about values that processes share: Value, Array or a manager's proxy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mpbench.analysis.advise.error_propagation import estimate_of
from mpbench.analysis.advise.record import Advice, Choice, advice_of, missing
from mpbench.analysis.measurements import Measurement, pick
from mpbench.units import format_seconds

__all__ = ("sharing",)


def sharing(readings: Sequence[Measurement]) -> Iterator[Advice]:
    """Answer what one read of a shared value costs in each way."""
    key, question = "shared-value", "Value or Manager, for a value that processes share?"
    local = pick(readings, "shared/access", params={"kind": "Value"})
    reads = pick(local, params={"operation": "read"}) or local
    remote = pick(readings, "manager/access", params={"kind": "Value"})
    methods = {reading.method for reading in remote}
    chosen = next((m for m in ("fork", "forkserver", "spawn") if m in methods), "")
    remote = pick(remote, where=lambda reading: reading.method == chosen)
    if not reads or not remote:
        how = "mpbench run --select shared/access --select manager/access"
        yield missing(key, question, "Value and Manager().Value were not both measured", how)
        return
    choices = [
        Choice("Value", estimate_of(reads[0]), "s", (reads[0].case,)),
        Choice("Manager().Value", estimate_of(remote[0]), "s", (remote[0].case,)),
    ]
    gap = remote[0].value - reads[0].value
    because = (
        f"Each access of a proxy is a message to the manager and back; a loop of 1,000 accesses "
        f"differs by {format_seconds(abs(gap) * 1_000)}. A proxy holds any object and reaches "
        "other machines, a Value holds one number"
    )
    yield advice_of(key, question, choices, because)
