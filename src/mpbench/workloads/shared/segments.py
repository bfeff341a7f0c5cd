"""Named segments of shared memory: making, attaching, copying."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError, WorkloadError
from mpbench.model import Case, Metric
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    Sweep,
    Verifier,
    child_server,
    fixed,
    workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("lacks_segments", "memory_attach", "memory_copy", "memory_create", "segment")

_SIZES = Sweep((1 << 20,), (1 << 16, 1 << 24), (1 << 12, 1 << 16, 1 << 20, 1 << 24, 1 << 28))

# The memory that is walked through when nothing shall be in a cache: more than
# the last cache of most machines.
_COLD_BYTES = 1 << 28


def lacks_segments(case: Case) -> str | None:
    """Say why named shared memory cannot be used here, or None."""
    try:
        import _posixshmem  # type: ignore[import-not-found]  # noqa: F401 - private, without a stub
    except ImportError:
        return None if sys.platform == "win32" else "this platform has no POSIX shared memory"
    return None


def _shm(case: Case) -> Needs:
    return Needs(shm_bytes=case.integer("payload_bytes"))


@contextmanager
def segment(size: int) -> Iterator[Any]:
    """Keep a segment of shared memory while the block runs, and remove it."""
    from multiprocessing import shared_memory

    one = shared_memory.SharedMemory(create=True, size=size)
    try:
        yield one
    finally:
        one.close()
        one.unlink()


def _tracker_cpu_ns() -> int | None:
    """Read the resource tracker's CPU time, where the kernel tells it."""
    pid = getattr(getattr(resource_tracker, "_resource_tracker", None), "_pid", None)
    if pid is None:
        return None
    try:
        with open(f"/proc/{pid}/schedstat", "rb") as schedule:
            return int(schedule.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _lacks_tracking(case: Case) -> str | None:
    if not case.value("track") and sys.version_info < (3, 13):
        return "SharedMemory has no track=False before Python 3.13"
    return lacks_segments(case)


def _still_there(name: str) -> bool:
    from multiprocessing import shared_memory

    try:
        left = shared_memory.SharedMemory(name=name)
    except FileNotFoundError:
        return False
    left.close()
    left.unlink()
    return True


@workload(
    "shared/memory-create",
    floor="floor/segment-create",
    covers=("shared_memory.SharedMemory", "SharedMemory.close", "SharedMemory.unlink"),
    facts={
        "create": Metric.TIME,
        "close": Metric.TIME,
        "unlink": Metric.TIME,
        "tracker_cpu": Metric.TIME,
    },
    by_method=False,
    body_params=("payload_bytes",),
    unsupported=_lacks_tracking,
    needs=_shm,
    payload_bytes=_SIZES,
    track=Sweep((True,), (True,), (True, False)),
)
def memory_create(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Make a segment of shared memory, close it and remove it, without using it.

    Timed: the constructor, `close()` and `unlink()` together; each is a fact of its
    own. `tracker_cpu` is the CPU time of the resource tracker for each segment. That
    the last name is gone is verified after the clock was read.

    Reads as: the cost of a segment itself. The tracker is told of each one twice;
    `track=False` (Python 3.13) does without.
    """
    # A keyword that older versions do not have.
    from multiprocessing import shared_memory

    options: dict[str, Any] = {} if case.value("track") else {"track": False}
    # The first one starts the tracker.
    with segment(1):
        pass

    def bind(case: Case) -> Body:
        size = case.integer("payload_bytes")

        def body(iterations: int, /) -> Verifier:
            make, clock = shared_memory.SharedMemory, monotonic_ns
            creating = closing = unlinking = 0
            name = ""
            before = _tracker_cpu_ns()
            for _ in range(iterations):
                started = clock()
                one = make(create=True, size=size, **options)
                created = clock()
                name = one.name
                closed_from = clock()
                one.close()
                closed = clock()
                one.unlink()
                unlinking += clock() - closed
                closing += closed - closed_from
                creating += created - started
            used = _tracker_cpu_ns()

            def check() -> BodyResult:
                if _still_there(name):
                    raise WorkloadError(f"expected no segment {name} after unlink(), found one")
                facts = {
                    "create": creating / iterations,
                    "close": closing / iterations,
                    "unlink": unlinking / iterations,
                }
                if before is not None and used is not None:
                    facts["tracker_cpu"] = (used - before) / iterations
                return BodyResult(
                    operations=iterations,
                    asked=iterations,
                    elapsed_ns=creating + closing + unlinking,
                    facts=facts,
                )

            return check

        return body

    yield bind


def _attach(pipe: Connection) -> None:
    """Attach, read and close as often as the parent asks, and report the times."""
    from multiprocessing import shared_memory

    clock = monotonic_ns
    while True:
        name, size, iterations = pipe.recv()
        attaching = touching = reading = closing = total = 0
        for _ in range(iterations):
            started = clock()
            one: Any = shared_memory.SharedMemory(name=name)
            attached = clock()
            total += sum(one.buf[:size:4_096])
            touched = clock()
            total += sum(one.buf[:size:4_096])
            read = clock()
            one.close()
            closing += clock() - read
            reading += read - touched
            touching += touched - attached
            attaching += attached - started
        pipe.send((attaching, touching, reading, closing, total))


@workload(
    "shared/memory-attach",
    floor="floor/segment-attach",
    covers=("shared_memory.SharedMemory", "SharedMemory.close"),
    facts={"first_touch": Metric.TIME, "steady": Metric.TIME, "close": Metric.TIME},
    body_params=("payload_bytes",),
    unsupported=lacks_segments,
    needs=_shm,
    payload_bytes=_SIZES,
)
def memory_attach(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Attach to a segment by its name in another process.

    Timed: in the child, the constructor with the name. Facts: `first_touch`, reading
    one byte of each page, `steady`, doing so again, and `close`. Not timed: making
    and filling the segment.

    Reads as: what a consumer pays for memory that a producer has filled: each page
    is entered into its page table at the first touch.
    """
    # Before the child: both must use one resource tracker.
    with segment(case.integer("payload_bytes")):
        pass
    with child_server(context, _attach) as pipe:

        def bind(case: Case) -> Body:
            size = case.integer("payload_bytes")

            def body(iterations: int, /) -> BodyResult:
                with segment(size) as one:
                    one.buf[:size] = b"\x01" * size
                    pipe.send((one.name, size, iterations))
                    attaching, touching, reading, closing, total = pipe.recv()
                pages = -(-size // 4_096)
                if total != 2 * pages * iterations:
                    raise VerificationError(2 * pages * iterations, total, "pages were read")
                return BodyResult(
                    operations=iterations,
                    asked=iterations,
                    elapsed_ns=attaching,
                    facts={
                        "first_touch": touching / iterations,
                        "steady": reading / iterations,
                        "close": closing / iterations,
                    },
                )

            return body

        yield bind


@workload(
    "shared/memory-copy",
    metric=Metric.BANDWIDTH,
    floor="floor/memory-copy",
    covers=("shared_memory.SharedMemory", "SharedMemory.buf"),
    by_method=False,
    body_params=("direction", "payload_bytes"),
    unsupported=lacks_segments,
    needs=lambda case: Needs(
        memory_bytes=2 * case.integer("payload_bytes"),
        shm_bytes=case.integer("payload_bytes") + (_COLD_BYTES if case.value("cold") else 0),
    ),
    direction=fixed("in", "out"),
    cold=Sweep((False,), (False,), (False, True)),
    payload_bytes=Sweep(
        (1 << 20,), (1 << 16, 1 << 20, 1 << 24), (1 << 12, 1 << 16, 1 << 20, 1 << 24, 1 << 26)
    ),
)
def memory_copy(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Copy bytes into shared memory, or out of it into new bytes.

    Timed: `buf[a:b] = message`, or `bytes(buf[a:b])`. Every page was touched
    before. With `cold` each copy uses another part of 256 MiB.

    Reads as: bytes per second. In is one memcpy; out also makes a new object,
    whose memory may have to be touched for the first time.
    """
    cold = bool(case.value("cold"))
    made: dict[int, Any] = {}
    with ExitStack() as stack:

        def bind(case: Case) -> Body:
            size = case.integer("payload_bytes")
            room = max(size, _COLD_BYTES) if cold else size
            if room not in made:
                made[room] = stack.enter_context(segment(room))
            one = made[room]
            return _copies(one.buf, case.text("direction"), size, one.size // size if cold else 1)

        yield bind


def _copies(buf: Any, direction: str, size: int, places: int) -> Body:
    """Return a body that copies to, or from, one place after the other."""
    message = b"m" * size
    for place in range(places):
        buf[place * size : (place + 1) * size] = message

    def copy_in(iterations: int, /) -> Verifier:
        for number in range(iterations):
            start = number % places * size
            buf[start : start + size] = message
        return lambda: _bytes_of(size * iterations, bytes(buf[:size]), message)

    def copy_out(iterations: int, /) -> Verifier:
        taken = b""
        for number in range(iterations):
            start = number % places * size
            taken = bytes(buf[start : start + size])
        return lambda: _bytes_of(size * iterations, taken, message)

    return copy_in if direction == "in" else copy_out


def _bytes_of(count: int, copied: bytes, expected: bytes) -> BodyResult:
    if copied != expected:
        raise VerificationError(len(expected), len(copied), "bytes; what came back differs")
    return BodyResult(operations=count)
