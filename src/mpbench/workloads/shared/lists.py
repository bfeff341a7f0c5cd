"""Lists in shared memory, and the manager that owns segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, BodyResult, Needs, Sweep, fixed, workload
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


def _read(shared: Any, values: list[Any], iterations: int) -> int:
    last, right = len(values) - 1, 0
    expected = values[last]
    for _ in range(iterations):
        right += shared[last] == expected
    return right


def _write(shared: Any, values: list[Any], iterations: int) -> int:
    last, value = len(values) - 1, values[0]
    for _ in range(iterations):
        shared[last] = value
    written = shared[last] == value
    shared[last] = values[last]
    return iterations if written else 0


def _length(shared: Any, values: list[Any], iterations: int) -> int:
    total = 0
    for _ in range(iterations):
        total += len(shared)
    return total // len(values)


def _count(shared: Any, values: list[Any], iterations: int) -> int:
    count, value = shared.count, values[-1]
    total = 0
    for _ in range(iterations):
        total += count(value)
    return total


def _index(shared: Any, values: list[Any], iterations: int) -> int:
    index, value = shared.index, values[-1]
    total = 0
    for _ in range(iterations):
        total += index(value) == len(values) - 1
    return total


def _format(shared: Any, values: list[Any], iterations: int) -> int:
    total = 0
    for _ in range(iterations):
        total += len(shared.format) >= len(values)
    return total


_CALLS: dict[str, Callable[[Any, list[Any], int], int]] = {
    "read": _read,
    "write": _write,
    "len": _length,
    "count": _count,
    "index": _index,
    "format": _format,
}


def _remove(shared: Any) -> None:
    shared.shm.close()
    shared.shm.unlink()


@workload(
    "shared/list",
    metric=Metric.TIME,
    floor="floor/memory-item",
    covers=(
        *("shared_memory.ShareableList", "ShareableList.count", "ShareableList.index"),
        "ShareableList.format",
    ),
    by_method=False,
    body_params=("call",),
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

    del context
    values = _values(case.text("kind"), case.integer("elements"))
    shared: Any = shared_memory.ShareableList(values)
    try:

        def bind(case: Case) -> Body:
            run = _CALLS[case.text("call")]
            return lambda iterations, /: run(shared, values, iterations)

        yield bind
    finally:
        _remove(shared)


@workload(
    "shared/list-create",
    metric=Metric.TIME,
    floor="floor/memory-create",
    covers=("shared_memory.ShareableList",),
    facts={"attach": Metric.TIME},
    by_method=False,
    tier=Tier.FULL,
    body_params=("elements",),
    unsupported=lacks_segments,
    elements=fixed(8, 1_000),
)
def create(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Make a ShareableList of integers, attach to it by name, and remove it.

    Timed: the constructor with the values; `attach` is the constructor with
    the name. Not timed: closing and removing.

    Reads as: attaching costs more the longer the list, because the table of
    offsets is read at once.
    """
    from multiprocessing import shared_memory

    del context, case

    def bind(case: Case) -> Body:
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
            return BodyResult(
                operations=equal,
                asked=iterations,
                elapsed_ns=creating,
                facts={"attach": attaching / iterations},
            )

        return body

    yield bind


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
        names = [one.name for one in (*made, shared.shm)]
        for one in (*made, shared.shm):
            one.close()
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
    metric=Metric.TIME,
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
def manager_blocks(context: BaseContext, case: Case) -> Iterator[Body]:
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
        starting, making, listing, ending = (
            sum(column)
            for column in zip(
                *(
                    _use_manager(SharedMemoryManager(ctx=context), blocks, size)
                    for _ in range(iterations)
                )
            )
        )
        return BodyResult(
            operations=iterations * blocks,
            asked=iterations * blocks,
            elapsed_ns=making,
            facts={
                "start": starting / iterations,
                "list": listing / iterations,
                "shutdown": ending / iterations,
            },
        )

    yield body
