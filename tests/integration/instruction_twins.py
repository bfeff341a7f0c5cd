"""
Twins of workloads below 1 us: the bare statement, written out without a loop.

Run as a script under `valgrind --tool=callgrind --dump-before=getppid`, it calls
`getppid` before and after each body and each twin, so that every dump holds
the instructions of one of them: the body, the body with twice as many operations
(the difference is free of what a body does once), the twin. It prints the names.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
from collections.abc import Callable
from typing import Any

from mpbench.catalog import discover
from mpbench.model import Case

COUNT = 256
# Executions before the counted one: the interpreter specialises each instruction by then.
WARM_UP = 24
CONTEXT = multiprocessing.get_context("fork")


def made(kind: str) -> Any:
    """Make a shared number or an array of eight."""
    return getattr(CONTEXT, kind)("q", 8 if kind.endswith("Array") else 0)


def lock_names(kind: str) -> dict[str, Any]:
    """Return what statements about a lock use."""
    lock = getattr(CONTEXT, kind)()
    return {"lock": lock, "acquire": lock.acquire, "release": lock.release}


def held_names(kind: str) -> dict[str, Any]:
    """Return what statements about a held lock use."""
    names = lock_names(kind)
    names["acquire"]()
    return names


def set_event() -> Any:
    """Return an event that is set."""
    event = CONTEXT.Event()
    event.set()
    return event


PAIR = "acquire()\nrelease()"

# Workload, parameters, the statement as a program would write it, and its names.
TWINS: tuple[tuple[str, dict[str, Any], str, Callable[[], dict[str, Any]]], ...] = (
    ("floor/empty-call", {}, "call()", lambda: {"call": lambda: None}),
    ("floor/empty-c-call", {}, "call()", lambda: {"call": gc.isenabled}),
    *(
        (
            "floor/memory-item",
            {"operation": name},
            text,
            lambda: {"v": memoryview(bytearray(64)).cast("q")},
        )
        for name, text in (("read", "v[0]"), ("increment", "v[0] += 1"))
    ),
    (
        "floor/memory-item",
        {"operation": "write"},
        "n.value = 7",
        lambda: {"n": ctypes.c_longlong()},
    ),
    ("floor/semlock", {}, PAIR, lambda: lock_names("Semaphore")),
    *(
        ("lock/uncontended", {"kind": kind}, PAIR, lambda kind=kind: lock_names(kind))
        for kind in ("Lock", "RLock", "Semaphore", "BoundedSemaphore")
    ),
    *(
        ("lock/forms", {"kind": "Lock", "form": form}, text, lambda: lock_names("Lock"))
        for form, text in (
            ("with", "with lock:\n    pass"),
            ("not-blocking", "acquire(False)\nrelease()"),
            ("timeout", "acquire(True, 1.0)\nrelease()"),
        )
    ),
    (
        "lock/recursion",
        {"depth": 2},
        "acquire()\nacquire()\nrelease()\nrelease()",
        lambda: lock_names("RLock"),
    ),
    (
        "lock/refused",
        {"kind": "Lock", "form": "not-blocking"},
        "acquire(False)",
        lambda: held_names("Lock"),
    ),
    (
        "lock/over-release",
        {"kind": "Lock"},
        "try:\n    release()\nexcept ValueError:\n    pass",
        lambda: lock_names("Lock"),
    ),
    (
        "lock/queries",
        {"call": "Semaphore.get_value"},
        "ask()",
        lambda: {"ask": CONTEXT.Semaphore().get_value},
    ),
    *(
        (
            "shared/access",
            {"kind": kind, "operation": name},
            text,
            lambda kind=kind: {"s": made(kind)},
        )
        for kind, place, lock in (
            ("Value", ".value", "with s.get_lock():\n    "),
            ("RawValue", ".value", ""),
            ("Array", "[0]", "with s.get_lock():\n    "),
            ("RawArray", "[0]", ""),
        )
        for name, text in (
            ("read", f"s{place}"),
            ("write", f"s{place} = 7"),
            ("increment", f"{lock}s{place} += 1"),
        )
    ),
    (
        "shared/string",
        {"attribute": "value", "operation": "read", "payload_bytes": 64},
        "s.value",
        lambda: {"s": CONTEXT.Array("c", b"m" * 64)},
    ),
    ("condition/event-is-set", {"state": "set"}, "ask()", lambda: {"ask": set_event().is_set}),
    ("condition/event-calls", {"call": "wait"}, "wait()", lambda: {"wait": set_event().wait}),
    (
        "cross/attributes",
        {"attribute": "Connection.closed"},
        "c.closed",
        lambda: {"c": CONTEXT.Pipe(duplex=False)[0]},
    ),
)


def twin(statement: str, names: dict[str, Any]) -> Callable[[], None]:
    """Return what executes the statement as often as a body, from code without a loop."""
    # The interpreter searches a function's exception table from its start.
    copies = 8 if "try:" in statement else COUNT
    lines = "\n".join(f"    {line}" for line in statement.splitlines())
    head = f"def twin({', '.join(f'{name}={name}' for name in names)}):\n"
    space = dict(names)
    exec(head + "\n".join([lines] * copies), space)  # noqa: S102 - the table above
    once: Callable[[], None] = space["twin"]

    def run() -> None:
        for _ in range(COUNT // copies):
            once()

    return run


def count_instructions() -> None:
    """Run each body and each twin between two dumps."""
    gc.disable()
    # Twice: where an object lies decides now and then about a cache of the interpreter.
    for name, params, statement, names in (*TWINS, *TWINS):
        workload = discover()[name]
        case = Case.make(name, None, params)
        with workload.set_up(CONTEXT, case) as entered:
            body: Any = entered(case) if workload.body_params else entered  # type: ignore[operator, arg-type]
            run = twin(statement, names())
            for _ in range(WARM_UP):
                body(COUNT)
                run()
            os.getppid()
            body(COUNT)
            os.getppid()
            body(2 * COUNT)
            os.getppid()
            run()
            os.getppid()
        print(name, *(f"{key}={value}" for key, value in params.items()))


if __name__ == "__main__":
    count_instructions()
