"""ShareableList, and the manager that owns segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    Sweep,
    fixed,
    mean_parts,
    workload,
)
from mpbench.workload.unrolled import unrolled_body
from mpbench.workloads.shared.segments import lacks_segments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("access", "create", "manager_blocks")


def _values(kind: str, count: int) -> list[Any]:
    """Return different values of a type that a ShareableList takes."""
    makers: dict[str, Callable[[int], Any]] = {
        "int": int,
        "float": float,
        "str": "value {:04}".format,
    }
    make = makers[kind]
    return [make(number) for number in range(count)]


_CALLS = {
    "read": "answer = shared[last]",
    "write": "shared[last] = value",
    "len": "answer = len(shared)",
    "count": "answer = count(value)",
    "index": "answer = index(value)",
    "format": "answer = len(shared.format)",
}


def _is_right(shared: Any, values: list[Any], call: str, answer: Any) -> bool:
    """Tell whether the last answer of a call is right, and restore what it wrote."""
    size = len(values)
    if call == "write":
        answer, shared[size - 1] = shared[size - 1], values[-1]
    if call == "format":
        return bool(answer >= size)
    expected = {"read": values[-1], "write": values[0], "len": size, "count": 1, "index": size - 1}
    return bool(answer == expected[call])


def _remove(shared: Any) -> None:
    shared.shm.close()
    shared.shm.unlink()


@workload(
    "shared/list",
    floor="floor/memory-item",
    covers=(
        *("shared_memory.ShareableList", "ShareableList.count", "ShareableList.index"),
        "ShareableList.format",
    ),
    by_method=False,
    body_params=("call",),
    revision=2,
    unsupported=lacks_segments,
    kind=Sweep(("int",), ("int",), ("int", "float", "str")),
    elements=Sweep((8,), (8,), (8, 64, 1_000)),
    call=Sweep(
        ("read",), ("read", "write", "count"), ("read", "write", "len", "count", "index", "format")
    ),
)
def access(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Use a ShareableList that nobody else touches.

    Timed: reading or writing its last element, `len()`, `count()` or `index()`
    of its last element, or `format`.

    Reads as: the price of one access, to compare with `shared/access` and with
    a manager's list. Each element is packed and unpacked in Python by way of a
    table of formats, and searching reads one element after the other. There is
    no lock.
    """
    from multiprocessing import shared_memory

    values = _values(case.text("kind"), case.integer("elements"))
    shared: Any = shared_memory.ShareableList(values)
    try:

        def bind(case: Case) -> Body:
            call = case.text("call")
            names = {
                "shared": shared,
                "last": len(values) - 1,
                # A write takes another value, which the verification replaces.
                "value": values[0] if call == "write" else values[-1],
                "count": shared.count,
                "index": shared.index,
            }
            return unrolled_body(
                _CALLS[call], names, lambda answer: _is_right(shared, values, call, answer)
            )

        yield bind
    finally:
        _remove(shared)


@workload(
    "shared/list-create",
    floor="floor/memory-create",
    covers=("shared_memory.ShareableList",),
    facts={"attach": Metric.TIME},
    by_method=False,
    tier=Tier.FULL,
    unsupported=lacks_segments,
    elements=fixed(8, 1_000),
)
def create(context: BaseContext, case: Case) -> Body:
    """
    Make a ShareableList of integers, attach to it by name, and remove it.

    Timed: the constructor with the values; `attach` is the constructor with
    the name. Not timed: closing and removing.

    Reads as: attaching costs more the longer the list, because the table of
    offsets is read at once.
    """
    from multiprocessing import shared_memory

    values = _values("int", case.integer("elements"))

    def body(iterations: int, /) -> BodyResult:
        make, clock = shared_memory.ShareableList, monotonic_ns
        creating = attaching = equal = 0
        for _ in range(iterations):
            started = clock()
            shared: Any = make(values)
            created = clock()
            again: Any = make(name=shared.shm.name)
            attaching += clock() - created
            creating += created - started
            equal += again[-1] == values[-1]
            again.shm.close()
            _remove(shared)
        return BodyResult(equal, iterations, creating, {"attach": attaching / iterations})

    return body


def _use_manager(manager: Any, blocks: int, size: int) -> tuple[int, int, int, int]:
    """Start a manager, have it make segments, end it; return what each took."""
    clock = monotonic_ns
    started = clock()
    manager.start()
    running = clock()
    try:
        made = [manager.SharedMemory(size=size) for _ in range(blocks)]
        made_at = clock()
        shared = manager.ShareableList(range(4))
        listed = clock() - made_at
        names = [segment.name for segment in (*made, shared.shm)]
        for segment in (*made, shared.shm):
            segment.close()
        if len(set(names)) != blocks + 1:
            raise WorkloadError(f"expected {blocks + 1} different segments, found {names}")
    finally:
        ending = clock()
        manager.shutdown()
        manager.join()
        ended = clock()
    return running - started, made_at - running, listed, ended - ending


@workload(
    "shared/manager-blocks",
    floor="floor/memory-create",
    covers=(
        *("SharedMemoryManager", "SharedMemoryManager.start"),
        *("SharedMemoryManager.SharedMemory", "SharedMemoryManager.ShareableList"),
        "SharedMemoryManager.join",
    ),
    facts={"start": Metric.TIME, "list": Metric.TIME, "shutdown": Metric.TIME},
    revision=2,
    unsupported=lacks_segments,
    needs=lambda case: Needs(
        processes=1, shm_bytes=case.integer("blocks") * case.integer("payload_bytes")
    ),
    blocks=Sweep((8,), (8,), (8, 256)),
    payload_bytes=fixed(1 << 16),
)
def manager_blocks(context: BaseContext, case: Case) -> Body:
    """
    Let a SharedMemoryManager own segments, and remove all of them by ending it.

    Timed: making one segment through the manager, which tells its server
    process the name. Facts: `start` of the manager, `list`, which is making
    one ShareableList of four numbers, and `shutdown` with join, which removes
    the segments. Not timed: closing.

    Reads as: what it costs never to forget an `unlink()`. The server is a
    process of its own, so the start method shows in `start`.
    """
    from multiprocessing.managers import SharedMemoryManager

    blocks, size = case.integer("blocks"), case.integer("payload_bytes")

    def body(iterations: int, /) -> BodyResult:
        readings = [
            _use_manager(SharedMemoryManager(ctx=context), blocks, size) for _ in range(iterations)
        ]
        facts = mean_parts(readings, "start", "", "list", "shutdown")
        made = iterations * blocks
        return BodyResult(made, made, sum(making for _, making, _, _ in readings), facts)

    return body
