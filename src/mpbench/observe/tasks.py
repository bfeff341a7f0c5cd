"""The tasks that workers did: how many, how long, how many in one chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from mpbench.observe.hook import kinds
from mpbench.observe.members import Role

if TYPE_CHECKING:
    from mpbench.observe.members import Member
    from mpbench.observe.rings import Lane

__all__ = ("Tasks", "tasks_of")


class Tasks(NamedTuple):
    """
    What workers were given.

    A chunk is what one message brings; it holds several calls where a pool's
    map was given a chunk size.
    """

    chunks: int
    calls: int
    chunk_ns: int
    longest_ns: int

    @property
    def calls_in_chunk(self) -> float:
        """Calls in one chunk, on average."""
        return self.calls / self.chunks if self.chunks else 0.0

    @property
    def call_ns(self) -> float:
        """A typical call: the median chunk's time for each of its calls."""
        return self.chunk_ns / self.calls_in_chunk if self.calls else 0.0


def _chunks(lane: Lane) -> Iterator[tuple[int, int]]:
    """
    Return duration and number of calls of each chunk that a worker did.

    A pool's chunks of map are events of their own. Everything else is the time
    from one answer of a queue to the next question to the same queue, without
    the time in which the result was handed back.
    """
    own = [one for one in lane.moments if one.kind == kinds.TASK]
    if own:
        yield from ((one.duration_ns, one.argument) for one in own)
        return
    asked = [one for one in lane.moments if one.kind == kinds.GET]
    given = [one for one in lane.moments if one.kind == kinds.PUT]
    behind = 0
    for before, after in pairwise(asked):
        if before.thing != after.thing:
            continue
        handing = 0
        while behind < len(given) and given[behind].start_ns < after.start_ns:
            if given[behind].start_ns >= before.end_ns:
                handing += given[behind].duration_ns
            behind += 1
        yield max(0, after.start_ns - before.end_ns - handing), 1


def tasks_of(members: Iterable[Member]) -> Tasks | None:
    """Return the tasks of all workers; None when they took none from a queue or pool."""
    lanes = (
        one.traced.main
        for one in members
        if one.role is Role.WORKER and one.traced is not None and one.traced.main is not None
    )
    found = [chunk for lane in lanes for chunk in _chunks(lane)]
    if not found:
        return None
    times = [time for time, _ in found]
    return Tasks(
        chunks=len(found),
        calls=sum(calls for _, calls in found),
        chunk_ns=round(median(times)),
        longest_ns=max(times),
    )
