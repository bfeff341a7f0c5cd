"""Value, RawValue, Array and RawArray in one process: elements, slices, strings, wrappers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, BodyResult, Needs, Sweep, Verifier, fixed, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("access", "slices", "string", "wrap")

# Eight bytes, as most counters have.
_CODE = "q"


def _semaphores(case: Case) -> Needs:
    del case
    return Needs(semaphores=True)


def _make(context: BaseContext, kind: str) -> Any:
    """Make a shared number, or an array of eight."""
    if kind == "Value-with-Lock":
        return context.Value(_CODE, 0, lock=context.Lock())
    return getattr(context, kind)(_CODE, 8 if kind.endswith("Array") else 0)


def _read_value(shared: Any, iterations: int) -> int:
    shared.value = 1
    total = 0
    for _ in range(iterations):
        total += shared.value
    return total


def _write_value(shared: Any, iterations: int) -> int:
    for number in range(iterations):
        shared.value = number
    return int(shared.value) + 1


def _increment_value(shared: Any, iterations: int) -> int:
    before = shared.value
    for _ in range(iterations):
        with shared.get_lock():
            shared.value += 1
    return int(shared.value - before)


def _increment_under_lock(shared: Any, iterations: int) -> int:
    # `.value` would wait for the lock that is held already.
    before = shared.value
    number = shared.get_obj()
    for _ in range(iterations):
        with shared.get_lock():
            number.value += 1
    return int(shared.value - before)


def _increment_raw_value(shared: Any, iterations: int) -> int:
    before = shared.value
    for _ in range(iterations):
        shared.value += 1
    return int(shared.value - before)


def _read_item(shared: Any, iterations: int) -> int:
    shared[0] = 1
    total = 0
    for _ in range(iterations):
        total += shared[0]
    return total


def _write_item(shared: Any, iterations: int) -> int:
    for number in range(iterations):
        shared[0] = number
    return int(shared[0]) + 1


def _increment_item(shared: Any, iterations: int) -> int:
    before = shared[0]
    for _ in range(iterations):
        with shared.get_lock():
            shared[0] += 1
    return int(shared[0] - before)


def _increment_raw_item(shared: Any, iterations: int) -> int:
    before = shared[0]
    for _ in range(iterations):
        shared[0] += 1
    return int(shared[0] - before)


_OPERATIONS: dict[tuple[bool, str], Callable[[Any, int], int]] = {
    (False, "read"): _read_value,
    (False, "write"): _write_value,
    (False, "increment"): _increment_value,
    (False, "increment-raw"): _increment_raw_value,
    (False, "increment-under-lock"): _increment_under_lock,
    (True, "read"): _read_item,
    (True, "write"): _write_item,
    (True, "increment"): _increment_item,
    (True, "increment-raw"): _increment_raw_item,
}


# Where an increment is not `with shared.get_lock(): shared.value += 1`.
_INCREMENTS = {
    "RawValue": "increment-raw",
    "RawArray": "increment-raw",
    "Value-with-Lock": "increment-under-lock",
}


@workload(
    "shared/access",
    metric=Metric.TIME,
    floor="floor/memory-item",
    covers=(
        "Value",
        "RawValue",
        "Array",
        "RawArray",
        "Synchronized.get_lock",
        "Synchronized.value",
        "SynchronizedArray.get_lock",
    ),
    tier=Tier.QUICK,
    all_methods_in_quick=True,
    body_params=("kind", "operation"),
    revision=2,
    needs=_semaphores,
    kind=Sweep(
        ("Value", "Array"),
        ("Value", "RawValue", "Array", "RawArray"),
        ("Value", "RawValue", "Array", "RawArray", "Value-with-Lock"),
    ),
    operation=Sweep(("read",), ("read", "write", "increment"), ("read", "write", "increment")),
)
def access(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Read, write or increment one shared number that nobody else touches.

    Timed: `.value` or `[0]`, the same on the left of an assignment, or `+= 1`:
    in `with shared.get_lock():` where there is one, bare for RawValue and
    RawArray.

    Reads as: the price of one access. `Value` and `Array` take their RLock for
    each; an increment under `get_lock()` takes it three times. The raw kinds
    have no lock, and two processes that increment lose updates
    (`shared/contended-counter`).
    """
    del case

    def bind(case: Case) -> Body:
        kind, operation = case.text("kind"), case.text("operation")
        shared = _make(context, kind)
        if operation == "increment":
            operation = _INCREMENTS.get(kind, operation)
        run = _OPERATIONS[kind.endswith("Array"), operation]
        return lambda iterations, /: run(shared, iterations)

    yield bind


def _read_elements(shared: Any, iterations: int) -> Any:
    taken = None
    for _ in range(iterations):
        taken = shared[:]
    return taken


def _read_bytes(shared: Any, iterations: int) -> Any:
    taken = b""
    for _ in range(iterations):
        taken = shared.tobytes()
    return taken


@workload(
    "shared/slices",
    metric=Metric.BANDWIDTH,
    floor="floor/memory-copy",
    covers=("Array", "RawArray"),
    by_method=False,
    body_params=("kind", "operation", "payload_bytes"),
    needs=lambda case: Needs(memory_bytes=16 * case.integer("payload_bytes"), semaphores=True),
    kind=Sweep(("Array",), ("Array", "memoryview"), ("Array", "RawArray", "memoryview")),
    operation=fixed("read", "write"),
    payload_bytes=Sweep(
        (1 << 16,), (1 << 10, 1 << 20), (8, 1 << 10, 1 << 13, 1 << 16, 1 << 20, 1 << 23)
    ),
)
def slices(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Read or write all elements of a shared array of floats at once.

    Timed: `array[:]`, which makes a list, and `array[:] = list`; for
    `memoryview`, `tobytes()` of a view of `Array.get_obj()` and `view[:] = bytes`.

    Reads as: bytes per second. A slice of an Array turns every element into a
    Python object or back; the view copies memory. The distance between both
    is the reason to keep a view.
    """
    del case

    def bind(case: Case) -> Body:
        kind, count = case.text("kind"), case.integer("payload_bytes") // 8
        values: Any = [float(number) for number in range(count)]
        made: Any = getattr(context, "RawArray" if kind == "RawArray" else "Array")("d", values)
        shared, read = made, _read_elements
        if kind == "memoryview":
            shared, read = memoryview(made.get_obj()).cast("B"), _read_bytes
            values = shared.tobytes()

        def reading(iterations: int, /) -> Verifier:
            taken = read(shared, iterations)
            return lambda: _bytes_of(8 * count * iterations, taken, values)

        def writing(iterations: int, /) -> Verifier:
            for _ in range(iterations):
                shared[:] = values
            return lambda: _bytes_of(8 * count * iterations, read(shared, 1), values)

        return reading if case.text("operation") == "read" else writing

    yield bind


def _bytes_of(count: int, found: Any, expected: Any) -> BodyResult:
    if found != expected:
        raise VerificationError(len(expected), len(found), "elements; what came back differs")
    return BodyResult(operations=count)


_STRING_CALLS: dict[tuple[str, str], Callable[[Any, bytes], Any]] = {
    ("value", "read"): lambda shared, _: shared.value,
    ("raw", "read"): lambda shared, _: shared.raw,
    ("value", "write"): lambda shared, text: setattr(shared, "value", text),
    ("raw", "write"): lambda shared, text: setattr(shared, "raw", text),
}


@workload(
    "shared/string",
    metric=Metric.TIME,
    floor="floor/memory-item",
    covers=("Array", "SynchronizedString.value", "SynchronizedString.raw"),
    by_method=False,
    tier=Tier.FULL,
    body_params=("attribute", "operation"),
    needs=_semaphores,
    attribute=fixed("value", "raw"),
    operation=fixed("read", "write"),
    payload_bytes=Sweep((64,), (64,), (64, 4_096)),
)
def string(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Read or write a shared string: an Array of characters.

    Timed: one access to `.value` or `.raw` of an `Array('c', n)`, and one call
    of a lambda around it.

    Reads as: the price of a shared status line. `.value` ends at the first
    zero byte, `.raw` copies everything.
    """
    text = b"m" * case.integer("payload_bytes")
    shared: Any = context.Array("c", text)

    def bind(case: Case) -> Body:
        call = _STRING_CALLS[case.text("attribute"), case.text("operation")]

        def body(iterations: int, /) -> int:
            for _ in range(iterations):
                call(shared, text)
            return iterations if shared.raw == shared.value == text else 0

        return body

    yield bind


@workload(
    "shared/wrap",
    metric=Metric.TIME,
    floor="floor/empty-call",
    covers=("sharedctypes.copy", "sharedctypes.synchronized", "Synchronized.get_obj"),
    by_method=False,
    tier=Tier.FULL,
    body_params=("call",),
    needs=_semaphores,
    call=fixed("copy", "synchronized"),
)
def wrap(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Copy a shared number, or put a lock around one.

    Timed: `sharedctypes.copy(raw)`, which takes memory from the heap, or
    `sharedctypes.synchronized(raw, lock)`; and the end of what it makes.

    Reads as: what `Value` does beyond `RawValue`, and what a snapshot costs.
    """
    from multiprocessing import sharedctypes

    del case
    raw: Any = context.RawValue(_CODE, 7)
    lock = context.RLock()

    def bind(case: Case) -> Body:
        def copy() -> Any:
            return sharedctypes.copy(raw)

        def synchronized() -> Any:
            return sharedctypes.synchronized(raw, lock).get_obj()

        call = copy if case.text("call") == "copy" else synchronized

        def body(iterations: int, /) -> int:
            right = 0
            for _ in range(iterations):
                right += call().value == 7
            return right

        return body

    yield bind
