"""Start of a Manager; creation, first and later calls of proxies."""

from __future__ import annotations

import threading
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    START_FLOOR,
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    Sweep,
    Verifier,
    child_server,
    fixed,
    intervals,
    subsample,
    workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext
    from multiprocessing.managers import SyncManager

__all__ = ("access", "first_call", "make_shared", "proxy_create", "start")

_NEEDS = Needs(processes=2, descriptors=48)
_KINDS = ("list", "dict", "Value", "Array", "Namespace", "Queue", "Lock")
_MORE_KINDS = (
    *_KINDS,
    *("JoinableQueue", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier"),
    "set",
)


def make_shared(manager: SyncManager, kind: str) -> Any:
    """Make a shared object of a kind, and return its proxy."""
    arguments: dict[str, tuple[Any, ...]] = {
        "list": (range(16),),
        "dict": ({number: number for number in range(16)},),
        "Value": ("i", 7),
        "Array": ("i", range(16)),
        "Barrier": (1,),
    }
    return getattr(manager, kind)(*arguments.get(kind, ()))


def _no_such_type(case: Case) -> str | None:
    from multiprocessing.managers import SyncManager

    kind = case.text("kind")
    return None if hasattr(SyncManager, kind) else f"this Python's managers have no {kind!r}"


@workload(
    "manager/start",
    floor=START_FLOOR,
    covers=("Manager", "SyncManager.start", "SyncManager.join"),
    facts={"shutdown": Metric.TIME},
    own_agent=True,
    revision=2,
    needs=_NEEDS,
)
def start(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start a manager, and shut it down.

    Timed: `Manager()` until its server listens. The fact `shutdown` is the time for
    shutdown and join. Not timed: nothing else happens.

    Reads as: what a program pays before its first shared object and at its end: the
    start of a process, under spawn an import of the server's modules, a listener.
    """

    def body(iterations: int, /) -> BodyResult:
        clock = monotonic_ns
        starting = ending = reachable = 0
        for _ in range(iterations):
            began = clock()
            manager = context.Manager()
            started = clock()
            reachable += bool(manager.address)
            ended_from = clock()
            manager.shutdown()
            manager.join()
            ending += clock() - ended_from
            starting += started - began
        return BodyResult(reachable, iterations, starting, {"shutdown": ending / iterations})

    yield body


@workload(
    "manager/proxy-create",
    floor="floor/socket-connect",
    covers=("Manager", *(f"SyncManager.{kind}" for kind in _MORE_KINDS)),
    facts={"drop": Metric.TIME},
    body_params=("kind",),
    unsupported=_no_such_type,
    needs=_NEEDS,
    kind=Sweep(("list", "Value"), ("list", "Value", "Queue"), _MORE_KINDS),
)
def proxy_create(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Make a shared object, and drop its only proxy.

    Timed: the manager's method until the proxy is here. The fact `drop` is the time
    for dropping it and its object. Not timed: starting the manager.

    Reads as: three authenticated connections, each with a thread of its own in the
    server; dropping takes one more. Types without a proxy class (Queue) also ask
    for their methods.
    """
    with context.Manager() as manager:

        def bind(case: Case) -> Body:
            kind = case.text("kind")

            def body(iterations: int, /) -> BodyResult:
                clock = monotonic_ns
                making = dropping = 0
                for _ in range(iterations):
                    began = clock()
                    proxy = make_shared(manager, kind)
                    made = clock()
                    making += made - began
                    del proxy
                    dropping += clock() - made
                return BodyResult(iterations, iterations, making, {"drop": dropping / iterations})

            return body

        yield bind


class _Calls(NamedTuple):
    """How a proxy is called: what, what it must return, how many calls these are."""

    call: Callable[[], Any]
    expected: Any
    each: int = 1


def _calls_of(kind: str, proxy: Any) -> _Calls:
    """Return the plainest use of a shared object."""
    if kind in {"list", "dict", "Array"}:
        return _Calls(lambda: proxy[7], 7)
    if kind == "Value":
        return _Calls(lambda: proxy.value, 7)
    if kind == "Namespace":
        proxy.field = 7
        return _Calls(lambda: proxy.field, 7)
    if kind == "Queue":
        return _Calls(lambda: proxy.put(7) or proxy.get(), 7, 2)
    return _Calls(lambda: proxy.acquire() and proxy.release(), None, 2)


@workload(
    "manager/access",
    floor="floor/socketpair-round-trip",
    covers=(
        "Manager",
        *(f"SyncManager.{kind}" for kind in _KINDS),
        *("ListProxy.__getitem__", "DictProxy.__getitem__", "ArrayProxy.__getitem__"),
        *("ValueProxy.get", "AcquirerProxy.acquire", "AcquirerProxy.release"),
    ),
    tier=Tier.QUICK,
    all_methods_in_quick=True,
    body_params=("kind",),
    needs=_NEEDS,
    kind=Sweep(("list", "Value"), _KINDS, _KINDS),
)
def access(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Use a shared object from one client, over a connection that is already there.

    Timed: one call: an item of a list, dict or Array, the value of a Value, an
    attribute of a Namespace; or half of put and get, acquire and release. Not
    timed: starting the manager, making the proxy, the first call.

    Reads as: a round trip to another process with two pickled messages and a
    method call in a thread there, whatever the type. Compare with
    `shared/access`, which reads memory.
    """
    with context.Manager() as manager:

        def bind(case: Case) -> Body:
            kind = case.text("kind")
            calls = _calls_of(kind, make_shared(manager, kind))
            calls.call()
            return _calling(calls)

        yield bind


def _calling(calls: _Calls) -> Body:
    """Return the body that makes the calls of one kind."""

    def body(iterations: int, /) -> Verifier:
        clock, (call, expected, each) = monotonic_ns, calls
        right = 0
        stamps = [clock()]
        note = stamps.append
        for _ in range(iterations):
            right += call() == expected
            note(clock())

        def check() -> BodyResult:
            latencies = subsample(intervals(stamps)) if each == 1 else ()
            return BodyResult(right * each, iterations * each, latencies_ns=latencies)

        return check

    return body


def _stamp_calls(get_proxy: Callable[[], Any]) -> tuple[int, int, int]:
    """Return how long it took to have a proxy, to call it, and to call it again."""
    clock = monotonic_ns
    began = clock()
    proxy = get_proxy()
    rebuilt = clock()
    first = proxy[7]
    called = clock()
    second = proxy[7]
    again = clock()
    if (first, second) != (7, 7):
        raise VerificationError(2, 0, f"calls that return 7, found {first} and {second}")
    return rebuilt - began, called - rebuilt, again - called


def _call_rebuilt(control: Connection) -> None:
    """Unpickle a proxy, call it twice and drop it, whenever one comes."""
    while True:
        pickled = control.recv_bytes()
        control.send(_stamp_calls(lambda: ForkingPickler.loads(pickled)))  # noqa: B023 - called at once


def _call_in_thread(proxy: Any) -> tuple[int, int, int]:
    """Call a proxy twice from a new thread."""
    readings: list[tuple[int, int, int]] = []
    thread = threading.Thread(target=lambda: readings.append(_stamp_calls(lambda: proxy)))
    thread.start()
    thread.join()
    return readings[0]


@workload(
    "manager/first-call",
    floor="floor/socket-connect",
    covers=("Manager", "SyncManager.list", "ListProxy.__getitem__", "reduction.ForkingPickler"),
    facts={"rebuild": Metric.TIME, "steady": Metric.TIME},
    body_params=("where",),
    needs=_NEEDS._replace(processes=3),
    where=fixed("process", "thread"),
)
def first_call(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Call a proxy for the first time in another process or in a new thread, and once more.

    Timed: the first call. Facts: `steady`, the second call; `rebuild`, unpickling
    the proxy, which a thread does not do. Not timed: starting processes and
    threads, sending the proxy.

    Reads as: every thread and process connects and is authenticated on its own, and
    a thread is started for it in the server.
    """
    with context.Manager() as manager, child_server(context, _call_rebuilt) as control:
        shared = manager.list(range(16))
        pickled = bytes(ForkingPickler.dumps(shared))

        def call_in_process() -> tuple[int, int, int]:
            control.send_bytes(pickled)
            readings: tuple[int, int, int] = control.recv()
            return readings

        def bind(case: Case) -> Body:
            is_thread = case.text("where") == "thread"

            def body(iterations: int, /) -> BodyResult:
                readings = [
                    _call_in_thread(shared) if is_thread else call_in_process()
                    for _ in range(iterations)
                ]
                rebuilds, firsts, steadies = (sum(column) for column in zip(*readings))
                facts = {"steady": steadies / iterations}
                if not is_thread:
                    facts["rebuild"] = rebuilds / iterations
                return BodyResult(len(readings), iterations, firsts, facts)

            return body

        yield bind
