"""
Resource sampler of a process tree, from outside, at a bounded cost.

The sampler lives in the controller and never in what is measured. It measures
its own CPU time and spaces its looks so that it stays below a share of one
CPU, however many processes there are.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Self

from mpbench.sampling.overhead_limit import OverheadLimit
from mpbench.sampling.psutil_reader import reader_for
from mpbench.sampling.stopwatch import Stopwatch

if TYPE_CHECKING:
    from types import TracebackType

    from mpbench.sampling.snapshot import Key, ProcessSnapshot, Reader

__all__ = ("SampledProcess", "Sampler", "SamplerResult", "UsagePoint", "may_sample")

# A look costs the sampled processes nothing, but it takes a CPU from them when
# all are busy: samples of operations shorter than this are left alone.
_SHORT_NS = 1_000_000
# Looking for new processes costs about twice as much as reading the known ones.
_DISCOVER_EVERY = 3
# Points kept of one process; beyond it every second one is dropped.
_MOST_POINTS = 4_096
# Between two looks something can be seen.
_FEWEST = 2


class UsagePoint(NamedTuple):
    """
    One process at one moment.

    `cpu_ns` is its own CPU time until then, `delay_ns` the time in which its
    main thread could have run and had no CPU.
    """

    at_ns: int
    cpu_ns: int
    rss_bytes: int
    delay_ns: int = 0


class SampledProcess(NamedTuple):
    """One process as the sampler saw it."""

    key: Key
    parent: int
    name: str
    points: tuple[UsagePoint, ...]


class SamplerResult(NamedTuple):
    """
    What a sampler saw, and what it cost.

    `cpu_ns` counts descendants only, and those that were waited for between
    two looks as well; a process that nobody waits for and that lives between
    two looks is not in it.
    """

    cpu_ns: int
    peak_rss_bytes: int
    processes: tuple[SampledProcess, ...]
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
        self.processes: dict[Key, tuple[int, str, list[UsagePoint]]] = {}
        self.cpu_ns = 0
        self.peak_rss_bytes = 0
        # What the root had waited for before anybody looked.
        self._before: int | None = None

    def enter(self, at_ns: int, readings: list[ProcessSnapshot]) -> None:
        """
        Take the readings of one look.

        They were read parents first. A child that ends and is waited for
        between the two reads is then missing for one look; the other order
        would count it twice, and a maximum never forgets that.
        """
        total = rss = 0
        for reading in readings:
            if reading.key[0] == self.root:
                if self._before is None:
                    self._before = reading.waited_ns
                total += reading.waited_ns - self._before
                continue
            total += reading.own_ns + reading.waited_ns
            rss += reading.rss_bytes
            known = self.processes.setdefault(reading.key, (reading.parent, reading.name, []))
            if known[1] != reading.name:
                # It was forked under its parent's name and has executed something since.
                known = (known[0], reading.name, known[2])
                self.processes[reading.key] = known
            points = known[2]
            points.append(UsagePoint(at_ns, reading.own_ns, reading.rss_bytes, reading.delay_ns))
            if len(points) > _MOST_POINTS:
                del points[1:-1:2]
        self.cpu_ns = max(self.cpu_ns, total)
        self.peak_rss_bytes = max(self.peak_rss_bytes, rss)


class Sampler:
    """
    Looks at the descendants of a process until it is told to stop.

    As a context manager it starts on entry and stops on exit. Its share counts
    from the moment when it was made.

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
        self._throttle = OverheadLimit(round(interval_s * 1e9), share)
        self._reader = reader_for(root) if reader is None else reader
        self._lock = threading.Lock()
        self._time = Stopwatch()
        self._thread = threading.Thread(target=self._run, name="mpbench-sampler", daemon=True)
        self._ticks = 0
        self._late = 0
        # CPU time of the thread, and of looks that others asked for.
        self._thread_ns = 0
        self._asked_ns = 0
        self._cost_ns = 0
        self._started = time.perf_counter_ns()
        self._ended = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to look."""
        self._time.resume()
        self._thread.start()

    def pause(self) -> None:
        """Stop looking, for as long as something short is timed."""
        self._time.pause()

    def resume(self) -> None:
        """Look again, or for the first time; the pause brought no look nearer."""
        if self._thread.ident is None:
            self.start()
        else:
            self._time.resume()

    def stop(self) -> None:
        """Stop for good."""
        if self._thread.is_alive():
            self._time.end()
            self._thread.join()
        if not self._ended:
            self._ended = time.perf_counter_ns()
            self._reader.close()

    def seen(self) -> SamplerResult:
        """Return what was seen until now."""
        processes = tuple(
            SampledProcess(key, parent, name, tuple(points))
            for key, (parent, name, points) in list(self._book.processes.items())
        )
        end = self._ended or time.perf_counter_ns()
        return SamplerResult(
            cpu_ns=self._book.cpu_ns,
            peak_rss_bytes=self._book.peak_rss_bytes,
            processes=processes,
            ticks=self._ticks,
            late_ticks=self._late,
            own_cpu_ns=self._own_ns,
            elapsed_ns=end - self._started,
        )

    @property
    def _own_ns(self) -> int:
        return self._thread_ns + self._asked_ns

    def _affords(self) -> bool:
        elapsed_ns = time.perf_counter_ns() - self._started
        return self._throttle.allows(
            elapsed_ns=elapsed_ns, own_ns=self._own_ns, cost_ns=self._cost_ns
        )

    def look(self) -> bool:
        """
        Look now, from the caller's thread, if the share allows it.

        For moments when nothing is timed: right before and right after what is.

        Returns:
            Whether there was a look.
        """
        if not self._affords():
            return False
        self._asked_ns += self._look(discover=True)
        return True

    def tick(self) -> float:
        """Look once and return how many seconds must pass before the next look."""
        cost = self._look(discover=self._ticks % _DISCOVER_EVERY == 0)
        self._thread_ns += cost
        elapsed_ns = time.perf_counter_ns() - self._started
        pause = self._throttle.pause_ns(elapsed_ns=elapsed_ns, own_ns=self._own_ns, cost_ns=cost)
        return pause / 1e9

    def _look(self, *, discover: bool) -> int:
        """Enter one look into the book and return its CPU time in nanoseconds."""
        with self._lock:
            began = time.thread_time_ns()
            readings = self._reader.read(discover=discover)
            self._book.enter(time.perf_counter_ns(), readings)
            self._ticks += 1
            self._cost_ns = time.thread_time_ns() - began
            return self._cost_ns

    def _run(self) -> None:
        began = time.thread_time_ns()
        due = 0.0 if self._ticks == 0 else self._throttle.interval_ns / 1e9
        pause = due
        while self._time.wait_until(due):
            if self._ticks and self._time.ran_s() > due + pause / 2:
                self._late += 1
            # Waiting and waking cost something as well.
            self._thread_ns = time.thread_time_ns() - began
            pause = self.tick()
            due = self._time.ran_s() + pause
        self._thread_ns = time.thread_time_ns() - began
        # The last look shows how it ended, unless the others have used up the share.
        if self._ticks < _FEWEST or self._affords():
            self.tick()
            self._thread_ns = time.thread_time_ns() - began
