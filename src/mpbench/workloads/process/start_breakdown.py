"""Stages of one start, from the call of `start` to the return of `join`."""

from __future__ import annotations

import importlib
import os
import select
import sys
import time
from contextlib import ExitStack, contextmanager
from multiprocessing import process as _process
from multiprocessing import reduction as _reduction
from multiprocessing import resource_tracker as _tracker
from multiprocessing import spawn as _spawn
from multiprocessing import util as _util
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric
from mpbench.workload import START_FLOOR, Body, BodyResult, Sweep, workload
from mpbench.workloads.process.main_modules import main_module
from mpbench.workloads.process.stamps import (
    Stamps,
    join_checked,
    latency_result,
    make_process,
    stamps,
    warm,
)
from mpbench.workloads.process.start_stages import (
    IMPORTS,
    STAGES,
    ChildMarks,
    ParentMarks,
    stages_of,
)
from mpbench.workloads.targets import stamp_marks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = ("anatomy",)


class _Now:
    """Unpickles as a reading of the clock, taken in the process that unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (time.perf_counter_ns, ())


class _Sys:
    """Unpickles as the module sys of the process that unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (importlib.import_module, ("sys",))


class _Note:
    """Makes the process that unpickles it note the time in its module sys, without an import."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __reduce__(self) -> tuple[Any, ...]:
        return (setattr, (_Sys(), self._name, _Now()))


def _boot_program() -> str:
    """Return what a spawned interpreter runs first: its imports, one by one, with the time."""
    steps = "; ".join(f"import {name}; _marks.append(_now())" for name in IMPORTS)
    return (
        "import sys, time; _now = time.perf_counter_ns; "
        f"_marks = sys._mpbench_booted = [_now()]; {steps}; "
    )


class _ParentRecorder:
    """Readings and durations of the parent during one start."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the start before."""
        self.tracker = self.pickle = self.launch = self.launched = 0

    def around_tracker(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Add up what asking for the tracker takes before the process is made."""

        def timed(*arguments: Any, **options: Any) -> Any:
            began = monotonic_ns()
            result = call(*arguments, **options)
            if not self.launch:
                self.tracker += monotonic_ns() - began
            return result

        return timed

    def around_pickle(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Add up what pickling takes."""

        def timed(*arguments: Any, **options: Any) -> Any:
            began = monotonic_ns()
            result = call(*arguments, **options)
            self.pickle += monotonic_ns() - began
            return result

        return timed

    def around_launch(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Note when the call that makes the process begins and ends."""

        def timed(*arguments: Any, **options: Any) -> Any:
            self.launch = monotonic_ns()
            result = call(*arguments, **options)
            self.launched = monotonic_ns()
            return result

        return timed


def _with_note(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let a child note when it has read its preparation data."""

    def noted(*arguments: Any, **options: Any) -> Any:
        return {**call(*arguments, **options), "mpbench": _Note("_mpbench_received")}

    return noted


def _with_marks(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let a spawned interpreter note what its boot and its imports take."""

    def marked(*arguments: Any, **options: Any) -> Any:
        command = list(call(*arguments, **options))
        place = command.index("-c") + 1
        command[place] = _boot_program() + command[place]
        return command

    return marked


def _parts(method: str, recorder: _ParentRecorder) -> list[tuple[Any, str, Callable[..., Any]]]:
    """Return which functions of multiprocessing are wrapped under a start method."""
    if method == "fork":
        return [(os, "fork", recorder.around_launch)]
    common: list[tuple[Any, str, Callable[..., Any]]] = [
        (_reduction, "dump", recorder.around_pickle),
        (_spawn, "get_preparation_data", _with_note),
        (_tracker, "getfd", recorder.around_tracker),
    ]
    if method == "spawn":
        return [
            *common,
            (_spawn, "get_command_line", _with_marks),
            (_util, "spawnv_passfds", recorder.around_launch),
        ]
    from multiprocessing import forkserver  # not on every platform

    return [*common, (forkserver, "connect_to_new_process", recorder.around_launch)]


@contextmanager
def _wrapped(parts: list[tuple[Any, str, Callable[..., Any]]]) -> Iterator[None]:
    """Put wrappers around functions while the block runs."""
    with ExitStack() as stack:
        for module, name, wrap in parts:
            call = getattr(module, name)
            stack.callback(setattr, module, name, call)
            setattr(module, name, wrap(call))
        yield


def _marked_process(context: BaseContext, method: str, path: str) -> BaseProcess:
    """Make a process whose child takes notes on its way to the target."""
    process: Any = make_process(context, stamp_marks, (path, 0 if method == "fork" else _Now()))
    if method == "fork":

        def bootstrap(*arguments: Any, **options: Any) -> Any:
            sys._mpbench_received = monotonic_ns()  # type: ignore[attr-defined]  # noqa: SLF001 - where a child looks for it
            return _process.BaseProcess._bootstrap(process, *arguments, **options)  # type: ignore[attr-defined]  # noqa: SLF001 - the same

        process._bootstrap = bootstrap  # noqa: SLF001 - called in the child right after the fork
    else:
        # Attributes are unpickled in their order, so this one comes first.
        attributes = dict(vars(process))
        vars(process).clear()
        vars(process).update({"_mpbench": _Note("_mpbench_prepared"), **attributes})
    marked: BaseProcess = process
    return marked


def _staged_life(process: BaseProcess, pipe: Stamps, recorder: _ParentRecorder) -> dict[str, int]:
    """Start and join one process and return the length of each stage."""
    recorder.reset()
    began = monotonic_ns()
    process.start()
    select.select([process.sentinel], [], [])
    seen = monotonic_ns()
    process.join()
    joined = monotonic_ns()
    join_checked(process)
    vars(process).pop("_bootstrap", None)
    received, prepared, unpickled, first, last, *booted = pipe.read()
    parts = (recorder.tracker, recorder.pickle, recorder.launch, recorder.launched)
    return dict(
        stages_of(
            ParentMarks(began, *parts, seen, joined),
            ChildMarks(received, prepared, unpickled, first, last, tuple(booted)),
        )
    )


def _without_parts(case: Case) -> str | None:
    missing = [
        f"{module.__name__}.{name}"
        for module, name, _ in _parts(case.start, _ParentRecorder())
        if not hasattr(module, name)
    ]
    return f"this Python has no {missing[0]}" if missing else None


@workload(
    "process/anatomy",
    metric=Metric.TIME,
    floor=START_FLOOR,
    covers=("Process", "Process.start", "Process.sentinel", "Process.join"),
    facts=dict.fromkeys(STAGES, Metric.TIME),
    unsupported=_without_parts,
    main=Sweep(("neutral",), ("neutral", "plain"), ("neutral", "plain", "heavy")),
)
def anatomy(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start and join a child, and break its time down into stages.

    Timed: from the call of `start` until `join` has returned. The facts are
    the stages in order; their sum is the whole. A stage that a start method
    does not have takes 0. Not timed: making the object.

    `bookkeeping`: the parent's own Python code; `tracker`: asking for the
    resource tracker; `pickle`: preparation data and process object; `launch`:
    fork, or exec, or the request to the fork server, which Python 3.14
    authenticates; `boot`: the new interpreter up to its first line (under
    forkserver: the server's fork, until its child has read what the parent
    sent); `import_...`: what a spawned child imports; `receive`: reading the
    preparation data; `main`: running the program's script again; `unpickle`:
    the process object, with the import of the target's module; `bootstrap`:
    from there to the target; `target`: two readings of the clock; `exit`: from
    the last statement until the parent sees the end; `join`: the call that
    then remains.

    Reads as: where the time of spawn goes. A preload or a lighter script would
    save the imports and `main`. Taking the readings adds some microseconds: for
    the time of a start as such use `process/start-to-join`.
    """
    method, recorder = case.start, _ParentRecorder()
    with stamps() as pipe, main_module(case.text("main"), method=method):
        warm(context)

        def body(iterations: int, /) -> BodyResult:
            lives = [
                _staged_life(_marked_process(context, method, pipe.path), pipe, recorder)
                for _ in range(iterations)
            ]
            facts = {stage: sum(life[stage] for life in lives) for stage in STAGES}
            return latency_result([sum(life.values()) for life in lives], facts, iterations)

        with _wrapped(_parts(method, recorder)):
            yield body
