"""Generator of unrolled timed loops, for operations below about one microsecond."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Callable

from mpbench.errors import VerificationError
from mpbench.workload.contract import Body, BodyResult, Verifier

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("COPIES", "creation_body", "unrolled", "unrolled_body")

# Copies of the statement in one pass of the loop. A pass costs about 11 ns, so
# 64 copies leave 0.2 ns of the loop in each operation.
COPIES = 64
# With `try`: the interpreter searches a function's exception table from its start.
_COPIES_OF_TRY = 8

_TEMPLATE = """\
def run(iterations, answer=None, {names}):
    for _ in repeat(None, iterations // {copies}):
{block}
    for _ in repeat(None, iterations % {copies}):
{single}
    return answer
"""


def unrolled(statement: str, names: Mapping[str, Any]) -> Callable[[int], Any]:
    """
    Return a function that executes a statement so many times and nothing else.

    The names are its local variables. What the statement assigns to `answer`
    is returned, to be checked after the clock was read.

    Args:
        statement: Python source, of one or more lines.
        names: The objects that it uses.
    """
    copies = _COPIES_OF_TRY if "try:" in statement else COPIES
    lines = "\n".join(f"        {line}" for line in statement.splitlines())
    source = _TEMPLATE.format(
        names=", ".join(f"{name}={name}" for name in names),
        copies=copies,
        block="\n".join([lines] * copies),
        single=lines,
    )
    space: dict[str, Any] = {**names, "repeat": repeat}
    exec(compile(source, f"<unrolled {statement!r}>", "exec"), space)  # noqa: S102 - source of our own
    run: Callable[[int], Any] = space["run"]
    return run


def unrolled_body(
    statement: str,
    names: Mapping[str, Any],
    is_right: Callable[[Any], object],
    *,
    before: Callable[[], object] | None = None,
    operations: int = 1,
) -> Body:
    """
    Return a body that times a statement, unrolled, and verifies it after the clock.

    Args:
        statement: See `unrolled`.
        names: See `unrolled`.
        is_right: Called with the last `answer` (None where nothing is assigned);
            tells whether the statement did what it should.
        before: Called before the statements, inside the sample; must be cheap.
        operations: How many operations one statement holds.
    """
    run = unrolled(statement, names)

    def body(iterations: int, /) -> Verifier:
        if before is not None:
            before()
        answer = run(iterations)

        def check() -> BodyResult:
            if not is_right(answer):
                raise VerificationError(
                    iterations, 0, f"times {statement!r} did what it should; last answer {answer!r}"
                )
            return BodyResult(operations * iterations, operations * iterations)

        return check

    return body


def creation_body(make: Callable[[], object]) -> Body:
    """Return the body that makes an object and drops it; the first one is not timed."""
    make()
    return unrolled_body("answer = make() is None", {"make": make}, lambda answer: not answer)


def number_body(shared: Any, operation: str, statement: str, **names: Any) -> Body:
    """
    Return the body that reads, writes or increments one number.

    Args:
        shared: What holds the number, as an attribute `value` or as element 0.
        operation: `read`, `write` (of 7) or `increment` (by 1).
        statement: What is timed; it uses the name `shared`.
        names: Further names of the statement.
    """

    def get() -> Any:
        return shared.value if hasattr(shared, "value") else shared[0]

    def put(value: int) -> None:
        if hasattr(shared, "value"):
            shared.value = value
        else:
            shared[0] = value

    run = unrolled(statement, {"shared": shared, **names})
    start = 7 if operation == "read" else 0

    def body(iterations: int, /) -> Verifier:
        put(start)
        answer = run(iterations)

        def check() -> int:
            if operation == "increment":
                return int(get())
            return iterations if get() == 7 and answer in {None, 7} else 0  # noqa: PLR2004 - written above

        return check

    return body
