"""Events of pools and executors: tasks in workers, waits for results in their owner."""

from __future__ import annotations

import threading

from . import kinds
from .channels import name_queue
from .ring import now, recorder
from .wrap import calling_place, guarded, replace, timed

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


@guarded
def _chunk(args: tuple[Any, ...], result: Any) -> int:
    """Return how many calls a chunk of an executor's map holds."""
    del result
    return len(args[1]) if len(args) > 1 else 1


def _role(role: str) -> Any:
    """Return a maker of wrappers for a worker's loop."""

    def make(original: Any) -> Any:
        def wrapper(*args: Any, **named: Any) -> Any:
            # A ThreadPool runs the same loop in threads of its owner.
            if threading.current_thread() is threading.main_thread():
                recorder().say({"role": role})
            begun = recorder().begin(kinds.WORKER, 0)
            try:
                return original(*args, **named)
            finally:
                recorder().finish(kinds.WORKER, 0, begun)

        return wrapper

    return make


def _pool_made(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> None:
        place = calling_place()
        original(self, *args, **named)
        what = type(self).__name__
        number = recorder().named(
            f"pool:{id(self)}@{now()}", what, place, workers=getattr(self, "_processes", 0)
        )
        self._mpbench = number
        name_queue(getattr(self, "_inqueue", None), f"{what} tasks", place)
        name_queue(getattr(self, "_outqueue", None), f"{what} results", place)

    return wrapper


@guarded
def _own_number(pool: Any) -> int:
    return int(getattr(pool, "_mpbench", 0))


@guarded
def _result_number(result: Any) -> int:
    return _own_number(getattr(result, "_pool", None))


def wrap_pool(module: Any) -> None:
    """Wrap Pool, its results and its workers."""
    replace(module, "worker", _role("pool worker"))
    replace(module, "mapstar", timed(kinds.TASK, None, _calls))
    replace(module, "starmapstar", timed(kinds.TASK, None, _calls))
    replace(module.Pool, "__init__", _pool_made)
    replace(module.Pool, "join", timed(kinds.JOIN, _own_number))
    replace(module.Pool, "terminate", timed(kinds.JOIN, _own_number))
    replace(module.ApplyResult, "wait", timed(kinds.RESULT_WAIT, _result_number))
    replace(module.ApplyResult, "get", timed(kinds.RESULT_WAIT, _result_number))
    replace(module.IMapIterator, "next", timed(kinds.RESULT_WAIT, _result_number))
    # A Pool's own thread looks for dead workers, several times for each short task:
    # an event of each look would cost the program most and tell nobody anything.
    if hasattr(module, "wait"):
        module.wait = getattr(module.wait, "__wrapped__", module.wait)
    # An alias made when the class was, of what has just been replaced.
    module.IMapIterator.__next__ = module.IMapIterator.next


def _executor_made(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> None:
        place = calling_place()
        original(self, *args, **named)
        what = type(self).__name__
        self._mpbench = recorder().named(
            f"executor:{id(self)}@{now()}", what, place, workers=getattr(self, "_max_workers", 0)
        )
        name_queue(getattr(self, "_call_queue", None), f"{what} tasks", place)
        name_queue(getattr(self, "_result_queue", None), f"{what} results", place)

    return wrapper


def wrap_executor(module: Any) -> None:
    """Wrap ProcessPoolExecutor and its workers."""
    replace(module, "_process_worker", _role("executor worker"))
    replace(module, "_process_chunk", timed(kinds.TASK, None, _chunk))
    replace(module.ProcessPoolExecutor, "__init__", _executor_made)
    replace(module.ProcessPoolExecutor, "shutdown", timed(kinds.JOIN, _own_number))


def _each(original: Any) -> Any:
    """Return a wrapper that times what the caller of a generator waits for."""

    def wrapper(*args: Any, **named: Any) -> Any:
        futures = original(*args, **named)
        while True:
            begun = recorder().begin(kinds.RESULT_WAIT, 0)
            try:
                one = next(futures)
            except StopIteration:
                return
            finally:
                recorder().finish(kinds.RESULT_WAIT, 0, begun)
            yield one

    return wrapper


def wrap_futures(module: Any) -> None:
    """Wrap the waits for futures."""
    replace(module.Future, "result", timed(kinds.RESULT_WAIT))
    replace(module.Future, "exception", timed(kinds.RESULT_WAIT))
    replace(module, "wait", timed(kinds.RESULT_WAIT))
    replace(module, "as_completed", _each)
