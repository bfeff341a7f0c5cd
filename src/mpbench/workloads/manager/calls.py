"""Methods of shared lists, dicts, sets and values; bulk access; nested proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    NoFloor,
    Workload,
    fixed,
    workload,
)
from mpbench.workloads.manager.method_table import (
    ATTRIBUTE_USES,
    DICT_USES,
    ITEMS,
    LIST_USES,
    SET_USES,
    Use,
    covered,
    lacks,
    using,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.context import BaseContext

__all__ = ("bulk", "dict_calls", "list_calls", "lock_queries", "nested", "set_calls", "value_calls")

_NEEDS = Needs(processes=2, descriptors=48)
# How many entries the bulk ways move.
_MANY = 100


def _no_use(proxy: str) -> Callable[[Case], str | None]:
    """Return what says why a case's call cannot be made here."""
    return lambda case: lacks(proxy, case.text("call"))


def _method_calls(
    kind: str, uses: Mapping[str, Use], arguments: tuple[Any, ...], reads_as: str
) -> Workload:
    """Declare the workload that calls each method of a type of shared object."""
    proxy = f"{kind.capitalize()}Proxy"

    def calls(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
        with context.Manager() as manager:
            shared = getattr(manager, kind)(*arguments)
            yield lambda case: using(shared, uses[case.text("call")])

    calls.__doc__ = f"""
    Call each method of a shared {kind} of 16 integers.

    Timed: one call of the method. Not timed: undoing what it changed, which
    is another call; starting the manager.

    Reads as: {reads_as}
    """
    return workload(
        f"manager/{kind}-calls",
        floor="manager/access",
        covers=_COVERS.get(kind, ()) + covered(proxy, uses),
        tier=Tier.FULL,
        body_params=("call",),
        unsupported=_no_use(proxy),
        needs=_NEEDS,
        call=fixed(*uses),
    )(calls)


_COVERS = {"list": ("Manager", "SyncManager.list"), "dict": ("Manager", "SyncManager.dict")}

list_calls = _method_calls(
    "list",
    LIST_USES,
    (ITEMS,),
    "all of them cost one round trip; the list itself costs nothing.",
)
dict_calls = _method_calls(
    "dict",
    DICT_USES,
    (dict(zip(ITEMS, ITEMS)),),
    "all of them cost one round trip. keys, values and items arrive as lists, copied and "
    "pickled at each call.",
)
# From Python 3.14 on.
set_calls = _method_calls(
    "set",
    SET_USES,
    (ITEMS,),
    "all of them cost one round trip; what returns a set brings a copy of it (Python 3.14 "
    "and newer).",
)


def _lacks_locked(case: Case) -> str | None:
    """Say why locks of a manager cannot be asked for their state here, or None."""
    from multiprocessing.managers import AcquirerProxy  # type: ignore[attr-defined]

    return None if hasattr(AcquirerProxy, "locked") else "no AcquirerProxy.locked before 3.14"


@workload(
    "manager/lock-queries",
    floor="manager/access",
    covers=("AcquirerProxy.locked", "ConditionProxy.locked"),
    tier=Tier.FULL,
    body_params=("kind",),
    unsupported=_lacks_locked,
    needs=_NEEDS,
    kind=fixed("Lock", "RLock", "Condition"),
)
def lock_queries(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Ask a free lock of a manager for its state (Python 3.14 and newer).

    Timed: one `locked()`. Not timed: starting the manager.

    Reads as: one round trip; the answer may be old when it arrives.
    """
    with context.Manager() as manager:
        locked = Use(lambda proxy: proxy.locked(), False)
        yield lambda case: using(getattr(manager, case.text("kind"))(), locked)


@workload(
    "manager/value-calls",
    floor="manager/access",
    covers=(
        *("Manager", "SyncManager.Value", "SyncManager.Array", "SyncManager.Namespace"),
        *("ValueProxy.get", "ValueProxy.set", "ArrayProxy.__len__"),
        *("ArrayProxy.__getitem__", "ArrayProxy.__setitem__"),
        *("NamespaceProxy.__getattr__", "NamespaceProxy.__setattr__", "NamespaceProxy.__delattr__"),
    ),
    tier=Tier.FULL,
    body_params=("call",),
    needs=_NEEDS,
    call=fixed(*ATTRIBUTE_USES),
)
def value_calls(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Read and write a shared Value, Array of 16 integers and Namespace in each way.

    Timed: one call. Not timed: undoing what it changed, which is another
    call; starting the manager.

    Reads as: all of them cost one round trip. `value` is `get` and `set` under
    another name.
    """
    with context.Manager() as manager:
        proxies: dict[str, Any] = {
            "Value": manager.Value("i", 7),
            "Array": manager.Array("i", ITEMS),
            "Namespace": manager.Namespace(),
        }
        proxies["Namespace"].field = 7

        def bind(case: Case) -> Body:
            kind = case.text("call").partition(".")[0]
            return using(proxies[kind], ATTRIBUTE_USES[case.text("call")])

        yield bind


def _set_each(proxy: Any) -> int:
    for number in range(_MANY):
        proxy[number] = number
    return _MANY


def _get_each(proxy: Any) -> int:
    return sum(proxy[number] == number for number in range(_MANY))


_WAYS: Mapping[str, Callable[[Any], int]] = {
    "set-each": _set_each,
    "update": lambda proxy: proxy.update(zip(range(_MANY), range(_MANY))) or _MANY,
    "get-each": _get_each,
    "iterate": lambda proxy: sum(1 for _ in proxy),
    "copy": lambda proxy: len(proxy.copy()),
}


@workload(
    "manager/bulk",
    floor=NoFloor("time for each entry, of which one call moves many; one call is manager/access"),
    covers=(
        *("Manager", "SyncManager.dict", "IteratorProxy.__next__"),
        *("DictProxy.__setitem__", "DictProxy.__getitem__", "DictProxy.__iter__"),
        *("DictProxy.update", "DictProxy.copy"),
    ),
    tier=Tier.FULL,
    body_params=("way",),
    needs=_NEEDS,
    way=fixed(*_WAYS),
)
def bulk(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Write or read 100 entries of a shared dict, one by one or all at once.

    Timed: the whole dict's entries, divided by 100: `set-each` and `get-each`
    make a call for each, so does `iterate`, which gets the keys from an
    iterator in the server; `update` and `copy` make one call. Not timed:
    starting the manager.

    Reads as: time for each entry. Loops over a proxy are round trips; the same
    data in one message costs little more than one of them.
    """
    with context.Manager() as manager:
        proxy = manager.dict(zip(range(_MANY), range(_MANY)))

        def bind(case: Case) -> Body:
            way = _WAYS[case.text("way")]

            def body(iterations: int, /) -> BodyResult:
                moved = sum(way(proxy) for _ in range(iterations))
                return BodyResult(moved, iterations * _MANY)

            return body

        yield bind


@workload(
    "manager/nested",
    floor="manager/access",
    covers=(
        *("Manager", "SyncManager.dict", "SyncManager.list"),
        *("DictProxy.__getitem__", "ListProxy.__getitem__"),
    ),
    facts={"flat": Metric.TIME},
    needs=_NEEDS,
)
def nested(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Get an item of a shared list that is itself an entry of a shared dict.

    Timed: `outer["inner"][7]`. The fact `flat` is `inner[7]` with a proxy of
    the list that is kept. Not timed: starting the manager, making both.

    Reads as: the dict answers with a new proxy of the list, and the client
    registers and drops it with connections of their own each time. Keep the
    inner proxy if it is used more than once.
    """
    with context.Manager() as manager:
        inner = manager.list(ITEMS)
        outer = manager.dict(inner=inner)

        def body(iterations: int, /) -> BodyResult:
            clock = monotonic_ns
            deep = flat = right = 0
            for _ in range(iterations):
                began = clock()
                nested = outer["inner"][7]
                between = clock()
                direct = inner[7]
                flat += clock() - between
                deep += between - began
                right += nested == direct == 7
            return BodyResult(right, iterations, deep, {"flat": flat / iterations})

        yield body
