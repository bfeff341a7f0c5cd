"""Starts of processes by main module, argument, imports, form and inherited primitives."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Callable

from mpbench.errors import UnsupportedError
from mpbench.model import Case, Metric, StartMethod, Tier
from mpbench.workload import START_FLOOR, Body, BodyFactory, Needs, Sweep, workload
from mpbench.workloads.process.main_modules import main_module
from mpbench.workloads.process.stamps import (
    COVERS,
    LIFE,
    READY,
    READY_FACTS,
    lived_body,
    make_process,
    ready_body,
    stamps,
    start_and_join,
    stop_fork_server,
    warm,
    warm_stamps,
)
from mpbench.workloads.process.worker_classes import worker_class
from mpbench.workloads.targets import import_and_stamp, stamp, stamp_length

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = (
    "ship_primitives",
    "start_by_argument",
    "start_by_form",
    "start_by_imports",
    "start_to_join",
    "start_to_ready",
)

# What a child may import before it can work, from nothing to a large program:
# modules that the measuring interpreter does not hold, or fork would not pay.
_IMPORTS = {
    "none": (),
    "common": ("dataclasses", "logging", "argparse"),
    "large": ("asyncio", "concurrent.futures", "http.client", "unittest.mock", "xml.dom.minidom"),
    "numpy": ("numpy",),
}


@workload("process/start-to-join", **LIFE, tier=Tier.QUICK, all_methods_in_quick=True)
def start_to_join(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start a child that only reads the clock, and join it; one at a time.

    Timed: `Process.start` and `Process.join`. `start_return` is the call of
    `start` alone, `first_bytecode` from that call to the child's first
    statement, `exit_to_join` from its last statement to the return of `join`.
    Not timed: making the object, `close`, starting resource tracker and fork
    server.

    Reads as: what one process costs. `start` returns long before a spawned
    child runs.
    """
    with warm_stamps(context) as pipe:
        yield start_and_join(context, pipe)


@workload(
    "process/start-to-ready",
    **READY,
    main=Sweep(("neutral",), ("neutral", "plain"), ("neutral", "plain", "heavy")),
)
def start_to_ready(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start a child and wait until it says that it is ready.

    Timed: from the call of `Process.start` until the parent has read the
    child's message from a raw pipe. `start_return` and `first_bytecode` are
    as in `process/start-to-join`. Not timed: `join`.

    `main` is the program's script: `neutral` is empty, `plain` a small guarded
    one, `heavy` one that imports as a larger program does.

    Reads as: how long one waits for a new worker. `plain` less `neutral` is
    what spawn and forkserver pay for running the script in each child.
    """
    with stamps() as pipe, main_module(case.text("main"), method=case.start):
        warm(context)
        yield ready_body(lambda: make_process(context, stamp, (pipe.path,)), pipe)


@workload(
    "process/start-by-argument",
    **READY,
    deadline_s=120.0,
    body_params=("payload_bytes",),
    needs=lambda case: Needs(memory_bytes=6 * case.integer("payload_bytes")),
    payload_bytes=Sweep(
        (0, 73_728),
        (0, 61_440, 73_728, 1 << 20),
        (0, 1_024, 32_768, 61_440, 65_536, 73_728, 262_144, 1 << 20, 1 << 24),
    ),
    main_ms=Sweep((0,), (0,), (0, 50, 500)),
)
def start_by_argument(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Start a child with an argument of some size, and wait until it has it.

    Timed: from the call of `Process.start` until the parent has read the
    child's message. Not timed: `join`, making the argument.

    `main_ms` is how long the program's script takes in the child.

    Reads as: what passing data to a new process costs. `start_return` jumps
    under spawn and forkserver when the pickled process does not fit into a
    pipe (64 KiB on Linux): `start` then waits until the child reads.
    """
    slow = case.integer("main_ms")
    kind = "slow" if slow else "neutral"
    with stamps() as pipe, main_module(kind, str(slow), method=case.start):
        warm(context)

        def bind(case: Case) -> Body:
            payload = bytes(case.integer("payload_bytes"))
            arguments = (pipe.path, payload)
            return ready_body(
                lambda: make_process(context, stamp_length, arguments), pipe, len(payload)
            )

        yield bind


def _preloadable(case: Case) -> str | None:
    if case.value("preload") and case.method is StartMethod.SPAWN:
        return "spawn starts a fresh interpreter, into which nothing can be preloaded"
    if case.text("imports") == "none" and case.value("preload"):
        return "there is nothing to preload; see imports=none, preload=False"
    modules = _IMPORTS[case.text("imports")]
    # Of the whole name `find_spec` would import all but the last part.
    missing = [name for name in modules if find_spec(name.partition(".")[0]) is None]
    return f"{missing[0]} is not installed for {sys.executable}" if missing else None


def _preload_here(modules: tuple[str, ...], *, preload: bool) -> None:
    """Import what forked children shall find; refuse where they would find what they shall not."""
    if preload:
        for module in modules:
            __import__(module)
        return
    held = [name for name in modules if name in sys.modules]
    if held:
        raise UnsupportedError(
            f"this interpreter holds {held[0]} already; a forked child would not import it"
        )


@workload(
    "process/start-by-imports",
    **{**READY, "covers": (*COVERS, "set_forkserver_preload")},
    own_agent=True,
    revision=2,
    unsupported=_preloadable,
    imports=Sweep(("common",), ("common",), ("none", "common", "large", "numpy")),
    preload=Sweep((False,), (False, True), (False, True)),
)
def start_by_imports(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start a child that imports modules before it is ready.

    Timed: from the call of `Process.start` until the parent has read the
    child's message, sent after its imports. Not timed: `join`.

    With `preload` the modules are there before: under forkserver by
    `set_forkserver_preload`, under fork because the parent has imported them.
    `common` is `dataclasses`, `logging` and `argparse`.

    Reads as: how much of a worker's start is imports, and what a preload
    saves. Spawn pays for each import in each child.
    """
    modules, preload = _IMPORTS[case.text("imports")], bool(case.value("preload"))
    method = case.start
    if method == "forkserver":
        stop_fork_server()
        context.set_forkserver_preload(["__main__", *(modules if preload else ())])
    if method == "fork":
        _preload_here(modules, preload=preload)
    try:
        with warm_stamps(context) as pipe:
            arguments = (pipe.path, *modules)
            yield ready_body(lambda: make_process(context, import_and_stamp, arguments), pipe)
    finally:
        if method == "forkserver":
            stop_fork_server()
            # A fork server's default.
            context.set_forkserver_preload(["__main__"])


@workload(
    "process/start-by-form",
    **{**LIFE, "covers": (*COVERS, "Process.run", "Process.daemon", "Process.name")},
    tier=Tier.FULL,
    form=Sweep(("target",), ("target", "subclass"), ("target", "subclass", "daemon", "named")),
    revision=2,
)
def start_by_form(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start and join a child with a target function, a `run` of its own, as a daemon, or named.

    Timed: as in `process/start-to-join`.

    Reads as: a subclass that is slower under spawn and forkserver is so by the
    imports of the module that defines it; nothing else should matter.
    """
    form = case.text("form")

    with warm_stamps(context) as pipe:

        def make() -> BaseProcess:
            if form == "subclass":
                return worker_class(case.start)(args=(pipe.path,))
            process = make_process(context, stamp, (pipe.path,))
            if form == "daemon":
                process.daemon = True
            if form == "named":
                process.name = "worker-with-a-name"
            return process

        yield lived_body(make, pipe)


_ARGUMENTS: dict[str, tuple[Any, ...]] = {"Barrier": (2,), "Value": ("q", 0), "Array": ("q", 8)}
_KINDS = (
    *("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier"),
    *("Queue", "SimpleQueue", "JoinableQueue", "Value", "Array"),
)


@workload(
    "process/ship-primitives",
    metric=Metric.LATENCY,
    floor=START_FLOOR,
    covers=("Process", "Process.start", "Process.join", *_KINDS),
    facts=READY_FACTS,
    body_params=("kind", "count"),
    needs=lambda case: Needs(
        descriptors=2 * case.integer("count") + 32, shm_bytes=1 << 20, semaphores=True
    ),
    kind=Sweep(("Queue",), ("Lock", "Queue"), _KINDS),
    count=Sweep((8,), (8,), (1, 8, 64)),
)
def ship_primitives(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Start a child with locks, queues or shared values as arguments.

    Timed: from the call of `Process.start` until the parent has read the
    child's message, sent as its first statement. Not timed: making the
    objects, `join`.

    Reads as: under fork they are simply there. Under spawn and forkserver
    each is pickled here, and opened again by name or descriptor there; the
    first of a kind also brings the import of its module.
    """
    with warm_stamps(context) as pipe:

        def bind(case: Case) -> Body:
            kind = case.text("kind")
            make: Callable[..., Any] = getattr(context, kind)
            objects = [make(*_ARGUMENTS.get(kind, ())) for _ in range(case.integer("count"))]
            return ready_body(lambda: make_process(context, stamp, (pipe.path, *objects)), pipe)

        yield bind
