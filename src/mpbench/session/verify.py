"""Verification of the calls that workloads claim to cover."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mpbench.model import StartMethod

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from mpbench.workload import Workload

__all__ = ("find_coverage_errors", "is_checkable", "trace_file")


def is_checkable(workload: Workload, methods: Iterable[StartMethod]) -> bool:
    """Tell whether all calls of a workload were seen: those of spawned children are not."""
    return not workload.by_method or StartMethod.FORK in methods


def trace_file(folder: Path, workload: str) -> Path:
    """Return where the calls of one workload are written."""
    return folder / f"{workload.replace('/', '.')}.calls"


# Where the names that users write are found.
_PLACES = (
    "multiprocessing",
    "multiprocessing.pool",
    "multiprocessing.managers",
    "multiprocessing.connection",
    "multiprocessing.shared_memory",
    "multiprocessing.synchronize",
    "multiprocessing.queues",
    "multiprocessing.reduction",
    "multiprocessing.process",
    "concurrent.futures",
    "multiprocessing.dummy",
)

# Calls that Python 3.14 added.
_NEWER = (".interrupt", ".kill_workers", ".locked", ".terminate_workers", "SyncManager.set")


def _found(claim: str) -> Any:
    """Return what a claim names on this interpreter, or None."""
    first, *rest = claim.split(".")
    for place in _PLACES:
        module = importlib.import_module(place)
        value = getattr(module, first, None)
        for part in rest:
            value = getattr(value, part, None)
        if value is not None:
            return value
    return None


def _can_be_seen(claim: str) -> bool:
    """
    Tell whether a call of this name would have been traced.

    An exception is raised and not called; a method of a proxy, or one of
    `_NEWER`, that is not found is one that this Python lacks. Anything else that
    is not found counts as missing: objects get some methods when they are
    made (the `acquire` of a lock), which their classes do not show.
    """
    value = _found(claim)
    if isinstance(value, type) and issubclass(value, BaseException):
        return False
    return value is not None or not ("Proxy." in claim or claim.endswith(_NEWER))


def find_coverage_errors(
    folder: Path, traced: Iterable[str], catalogue: Mapping[str, Workload]
) -> tuple[str, ...]:
    """
    Return a sentence for each workload that claims a call which it never made.

    Args:
        folder: Where the traces are.
        traced: Names of the workloads that were traced in every case.
        catalogue: Workloads by name.
    """
    found: list[str] = []
    for name in sorted(set(traced) & set(catalogue)):
        path = trace_file(folder, name)
        made = set(path.read_text().split("\n")) if path.exists() else set()
        missing = [
            claim for claim in catalogue[name].covers if claim not in made and _can_be_seen(claim)
        ]
        if missing:
            found.append(f"{name} claims to cover {', '.join(missing)} but never calls it")
    return tuple(found)
