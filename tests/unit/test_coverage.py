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

# The proxies that a SyncManager hands out; those without a class of their own are
# made of the methods that the server names.
PROXIES = {
    kind[3].__name__: kind[3]
    for kind in multiprocessing.managers.SyncManager._registry.values()
    if kind[3] is not multiprocessing.managers.AutoProxy
}
TYPES.update(PROXIES)

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

# Attributes of a proxy are asked for by this one, and claimed by their own names.
HOW_ATTRIBUTES_ARE_ASKED = {"__getattribute__", "__class_getitem__"}

# What no workload measures, and why that is right.
EXCLUDED = {
    "Pool.Process": "how a pool makes its workers; an implementation detail",
    "ThreadPool.Process": "as Pool.Process",
    "BaseManager.register": "called in set-up of manager/custom; once in a program",
    "BaseManager.get_server": "called in set-up of manager/network; once in a server",
    "SyncManager.register": "as BaseManager.register",
    "SyncManager.get_server": "as BaseManager.get_server",
    "SharedMemoryManager.register": "as BaseManager.register",
    "ValueProxy.value": "another name of get and set; manager/value-calls times it as well",
    "PoolProxy.close": "called once at the end of manager/pool; Pool.close behind one call",
    "PoolProxy.join": "called once at the end of manager/pool; Pool.join behind one call",
    "PoolProxy.terminate": "called once at the end of manager/pool; Pool.terminate behind one call",
    "SharedMemoryManager.get_server": "what its start calls; as BaseManager.get_server",
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
    for name, kind in PROXIES.items():
        exposed = getattr(kind, "_exposed_", None) or ()
        yield from (f"{name}.{one}" for one in exposed if one not in HOW_ATTRIBUTES_ARE_ASKED)


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
    assert not is_covered("ListProxy.append", claims - {"ListProxy.append"})
    assert is_covered("JoinableQueue.put_nowait", covered())


def test_no_exclusion_is_left_over() -> None:
    """What is covered needs no excuse."""
    assert set() == set(EXCLUDED) & covered()
