"""Creation of shared memory, first touch and later writes; the shared heap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyResult, Needs, Sweep, fixed, mean_parts, workload
from mpbench.workloads.shared.segments import lacks_segments

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

__all__ = ("create", "heap")

# What a constructor gives: writable bytes, and what ends them.
Made = tuple[memoryview, Callable[[], None]]


def _raw_array(context: BaseContext, size: int) -> Made:
    view = memoryview(context.RawArray("B", size)).cast("B")
    return view, view.release


def _segment(context: BaseContext, size: int) -> Made:
    from multiprocessing import shared_memory

    segment = shared_memory.SharedMemory(create=True, size=size)

    def end() -> None:
        segment.close()
        segment.unlink()

    assert segment.buf is not None
    return segment.buf, end


_KINDS: dict[str, Callable[[BaseContext, int], Made]] = {
    "RawArray": _raw_array,
    "SharedMemory": _segment,
}


def _once(context: BaseContext, kind: str, source: bytes) -> tuple[int, int, int]:
    """Create, write twice, and remove; return what creation and both writes took."""
    size = len(source)
    started = monotonic_ns()
    view, end = _KINDS[kind](context, size)
    created = monotonic_ns()
    view[:size] = source
    touched = monotonic_ns()
    view[:size] = source
    written = monotonic_ns()
    right = view[0] == view[size - 1] == source[0]
    del view
    end()
    if not right:
        raise VerificationError(size, 0, f"bytes of a {kind} are what was written")
    return created - started, touched - created, written - touched


@workload(
    "shared/create",
    floor="floor/memory-create",
    covers=(
        *("RawArray", "shared_memory.SharedMemory", "SharedMemory.buf"),
        *("SharedMemory.close", "SharedMemory.unlink"),
    ),
    facts={"create": Metric.TIME, "first_touch": Metric.TIME, "steady": Metric.TIME},
    by_method=False,
    unsupported=lacks_segments,
    needs=lambda case: Needs(
        memory_bytes=2 * case.integer("payload_bytes"), shm_bytes=2 * case.integer("payload_bytes")
    ),
    kind=fixed("RawArray", "SharedMemory"),
    payload_bytes=Sweep(
        (1 << 20,), (1 << 16, 1 << 20, 1 << 24), (1 << 12, 1 << 16, 1 << 20, 1 << 24, 1 << 26)
    ),
)
def create(context: BaseContext, case: Case) -> Body:
    """
    Create shared memory, write all of it, and write all of it again.

    Timed: the constructor, the main reading and the fact `create`; `first_touch` and
    `steady` are the two writes. Not timed: the removal.

    Reads as: when memory is paid for. A RawArray is filled with zeros when it is
    made; SharedMemory is made at once and its first write pays for the pages. A
    dropped RawArray returns its memory to a heap, from which the next one below
    4 MiB gets touched pages.
    """
    kind, source = case.text("kind"), b"m" * case.integer("payload_bytes")

    def body(iterations: int, /) -> BodyResult:
        readings = [_once(context, kind, source) for _ in range(iterations)]
        facts = mean_parts(readings, "create", "first_touch", "steady")
        return BodyResult(iterations, iterations, sum(made for made, _, _ in readings), facts)

    return body


@workload(
    "shared/heap",
    floor="floor/empty-c-call",
    covers=("RawValue",),
    facts={"free": Metric.TIME},
    by_method=False,
    tier=Tier.FULL,
    needs=lambda case: Needs(semaphores=True, memory_bytes=2_048 * case.integer("objects")),
    kind=fixed("RawValue"),
    objects=fixed(1, 1_000, 10_000),
)
def heap(context: BaseContext, case: Case) -> Body:
    """
    Make many small shared objects, keep them, and let all of them go.

    Timed: making one; `free` is letting one go. One iteration makes and frees
    `objects` of them.

    Reads as: how the shared heap behaves as it fills. It takes memory from the
    system in arenas that double up to 4 MiB, and searches lists of free
    blocks.
    """
    count = case.integer("objects")

    def body(iterations: int, /) -> BodyResult:
        making = freeing = made = 0
        kept: list[Any] = []
        for _ in range(iterations):
            started = monotonic_ns()
            kept = [context.RawValue("q", 0) for _ in range(count)]
            filled = monotonic_ns()
            made += len(kept)
            del kept[:]
            freeing += monotonic_ns() - filled
            making += filled - started
        return BodyResult(made, iterations * count, making, {"free": freeing / made})

    return body
