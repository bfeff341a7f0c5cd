"""
What a process tree does over time, seen from outside, at a bounded price.

The sampler lives in the controller and never in what is measured. It measures
its own CPU time and spaces its looks so that it stays below a share of one
CPU, however many processes there are.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Self

from mpbench.observe.portable import reader_for

if TYPE_CHECKING:
    from types import TracebackType

    from mpbench.observe.reading import Key, Reader, Reading

__all__ = ("Point", "Sampler", "Seen", "SeenProcess", "may_sample")

# A look costs the sampled processes nothing, but it takes a CPU from them when
# all are busy: samples of operations shorter than this are left alone.
_SHORT_NS = 1_000_000
# Looking for new processes costs about twice as much as reading the known ones.
_DISCOVER_EVERY = 3
# Points kept of one process; beyond it every second one is dropped.
_MOST_POINTS = 4_096
# The part of the allowed share that looks themselves may use.
_ROOM = 0.95


class Point(NamedTuple):
    """
    One process at one moment.

    `cpu_ns` is its own CPU time until then, `delay_ns` the time in which its
    main thread could have run and had no CPU.
    """

    at_ns: int
    cpu_ns: int
    rss_bytes: int
    delay_ns: int = 0


class SeenProcess(NamedTuple):
    """One process as the sampler saw it."""

    key: Key
    parent: int
    name: str
    points: tuple[Point, ...]


class Seen(NamedTuple):
    """
    What a sampler saw, and what it cost.

    `cpu_ns` counts descendants only, and those that were waited for between
    two looks as well; a process that nobody waits for and that lives between
    two looks is not in it.
    """

    cpu_ns: int
    peak_rss_bytes: int
    processes: tuple[SeenProcess, ...]
    ticks: int
    late_ticks: int
    own_cpu_ns: int
    elapsed_ns: int

    @property
    def own_share(self) -> float:
        """The sampler's own use of one CPU, 0 to 1."""
        return self.own_cpu_ns / self.elapsed_ns if self.elapsed_ns else 0.0


def may_sample(operation_ns: float | None, *, asked: bool = False) -> bool:
    """
    Return whether a sampler may look while these operations are timed.

    Args:
        operation_ns: How long one takes; None where it is not known yet.
        asked: Whether the user wants it anyway.
    """
    return asked or (operation_ns is not None and operation_ns >= _SHORT_NS)


class _Book:
    """The processes seen so far."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.processes: dict[Key, tuple[int, str, list[Point]]] = {}
        self.cpu_ns = 0
        self.peak_rss_bytes = 0
        # What the root had waited for before anybody looked.
        self._before: int | None = None

    def enter(self, at_ns: int, readings: list[Reading]) -> None:
        """
        Take the readings of one look.

        They were read parents first. A child that ends and is waited for
        between the two reads is then missing for one look; the other order
        would count it twice, and a maximum never forgets that.
        """
        total = rss = 0
        for one in readings:
            if one.key[0] == self.root:
                if self._before is None:
                    self._before = one.waited_ns
                total += one.waited_ns - self._before
                continue
            total += one.own_ns + one.waited_ns
            rss += one.rss_bytes
            known = self.processes.setdefault(one.key, (one.parent, one.name, []))
            if known[1] != one.name:
                # It was forked under its parent's name and has executed something since.
                known = (known[0], one.name, known[2])
                self.processes[one.key] = known
            points = known[2]
            points.append(Point(at_ns, one.own_ns, one.rss_bytes, one.delay_ns))
            if len(points) > _MOST_POINTS:
                del points[1:-1:2]
        self.cpu_ns = max(self.cpu_ns, total)
        self.peak_rss_bytes = max(self.peak_rss_bytes, rss)


class Sampler:
    """
    Looks at the descendants of a process until it is told to stop.

    As a context manager it starts on entry and stops on exit.

    Args:
        root: The process whose descendants are watched.
        interval_s: The time between two looks, when there are few processes.
        share: The most CPU time it may use, as a share of one CPU.
        reader: How to look; None picks the cheapest for the platform.
    """

    def __init__(
        self,
        root: int,
        *,
        interval_s: float = 0.1,
        share: float = 0.01,
        reader: Reader | None = None,
    ) -> None:
        self._book = _Book(root)
        self._interval_s = interval_s
        self._share = share
        self._reader = reader_for(root) if reader is None else reader
        self._stop = threading.Event()
        self._running = threading.Event()
        self._running.set()
        self._thread = threading.Thread(target=self._run, name="mpbench-sampler", daemon=True)
        self._ticks = 0
        self._late = 0
        self._own_ns = 0
        self._started = 0
        self._ended = 0

    def __enter__(self) -> Self:
        self._started = time.perf_counter_ns()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def pause(self) -> None:
        """Stop looking, for as long as something short is timed."""
        self._running.clear()

    def resume(self) -> None:
        """Look again."""
        self._running.set()

    def stop(self) -> None:
        """Stop for good."""
        if self._thread.is_alive():
            self._stop.set()
            self._running.set()
            self._thread.join()
            self._ended = time.perf_counter_ns()
            self._reader.close()

    def seen(self) -> Seen:
        """Return what was seen until now."""
        processes = tuple(
            SeenProcess(key, parent, name, tuple(points))
            for key, (parent, name, points) in list(self._book.processes.items())
        )
        end = self._ended or time.perf_counter_ns()
        return Seen(
            cpu_ns=self._book.cpu_ns,
            peak_rss_bytes=self._book.peak_rss_bytes,
            processes=processes,
            ticks=self._ticks,
            late_ticks=self._late,
            own_cpu_ns=self._own_ns,
            elapsed_ns=end - self._started,
        )

    def tick(self) -> float:
        """Look once and return how many seconds must pass before the next look."""
        began = time.thread_time_ns()
        readings = self._reader.look(discover=self._ticks % _DISCOVER_EVERY == 0)
        self._book.enter(time.perf_counter_ns(), readings)
        self._ticks += 1
        cost = time.thread_time_ns() - began
        self._own_ns += cost
        # The next look will cost about as much; all of it must fit into the share,
        # with a little room for what waking up costs.
        elapsed_ns = time.perf_counter_ns() - self._started
        affordable_ns = (self._own_ns + cost) / (_ROOM * self._share) - elapsed_ns
        return max(self._interval_s, affordable_ns / 1e9)

    def _run(self) -> None:
        began = time.thread_time_ns()
        pause = self.tick()
        due = time.monotonic() + pause
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            if not self._running.is_set():
                self._running.wait()
                due = time.monotonic()
                continue
            if time.monotonic() > due + pause / 2:
                self._late += 1
            # Waiting and waking cost something as well.
            self._own_ns = time.thread_time_ns() - began
            pause = self.tick()
            due = time.monotonic() + pause
        self.tick()
        self._own_ns = time.thread_time_ns() - began
