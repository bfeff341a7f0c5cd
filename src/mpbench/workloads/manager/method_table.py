"""Table of the methods of shared objects: call, expected result, undo."""

from __future__ import annotations

import operator
import sys
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.clock import monotonic_ns
from mpbench.workload import Body, BodyResult

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = (
    "ATTRIBUTE_USES",
    "DICT_USES",
    "ITEMS",
    "LIST_USES",
    "SET_USES",
    "Use",
    "covered",
    "lacks",
    "using",
)

ITEMS = tuple(range(16))


def _unite_in_place(more: Any) -> Callable[[Any], Any]:
    """Return what does `|=`."""

    def unite(proxy: Any) -> None:
        proxy |= more

    return unite


def _in_place(operation: Callable[[Any, Any], Any], operand: Any) -> Callable[[Any], None]:
    """Return what changes a proxy by an operator and returns nothing."""

    def change(proxy: Any) -> None:
        operation(proxy, operand)

    return change


class Use(NamedTuple):
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


LIST_USES: Mapping[str, Use] = {
    "getitem": Use(lambda proxy: proxy[7], 7),
    "slice": Use(lambda proxy: proxy[:], list(ITEMS)),
    "setitem": Use(lambda proxy: _set(proxy, 7, 7)),
    "delitem": Use(lambda proxy: _delete(proxy, 15), undo=lambda proxy: proxy.append(15)),
    "len": Use(len, 16),
    "contains": Use(lambda proxy: 7 in proxy, True),
    "append": Use(lambda proxy: proxy.append(16), undo=_drop_last),
    "extend": Use(lambda proxy: proxy.extend([16, 17]), undo=_drop_last),
    "iadd": Use(_add_in_place, undo=_drop_last),
    "imul": Use(_multiply_in_place, undo=_drop_last),
    "insert": Use(lambda proxy: proxy.insert(16, 16), undo=_drop_last),
    "pop": Use(lambda proxy: proxy.pop(), 15, lambda proxy: proxy.append(15)),
    "remove": Use(lambda proxy: proxy.remove(15), undo=lambda proxy: proxy.append(15)),
    "index": Use(lambda proxy: proxy.index(7), 7),
    "count": Use(lambda proxy: proxy.count(7), 1),
    "__add__": Use(lambda proxy: proxy + [16], [*ITEMS, 16]),  # noqa: RUF005 - the sign is what is timed
    "mul": Use(lambda proxy: proxy * 2, [*ITEMS, *ITEMS]),
    "rmul": Use(lambda proxy: 2 * proxy, [*ITEMS, *ITEMS]),
    "reversed": Use(lambda proxy: list(reversed(proxy)), list(reversed(ITEMS))),
    "reverse": Use(lambda proxy: proxy.reverse(), undo=lambda proxy: proxy.reverse()),
    "sort": Use(lambda proxy: proxy.sort()),
    # From Python 3.14 on.
    "clear": Use(lambda proxy: proxy.clear(), undo=lambda proxy: proxy.extend(ITEMS)),
    "copy": Use(lambda proxy: proxy.copy(), list(ITEMS)),
}

DICT_USES: Mapping[str, Use] = {
    "getitem": Use(lambda proxy: proxy[7], 7),
    "setitem": Use(lambda proxy: _set(proxy, 7, 7)),
    "delitem": Use(lambda proxy: _delete(proxy, 15), undo=lambda proxy: _set(proxy, 15, 15)),
    "len": Use(len, 16),
    "contains": Use(lambda proxy: 7 in proxy, True),
    "get": Use(lambda proxy: proxy.get(7), 7),
    "setdefault": Use(lambda proxy: proxy.setdefault(7, 0), 7),
    "update": Use(lambda proxy: proxy.update({7: 7})),
    "pop": Use(lambda proxy: proxy.pop(15), 15, lambda proxy: _set(proxy, 15, 15)),
    "popitem": Use(lambda proxy: proxy.popitem(), (15, 15), lambda proxy: _set(proxy, 15, 15)),
    "keys": Use(lambda proxy: sorted(proxy.keys()), list(ITEMS)),
    "values": Use(lambda proxy: sorted(proxy.values()), list(ITEMS)),
    "items": Use(lambda proxy: len(proxy.items()), 16),
    "copy": Use(lambda proxy: proxy.copy(), dict(zip(ITEMS, ITEMS))),
    "clear": Use(lambda proxy: proxy.clear(), undo=lambda proxy: proxy.update(zip(ITEMS, ITEMS))),
    # From Python 3.14 on.
    "or": Use(lambda proxy: proxy | {7: 7}, dict(zip(ITEMS, ITEMS))),
    "ror": Use(lambda proxy: {7: 7} | proxy, dict(zip(ITEMS, ITEMS))),
    "ior": Use(_unite_in_place({7: 7})),
    "reversed": Use(lambda proxy: list(reversed(proxy)), list(reversed(ITEMS))),
    "fromkeys": Use(lambda proxy: proxy.fromkeys((7,), 7), {7: 7}),
}

_SET = frozenset(ITEMS)
_ODD = frozenset(range(1, 16, 2))


def _refill(proxy: Any) -> None:
    proxy.update(ITEMS)


# From Python 3.14 on; each result is that of a plain set.
SET_USES: Mapping[str, Use] = {
    "len": Use(len, 16),
    "contains": Use(lambda proxy: 7 in proxy, True),
    "add": Use(lambda proxy: proxy.add(7)),
    "discard": Use(lambda proxy: proxy.discard(15), undo=_refill),
    "remove": Use(lambda proxy: proxy.remove(15), undo=_refill),
    "pop": Use(lambda proxy: proxy.pop() in _SET, True, _refill),
    "clear": Use(lambda proxy: proxy.clear(), undo=_refill),
    "copy": Use(lambda proxy: proxy.copy(), _SET),
    "update": Use(lambda proxy: proxy.update((7,))),
    "union": Use(lambda proxy: proxy.union(_ODD), _SET),
    "intersection": Use(lambda proxy: proxy.intersection(_ODD), _ODD),
    "difference": Use(lambda proxy: proxy.difference(_ODD), _SET - _ODD),
    "symmetric_difference": Use(lambda proxy: proxy.symmetric_difference(_ODD), _SET - _ODD),
    "intersection_update": Use(lambda proxy: proxy.intersection_update(_ODD), undo=_refill),
    "difference_update": Use(lambda proxy: proxy.difference_update(_ODD), undo=_refill),
    "symmetric_difference_update": Use(
        lambda proxy: proxy.symmetric_difference_update(_ODD), undo=_refill
    ),
    "isdisjoint": Use(lambda proxy: proxy.isdisjoint(_ODD), False),
    "issubset": Use(lambda proxy: proxy.issubset(_SET), True),
    "issuperset": Use(lambda proxy: proxy.issuperset(_ODD), True),
    "or": Use(lambda proxy: proxy | _ODD, _SET),
    "and": Use(lambda proxy: proxy & _ODD, _ODD),
    "sub": Use(lambda proxy: proxy - _ODD, _SET - _ODD),
    "xor": Use(lambda proxy: proxy ^ _ODD, _SET - _ODD),
    "le": Use(lambda proxy: proxy <= _SET, True),
    "ge": Use(lambda proxy: proxy >= _ODD, True),
    "lt": Use(lambda proxy: proxy < _SET, False),
    "gt": Use(lambda proxy: proxy > _ODD, True),
    "ror": Use(lambda proxy: _ODD | proxy, _SET),
    "rand": Use(lambda proxy: _ODD & proxy, _ODD),
    "rsub": Use(lambda proxy: _ODD - proxy, frozenset()),
    "rxor": Use(lambda proxy: _ODD ^ proxy, _SET - _ODD),
    "iter": Use(lambda proxy: frozenset(iter(proxy)), _SET),
    "ior": Use(_unite_in_place(_ODD)),
    "iand": Use(_in_place(operator.iand, _ODD), undo=_refill),
    "isub": Use(_in_place(operator.isub, _ODD), undo=_refill),
    "ixor": Use(_in_place(operator.ixor, _ODD), undo=_refill),
}


ATTRIBUTE_USES: Mapping[str, Use] = {
    "Value.get": Use(lambda proxy: proxy.get(), 7),
    "Value.set": Use(lambda proxy: proxy.set(7)),
    "Value.value": Use(lambda proxy: proxy.value, 7),
    "Array.getitem": Use(lambda proxy: proxy[7], 7),
    "Array.slice": Use(lambda proxy: list(proxy[:]), list(ITEMS)),
    "Array.setitem": Use(lambda proxy: _set(proxy, 7, 7)),
    "Array.len": Use(len, 16),
    "Namespace.get": Use(lambda proxy: proxy.field, 7),
    "Namespace.set": Use(lambda proxy: setattr(proxy, "field", 7)),
    "Namespace.delete": Use(
        lambda proxy: delattr(proxy, "field"), undo=lambda proxy: setattr(proxy, "field", 7)
    ),
}


def using(proxy: Any, use: Use) -> Body:
    """Return the body that makes one call after the other, and undoes each untimed."""
    call, expected, undo = use

    def body(iterations: int, /) -> BodyResult:
        clock = monotonic_ns
        elapsed = right = 0
        for _ in range(iterations):
            began = clock()
            answer = call(proxy)
            elapsed += clock() - began
            right += answer == expected
            if undo is not None:
                undo(proxy)
        return BodyResult(right, iterations, elapsed)

    return body


# Methods that have a sign or a function of their own.
_SPECIAL = {
    *("getitem", "setitem", "delitem", "len", "contains", "iadd", "imul", "mul", "rmul"),
    *("reversed", "and", "or", "sub", "xor", "ior", "ror", "ge", "gt", "le", "lt"),
    *("rand", "rsub", "rxor", "iter", "iand", "isub", "ixor"),
}


# What a proxy has got since, by type; no import of the managers, which are heavy, tells it.
_SINCE_3_14 = {
    "ListProxy": {"clear", "copy"},
    "DictProxy": {"or", "ror", "ior", "reversed", "fromkeys"},
    "SetProxy": set(SET_USES),
}


def _method(name: str) -> str:
    """Return the name of a use as Python writes it."""
    return f"__{name}__" if name in _SPECIAL else name


def lacks(proxy: str, name: str) -> str | None:
    """Say why this Python's proxies of a type have no such method, or None."""
    if sys.version_info >= (3, 14) or name not in _SINCE_3_14.get(proxy, ()):
        return None
    return f"{proxy} has no {_method(name)} before Python 3.14"


def covered(proxy: str, uses: Mapping[str, Use]) -> tuple[str, ...]:
    """Return the methods that a table of uses calls, as users write them."""
    return tuple(f"{proxy}.{_method(name)}" for name in uses if name != "slice")
