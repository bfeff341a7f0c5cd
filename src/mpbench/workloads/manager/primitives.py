"""A manager's locks, events, queues and pool beside the native ones."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from multiprocessing import util
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, BodyResult, Needs, Sweep, fixed, workload
from mpbench.workloads.manager.proxies import make_shared
from mpbench.workloads.queue.latency import end_queue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.context import BaseContext

__all__ = ("pool", "primitives")


def _use_lock(lock: Any) -> bool:
    taken = lock.acquire()
    lock.release()
    return bool(taken)


def _use_condition(condition: Any) -> bool:
    condition.acquire()
    condition.notify()
    condition.notify_all()
    expired = condition.wait(0.0)
    seen = condition.wait_for(lambda: True)
    condition.release()
    return bool(seen) and not expired


def _use_event(event: Any) -> bool:
    event.set()
    seen = event.wait() and event.is_set()
    event.clear()
    return bool(seen)


def _use_barrier(barrier: Any) -> bool:
    place = barrier.wait()
    barrier.abort()
    was_broken = barrier.broken
    barrier.reset()
    return bool(place == 0 and was_broken and barrier.parties == 1 and barrier.n_waiting == 0)


def _use_queue(queue: Any) -> bool:
    queue.put(7)
    return bool(queue.get() == 7)


def _use_joinable(queue: Any) -> bool:
    queue.put(7)
    item = queue.get()
    queue.task_done()
    queue.join()
    return bool(item == 7)


_USES: Mapping[str, Callable[[Any], bool]] = {
    "Lock": _use_lock,
    "RLock": _use_lock,
    "Semaphore": _use_lock,
    "BoundedSemaphore": _use_lock,
    "Condition": _use_condition,
    "Event": _use_event,
    "Barrier": _use_barrier,
    "Queue": _use_queue,
    "JoinableQueue": _use_joinable,
}


def _native(context: BaseContext, kind: str) -> Any:
    """Make the thing without a manager."""
    return context.Barrier(1) if kind == "Barrier" else getattr(context, kind)()


def _timed(use: Callable[[Any], bool], thing: Any, iterations: int) -> tuple[int, int]:
    """Return how often the use went right, and the nanoseconds of all together."""
    right = 0
    began = monotonic_ns()
    for _ in range(iterations):
        right += use(thing)
    return right, monotonic_ns() - began


@workload(
    "manager/primitives",
    floor="manager/access",
    covers=(
        *("Manager", "AcquirerProxy.acquire", "AcquirerProxy.release"),
        *(f"SyncManager.{kind}" for kind in _USES),
        *("ConditionProxy.acquire", "ConditionProxy.wait", "ConditionProxy.wait_for"),
        *("ConditionProxy.release", "ConditionProxy.notify", "ConditionProxy.notify_all"),
        *("EventProxy.set", "EventProxy.wait", "EventProxy.is_set", "EventProxy.clear"),
        *("BarrierProxy.wait", "BarrierProxy.abort", "BarrierProxy.reset"),
        *("BarrierProxy.parties", "BarrierProxy.n_waiting", "BarrierProxy.broken"),
    ),
    facts={"native": Metric.TIME},
    body_params=("primitive",),
    needs=Needs(processes=2, descriptors=48, semaphores=True),
    # Not `kind`: the floor has a parameter of that name with other values.
    primitive=Sweep(("Lock",), ("Lock", "Event", "Queue"), tuple(_USES)),
)
def primitives(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Use a manager's primitive alone, and then the native one in the same way.

    Locks and semaphores: acquire, release. Condition: acquire, notify,
    notify_all, a wait that expires at once, wait_for what is true, release.
    Event: set, wait, is_set, clear. Barrier of one: wait, abort, reset, and its
    attributes. Queue: put, get. JoinableQueue: put, get, task_done, join.

    Timed: the whole sequence over the proxy; the fact `native` is the same
    sequence with multiprocessing's own. Not timed: making them.

    Reads as: what a program pays for choosing a manager where it had the
    choice. Each call of the sequence is a round trip; natively most of them
    are operations on a semaphore in shared memory.
    """
    natives: dict[str, Any] = {}
    with context.Manager() as manager, ExitStack() as stack:

        def native_of(kind: str) -> Any:
            if kind not in natives:
                natives[kind] = _native(context, kind)
                if hasattr(natives[kind], "join_thread"):
                    stack.callback(end_queue, natives[kind])
            return natives[kind]

        def bind(case: Case) -> Body:
            kind = case.text("primitive")
            use, shared, native = _USES[kind], make_shared(manager, kind), native_of(kind)
            use(shared)
            use(native)

            def body(iterations: int, /) -> BodyResult:
                right, elapsed = _timed(use, shared, iterations)
                natively, own = _timed(use, native, iterations)
                facts = {"native": own / iterations}
                return BodyResult(min(right, natively), iterations, elapsed, facts)

            return body

        yield bind


_CALLS: Mapping[str, Callable[[Any], Any]] = {
    "apply": lambda pool: pool.apply(abs, (-7,)),
    "apply_async": lambda pool: pool.apply_async(abs, (-7,)).get(),
    "map": lambda pool: pool.map(abs, (-7,))[0],
    "map_async": lambda pool: pool.map_async(abs, (-7,)).get()[0],
    "starmap": lambda pool: pool.starmap(abs, ((-7,),))[0],
    "starmap_async": lambda pool: pool.starmap_async(abs, ((-7,),)).get()[0],
    "imap": lambda pool: next(pool.imap(abs, (-7,))),
    "imap_unordered": lambda pool: next(pool.imap_unordered(abs, (-7,))),
}


def _unlink_listeners(known: set[str]) -> None:
    """Remove the socket files that are not among the known ones."""
    folder = util.get_temp_dir()
    for name in set(os.listdir(folder)) - known:
        if name.startswith("listener-"):
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, name))


@workload(
    "manager/pool",
    floor="manager/access",
    covers=(
        *("Manager", "SyncManager.Pool", "IteratorProxy.__next__"),
        *(f"PoolProxy.{call}" for call in _CALLS),
    ),
    tier=Tier.FULL,
    body_params=("call",),
    needs=Needs(processes=4, descriptors=64, semaphores=True),
    call=fixed(*_CALLS),
)
def pool(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run one trivial task in a pool that lives in a manager.

    Timed: one call of the pool's method with one task, until its result is
    here. Not timed: starting the manager and its pool of one worker.

    Reads as: `pool/apply-round-trip` and its relatives with a round trip to the
    manager in front. The asynchronous calls and imap return proxies, which are made and
    dropped with connections of their own.
    """
    with ExitStack() as stack:
        manager = stack.enter_context(context.Manager())
        # Under forkserver the manager's process has a fork server of its own, whose
        # socket file would stay until the agent's folder is removed.
        stack.callback(_unlink_listeners, set(os.listdir(util.get_temp_dir())))
        workers = manager.Pool(1)
        try:

            def bind(case: Case) -> Body:
                call = _CALLS[case.text("call")]
                call(workers)

                def body(iterations: int, /) -> int:
                    right = 0
                    for _ in range(iterations):
                        right += call(workers) == 7
                    return right

                return body

            yield bind
            workers.close()
            workers.join()
        finally:
            workers.terminate()
