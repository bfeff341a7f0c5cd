"""Managers with custom types: proxies and generators of a child server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, BodyResult, Needs, Sweep, fixed, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

    from mpbench.workloads.manager._server_types import CustomManager

__all__ = ("custom", "custom_create", "generator", "manager_class")

_NEEDS = Needs(processes=2, descriptors=48)


def manager_class() -> type[CustomManager]:
    """Return the manager class with its types registered."""
    from mpbench.workloads.manager._server_types import registered_manager

    return registered_manager()


@workload(
    "manager/custom",
    floor="manager/access",
    covers=("AutoProxy", "BaseProxy"),
    facts={"create": Metric.TIME},
    body_params=("proxy",),
    needs=_NEEDS,
    proxy=Sweep(("auto",), ("auto", "written"), ("auto", "exposed", "written")),
    revision=2,
)
def custom(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Register a class with a manager of one's own, and call a method of a shared instance.

    `proxy` is `auto` (nothing said: AutoProxy asks the server for the public
    methods), `exposed` (their names are given) or `written` (a class derived
    from BaseProxy).

    Timed: one call of the method. The fact `create` is the time for making the
    shared instance, taken once for each sample. Not timed: starting the manager.

    Reads as: calls cost what those of the ready-made types cost. Making an
    instance costs one connection more when the methods must be asked for.
    """
    manager = manager_class()(ctx=context)
    manager.start()
    if not manager.address:
        raise WorkloadError("the manager has started and has no address")
    try:

        def bind(case: Case) -> Body:
            kind = case.text("proxy")

            def body(iterations: int, /) -> BodyResult:
                began = monotonic_ns()
                echo = manager.make(kind).echo
                made = monotonic_ns()
                echo(0)
                called = monotonic_ns()
                right = 0
                for number in range(iterations):
                    right += echo(number) == number
                elapsed = monotonic_ns() - called
                return BodyResult(right, iterations, elapsed, {"create": made - began})

            return body

        yield bind
    finally:
        manager.shutdown()
        manager.join()


@workload(
    "manager/custom-create",
    floor="floor/socket-connect",
    covers=("AutoProxy", "BaseProxy"),
    facts={"drop": Metric.TIME},
    tier=Tier.FULL,
    body_params=("proxy",),
    needs=_NEEDS,
    proxy=fixed("auto", "exposed", "written"),
)
def custom_create(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Make a shared object of one's own class with each kind of proxy, and drop it.

    `proxy` is as in `manager/custom`.

    Timed: the manager's method until the proxy is here. The fact `drop` is the
    time for dropping the proxy. Not timed: starting the manager.

    Reads as: what AutoProxy costs. It asks the server for the names of the
    methods, and makes a class of them, for each object.
    """
    with manager_class()(ctx=context) as manager:

        def bind(case: Case) -> Body:
            kind = case.text("proxy")

            def body(iterations: int, /) -> BodyResult:
                clock, make = monotonic_ns, manager.make
                making = dropping = 0
                for _ in range(iterations):
                    began = clock()
                    proxy = make(kind)
                    made = clock()
                    making += made - began
                    del proxy
                    dropping += clock() - made
                return BodyResult(iterations, iterations, making, {"drop": dropping / iterations})

            return body

        yield bind


@workload(
    "manager/generator",
    floor="manager/access",
    covers=(
        *("IteratorProxy.__next__", "IteratorProxy.send"),
        *("IteratorProxy.throw", "IteratorProxy.close"),
    ),
    facts={"close": Metric.TIME},
    tier=Tier.FULL,
    body_params=("call",),
    needs=_NEEDS,
    call=fixed("next", "send", "throw"),
)
def generator(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Drive a generator that lives in a manager.

    Timed: one `next`, `send` or `throw`, until the next value is here. The
    fact `close` is the time for closing the generator, taken once for each
    sample. Not timed: making it.

    Reads as: an iterator over a process boundary makes a round trip for each
    of its values.
    """
    with manager_class()(ctx=context) as manager:

        def bind(case: Case) -> Body:
            call = case.text("call")
            arguments = {"next": (), "send": (7,), "throw": (KeyError,)}[call]

            def body(iterations: int, /) -> BodyResult:
                numbers = manager.count_up()  # type: ignore[attr-defined]  # set by register()
                step = getattr(numbers, "__next__" if call == "next" else call)
                next(numbers)
                right = 0
                began = monotonic_ns()
                for _ in range(iterations):
                    right += step(*arguments) >= 0
                ended = monotonic_ns()
                numbers.close()
                closing = monotonic_ns() - ended
                return BodyResult(right, iterations, ended - began, {"close": closing})

            return body

        yield bind
