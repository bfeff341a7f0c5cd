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
    from mpbench.observe.rings import Lane, Moment

__all__ = ("Tasks", "tasks_of")

_EVER_NS = 1 << 63


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


class _Cursor:
    """Events of one kind in the order of their beginning, taken as far as a moment."""

    def __init__(self, lane: Lane, kind: int) -> None:
        self._moments = [one for one in lane.moments if one.kind == kind]
        self._at = 0

    def within(self, begin_ns: int, end_ns: int) -> list[Moment]:
        """Return the events that began between two moments; later calls ask for later ones."""
        found = []
        while self._at < len(self._moments) and self._moments[self._at].start_ns < end_ns:
            one = self._moments[self._at]
            if one.start_ns >= begin_ns:
                found.append(one)
            self._at += 1
        return found


def _chunks(lane: Lane) -> Iterator[tuple[int, int]]:
    """
    Return duration and number of calls of each chunk that a worker did.

    A chunk is done between one answer of a queue and the next question to the
    same queue, without the time in which its result was handed back. Chunks of
    a pool's or an executor's map are events of their own, and say how many
    calls they hold.
    """
    # A pool ends its workers while they ask for the next task.
    asked = [one for one in (*lane.moments, *lane.unfinished) if one.kind == kinds.GET]
    mapped, given = _Cursor(lane, kinds.TASK), _Cursor(lane, kinds.PUT)
    for before, after in pairwise(asked):
        if before.thing != after.thing:
            continue
        known = mapped.within(before.end_ns, after.start_ns)
        handing = sum(one.duration_ns for one in given.within(before.end_ns, after.start_ns))
        if known:
            yield from ((one.duration_ns, one.argument) for one in known)
        else:
            yield max(0, after.start_ns - before.end_ns - handing), 1
    # The last one of a worker that was ended in the middle, or has a queue of its own kind.
    begin = asked[-1].end_ns if asked else 0
    yield from ((one.duration_ns, one.argument) for one in mapped.within(begin, _EVER_NS))


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
