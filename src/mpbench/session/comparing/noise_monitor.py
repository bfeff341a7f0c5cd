"""
Machine-noise monitor: canary and steal time around each episode.

An episode may be dropped, but only as a whole and only on evidence that no
arm can have caused or favoured: the speed of a short spin of the controller's
own, before and after, and CPU time that the hypervisor took away. Throttling,
pressure and switches are recorded and never decide, because a workload can
cause them itself; measured times never decide.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench import environment
from mpbench.clock import monotonic_ns
from mpbench.workload import spin, spin_loops

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ("CanaryStatistics", "MachineSnapshot", "NoiseMonitor", "reason_to_drop")

# One spin is 3 ms; the fastest of three is not disturbed by one interruption.
_SPIN_NS = 3_000_000
_SPINS = 3
# The session's own speed is the median of so many canaries.
_REMEMBERED = 41

# A canary this far off says that the CPU itself ran at another speed, where that is rare.
_MOST_OFF = 0.25
# Where it is not (a neighbour on the other thread of a core makes it half as slow
# again for a tenth of a second), a canary says nothing of the half second beside it:
# identical arms differed as much in the 44 % of episodes that had one as in the
# others. There it must be off by so many times what is usual.
_TIMES_USUAL = 3.0
# With fewer nothing is known to be unusual.
_FEWEST = 9
# The share of CPU time that the hypervisor may take during an episode.
_MOST_STOLEN = 0.10


class MachineSnapshot(NamedTuple):
    """What the machine showed at one moment; counters run since boot, None where unknown."""

    canary_ns: int
    stolen_s: float | None
    busy_s: float | None
    idle_s: float | None
    pressure_us: float | None
    throttled_us: int | None


class CanaryStatistics(NamedTuple):
    """The session's own canaries: their median, and how far four of five lie from it."""

    canary_ns: float
    spread: float = 0.0

    @classmethod
    def of(cls, canaries: Sequence[int]) -> CanaryStatistics:
        """Return what is usual in a session that saw these."""
        middle = median(canaries)
        if len(canaries) < _FEWEST:
            return cls(middle, math.inf)
        off = sorted(abs(canary / middle - 1.0) for canary in canaries)
        return cls(middle, off[(len(off) - 1) * 4 // 5])


def reason_to_drop(facts: dict[str, Any], usual: CanaryStatistics) -> str | None:
    """
    Return why an episode does not count, or None.

    Args:
        facts: What the guard saw around it.
        usual: What the session's canaries are otherwise.
    """
    canaries: Sequence[int] = facts["canary_ns"]
    most = max(_MOST_OFF, _TIMES_USUAL * usual.spread)
    for canary in canaries:
        if abs(canary / usual.canary_ns - 1.0) > most:
            return f"a canary took {canary / usual.canary_ns:.2f} times its usual time"
    if (facts["stolen_share"] or 0.0) > _MOST_STOLEN:
        return f"the hypervisor took {facts['stolen_share']:.0%} of the CPU time"
    return None


def _canary(loops: int) -> int:
    fastest = 0
    for _ in range(_SPINS):
        started = monotonic_ns()
        spin(loops)
        elapsed = monotonic_ns() - started
        fastest = elapsed if not fastest else min(fastest, elapsed)
    return fastest


def _read(loops: int) -> MachineSnapshot:
    load = environment.processor_seconds() or {}
    cgroup = environment.describe_cgroup()["cpu_throttling"]
    pressure = environment.pressure().get("cpu", {})
    return MachineSnapshot(
        canary_ns=_canary(loops),
        stolen_s=load.get("stolen_s"),
        busy_s=load.get("busy_s"),
        idle_s=load.get("idle_s"),
        pressure_us=pressure.get("some_total"),
        throttled_us=None if cgroup is None else cgroup["throttled_us"],
    )


def _difference(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before


def _stolen_share(first: MachineSnapshot, second: MachineSnapshot) -> float | None:
    """Return the share of the CPU time that the hypervisor took; None where it is hidden."""
    stolen_s = _difference(second.stolen_s, first.stolen_s)
    busy_s = _difference(second.busy_s, first.busy_s)
    idle_s = _difference(second.idle_s, first.idle_s)
    if stolen_s is None or busy_s is None or idle_s is None:
        return None
    whole = stolen_s + busy_s + idle_s
    return stolen_s / whole if whole > 0 else 0.0


class NoiseMonitor:
    """
    Looks before and after each episode.

    Args:
        read: Returns one look at the machine; a fake in tests.
    """

    def __init__(self, read: Callable[[], MachineSnapshot] | None = None) -> None:
        if read is None:
            loops = spin_loops(_SPIN_NS)
            self._read: Callable[[], MachineSnapshot] = lambda: _read(loops)
        else:
            self._read = read
        self._canaries: deque[int] = deque(maxlen=_REMEMBERED)
        self._last = self._look()

    def _look(self) -> MachineSnapshot:
        look = self._read()
        self._canaries.append(look.canary_ns)
        return look

    def before(self) -> None:
        """Look at the machine before an episode."""
        self._last = self._look()

    def after(self) -> dict[str, Any]:
        """
        Look again, and return the facts of the episode.

        Returns:
            What is recorded with both repetitions: `guard` with the readings,
            and `dropped` with the reason why the episode does not count, if any.
        """
        first, second = self._last, self._look()
        facts = {
            "canary_ns": [first.canary_ns, second.canary_ns],
            "stolen_share": _stolen_share(first, second),
            "pressure_us": _difference(second.pressure_us, first.pressure_us),
            "throttled_us": _difference(second.throttled_us, first.throttled_us),
        }
        return {
            "guard": facts,
            "dropped": reason_to_drop(facts, CanaryStatistics.of(self._canaries)),
        }
