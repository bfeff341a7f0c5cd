"""The tables of uses say what a plain list, dict or set does."""

from __future__ import annotations

from typing import Any

import pytest

from mpbench.workloads.manager.method_table import DICT_USES, ITEMS, LIST_USES, SET_USES, lacks

PLAIN: dict[str, tuple[Any, Any]] = {
    "ListProxy": (list(ITEMS), LIST_USES),
    "DictProxy": (dict(zip(ITEMS, ITEMS, strict=True)), DICT_USES),
    "SetProxy": (set(ITEMS), SET_USES),
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, (_, uses) in PLAIN.items() for name in uses]
)
def test_a_use_returns_what_it_says_and_is_undone(kind: str, name: str) -> None:
    """After the undoing the next call finds what the first one found."""
    thing, uses = PLAIN[kind]
    use = uses[name]
    before = thing.copy()
    found = use.call(thing)
    if use.undo is not None:
        use.undo(thing)

    assert use.expected == found
    assert before == thing


def test_what_is_missing_is_named() -> None:
    """A reason says from which Python on there is such a method."""
    assert lacks("ListProxy", "append") is None
    assert lacks("SetProxy", "or") in {None, "SetProxy has no __or__ before Python 3.14"}
