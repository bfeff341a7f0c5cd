"""Value, RawValue, Array and RawArray in one process: elements, slices, strings, wrappers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, BodyResult, Needs, Sweep, Verifier, fixed, workload
from mpbench.workload.unrolled import number_body, unrolled, unrolled_body

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("access", "slices", "string", "wrap")

# Eight bytes, as most counters have.
_CODE = "q"
_NEEDS = Needs(semaphores=True)


def _make(context: BaseContext, kind: str) -> Any:
    """Make a shared number, or an array of eight."""
    if kind == "Value-with-Lock":
        return context.Value(_CODE, 0, lock=context.Lock())
    return getattr(context, kind)(_CODE, 8 if kind.endswith("Array") else 0)


# What is timed; `{place}` is `.value` or `[0]`.
_STATEMENTS = {
    "read": "shared{place}",
    "write": "shared{place} = 7",
    "increment": "with shared.get_lock(): shared{place} += 1",
    "increment-raw": "shared{place} += 1",
    # `.value` would wait for the lock that is held already.
    "increment-under-lock": "with shared.get_lock(): number{place} += 1",
}

# Where an increment is not `with shared.get_lock(): shared.value += 1`.
_INCREMENTS = {
    "RawValue": "increment-raw",
    "RawArray": "increment-raw",
    "Value-with-Lock": "increment-under-lock",
}


@workload(
    "shared/access",
    floor="floor/memory-item",
    covers=(
        *("Value", "RawValue", "Array", "RawArray"),
        *("Synchronized.get_lock", "Synchronized.value", "SynchronizedArray.get_lock"),
    ),
    tier=Tier.QUICK,
    all_methods_in_quick=True,
    revision=3,
    needs=_NEEDS,
    kind=Sweep(
        ("Value", "Array"),
        ("Value", "RawValue", "Array", "RawArray"),
        ("Value", "RawValue", "Array", "RawArray", "Value-with-Lock"),
    ),
    operation=Sweep(("read",), ("read", "write", "increment"), ("read", "write", "increment")),
)
def access(context: BaseContext, case: Case) -> Body:
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
    kind, operation = case.text("kind"), case.text("operation")
    shared, is_array = _make(context, kind), kind.endswith("Array")
    way = _INCREMENTS.get(kind, operation) if operation == "increment" else operation
    return number_body(
        shared,
        operation,
        _STATEMENTS[way].format(place="[0]" if is_array else ".value"),
        number=shared.get_obj() if way == "increment-under-lock" else None,
    )


def _bytes_of(count: int, answer: Any, expected: Any) -> BodyResult:
    if answer != expected:
        raise VerificationError(len(expected), len(answer), "elements; what came back differs")
    return BodyResult(operations=count)


@workload(
    "shared/slices",
    metric=Metric.BANDWIDTH,
    floor="floor/memory-copy",
    covers=("Array", "RawArray"),
    by_method=False,
    revision=2,
    needs=lambda case: Needs(memory_bytes=16 * case.integer("payload_bytes"), semaphores=True),
    kind=Sweep(("Array",), ("Array", "memoryview"), ("Array", "RawArray", "memoryview")),
    operation=fixed("read", "write"),
    payload_bytes=Sweep(
        (1 << 16,), (1 << 10, 1 << 20), (8, 1 << 10, 1 << 13, 1 << 16, 1 << 20, 1 << 23)
    ),
)
def slices(context: BaseContext, case: Case) -> Body:
    """
    Read or write all elements of a shared array of floats at once.

    Timed: `array[:]`, which makes a list, and `array[:] = list`; for
    `memoryview`, `tobytes()` of a view of `Array.get_obj()` and `view[:] = bytes`.

    Reads as: bytes per second. A slice of an Array turns every element into a
    Python object or back; the view copies memory. The distance between both
    is the reason to keep a view.
    """
    kind, size = case.text("kind"), case.integer("payload_bytes")
    values: Any = [float(number) for number in range(size // 8)]
    made: Any = getattr(context, "RawArray" if kind == "RawArray" else "Array")("d", values)
    shared, statement = made, "answer = shared[:]"
    if kind == "memoryview":
        shared, statement = memoryview(made.get_obj()).cast("B"), "answer = shared.tobytes()"
        values = shared.tobytes()
    read = unrolled(statement, {"shared": shared})
    is_read = case.text("operation") == "read"
    run = read if is_read else unrolled("shared[:] = values", {"shared": shared, "values": values})

    def body(iterations: int, /) -> Verifier:
        answer = run(iterations)
        return lambda: _bytes_of(
            8 * (size // 8) * iterations, answer if is_read else read(1), values
        )

    return body


@workload(
    "shared/string",
    floor="floor/memory-item",
    covers=("Array", "SynchronizedString.value", "SynchronizedString.raw"),
    by_method=False,
    tier=Tier.FULL,
    body_params=("attribute", "operation"),
    revision=2,
    needs=_NEEDS,
    attribute=fixed("value", "raw"),
    operation=fixed("read", "write"),
    payload_bytes=Sweep((64,), (64,), (64, 4_096)),
)
def string(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Read or write a shared string: an Array of characters.

    Timed: one access to `.value` or `.raw` of an `Array('c', n)`.

    Reads as: the price of a shared status line. `.value` ends at the first
    zero byte, `.raw` copies everything.
    """
    text = b"m" * case.integer("payload_bytes")
    shared: Any = context.Array("c", text)
    names = {"shared": shared, "text": text}

    def bind(case: Case) -> Body:
        place = f"shared.{case.text('attribute')}"
        statement = f"answer = {place}" if case.text("operation") == "read" else f"{place} = text"
        return unrolled_body(
            statement,
            names,
            lambda answer: answer in {None, text} and shared.raw == shared.value == text,
        )

    yield bind


@workload(
    "shared/wrap",
    floor="floor/empty-call",
    covers=("sharedctypes.copy", "sharedctypes.synchronized", "Synchronized.get_obj"),
    by_method=False,
    tier=Tier.FULL,
    revision=2,
    needs=_NEEDS,
    call=fixed("copy", "synchronized"),
)
def wrap(context: BaseContext, case: Case) -> Body:
    """
    Copy a shared number, or put a lock around one.

    Timed: `sharedctypes.copy(raw)`, which takes memory from the heap, or
    `sharedctypes.synchronized(raw, lock)` and `get_obj()`; and the end of what
    it makes.

    Reads as: what `Value` does beyond `RawValue`, and what a snapshot costs.
    """
    from multiprocessing import sharedctypes

    raw: Any = context.RawValue(_CODE, 7)
    names = {"call": getattr(sharedctypes, case.text("call")), "raw": raw, "lock": context.RLock()}
    statement = {"copy": "answer = call(raw)", "synchronized": "answer = call(raw, lock).get_obj()"}
    return unrolled_body(statement[case.text("call")], names, lambda answer: answer.value == 7)
