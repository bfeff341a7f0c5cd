"""Every public part of multiprocessing is covered by a workload, or excluded with a reason."""

from __future__ import annotations

import concurrent.futures
import inspect
import multiprocessing
import multiprocessing.connection
import multiprocessing.managers
import multiprocessing.pool
import multiprocessing.process
import multiprocessing.queues
import multiprocessing.shared_memory
import multiprocessing.sharedctypes
import multiprocessing.synchronize
import sys
from collections.abc import Iterator

import pytest

from mpbench.catalog import discover
from mpbench.session.verify import _can_be_seen, _found

# The documented modules, by the prefix that their names get here.
MODULES = {
    "": multiprocessing,
    "connection.": multiprocessing.connection,
    "managers.": multiprocessing.managers,
    "pool.": multiprocessing.pool,
    "process.": multiprocessing.process,
    "queues.": multiprocessing.queues,
    "shared_memory.": multiprocessing.shared_memory,
    "sharedctypes.": multiprocessing.sharedctypes,
    "synchronize.": multiprocessing.synchronize,
    "futures.": concurrent.futures,
}

# Classes whose methods are public: those that the modules name, and what functions return.
TYPES = {
    name: getattr(module, name)
    for module in MODULES.values()
    for name in module.__all__
    if isinstance(getattr(module, name), type)
    and not issubclass(getattr(module, name), BaseException)
} | {
    "Connection": multiprocessing.connection.Connection,
    "AsyncResult": multiprocessing.pool.AsyncResult,
    "IMapIterator": multiprocessing.pool.IMapIterator,
    "Barrier": multiprocessing.synchronize.Barrier,
    "Synchronized": multiprocessing.sharedctypes.Synchronized,
    "SynchronizedArray": multiprocessing.sharedctypes.SynchronizedArray,
    "SynchronizedString": multiprocessing.sharedctypes.SynchronizedString,
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
    "Synchronized": ("value", "get_lock", "get_obj"),
    "SynchronizedArray": ("get_lock", "get_obj"),
    "SynchronizedString": ("value", "raw"),
}

# Attributes of a proxy are asked for by this one, and claimed by their own names.
HOW_ATTRIBUTES_ARE_ASKED = {"__getattribute__", "__class_getitem__"}

# What no workload measures, and why that is right; a type stands for its methods as well.
EXCLUDED = {
    "BaseProcess": "the base of Process, which is covered",
    "Token": "an implementation detail of proxies",
    "managers.BaseManager": "a base; its methods are covered, or excluded below",
    "managers.SyncManager": "made by Manager, which is covered",
    "Executor": "the abstract base of ProcessPoolExecutor",
    "ThreadPoolExecutor": "no processes; worker/start and its family measure it beside them",
    "InterpreterPoolExecutor": "no processes; as ThreadPoolExecutor, on Python 3.14 and newer",
    "Future.set_running_or_notify_cancel": "for executors and their tests",
    "Future.set_result": "as Future.set_running_or_notify_cancel",
    "Future.set_exception": "as Future.set_running_or_notify_cancel",
    "CancelledError": "raised for a future that was cancelled before it ran",
    "BrokenExecutor": "raised when a worker died; executors do not go on after it",
    "InvalidStateError": "raised for wrong use of Future.set_result",
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


# Parameters of public calls, each by its name: those of Python 3.9 have been looked at ...
PARAMETERS = frozenset(
    """
    action address allow_none args authkey backlog block blocking buf callback cancel_futures
    chunksize context create ctx daemon duplex error_callback exception executable exposed family
    fn force fs func group id incref initargs initializer iterable iterables kwargs kwds level
    lock manager manager_owned max_workers maxlength maxsize maxtasksperchild method module_names
    mp_context n name obj object_list offset parties predicate processes result return_when
    sequence serializer size size_or_initializer target thread_name_prefix timeout token
    typecode_or_type typeid value wait self cls
    """.split()  # noqa: SIM905 - shorter
)
# ... and those that came since: the workload and its parameter, or why there is none.
NEW_PARAMETERS = {
    "buffersize": "pool/executor-map-memory buffer_size",
    "max_tasks_per_child": "pool/executor-max-tasks max_tasks",
    "track": "shared/memory-create track",
    "shutdown_timeout": "how long a manager that does not end is waited for",
    "ctxkwargs": "of ThreadPoolExecutor, for its subclass with interpreters",
    "on_error": "what set_forkserver_preload does with a module that cannot be imported",
}


def public_names() -> Iterator[tuple[str, object]]:
    """Yield what the modules name, without the constants."""
    for prefix, module in MODULES.items():
        for name in module.__all__:
            value = getattr(module, name)
            if not isinstance(value, str):
                yield f"{prefix}{name}", value


def required() -> Iterator[str]:
    """Yield every public name as users write it."""
    yield from (name for name, _ in public_names())
    for name, kind in TYPES.items():
        for attribute in dir(kind):
            if not attribute.startswith("_"):
                yield f"{name}.{attribute}"
        yield from (f"{name}.{attribute}" for attribute in MADE.get(name, ()))
    for name, kind in PROXIES.items():
        exposed = getattr(kind, "_exposed_", None) or ()
        yield from (
            f"{name}.{method}" for method in exposed if method not in HOW_ATTRIBUTES_ARE_ASKED
        )


def is_excluded(name: str) -> bool:
    """Tell whether a name, or the type that it belongs to, is excluded."""
    owner, _, attribute = name.rpartition(".")
    return bool(
        EXCLUDED.keys() & {name, owner} or (f"{owner}." in MODULES and attribute in EXCLUDED)
    )


def covered() -> set[str]:
    """Return every name that some workload claims; verification proves the claims."""
    return {claim for workload in discover().values() for claim in workload.covers}


def is_covered(name: str, claims: set[str]) -> bool:
    """Tell whether a name is claimed: with its module's prefix, without, or by a base's name."""
    owner, _, attribute = name.rpartition(".")
    if name in claims or (f"{owner}." in MODULES and attribute in claims):
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


def missing() -> list[str]:
    """Return the public names that are neither covered nor excluded."""
    claims = covered()
    names = dict.fromkeys(required())
    return sorted(name for name in names if not is_excluded(name) and not is_covered(name, claims))


def test_nothing_public_is_left_out() -> None:
    """A name that is neither covered nor excluded is a hole in the catalogue."""
    assert [] == missing()


def test_what_a_new_python_brings_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new function is missing, and so is its parameter."""
    monkeypatch.setattr(multiprocessing, "__all__", [*multiprocessing.__all__, "migrate"])
    monkeypatch.setattr(multiprocessing, "migrate", lambda destination: destination, raising=False)

    assert ["migrate"] == missing()
    assert {"destination"} == set(parameters()) - PARAMETERS - NEW_PARAMETERS.keys()


def parameters() -> Iterator[str]:
    """Yield the parameters of every public function, class and method."""
    calls = [value for _, value in public_names() if callable(value)]
    for kind in TYPES.values():
        methods = (inspect.getattr_static(kind, name) for name in dir(kind) if name[0] != "_")
        calls += [method for method in methods if inspect.isfunction(method)]
    for call in calls:
        if not (isinstance(call, type) and issubclass(call, BaseException)):
            yield from inspect.signature(call).parameters


def test_no_new_parameter_is_left_out() -> None:
    """A parameter that a newer Python brought is measured, or there is a reason why not."""
    assert [] == sorted(set(parameters()) - PARAMETERS - NEW_PARAMETERS.keys())


def test_new_parameters_are_measured_where_it_says_so() -> None:
    """The workload has the parameter."""
    catalogue = discover()
    for place in NEW_PARAMETERS.values():
        name, _, parameter = place.partition(" ")
        assert "/" not in name or parameter in catalogue[name].parameters


def test_every_claim_is_a_name_of_some_python() -> None:
    """What is claimed exists here, is made with its object, or is known to be newer."""
    made = {f"{kind}.{name}" for kind, names in MADE.items() for name in names}
    has_all = sys.version_info >= (3, 14)
    unknown = sorted(
        claim
        for claim in covered() - made
        if _found(claim) is None and (has_all or _can_be_seen(claim))
    )

    assert [] == unknown


def test_a_hole_would_be_seen() -> None:
    """Without its claims, a type's methods are missing."""
    claims = {claim for claim in covered() if not claim.startswith("Barrier")}

    assert not is_covered("Barrier.wait", claims)
    assert not is_covered("ListProxy.append", claims - {"ListProxy.append"})
    assert is_covered("JoinableQueue.put_nowait", covered())


def test_no_exclusion_is_left_over() -> None:
    """What is covered needs no excuse."""
    assert set() == set(EXCLUDED) & covered()
