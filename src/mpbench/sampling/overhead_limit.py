"""Limit on the CPU share of the resource sampler."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ("OverheadLimit",)

# The part of the allowed share that looks themselves may use; waking up costs something, too.
_ROOM = 0.95


class OverheadLimit(NamedTuple):
    """
    A limit to what looking may cost.

    `interval_ns` is the time between two looks when they are cheap, `share`
    the most CPU time that they may use, as a share of one CPU.
    """

    interval_ns: int
    share: float

    def allows(self, *, elapsed_ns: int, own_ns: int, cost_ns: int) -> bool:
        """
        Return whether one more look fits into the share of the time that has passed.

        Args:
            elapsed_ns: Since the first moment that counts.
            own_ns: CPU time used until now.
            cost_ns: What the look will cost.
        """
        return own_ns + cost_ns <= _ROOM * self.share * elapsed_ns

    def pause_ns(self, *, elapsed_ns: int, own_ns: int, cost_ns: int) -> int:
        """
        Return how long not to look after a look.

        The next one will cost about as much. It must fit into the share of all
        time, and of the time since the last one alone: what was saved while
        nobody looked must not be spent in a burst.

        Args:
            elapsed_ns: Since the first moment that counts.
            own_ns: CPU time used until now, the look included.
            cost_ns: What the look cost.
        """
        room = _ROOM * self.share
        overall_ns = (own_ns + cost_ns) / room - elapsed_ns
        return round(max(self.interval_ns, overall_ns, cost_ns / room))
