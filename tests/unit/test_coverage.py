"""Every public part of multiprocessing is covered by a workload, or excluded with a reason."""

from __future__ import annotations

import inspect
import multiprocessing
import multiprocessing.connection
import multiprocessing.managers
import multiprocessing.pool
import multiprocessing.queues
import multiprocessing.shared_memory
import multiprocessing.sharedctypes
import multiprocessing.synchronize
from collections.abc import Iterator

from mpbench.catalog import discover

# Types by the names that users write, and the classes behind them.
TYPES = {
    "Process": multiprocessing.Process,
    "Connection": multiprocessing.connection.Connection,
    "Listener": multiprocessing.connection.Listener,
    "Pool": multiprocessing.pool.Pool,
    "ThreadPool": multiprocessing.pool.ThreadPool,
    "AsyncResult": multiprocessing.pool.AsyncResult,
    "Lock": multiprocessing.synchronize.Lock,
    "RLock": multiprocessing.synchronize.RLock,
    "Semaphore": multiprocessing.synchronize.Semaphore,
    "BoundedSemaphore": multiprocessing.synchronize.BoundedSemaphore,
    "Condition": multiprocessing.synchronize.Condition,
    "Event": multiprocessing.synchronize.Event,
    "Barrier": multiprocessing.synchronize.Barrier,
    "Queue": multiprocessing.queues.Queue,
    "SimpleQueue": multiprocessing.queues.SimpleQueue,
    "JoinableQueue": multiprocessing.queues.JoinableQueue,
    "Synchronized": multiprocessing.sharedctypes.Synchronized,
    "SynchronizedArray": multiprocessing.sharedctypes.SynchronizedArray,
    "SynchronizedString": multiprocessing.sharedctypes.SynchronizedString,
    "SharedMemory": multiprocessing.shared_memory.SharedMemory,
    "ShareableList": multiprocessing.shared_memory.ShareableList,
    "BaseManager": multiprocessing.managers.BaseManager,
    "SyncManager": multiprocessing.managers.SyncManager,
    "SharedMemoryManager": multiprocessing.managers.SharedMemoryManager,
}

# Methods that objects get when they are made, which their classes do not show.
MADE = {
    **dict.fromkeys(
        ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition"), ("acquire", "release")
    ),
    "Synchronized": ("value",),
}

MODULES = {
    "": multiprocessing,
    "connection.": multiprocessing.connection,
    "shared_memory.": multiprocessing.shared_memory,
}

# What no workload measures, and why that is right.
EXCLUDED = {
    "Pool.Process": "how a pool makes its workers; an implementation detail",
    "ThreadPool.Process": "as Pool.Process",
    "SharedMemoryManager.get_server": "what its start calls; BaseManager.get_server is covered",
    "ProcessError": "the base of exceptions that are covered; nothing raises it",
    "allow_connection_pickling": "imports a module; process/one-time measures imports",
    "reducer": "a module that leaks into the namespace; reduction's functions are covered",
}


def required() -> Iterator[str]:
    """Yield every public name as users write it."""
    for prefix, module in MODULES.items():
        for name in getattr(module, "__all__", ()):
            yield f"{prefix}{name}"
    for name, kind in TYPES.items():
        for attribute in dir(kind):
            if not attribute.startswith("_"):
                yield f"{name}.{attribute}"
        yield from (f"{name}.{attribute}" for attribute in MADE.get(name, ()))


def covered() -> set[str]:
    """Return every name that some workload claims; verification proves the claims."""
    return {claim for one in discover().values() for claim in one.covers}


def is_covered(name: str, claims: set[str]) -> bool:
    """Tell whether a name is claimed: with its module's prefix, without, or by a base's name."""
    owner, _, attribute = name.rpartition(".")
    if name in claims or (owner in {"", "connection", "shared_memory"} and attribute in claims):
        return True
    if owner not in TYPES:
        return False
    # A method that two types inherit from one base is the same code under two names.
    own = inspect.getattr_static(TYPES[owner], attribute, None)
    return any(
        f"{other}.{attribute}" in claims
        for other, kind in TYPES.items()
        if own is not None and inspect.getattr_static(kind, attribute, None) is own
    )


def test_nothing_public_is_left_out() -> None:
    """A name that is neither covered nor excluded is a hole in the catalogue."""
    claims = covered()
    missing = sorted(
        name
        for name in dict.fromkeys(required())
        if name not in EXCLUDED and not is_covered(name, claims)
    )

    assert [] == missing


def test_a_hole_would_be_seen() -> None:
    """Without its claims, a type's methods are missing."""
    claims = {claim for claim in covered() if not claim.startswith("Barrier")}

    assert not is_covered("Barrier.wait", claims)
    assert is_covered("JoinableQueue.put_nowait", covered())


def test_no_exclusion_is_left_over() -> None:
    """What is covered needs no excuse."""
    assert set() == set(EXCLUDED) & covered()
