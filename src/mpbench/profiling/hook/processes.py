"""Events of processes: start, import, bootstrap, run, join, exit."""

from __future__ import annotations

import atexit
import os
import time

from . import kinds
from .recorder import now, recorder
from .wrap import blocking_call, call_site, drop_frame, patch, safe_value

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = (
    "wrap_forkserver",
    "wrap_popen",
    "wrap_process",
    "wrap_spawn",
    "wrap_tracker",
    "wrap_util",
)


@safe_value
def _target_of(process: Any) -> str:
    target = getattr(process, "_target", None)
    if target is None:
        return type(process).__qualname__
    return str(getattr(target, "__qualname__", None) or type(target).__qualname__)


def _start(original: Any) -> Any:
    def wrapper(self: Any) -> None:
        # Starting takes the target away from the object.
        target, start = _target_of(self), now()
        try:
            original(self)
        except BaseException as error:
            drop_frame(error)
            raise
        finally:
            _note_start(self, target or "", start, now())

    return wrapper


@safe_value
def _note_start(process: Any, target: str, start: int, end: int) -> None:
    pid = process.pid or 0
    thing = recorder().register_object(
        f"process:{pid}@{start}",
        "Process",
        process.name,
        place=call_site(),
        target=target,
        method=_method_of(process),
    )
    recorder().record(kinds.START, thing, start, end, pid)


def _method_of(process: Any) -> str:
    """Return the start method that was really used: the one of the process's Popen."""
    return str(getattr(getattr(process, "_popen", None), "method", "") or "")


def _run(run: Any) -> Any:
    def wrapper() -> Any:
        used = time.process_time_ns()
        begun = recorder().begin(kinds.RUN, 0)
        try:
            return run()
        except BaseException as error:
            drop_frame(error)
            raise
        finally:
            recorder().finish(kinds.RUN, 0, begun, time.process_time_ns() - used)

    return wrapper


def _bootstrap(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> Any:
        begun = recorder().begin(kinds.BOOTSTRAP, 0)
        _note_child(self)
        try:
            return original(self, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        finally:
            recorder().finish(kinds.BOOTSTRAP, 0, begun, os.getppid())

    return wrapper


@safe_value
def _note_child(process: Any) -> None:
    """Say who a child is, and record its run: on the instance, any subclass may override it."""
    recorder().write_metadata(
        {
            "role": "child",
            "name": process.name,
            "target": _target_of(process) or "",
            "daemon": bool(process.daemon),
            "boot_cpu_ns": time.process_time_ns(),
            "method": str(getattr(process, "_start_method", "") or ""),
        }
    )
    process.run = _run(process.run)


@safe_value
def _pid_argument(args: tuple[Any, ...], result: Any) -> int:
    del result
    popen = getattr(args[0], "_popen", None)
    return int(getattr(popen, "pid", 0) or 0)


def wrap_process(module: Any) -> None:
    """Wrap BaseProcess, from which every Process derives."""
    patch(module.BaseProcess, "start", _start)
    patch(module.BaseProcess, "join", blocking_call(kinds.JOIN, None, _pid_argument))
    patch(module.BaseProcess, "_bootstrap", _bootstrap)


def _poll(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> Any:
        before = self.returncode
        try:
            code = original(self, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        if before is None and code is not None:
            recorder().write_metadata({"ended": self.pid, "exit_code": code, "at_ns": now()})
        return code

    return wrapper


def wrap_popen(module: Any) -> None:
    """Wrap how a parent learns that its child has ended, and with which code."""
    patch(module.Popen, "poll", _poll)


def wrap_spawn(module: Any) -> None:
    """Wrap the import of the parent's main module in a spawned child."""
    patch(module, "prepare", blocking_call(kinds.IMPORT_MAIN))


def _exit(original: Any) -> Any:
    def wrapper(*args: Any, **named: Any) -> Any:
        begun = recorder().begin(kinds.EXIT, 0)
        try:
            return original(*args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        finally:
            recorder().finish(kinds.EXIT, 0, begun, time.process_time_ns())

    return wrapper


def wrap_util(module: Any) -> None:
    """Wrap the finalizers that run at the end of every process of multiprocessing."""
    original = module._exit_function
    patch(module, "_exit_function", _exit)
    # It registered itself when the module was imported, just now.
    atexit.unregister(original)
    atexit.register(module._exit_function)


def wrap_tracker(module: Any) -> None:
    """Wrap the resource tracker: who starts it, and who it is."""
    patch(module.ResourceTracker, "ensure_running", blocking_call(kinds.TRACKER_START))
    # The module keeps a bound method under the same name.
    module.ensure_running = module._resource_tracker.ensure_running
    patch(module, "main", _server("resource tracker"))


def wrap_forkserver(module: Any) -> None:
    """Wrap the fork server: who starts it, and who it is."""
    patch(module.ForkServer, "ensure_running", blocking_call(kinds.FORKSERVER_START))
    module.ensure_running = module._forkserver.ensure_running
    patch(module, "main", _server("fork server"))


def _server(role: str) -> Any:
    """Return a maker of wrappers for the main function of a helper process."""

    def make(original: Any) -> Any:
        def wrapper(*args: Any, **named: Any) -> Any:
            recorder().write_metadata({"role": role, "name": role})
            try:
                return original(*args, **named)
            except BaseException as error:
                drop_frame(error)
                raise

        return wrapper

    return make
