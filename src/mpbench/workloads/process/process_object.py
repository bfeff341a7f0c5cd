"""Process objects without a start, their attributes, and functions of the module."""

from __future__ import annotations

import multiprocessing
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Sweep,
    child_server,
    fixed,
    workload,
)
from mpbench.workload.unrolled import unrolled, unrolled_body
from mpbench.workloads.process.stamps import (
    crowded,
    idle_children,
    join_checked,
    make_process,
    needs_children,
    warm_stamps,
)
from mpbench.workloads.targets import exit_at_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = ("active_children", "construct", "module_calls", "run_in_process", "state")


_ATTRIBUTES = ("exitcode", "pid", "ident", "sentinel", "name", "daemon", "authkey")


def _questions(child: BaseProcess, gone: BaseProcess) -> dict[str, tuple[str, Any]]:
    """Return what can be asked, as a statement, and what must come back."""
    key = multiprocessing.current_process().authkey
    expected = (None, child.pid, child.pid, child.sentinel, child.name, True, key)
    return {
        "is_alive": ("answer = child.is_alive()", True),
        "exitcode-ended": ("answer = gone.exitcode", 0),
        **{name: (f"answer = child.{name}", value) for name, value in zip(_ATTRIBUTES, expected)},
    }


@workload(
    "process/state",
    metric=Metric.TIME,
    floor="floor/empty-c-call",
    covers=(
        *("Process.is_alive", "current_process"),
        *(f"Process.{attribute}" for attribute in _ATTRIBUTES),
    ),
    revision=2,
    body_params=("call",),
    call=Sweep(
        ("is_alive",),
        ("is_alive", "exitcode", "sentinel"),
        ("is_alive", "exitcode", "exitcode-ended", *_ATTRIBUTES[1:]),
    ),
)
def state(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Ask a process object about its child, which sleeps.

    Timed: one call of the method, or one reading of the attribute;
    `exitcode-ended` asks a child that has been joined.

    Reads as: what polling a child costs. `is_alive` and `exitcode` ask the
    kernel each time; under forkserver they make a new selector for that.
    """
    with warm_stamps(context) as pipe:
        gone = make_process(context, exit_at_once, ())
        gone.start()
        gone.join()
        with idle_children(context, 1, pipe) as (child,):
            questions = _questions(child, gone)

            def bind(case: Case) -> Body:
                statement, expected = questions[case.text("call")]
                names = {"child": child, "gone": gone}
                return unrolled_body(statement, names, lambda answer: answer == expected)

            yield bind
        join_checked(gone)


@workload(
    "process/active-children",
    metric=Metric.TIME,
    floor="floor/poll",
    covers=("active_children",),
    tier=Tier.FULL,
    unsupported=crowded,
    needs=needs_children("children"),
    deadline_s=180.0,
    children=Sweep((1,), (1, 8), (1, 8, 64, 256)),
)
def active_children(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Ask for the list of living children.

    Timed: one `multiprocessing.active_children()`.

    Reads as: one system call for each child, as in each `start`.
    """
    count = case.integer("children")
    with warm_stamps(context) as pipe, idle_children(context, count, pipe):

        def body(iterations: int, /) -> int:
            ask = multiprocessing.active_children
            seen = 0
            for _ in range(iterations):
                seen += len(ask())
            if seen != iterations * count:
                raise VerificationError(iterations * count, seen, "children were listed")
            return iterations

        yield body


@workload(
    "process/construct",
    metric=Metric.TIME,
    floor="floor/empty-call",
    covers=("Process", "Process.name", "Process.daemon", "Process.authkey"),
    by_method=False,
    tier=Tier.FULL,
)
def construct(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Make a process object, name it, make it a daemon and give it a key; do not start it.

    Timed: `Process(...)` and three assignments.

    Reads as: the part of a process's cost that is Python code alone.
    """
    key = b"0123456789abcdef"

    def body(iterations: int, /) -> int:
        made = 0
        for _ in range(iterations):
            process = make_process(context, exit_at_once, ())
            process.name = "worker"
            process.daemon = True
            process.authkey = key
            made += process.pid is None
        return made

    yield body


def _count(calls: list[int]) -> None:
    calls[0] += 1


@workload(
    "process/run-in-process",
    metric=Metric.TIME,
    floor="floor/empty-call",
    covers=("Process", "Process.run"),
    by_method=False,
)
def run_in_process(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Make a process object and call its `run` in this process, without a start.

    Timed: `Process(target=...)` and `run`, which calls the target.

    Reads as: the control of all start times: the same work without a process.
    """

    def body(iterations: int, /) -> int:
        calls = [0]
        for _ in range(iterations):
            make_process(context, _count, (calls,)).run()
        return calls[0]

    yield body


class _Call(NamedTuple):
    """What is called, and what makes it undone, which is not timed."""

    call: Callable[[], Any]
    undo: Callable[[], Any] | None = None


def _parent() -> Any:
    return multiprocessing.parent_process()


def _log_to_stderr() -> _Call:
    logger = multiprocessing.get_logger()
    # Each call adds a handler, which would make the next one slower.
    return _Call(multiprocessing.log_to_stderr, lambda: logger.removeHandler(logger.handlers[-1]))


def _set_executable() -> _Call:
    from multiprocessing import spawn

    return _Call(partial(multiprocessing.set_executable, spawn.get_executable()))


def _set_start_method() -> _Call:
    method = multiprocessing.get_start_method()
    return _Call(partial(multiprocessing.set_start_method, method, force=True))


# Prepared and called in a child, where a changed setting ends with it; the others as they are.
_PREPARED: dict[str, Callable[[], _Call]] = {
    "parent-is_alive": lambda: _Call(_parent().is_alive),
    "parent-join": lambda: _Call(partial(_parent().join, 0)),
    "set_start_method": _set_start_method,
    "set_executable": _set_executable,
    "log_to_stderr": _log_to_stderr,
}
_CALLS = (
    *("current_process", "parent_process", "parent-is_alive", "parent-join", "cpu_count"),
    *("freeze_support", "get_context", "get_start_method", "get_all_start_methods"),
    *("set_start_method", "set_executable", "get_logger", "log_to_stderr"),
)


def _prepared(name: str) -> _Call:
    """Return the call of a name."""
    return _PREPARED[name]() if name in _PREPARED else _Call(getattr(multiprocessing, name))


def _elapsed_ns(prepared: _Call, count: int) -> int:
    """Return the nanoseconds of so many calls."""
    clock, (call, undo) = monotonic_ns, prepared
    if undo is None:
        run = unrolled("call()", {"call": call})
        began = clock()
        run(count)
        return clock() - began
    elapsed = 0
    for _ in range(count):
        began = clock()
        call()
        elapsed += clock() - began
        undo()
    return elapsed


def _call_often(connection: Connection) -> None:
    """Answer each name and count that arrive with the nanoseconds that so many calls took."""
    while True:
        name, count = connection.recv()
        connection.send(_elapsed_ns(_prepared(name), count))


@workload(
    "process/module-calls",
    metric=Metric.TIME,
    floor="floor/empty-call",
    covers=tuple(call for call in _CALLS if "-" not in call),
    tier=Tier.FULL,
    body_params=("call",),
    revision=3,
    call=fixed(*_CALLS),
)
def module_calls(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Call a function of the module multiprocessing, in a child.

    Timed: the calls, by the clock of a child, because some change settings of
    the whole program. Not timed: finding their arguments, and removing the
    handler that log_to_stderr adds.

    Reads as: what should not matter; where it does, look at counting CPUs.
    """
    with child_server(context, _call_often) as child:

        def bind(case: Case) -> Body:
            call = case.text("call")

            def body(iterations: int, /) -> BodyResult:
                child.send((call, iterations))
                return BodyResult(operations=iterations, asked=iterations, elapsed_ns=child.recv())

            return body

        yield bind
