"""Wake-ups of processes that wait for a Condition or an Event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier, Timing
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    subsample,
    workload,
)
from mpbench.workloads.condition.sleepers import sleepers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = ("abandoned_waiter", "event_set_to_wake", "notify")

_WAITERS = Sweep((1,), (1, 4), (1, 2, 4, 8, 16, 32, 64))


def _needs(case: Case) -> Needs:
    waiters = case.integer("waiters")
    return Needs(processes=waiters, descriptors=32 + 3 * waiters, semaphores=True)


class _Wakes:
    """What one sample saw: the caller's return and the waiters' stamps, against the call."""

    def __init__(self) -> None:
        self.returned: list[int] = []
        self.first: list[int] = []
        self.last: list[int] = []

    def note(self, started: int, returned: int, stamps: list[int]) -> None:
        """Keep one operation's stamps, as distances from its start."""
        self.returned.append(returned - started)
        self.first.append(min(stamps) - started)
        self.last.append(max(stamps) - started)

    def outcome(self, iterations: int, fact: str) -> BodyResult:
        """
        Return the readings; *fact* names the caller's own.

        Raises:
            VerificationError: A waiter ran before it was woken.
        """
        count = len(self.last)
        in_order = sum(first > 0 for first in self.first)
        if in_order != count:
            raise VerificationError(count, in_order, "waiters ran after they were woken")
        return BodyResult(
            operations=count,
            asked=iterations,
            elapsed_ns=sum(self.last),
            facts={
                fact: sum(self.returned) / count,
                "first_wake": sum(self.first) / count,
                "last_wake": sum(self.last) / count,
            },
            latencies_ns=subsample(self.last),
        )


def _await_event(index: int, event: Any, signals: tuple[Any, Any], board: Any) -> None:
    """Wait for the event, stamp, report, and wait for the permission to wait again."""
    awake, again = signals
    awake.release()
    while True:
        event.wait()
        board[index + 1] = monotonic_ns()
        if board[0]:
            return
        awake.release()
        again.acquire()


@workload(
    "condition/event-set-to-wake",
    metric=Metric.LATENCY,
    floor="floor/semaphore-hand-off",
    covers=("Event.set", "Event.wait", "Event.clear"),
    facts={
        "set_return": Metric.TIME,
        "first_wake": Metric.LATENCY,
        "last_wake": Metric.LATENCY,
    },
    tier=Tier.QUICK,
    all_methods_in_quick=True,
    needs=_needs,
    waiters=_WAITERS,
)
def event_set_to_wake(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Set an Event for which other processes wait.

    Timed: from before `set()` until the last waiter has returned from `wait()`;
    `set_return` is the duration of `set()`, `first_wake` until the first waiter
    runs. Not timed: `clear()`, waiting until all waiters sleep again.

    Reads as: the delay of a signal. `set()` waits until every sleeper has
    confirmed its wake-up, so it grows with their number.
    """
    count = case.integer("waiters")
    event = context.Event()
    awake, again = context.Semaphore(0), context.Semaphore(0)
    board: Any = context.RawArray("q", count + 1)

    def stop() -> None:
        board[0] = 1
        event.set()

    arguments = [(index, event, (awake, again), board) for index in range(count)]
    with sleepers(context, _await_event, arguments, stop=stop) as workers:

        def body(iterations: int, /) -> BodyResult:
            clock = monotonic_ns
            wakes = _Wakes()
            for _ in range(iterations):
                workers.fall_asleep()
                started = clock()
                event.set()
                returned = clock()
                workers.collect(awake, count)
                wakes.note(started, returned, board[1:])
                event.clear()
                for _ in range(count):
                    again.release()
            return wakes.outcome(iterations, "set_return")

        workers.collect(awake, count)
        yield body


def _await_condition(condition: Any, awake: Any, board: Any) -> None:
    """Wait for notifications, and put a stamp for each into the next free place."""
    with condition:
        while True:
            awake.release()
            condition.wait()
            now = monotonic_ns()
            if board[0]:
                return
            # The lock is held: no other waiter writes.
            board[1] += 1
            board[board[1] + 1] = now


@workload(
    "condition/notify",
    metric=Metric.LATENCY,
    floor="floor/semaphore-hand-off",
    covers=(
        *("Condition.acquire", "Condition.release"),
        *("Condition.notify", "Condition.notify_all", "Condition.wait"),
    ),
    facts={
        "notify_return": Metric.TIME,
        "first_wake": Metric.LATENCY,
        "last_wake": Metric.LATENCY,
    },
    body_params=("call",),
    needs=_needs,
    waiters=_WAITERS,
    call=Sweep(("notify_all",), ("notify_all",), ("notify", "notify_all")),
)
def notify(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Notify processes that wait for a Condition.

    Timed: from before `notify()` (one waiter) or `notify_all()` until the last
    of the woken runs with the lock; `notify_return` is the duration of the call,
    `first_wake` until the first of them runs. Not timed: taking the lock before,
    waiting until all waiters sleep again.

    Reads as: the call waits for the confirmation of every sleeper, one after the
    other; then they run one at a time, because each needs the lock.
    """
    count = case.integer("waiters")
    condition = context.Condition()
    awake = context.Semaphore(0)
    # Whether to stop, how many stamps there are, and the stamps.
    board: Any = context.RawArray("q", count + 2)

    def stop() -> None:
        with condition:
            board[0] = 1
            condition.notify_all()

    arguments = [(condition, awake, board)] * count
    with sleepers(context, _await_condition, arguments, stop=stop) as workers:
        workers.collect(awake, count)

        def bind(case: Case) -> Body:
            call = getattr(condition, case.text("call"))
            woken = count if case.text("call") == "notify_all" else 1

            def body(iterations: int, /) -> BodyResult:
                clock = monotonic_ns
                wakes = _Wakes()
                for _ in range(iterations):
                    workers.fall_asleep()
                    with condition:
                        board[1] = 0
                        started = clock()
                        call()
                        returned = clock()
                    # Each reports when it is about to wait again.
                    workers.collect(awake, woken)
                    wakes.note(started, returned, board[2 : 2 + woken])
                return wakes.outcome(iterations, "notify_return")

            return body

        yield bind


# After this a notifier is taken to be blocked for ever, in seconds.
_LIMIT_S = 0.25


def _sleep_for_ever(condition: Any, awake: Any) -> None:
    """Wait for a notification; the parent kills this process instead."""
    with condition:
        awake.release()
        condition.wait()


def _notify_all(condition: Any, began: Any, ended: Any) -> None:
    """Notify everybody, which may never return; say when it begins and when it ends."""
    with condition:
        began.release()
        condition.notify_all()
        ended.release()


@workload(
    "condition/abandoned-waiter",
    metric=Metric.WAITING,
    floor=NoFloor("it shows a behaviour; condition/notify has the ordinary case"),
    covers=("Condition.notify_all", "Condition.wait", "Process.kill"),
    facts={"blocked": Metric.SHARE},
    timing=Timing.ONCE,
    tier=Tier.FULL,
    needs=Needs(processes=2, semaphores=True),
)
def abandoned_waiter(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Kill a process that waits for a Condition, and then notify.

    Timed: how long another process is in `notify_all()`, at most 250 ms; then it
    is killed. Not timed: starting both.

    Reads as: whether one lost waiter blocks every later notifier (`blocked` is 1
    then): `notify_all()` waits for the confirmation of a dead process.
    """

    def abandon() -> Any:
        condition, awake = context.Condition(), context.Semaphore(0)
        sleeper: BaseProcess = context.Process(  # type: ignore[attr-defined]  # not in typeshed
            target=_sleep_for_ever, args=(condition, awake), daemon=True
        )
        sleeper.start()
        awake.acquire()
        # Taken only when the sleeper has let it go, that is when it waits.
        with condition:
            sleeper.kill()
        sleeper.join()
        sleeper.close()
        return condition

    def body(iterations: int, /) -> BodyResult:
        condition = abandon()
        began, ended = context.Semaphore(0), context.Semaphore(0)
        notifier: BaseProcess = context.Process(  # type: ignore[attr-defined]  # not in typeshed
            target=_notify_all, args=(condition, began, ended), daemon=True
        )
        notifier.start()
        began.acquire()
        started = monotonic_ns()
        blocked = not ended.acquire(True, _LIMIT_S)
        elapsed = monotonic_ns() - started
        notifier.kill()
        notifier.join()
        notifier.close()
        return BodyResult(
            operations=iterations,
            asked=iterations,
            elapsed_ns=elapsed,
            facts={"blocked": float(blocked)},
        )

    yield body
