"""
Adapters of other pools to the tasks of `pool/task-overhead` and `pool/apply-round-trip`.

Each pool is opened as its own documentation does it, with two workers, and
its library is imported only there.
"""

from __future__ import annotations

import gc
import queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.workload import Body
from mpbench.workloads.pool.calls import calling, chunks_of, echo_job, one_by_one, repeating
from mpbench.workloads.pool.executors import opened_executor, submitting
from mpbench.workloads.pool.lifecycle import abort
from mpbench.workloads.pool.tasks import echo, echo_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "PEER_TASKS",
    "PoolAdapter",
    "opened_billiard",
    "opened_futures",
    "opened_joblib",
    "opened_loky",
    "opened_mpire",
    "opened_threads",
)

# Tasks in one iteration; as many as in `pool/task-overhead`.
PEER_TASKS = 512

_WORKERS = 2


class PoolAdapter(NamedTuple):
    """
    An open pool of another library.

    Args:
        bulk: Returns the body that runs many tasks, for a call and a chunk size.
        single: The body that runs one task after the other.
    """

    bulk: Callable[[str, int], Body]
    single: Body


def _adapter(bulk: Callable[[str, int], Body], ask: Callable[[int], int]) -> PoolAdapter:
    """Return the adapter of a pool; many tasks are run first, so that all workers are up."""
    bulk("map", 1)(1)
    return PoolAdapter(bulk, one_by_one(ask))


def _executor_adapter(pool: Any) -> PoolAdapter:
    """Return the adapter of anything with the calls of `concurrent.futures.Executor`."""
    return _adapter(
        lambda call, size: submitting(pool, PEER_TASKS, call=call, chunk_size=size),
        lambda number: int(pool.submit(echo, number).result()),
    )


@contextmanager
def opened_futures(context: BaseContext) -> Iterator[PoolAdapter]:
    """Keep a `concurrent.futures.ProcessPoolExecutor` open."""
    with opened_executor(context, _WORKERS) as pool:
        yield _executor_adapter(pool)


@contextmanager
def opened_loky() -> Iterator[PoolAdapter]:
    """Keep loky's executor open, and end its resource tracker at the end."""
    import loky
    from loky.backend import resource_tracker

    pool = loky.ProcessPoolExecutor(max_workers=_WORKERS)
    try:
        yield _executor_adapter(pool)
    finally:
        pool.shutdown(wait=True)
        # It would live as long as this interpreter, which measures other things afterwards.
        resource_tracker._resource_tracker._stop()  # noqa: SLF001 - there is no public way


@contextmanager
def opened_joblib(backend: str) -> Iterator[PoolAdapter]:
    """Keep `joblib.Parallel` of one backend open."""
    import joblib

    numbers = list(range(PEER_TASKS))
    with joblib.Parallel(n_jobs=_WORKERS, backend=backend, batch_size=1) as parallel:

        def run(size: int) -> list[Any]:
            parallel.batch_size = size
            return list(parallel(joblib.delayed(echo)(number) for number in numbers))

        yield _adapter(
            lambda call, size: repeating(lambda: run(size), numbers, call),
            lambda number: int(parallel([joblib.delayed(echo)(number)])[0]),
        )
    if backend == "loky":
        # joblib keeps the executor for later; its resource tracker ends with the agent.
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor(max_workers=_WORKERS, reuse=True).shutdown(wait=True)
    gc.collect()


@contextmanager
def opened_mpire(method: str) -> Iterator[PoolAdapter]:
    """Keep mpire's pool open."""
    from mpire import WorkerPool  # type: ignore[attr-defined]  # its export is implicit
    from mpire.tqdm_utils import TqdmMpireStd
    from tqdm.std import TqdmDefaultWriteLock  # type: ignore[import-untyped]

    # Or the progress bar, which mpire makes even where none is shown, leaves a thread behind.
    TqdmMpireStd.monitor_interval = 0
    # And a semaphore for as long as the interpreter lives; bars of threads need none.
    TqdmDefaultWriteLock.mp_lock = None
    numbers = list(range(PEER_TASKS))
    with WorkerPool(n_jobs=_WORKERS, start_method=method, keep_alive=True) as pool:

        def bulk(call: str, size: int) -> Body:
            return repeating(lambda: list(pool.map(echo, numbers, chunk_size=size)), numbers, call)

        yield _adapter(bulk, lambda number: int(pool.apply(echo, (number,))))
        pool.stop_and_join()
    gc.collect()


@contextmanager
def opened_billiard(method: str) -> Iterator[PoolAdapter]:
    """Keep billiard's pool open."""
    import billiard

    pool = billiard.get_context(method).Pool(_WORKERS)
    job = echo_job(PEER_TASKS)
    try:
        yield _adapter(
            lambda call, size: calling(pool, job, call, size),
            lambda number: int(pool.apply(echo, (number,))),
        )
    except BaseException:
        abort(pool)
        raise
    # Its workers end with other codes than 0 under forkserver, so they are not checked.
    pool.close()
    pool.join()
    # Only this lets go of its pipes before the interpreter ends.
    pool.terminate()


def _serve_tasks(tasks: queue.SimpleQueue[Any], results: queue.SimpleQueue[Any]) -> None:
    """Run in a thread: take chunks until there is None, and return their results."""
    while True:
        part = tasks.get()
        if part is None:
            return
        results.put(echo_all(part))


@contextmanager
def opened_threads() -> Iterator[PoolAdapter]:
    """Keep two threads that take tasks from a `queue.SimpleQueue`, as programs write it."""
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threads = [
        threading.Thread(target=_serve_tasks, args=(tasks, results), daemon=True)
        for _ in range(_WORKERS)
    ]
    for thread in threads:
        thread.start()
    numbers = list(range(PEER_TASKS))

    def run(size: int) -> list[Any]:
        parts = chunks_of(numbers, size)
        for part in parts:
            tasks.put(part)
        return [number for _ in parts for number in results.get()]

    def ask(number: int) -> int:
        tasks.put([number])
        return int(results.get()[0])

    try:
        yield _adapter(
            lambda call, size: repeating(lambda: run(size), numbers, call, in_order=False), ask
        )
    finally:
        for _ in threads:
            tasks.put(None)
        for thread in threads:
            thread.join()
