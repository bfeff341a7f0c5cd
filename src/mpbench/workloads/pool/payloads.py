"""Payloads of pools: large arguments and results, and how far `imap` reads ahead."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Timing
from mpbench.workload import Body, BodyFactory, BodyResult, Needs, NoFloor, Sweep, fixed, workload
from mpbench.workloads.pool.lifecycle import expect, needs_two_workers, ready_pool
from mpbench.workloads.pool.tasks import echo, length_of, make_payload, return_payload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext
    from multiprocessing.pool import Pool

__all__ = ("has_parameter", "imap_memory", "payload", "slow_pass")

# Tasks in one map of `pool/payload`; each has a payload of its own.
_TASKS = 8


def _needs_payloads(case: Case) -> Needs:
    size = case.integer("payload_bytes")
    # The originals, the results, and in each worker a message and its object.
    return needs_two_workers(case)._replace(memory_bytes=3 * _TASKS * size)


def _transfers(direction: str, size: int) -> tuple[Callable[[Any], Any], list[Any], list[Any], int]:
    """Return a task, its arguments, its results, and the bytes that travel for one task."""
    payloads = [make_payload(size, number) for number in range(_TASKS)]
    if direction == "in":
        return length_of, payloads, [size] * _TASKS, size
    if direction == "out":
        return return_payload, [(size, number) for number in range(_TASKS)], payloads, size
    return echo, payloads, payloads, 2 * size


@workload(
    "pool/payload",
    metric=Metric.BANDWIDTH,
    floor="floor/memory-copy",
    covers=("Pool.map",),
    by_method=False,
    facts={"per_task": Metric.TIME},
    body_params=("direction", "payload_bytes"),
    needs=_needs_payloads,
    direction=fixed("in", "out", "both"),
    payload_bytes=Sweep(
        (1 << 16,), (1 << 10, 1 << 20), (1 << 10, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 24)
    ),
)
def payload(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Map 8 tasks whose arguments, results or both are large bytes objects.

    Timed: `Pool.map` in chunks of one; for `out` the worker builds the object
    that it returns. Each task has an object of its own. Not timed: starting
    the pool, building the arguments, comparing the results.

    Reads as: bytes a second through a pool, both ways together for `both`; the
    floor copies them once. The parent has one handler thread for each
    direction, so more workers do not help. `per_task` is the time of a task.
    """
    with ready_pool(context, 2) as pool:
        yield lambda case: _payload_body(
            pool, case.text("direction"), case.integer("payload_bytes")
        )


def _payload_body(pool: Pool, direction: str, size: int) -> Body:
    task, arguments, wanted, travelling = _transfers(direction, size)

    def body(iterations: int, /) -> Callable[[], BodyResult]:
        results: list[Any] = []
        complete = 0
        started = monotonic_ns()
        for _ in range(iterations):
            # Only the last results are kept: all of them would fill the memory.
            results = pool.map(task, arguments, 1)
            complete += len(results)
        elapsed = monotonic_ns() - started

        def check() -> BodyResult:
            expect(wanted == results, True, f"{direction}: the results of the last map are right")
            asked = iterations * _TASKS * travelling
            return BodyResult(complete * travelling, asked, facts={"per_task": elapsed / complete})

        return check

    return body


def has_parameter(function: Callable[..., Any], name: str) -> bool:
    """Whether a Python function has a parameter of that name."""
    code = function.__code__
    return name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _no_buffer(case: Case) -> str | None:
    from multiprocessing.pool import Pool

    if case.integer("buffer_size") and not has_parameter(Pool.imap, "buffersize"):
        return "Pool.imap has no parameter buffersize before Python 3.16"
    return None


class _Drawn:
    """Counts what was drawn from a generator and not yet consumed, and the most of it."""

    def __init__(self) -> None:
        self.drawn = self.consumed = self.most = 0

    def payloads(self, count: int, size: int) -> Iterator[bytes]:
        """Yield payloads, and note that each was drawn."""
        for number in range(count):
            self.drawn += 1
            self.most = max(self.most, self.drawn - self.consumed)
            yield make_payload(size, number)


@workload(
    "pool/imap-memory",
    metric=Metric.MEMORY,
    floor=NoFloor("a lazy iterator would hold one task for each worker, and one result"),
    covers=("Pool.imap", "Pool.imap_unordered"),
    by_method=False,
    facts={"memory": Metric.MEMORY, "read_ahead": Metric.COUNT},
    timing=Timing.ONCE,
    body_params=("call",),
    needs=needs_two_workers,
    unsupported=_no_buffer,
    call=fixed("imap", "imap_unordered"),
    # 0 is no limit; Python 3.16 has another choice.
    buffer_size=Sweep((0,), (0,), (0, 8)),
)
def imap_memory(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Feed 64 payloads of 64 KiB from a generator to `imap` and consume slowly.

    Timed: the whole pass; the consumer sleeps 1 ms for each result. The
    reading is no measurement of the process: the most bytes of payloads that
    were drawn from the generator and whose results were not yet consumed. Not
    timed: starting the pool.

    Reads as: `read_ahead` is the number of these payloads. Near 64 the pool
    drew the whole input before it was needed, and memory grows with the input.
    """
    with ready_pool(context, 2) as pool:

        def bind(case: Case) -> Body:
            limit = case.integer("buffer_size")
            options = {"buffersize": limit} if limit else {}
            call: Callable[..., Any] = getattr(pool, case.text("call"))
            return lambda _: slow_pass(lambda task, payloads: call(task, payloads, 1, **options))

        yield bind


def slow_pass(
    call: Callable[[Callable[[Any], Any], Iterator[bytes]], Any],
) -> Callable[[], BodyResult]:
    """
    Consume the results of 64 payloads slowly, and count how many were drawn ahead.

    Args:
        call: Starts a lazy map of a task over payloads and returns its results.
    """
    count, size = 64, 1 << 16
    drawn = _Drawn()
    for length in call(length_of, drawn.payloads(count, size)):
        if length != size:
            raise WorkloadError(f"a result of {length} bytes, expected {size}")
        time.sleep(0.001)
        drawn.consumed += 1
    facts = {"memory": drawn.most * size, "read_ahead": drawn.most}
    return lambda: BodyResult(drawn.consumed, count, facts=facts)
