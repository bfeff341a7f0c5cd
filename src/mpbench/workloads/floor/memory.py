"""Floors of shared memory: one element of a mapping, a named segment by system calls."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.model import Case
from mpbench.workload import Body, BodyFactory, BodyResult, Needs, NoFloor, Sweep, fixed, workload
from mpbench.workload.unrolled import number_body

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("memory_create", "memory_item", "segment_attach", "segment_create")

_SIZES = Sweep((1 << 20,), (4_096, 1 << 20, 1 << 24), (4_096, 1 << 16, 1 << 20, 1 << 24, 1 << 28))


# Writing is cheaper through a number of ctypes, the rest through a memoryview.
_STATEMENTS = {"read": "shared[0]", "write": "shared.value = 7", "increment": "shared[0] += 1"}


@workload(
    "floor/memory-item",
    floor=NoFloor("one index of a memoryview calls nothing; it is cheaper than an empty call"),
    by_method=False,
    revision=2,
    body_params=("operation",),
    operation=fixed(*_STATEMENTS),
)
def memory_item(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Read or write one integer of a memory mapping.

    Timed: `view[0]` or `view[0] += 1` of a memoryview, or `number.value = 7` of a
    ctypes number, which is the cheaper way to write.

    Reads as: the least that touching one shared number can cost from Python:
    indexing, and turning eight bytes into an object or back.
    """
    import ctypes

    with (
        mmap.mmap(-1, mmap.PAGESIZE) as mapping,
        memoryview(mapping) as octets,
        octets.cast("q") as view,
    ):

        def bind(case: Case) -> Body:
            operation = case.text("operation")
            shared: Any = ctypes.c_longlong() if operation == "write" else view
            return number_body(shared, operation, _STATEMENTS[operation])

        yield bind


def _lacks_segments(case: Case) -> str | None:
    try:
        import _posixshmem  # type: ignore[import-not-found]  # noqa: F401 - private, without a stub
    except ImportError:
        return "this platform has no POSIX shared memory"
    return None


@workload(
    "floor/segment-create",
    floor=NoFloor("opening, sizing, mapping and unlinking are the kernel's own operations"),
    by_method=False,
    unsupported=_lacks_segments,
    needs=lambda case: Needs(shm_bytes=case.integer("payload_bytes")),
    payload_bytes=_SIZES,
)
def segment_create(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Make a named segment of shared memory with system calls, and remove it.

    Timed: `shm_open`, `ftruncate`, `mmap`, closing both, `shm_unlink`. No page
    is touched.

    Reads as: what a SharedMemory object has to pay whatever Python does. The
    size hardly matters, because no memory is used before it is touched.
    """
    import _posixshmem

    size = case.integer("payload_bytes")
    name = f"/mpbench-{os.getpid()}"

    def body(iterations: int, /) -> int:
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
        mapped = 0
        for _ in range(iterations):
            descriptor = _posixshmem.shm_open(name, flags, mode=0o600)
            try:
                os.ftruncate(descriptor, size)
                mapping = mmap.mmap(descriptor, size)
                mapping.close()
                mapped += 1
            finally:
                os.close(descriptor)
                _posixshmem.shm_unlink(name)
        return mapped

    yield body


def _opening(size: int) -> Body:
    """Return the body that times making and mapping a segment, and not its removal."""
    import _posixshmem

    name = f"/mpbench-{os.getpid()}-open"

    def body(iterations: int, /) -> BodyResult:
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
        elapsed = 0
        for _ in range(iterations):
            began = monotonic_ns()
            descriptor = _posixshmem.shm_open(name, flags, mode=0o600)
            try:
                os.ftruncate(descriptor, size)
                mapping = mmap.mmap(descriptor, size)
                elapsed += monotonic_ns() - began
                mapping.close()
            finally:
                os.close(descriptor)
                _posixshmem.shm_unlink(name)
        return BodyResult(iterations, elapsed_ns=elapsed)

    return body


def _zeroing(mapping: mmap.mmap, size: int) -> Body:
    """Return the body that fills a mapping with zeros."""
    import ctypes

    octets = (ctypes.c_char * size).from_buffer(mapping)
    address = ctypes.addressof(octets)

    def body(iterations: int, /) -> int:
        fill = ctypes.memset
        for _ in range(iterations):
            fill(address, 0, size)
        return iterations if octets[0] == b"\0" else 0

    return body


@workload(
    "floor/memory-create",
    floor=NoFloor("opening, sizing and mapping, or filling with zeros, is all that is done"),
    by_method=False,
    unsupported=_lacks_segments,
    needs=lambda case: Needs(
        memory_bytes=case.integer("payload_bytes"), shm_bytes=case.integer("payload_bytes")
    ),
    kind=fixed("SharedMemory", "RawArray"),
    payload_bytes=_SIZES,
)
def memory_create(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Make shared memory of a kind with the least that its constructor must do.

    Timed: for SharedMemory `shm_open`, `ftruncate` and `mmap`, and not the
    removal; for RawArray `memset` of memory that is already there, because a
    heap gives out again what was given back.

    Reads as: what the constructors cost before Python does anything.
    """
    size = case.integer("payload_bytes")
    if case.text("kind") == "SharedMemory":
        yield _opening(size)
        return
    # Not closed by hand: the body's view of it goes first.
    yield _zeroing(mmap.mmap(-1, size), size)


@workload(
    "floor/segment-attach",
    floor=NoFloor("opening, asking for the size and mapping are the kernel's own operations"),
    by_method=False,
    unsupported=_lacks_segments,
    needs=lambda case: Needs(shm_bytes=case.integer("payload_bytes")),
    payload_bytes=_SIZES,
)
def segment_attach(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Attach to a named segment of shared memory with system calls.

    Timed: `shm_open` of a name that is there, `fstat`, `mmap`. Not timed:
    making the segment, closing both. No page is touched.

    Reads as: what attaching a SharedMemory object has to pay whatever Python
    does.
    """
    import _posixshmem

    size = case.integer("payload_bytes")
    name = f"/mpbench-{os.getpid()}-attach"
    made = _posixshmem.shm_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600)

    def body(iterations: int, /) -> BodyResult:
        elapsed = mapped = 0
        for _ in range(iterations):
            began = monotonic_ns()
            descriptor = _posixshmem.shm_open(name, os.O_RDWR, mode=0o600)
            length = os.fstat(descriptor).st_size
            mapping = mmap.mmap(descriptor, length)
            elapsed += monotonic_ns() - began
            mapped += length == size
            mapping.close()
            os.close(descriptor)
        return BodyResult(mapped, iterations, elapsed_ns=elapsed)

    try:
        os.ftruncate(made, size)
        yield body
    finally:
        os.close(made)
        _posixshmem.shm_unlink(name)
