"""How a budget of seconds becomes numbers of samples and repetitions."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ("Budget", "RoundBudget")

# More samples in one agent add little: the agent is the unit of analysis.
_MOST_SAMPLES = 5
# Below this many agents no order-statistic interval reaches 95 %.
_FEWEST = 8


class RoundBudget(NamedTuple):
    """What the next round may do: samples for each case, or nothing more."""

    samples: int
    stop: bool


class Budget:
    """
    Divides a budget over rounds; each round measures every group once.

    The first round takes the fewest samples and shows what a round costs here.
    What is left over for the later ones goes into more samples for each case.

    Args:
        seconds: The budget; None for no limit.
        rounds: Rounds that were asked for.
        samples: The fewest samples for each case and agent.
    """

    def __init__(self, seconds: float | None, *, rounds: int, samples: int) -> None:
        self._seconds = seconds
        self._rounds = rounds
        self._fewest = samples
        self._done = 0
        self._last = 0.0
        self._per_sample = 0.0
        self._samples = samples

    def measured(self, round_s: float, sampling_s: float, samples: int) -> None:
        """
        Take note of a finished round.

        Args:
            round_s: Wall-clock seconds that it took.
            sampling_s: Seconds of these inside samples.
            samples: Samples for each case in it.
        """
        self._done += 1
        self._last = round_s
        self._samples = samples
        self._per_sample = sampling_s / max(1, samples)

    def next(self, used_s: float) -> RoundBudget:
        """
        Return what the next round may do.

        Args:
            used_s: Seconds since measuring began.
        """
        if self._seconds is None or not self._done:
            return RoundBudget(self._fewest, stop=False)
        left = self._seconds - used_s
        to_come = self._rounds - self._done
        if left <= 0 and self._done >= _FEWEST:
            return RoundBudget(self._fewest, stop=True)
        each = left / max(1, to_come)
        plain = self._last - (self._samples - self._fewest) * self._per_sample
        more = (each - plain) / self._per_sample if self._per_sample > 0 else 0.0
        most = max(_MOST_SAMPLES, self._fewest)
        return RoundBudget(max(self._fewest, min(most, self._fewest + int(more))), stop=False)

    def remaining_s(self, used_s: float, groups_done: int, groups: int) -> float | None:
        """Return about how many seconds remain, or None before anything is known."""
        finished = self._done + (groups_done / groups if groups else 0.0)
        if finished <= 0:
            return self._seconds
        return used_s / finished * (self._rounds - finished)
