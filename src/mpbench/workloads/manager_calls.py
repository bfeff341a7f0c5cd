"""Every method of a manager's list and dict, many values at once, and proxies inside proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Bind, Body, Needs, NoFloor, Outcome, fixed, workload

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.context import BaseContext

__all__ = ("bulk", "dict_calls", "list_calls", "nested", "value_calls")

_NEEDS = Needs(processes=2, descriptors=48)
_ITEMS = tuple(range(16))
# How many entries the bulk ways move.
_MANY = 100


class _Use(NamedTuple):
    """One method: how it is called, what it returns, and what makes it undone."""

    call: Callable[[Any], Any]
    expected: Any = None
    undo: Callable[[Any], Any] | None = None


def _set(proxy: Any, key: Any, value: Any) -> None:
    proxy[key] = value


def _delete(proxy: Any, key: Any) -> None:
    del proxy[key]


def _drop_last(proxy: Any) -> None:
    del proxy[16:]


def _add_in_place(proxy: Any) -> Any:
    proxy += [16]


def _multiply_in_place(proxy: Any) -> Any:
    proxy *= 2


_LIST_USES: Mapping[str, _Use] = {
    "getitem": _Use(lambda one: one[7], 7),
    "slice": _Use(lambda one: one[:], list(_ITEMS)),
    "setitem": _Use(lambda one: _set(one, 7, 7)),
    "delitem": _Use(lambda one: _delete(one, 15), undo=lambda one: one.append(15)),
    "len": _Use(len, 16),
    "contains": _Use(lambda one: 7 in one, True),
    "append": _Use(lambda one: one.append(16), undo=_drop_last),
    "extend": _Use(lambda one: one.extend([16, 17]), undo=_drop_last),
    "iadd": _Use(_add_in_place, undo=_drop_last),
    "imul": _Use(_multiply_in_place, undo=_drop_last),
    "insert": _Use(lambda one: one.insert(16, 16), undo=_drop_last),
    "pop": _Use(lambda one: one.pop(), 15, lambda one: one.append(15)),
    "remove": _Use(lambda one: one.remove(15), undo=lambda one: one.append(15)),
    "index": _Use(lambda one: one.index(7), 7),
    "count": _Use(lambda one: one.count(7), 1),
    "reverse": _Use(lambda one: one.reverse(), undo=lambda one: one.reverse()),
    "sort": _Use(lambda one: one.sort()),
}

_DICT_USES: Mapping[str, _Use] = {
    "getitem": _Use(lambda one: one[7], 7),
    "setitem": _Use(lambda one: _set(one, 7, 7)),
    "delitem": _Use(lambda one: _delete(one, 15), undo=lambda one: _set(one, 15, 15)),
    "len": _Use(len, 16),
    "contains": _Use(lambda one: 7 in one, True),
    "get": _Use(lambda one: one.get(7), 7),
    "setdefault": _Use(lambda one: one.setdefault(7, 0), 7),
    "update": _Use(lambda one: one.update({7: 7})),
    "pop": _Use(lambda one: one.pop(15), 15, lambda one: _set(one, 15, 15)),
    "popitem": _Use(lambda one: one.popitem(), (15, 15), lambda one: _set(one, 15, 15)),
    "keys": _Use(lambda one: sorted(one.keys()), list(_ITEMS)),
    "values": _Use(lambda one: sorted(one.values()), list(_ITEMS)),
    "items": _Use(lambda one: len(one.items()), 16),
    "copy": _Use(lambda one: one.copy(), dict(zip(_ITEMS, _ITEMS))),
    "clear": _Use(lambda one: one.clear(), undo=lambda one: one.update(zip(_ITEMS, _ITEMS))),
}


_ATTRIBUTE_USES: Mapping[str, _Use] = {
    "Value.get": _Use(lambda one: one.get(), 7),
    "Value.set": _Use(lambda one: one.set(7)),
    "Value.value": _Use(lambda one: one.value, 7),
    "Array.getitem": _Use(lambda one: one[7], 7),
    "Array.slice": _Use(lambda one: list(one[:]), list(_ITEMS)),
    "Array.setitem": _Use(lambda one: _set(one, 7, 7)),
    "Array.len": _Use(len, 16),
    "Namespace.get": _Use(lambda one: one.field, 7),
    "Namespace.set": _Use(lambda one: setattr(one, "field", 7)),
    "Namespace.delete": _Use(
        lambda one: delattr(one, "field"), undo=lambda one: setattr(one, "field", 7)
    ),
}


def _using(proxy: Any, use: _Use) -> Body:
    """Return the body that makes one call after the other, and undoes each untimed."""
    call, expected, undo = use

    def body(iterations: int, /) -> Outcome:
        clock = monotonic_ns
        elapsed = right = 0
        for _ in range(iterations):
            began = clock()
            found = call(proxy)
            elapsed += clock() - began
            right += found == expected
            if undo is not None:
                undo(proxy)
        return Outcome(right, iterations, elapsed)

    return body


def _covered(proxy: str, uses: Mapping[str, _Use]) -> tuple[str, ...]:
    """Return the methods that a table of uses calls, as users write them."""
    special = {"getitem", "setitem", "delitem", "len", "contains", "iadd", "imul"}
    names = (f"__{name}__" if name in special else name for name in uses if name != "slice")
    return tuple(f"{proxy}.{name}" for name in names)


@workload(
    "manager/list-calls",
    metric=Metric.TIME,
    floor="manager/access",
    covers=("Manager", "SyncManager.list", *_covered("ListProxy", _LIST_USES)),
    tier=Tier.FULL,
    shares=("call",),
    needs=lambda case: _NEEDS,  # noqa: ARG005
    call=fixed(*_LIST_USES),
)
def list_calls(context: BaseContext, case: Case) -> Iterator[Bind]:
    """
    Call each method of a shared list of 16 integers.

    Timed: one call of the method. Not timed: undoing what it changed, which
    is another call; starting the manager.

    Reads as: all of them cost one round trip; the list itself costs nothing.
    """
    del case
    with context.Manager() as manager:
        proxy = manager.list(_ITEMS)

        def bind(case: Case) -> Body:
            return _using(proxy, _LIST_USES[case.text("call")])

        yield bind


@workload(
    "manager/dict-calls",
    metric=Metric.TIME,
    floor="manager/access",
    covers=("Manager", "SyncManager.dict", *_covered("DictProxy", _DICT_USES)),
    tier=Tier.FULL,
    shares=("call",),
    needs=lambda case: _NEEDS,  # noqa: ARG005
    call=fixed(*_DICT_USES),
)
def dict_calls(context: BaseContext, case: Case) -> Iterator[Bind]:
    """
    Call each method of a shared dict of 16 integers.

    Timed: one call of the method. Not timed: undoing what it changed, which
    is another call; starting the manager.

    Reads as: all of them cost one round trip. keys, values and items arrive
    as lists: they are copies, made and pickled at each call.
    """
    del case
    with context.Manager() as manager:
        proxy = manager.dict(zip(_ITEMS, _ITEMS))

        def bind(case: Case) -> Body:
            return _using(proxy, _DICT_USES[case.text("call")])

        yield bind


@workload(
    "manager/value-calls",
    metric=Metric.TIME,
    floor="manager/access",
    covers=(
        *("Manager", "SyncManager.Value", "SyncManager.Array", "SyncManager.Namespace"),
        *("ValueProxy.get", "ValueProxy.set", "ArrayProxy.__len__"),
        *("ArrayProxy.__getitem__", "ArrayProxy.__setitem__"),
        *("NamespaceProxy.__getattr__", "NamespaceProxy.__setattr__", "NamespaceProxy.__delattr__"),
    ),
    tier=Tier.FULL,
    shares=("call",),
    needs=lambda case: _NEEDS,  # noqa: ARG005
    call=fixed(*_ATTRIBUTE_USES),
)
def value_calls(context: BaseContext, case: Case) -> Iterator[Bind]:
    """
    Read and write a shared Value, Array of 16 integers and Namespace in each way.

    Timed: one call. Not timed: undoing what it changed, which is another
    call; starting the manager.

    Reads as: all of them cost one round trip. `value` is `get` and `set` under
    another name.
    """
    del case
    with context.Manager() as manager:
        proxies: dict[str, Any] = {
            "Value": manager.Value("i", 7),
            "Array": manager.Array("i", _ITEMS),
            "Namespace": manager.Namespace(),
        }
        proxies["Namespace"].field = 7

        def bind(case: Case) -> Body:
            kind = case.text("call").partition(".")[0]
            return _using(proxies[kind], _ATTRIBUTE_USES[case.text("call")])

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
    metric=Metric.TIME,
    floor=NoFloor("time for each entry, of which one call moves many; one call is manager/access"),
    covers=(
        *("Manager", "SyncManager.dict", "IteratorProxy.__next__"),
        *("DictProxy.__setitem__", "DictProxy.__getitem__", "DictProxy.__iter__"),
        *("DictProxy.update", "DictProxy.copy"),
    ),
    tier=Tier.FULL,
    shares=("way",),
    needs=lambda case: _NEEDS,  # noqa: ARG005
    way=fixed(*_WAYS),
)
def bulk(context: BaseContext, case: Case) -> Iterator[Bind]:
    """
    Write or read 100 entries of a shared dict, one by one or all at once.

    Timed: the whole dict's entries, divided by 100: `set-each` and `get-each`
    make a call for each, so does `iterate`, which gets the keys from an
    iterator in the server; `update` and `copy` make one call. Not timed:
    starting the manager.

    Reads as: time for each entry. Loops over a proxy are round trips; the same
    data in one message costs little more than one of them.
    """
    del case
    with context.Manager() as manager:
        proxy = manager.dict(zip(range(_MANY), range(_MANY)))

        def bind(case: Case) -> Body:
            way = _WAYS[case.text("way")]

            def body(iterations: int, /) -> Outcome:
                moved = sum(way(proxy) for _ in range(iterations))
                return Outcome(moved, iterations * _MANY)

            return body

        yield bind


@workload(
    "manager/nested",
    metric=Metric.TIME,
    floor="manager/access",
    covers=(
        *("Manager", "SyncManager.dict", "SyncManager.list"),
        *("DictProxy.__getitem__", "ListProxy.__getitem__"),
    ),
    facts={"flat": Metric.TIME},
    needs=lambda case: _NEEDS,  # noqa: ARG005
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
    del case
    with context.Manager() as manager:
        inner = manager.list(_ITEMS)
        outer = manager.dict(inner=inner)

        def body(iterations: int, /) -> Outcome:
            clock = monotonic_ns
            deep = flat = right = 0
            for _ in range(iterations):
                began = clock()
                found = outer["inner"][7]
                between = clock()
                same = inner[7]
                flat += clock() - between
                deep += between - began
                right += found == same == 7
            return Outcome(right, iterations, deep, {"flat": flat / iterations})

        yield body
