"""
Kinds of worker behind one form: processes, threads, interpreters.

Each is opened as the documentation of Python opens it. `begin` hands a function
and its arguments to the workers, one task for each argument, and returns what
waits for the results.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional

from mpbench.workloads.pool.executors import opened_executor
from mpbench.workloads.pool.lifecycle import opened
from mpbench.workloads.worker.jobs import keep_shared, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor
    from multiprocessing.context import BaseContext

    from mpbench.model import Case

__all__ = ("KINDS", "PROCESSES", "STANDARD_KINDS", "Workers", "lacks_kind", "method_of", "workers")

# Waits at most so many seconds for each result; None is for ever.
Wait = Callable[[Optional[float]], "list[Any]"]


class Workers(NamedTuple):
    """Open workers of one kind: what hands them tasks."""

    begin: Callable[[Callable[[Any], Any], Sequence[Any]], Wait]

    def run(self, function: Callable[[Any], Any], arguments: Sequence[Any]) -> list[Any]:
        """Run one task for each argument, and return the results in their order."""
        return self.begin(function, arguments)(None)


@contextmanager
def _pool(context: BaseContext, count: int, shared: Any) -> Iterator[Workers]:
    with opened(lambda: context.Pool(count, keep_shared, (shared,))) as pool:
        yield Workers(lambda function, arguments: _asked(pool, function, arguments))


@contextmanager
def _thread_pool(context: BaseContext, count: int, shared: Any) -> Iterator[Workers]:
    from multiprocessing.pool import ThreadPool

    del context
    with opened(lambda: ThreadPool(count, keep_shared, (shared,))) as pool:
        yield Workers(lambda function, arguments: _asked(pool, function, arguments))


def _asked(pool: Any, function: Callable[[Any], Any], arguments: Sequence[Any]) -> Wait:
    """Hand tasks to a pool."""
    pending = [pool.apply_async(function, (argument,)) for argument in arguments]
    return lambda limit_s: [one.get(limit_s) for one in pending]


def _submitting(executor: Executor) -> Workers:
    """Hand tasks to an executor."""

    def begin(function: Callable[[Any], Any], arguments: Sequence[Any]) -> Wait:
        pending = [executor.submit(function, argument) for argument in arguments]
        return lambda limit_s: [one.result(limit_s) for one in pending]

    return Workers(begin)


@contextmanager
def _process_executor(context: BaseContext, count: int, shared: Any) -> Iterator[Workers]:
    options = {"initializer": keep_shared, "initargs": (shared,)}
    with opened_executor(context, count, **options) as executor:
        yield _submitting(executor)


@contextmanager
def _thread_executor(context: BaseContext, count: int, shared: Any) -> Iterator[Workers]:
    from concurrent.futures import ThreadPoolExecutor

    del context
    with ThreadPoolExecutor(count, initializer=keep_shared, initargs=(shared,)) as executor:
        yield _submitting(executor)


@contextmanager
def _to_thread(context: BaseContext, count: int, shared: Any) -> Iterator[Workers]:
    """Keep an event loop whose `asyncio.to_thread` has so many threads."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    del context
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(count))
    keep_shared(shared)

    def begin(function: Callable[[Any], Any], arguments: Sequence[Any]) -> Wait:
        pending = [
            loop.create_task(asyncio.to_thread(function, argument)) for argument in arguments
        ]
        # Each is handed to its thread when the loop first runs it.
        loop.run_until_complete(asyncio.sleep(0))

        async def gather() -> list[Any]:
            return list(await asyncio.gather(*pending))

        return lambda _: loop.run_until_complete(gather())

    try:
        yield Workers(begin)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@contextmanager
def _interpreter_executor(context: BaseContext, count: int, shared: Any) -> Iterator[Workers]:
    from concurrent import futures

    del context
    # Not in the typeshed of older Pythons.
    made = futures.InterpreterPoolExecutor  # type: ignore[attr-defined,unused-ignore]
    with made(count, initializer=keep_shared, initargs=(_lent(shared),)) as executor:
        yield _submitting(executor)


def _lent(shared: Any) -> Any:
    """Return what interpreters can share: a view of bytes, instead of a copy for each."""
    return memoryview(shared) if isinstance(shared, bytes) else shared


@contextmanager
def _interpreters(context: BaseContext, count: int, shared: Any) -> Iterator[Workers]:
    """Keep interpreters that take tasks from one queue and answer on another."""
    from concurrent import interpreters  # type: ignore[attr-defined,unused-ignore]

    del context
    tasks, results = interpreters.create_queue(), interpreters.create_queue()
    made = [interpreters.create() for _ in range(count)]
    threads = [one.call_in_thread(serve, tasks, results, _lent(shared)) for one in made]

    def begin(function: Callable[[Any], Any], arguments: Sequence[Any]) -> Wait:
        for task in enumerate(arguments):
            tasks.put((task[0], function, task[1]))

        def wait(limit_s: float | None) -> list[Any]:
            answers = dict(results.get(timeout=limit_s) for _ in arguments)
            return [answers[number] for number in range(len(arguments))]

        return wait

    try:
        yield Workers(begin)
    finally:
        for _ in made:
            tasks.put(None)
        for thread in threads:
            thread.join()
        for one in made:
            one.close()


_METHODS = ("fork", "spawn", "forkserver")
_OPENERS = {
    "pool": _pool,
    "executor": _process_executor,
    "thread-pool": _thread_pool,
    "thread-executor": _thread_executor,
    "to-thread": _to_thread,
    "interpreter-executor": _interpreter_executor,
    "interpreters": _interpreters,
}

# Kinds whose workers are processes; the words after the dash are the start method.
PROCESSES = tuple(f"{pool}-{method}" for pool in ("pool", "executor") for method in _METHODS)
KINDS = (*PROCESSES, *(name for name in _OPENERS if name not in {"pool", "executor"}))
# The first of each: tier standard has no time for all.
STANDARD_KINDS = (
    *("pool-fork", "pool-spawn", "pool-forkserver"),
    *("thread-executor", "interpreter-executor"),
)


def method_of(kind: str) -> str | None:
    """Return the start method of a kind of worker, None where it starts no process."""
    return kind.rpartition("-")[2] if kind in PROCESSES else None


def lacks_kind(case: Case) -> str | None:
    """Say why this interpreter has no such workers, or None."""
    from multiprocessing import get_all_start_methods

    kind = case.text("kind")
    method = method_of(kind)
    if method is not None:
        has_it = method in get_all_start_methods()
        return None if has_it else f"this interpreter has no start method {method!r}"
    if kind in {"interpreter-executor", "interpreters"}:
        try:
            from concurrent import interpreters  # type: ignore[attr-defined,unused-ignore]
        except ImportError:
            return "this interpreter has no concurrent.interpreters; Python 3.14 brought it"
        del interpreters
    return None


@contextmanager
def workers(context: BaseContext, kind: str, count: int, shared: Any = None) -> Iterator[Workers]:
    """
    Keep workers of one kind while the block runs.

    Args:
        context: Any; the kind has the start method.
        kind: One of `KINDS`.
        count: How many workers at most; some kinds start them with their first tasks.
        shared: What an initializer hands to each of them.
    """
    method = method_of(kind)
    name = kind if method is None else kind.rpartition("-")[0]
    chosen = context if method is None else context.get_context(method)
    try:
        with _OPENERS[name](chosen, count, shared) as made:
            yield made
    finally:
        # Threads have left it here.
        keep_shared(None)
