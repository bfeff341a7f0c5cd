"""Events of pools and executors: tasks in workers, waits for results in their owner."""

from __future__ import annotations

import threading
import time

from . import kinds
from .channels import name_queue
from .longest import task_log
from .recorder import now, recorder
from .wrap import blocking_call, call_site, drop_frame, patch, safe_value

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("wrap_executor", "wrap_futures", "wrap_pool")


def _calls(args: tuple[Any, ...], result: Any) -> int:
    """Return how many calls a chunk of map holds."""
    del result
    try:
        return len(args[0][1])
    except Exception:  # noqa: BLE001 - whatever a subclass has made of it
        return 1


@safe_value
def _chunk(args: tuple[Any, ...], result: Any) -> int:
    """Return how many calls a chunk of an executor's map holds."""
    del result
    return len(args[1]) if len(args) > 1 else 1


def _mapped(original: Any) -> Any:
    """Return mapstar or starmapstar with the calls of its chunk timed."""
    log = task_log()

    def wrapper(args: Any) -> Any:
        if type(args) is not tuple or threading.current_thread() is not threading.main_thread():
            try:
                return original(args)
            except BaseException as error:
                drop_frame(error)
                raise
        function, batch = args
        try:
            return original((function, log.items(batch)))
        except BaseException as error:
            drop_frame(error)
            raise

    return wrapper


def _mapped_by_executor(original: Any) -> Any:
    """Return _process_chunk with its calls timed."""
    log = task_log()

    def wrapper(fn: Any, chunk: Any) -> Any:
        try:
            return original(fn, log.items(chunk))
        except BaseException as error:
            drop_frame(error)
            raise

    return wrapper


def _role(role: str) -> Any:
    """Return a maker of wrappers for a worker's loop, whose first arguments are its queues."""

    def make(original: Any) -> Any:
        def wrapper(*args: Any, **named: Any) -> Any:
            # A ThreadPool runs the same loop in threads of its owner.
            if threading.current_thread() is threading.main_thread():
                recorder().write_metadata({"role": role, "loop_cpu_ns": time.process_time_ns()})
                _follow(*args[:2])
            begun = recorder().begin(kinds.WORKER, 0)
            try:
                return original(*args, **named)
            except BaseException as error:
                drop_frame(error)
                raise
            finally:
                recorder().finish(kinds.WORKER, 0, begun)

        return wrapper

    return make


@safe_value
def _follow(tasks: Any, results: Any) -> None:
    """Have a worker's tasks noted; the queues are this process's own copies."""
    get = tasks.get
    if not hasattr(get, "__wrapped__"):
        # A queue of the library's own; whatever it waits for inside is a wait for tasks.
        get = blocking_call(kinds.GET)(get)
    tasks.get = task_log().follow_get(get)
    results.put = task_log().follow_put(results.put)


def _pool_made(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> None:
        place = call_site()
        try:
            original(self, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        _name_owner(self, "pool", place, "_processes", ("_inqueue", "_outqueue"))

    return wrapper


def _result_made(original: Any) -> Any:
    def wrapper(self: Any, pool: Any, *args: Any, **named: Any) -> None:
        try:
            original(self, pool, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        _note_job(pool, self, args)

    return wrapper


@safe_value
def _note_job(pool: Any, result: Any, args: tuple[Any, ...]) -> None:
    """Say that a pool was given a job; a map's result is a plain one's first, and is noted once."""
    name, calls, size = type(result).__name__, 1, 1
    result._mpbench = _own_number(pool)
    if name == "MapResult":
        if not hasattr(result, "_chunksize"):
            return
        size, calls = args[:2]
    elif name != "ApplyResult":
        # How many calls an imap has is known when they are done.
        calls = size = 0
    recorder().record(kinds.SUBMIT, _own_number(pool), now(), now(), result._job)
    _note_call(pool, name, result._job, size, calls)


# Calls by which jobs were given that are described; a program may make millions.
_MOST_CALLS = 2_000
_PLAIN_RESULTS = ("ApplyResult", "Future")


def _note_call(pool: Any, name: str, job: int, size: int, calls: int) -> None:
    """Describe a call that gave jobs to a pool; of those that give one each, the first."""
    noted = pool.__dict__.setdefault("_mpbench_calls", [0, False])
    if noted[0] >= _MOST_CALLS or (name in _PLAIN_RESULTS and noted[1]):
        return
    noted[0] += 1
    noted[1] = noted[1] or name in _PLAIN_RESULTS
    recorder().write_metadata(
        {
            "job": job,
            "pool": _own_number(pool),
            "made": name,
            "chunk_size": size,
            "calls": calls,
            "place": call_site(),
            "at_ns": now(),
        }
    )


def _job_number(args: tuple[Any, ...], result: Any) -> int:
    """Return the number of the job that was waited for, from 1; 0 where there is none."""
    del result
    try:
        return int(getattr(args[0], "_job", -1)) + 1
    except Exception:  # noqa: BLE001 - whatever a subclass has made of it
        return 0


def _submitted(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> Any:
        try:
            future = original(self, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        _note_future(self, future)
        return future

    return wrapper


@safe_value
def _note_future(executor: Any, future: Any) -> None:
    number = _own_number(executor)
    job = executor._queue_count - 1
    future._mpbench, future._job = number, job
    recorder().record(kinds.SUBMIT, number, now(), now(), job)
    if not getattr(executor, "_mpbench_maps", False):
        _note_call(executor, "Future", job, 1, 1)


def _executor_map(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> Any:
        _begin_map(self, named.get("chunksize", 1))
        try:
            return original(self, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        finally:
            self._mpbench_maps = False

    return wrapper


@safe_value
def _begin_map(executor: Any, size: Any) -> None:
    executor._mpbench_maps = True
    _note_call(executor, "executor map", executor._queue_count, int(size), 0)


@safe_value
def _name_owner(owner: Any, kind: str, place: str, size: str, queues: tuple[str, str]) -> None:
    """Describe a pool or an executor, and say that its two queues belong to it."""
    what = type(owner).__name__
    workers = getattr(owner, size, 0)
    key = f"{kind}:{id(owner)}@{now()}"
    limit = getattr(owner, "_maxtasksperchild", getattr(owner, "_max_tasks_per_child", None))
    owner._mpbench = recorder().register_object(
        key,
        what,
        place,
        workers=workers,
        max_tasks=limit or 0,
        made_ns=now(),
    )
    for queue, holds in zip(queues, ("tasks", "results")):
        name_queue(getattr(owner, queue, None), f"{what} {holds}", place)


@safe_value
def _own_number(pool: Any) -> int:
    return int(getattr(pool, "_mpbench", 0))


@safe_value
def _result_number(result: Any) -> int:
    return int(_own_number(getattr(result, "_pool", None)))


def _future_number(future: Any) -> int:
    """Return the executor's number where the future does not bear it: it has none."""
    del future
    return 0


def wrap_pool(module: Any) -> None:
    """Wrap Pool, its results and its workers."""
    patch(module, "worker", _role("pool worker"))
    for name in ("mapstar", "starmapstar"):
        patch(module, name, _mapped)
        patch(module, name, blocking_call(kinds.TASK, None, _calls))
    patch(module.Pool, "__init__", _pool_made)
    patch(module.Pool, "join", blocking_call(kinds.JOIN, _own_number))
    patch(module.Pool, "terminate", blocking_call(kinds.JOIN, _own_number))
    # `get` waits by this as well.
    for owner in (module.ApplyResult, module.MapResult, module.IMapIterator):
        patch(owner, "__init__", _result_made)
    waiting = blocking_call(kinds.RESULT_WAIT, _result_number, _job_number)
    patch(module.ApplyResult, "wait", waiting)
    patch(module.IMapIterator, "next", waiting)
    # A Pool's own thread looks for dead workers, several times for each short task:
    # an event of each look would cost the program most and tell nobody anything.
    if hasattr(module, "wait"):
        module.wait = getattr(module.wait, "__wrapped__", module.wait)
    # An alias made when the class was, of what has just been replaced.
    module.IMapIterator.__next__ = module.IMapIterator.next


def _executor_made(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> None:
        place = call_site()
        try:
            original(self, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        _name_owner(self, "executor", place, "_max_workers", ("_call_queue", "_result_queue"))

    return wrapper


def wrap_executor(module: Any) -> None:
    """Wrap ProcessPoolExecutor and its workers."""
    patch(module, "_process_worker", _role("executor worker"))
    patch(module, "_process_chunk", _mapped_by_executor)
    patch(module, "_process_chunk", blocking_call(kinds.TASK, None, _chunk))
    patch(module.ProcessPoolExecutor, "__init__", _executor_made)
    patch(module.ProcessPoolExecutor, "submit", _submitted)
    patch(module.ProcessPoolExecutor, "map", _executor_map)
    patch(module.ProcessPoolExecutor, "shutdown", blocking_call(kinds.JOIN, _own_number))


def _each(original: Any) -> Any:
    """Return a wrapper that times what the caller of a generator waits for."""

    def wrapper(*args: Any, **named: Any) -> Any:
        futures = original(*args, **named)
        del args, named
        while True:
            begun = recorder().begin(kinds.RESULT_WAIT, 0)
            box = []
            try:
                box.append(next(futures))
            except StopIteration:
                return
            except BaseException as error:
                drop_frame(error)
                raise
            finally:
                recorder().finish(kinds.RESULT_WAIT, 0, begun)
            # Taken out: while the program has it nothing here may keep it alive.
            yield box.pop()

    return wrapper


def wrap_futures(module: Any) -> None:
    """Wrap the waits for futures."""
    waiting = blocking_call(kinds.RESULT_WAIT, _future_number, _job_number)
    patch(module.Future, "result", waiting)
    patch(module.Future, "exception", waiting)
    patch(module, "wait", blocking_call(kinds.RESULT_WAIT))
    patch(module, "as_completed", _each)
