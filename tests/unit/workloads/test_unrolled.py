"""Unrolled loops execute a statement exactly as often as asked, and are verified afterwards."""

from __future__ import annotations

import pytest

from mpbench.agent.sample import verified_sample
from mpbench.errors import VerificationError
from mpbench.workload.unrolled import COPIES, creation_body, number_body, unrolled, unrolled_body

COUNTS = (0, 1, COPIES - 1, COPIES, COPIES + 1, 3 * COPIES + 7)


@pytest.mark.parametrize("count", COUNTS)
def test_the_statement_runs_as_often_as_asked(count: int) -> None:
    """Whole passes and the rest add up."""
    seen: list[int] = []

    unrolled("note(7)", {"note": seen.append})(count)

    assert [7] * count == seen


def test_the_last_answer_is_returned() -> None:
    """And none where nothing is assigned."""
    numbers = iter(range(1_000))

    assert 99 == unrolled("answer = next(numbers)", {"numbers": numbers})(100)
    assert unrolled("pass", {})(100) is None


def test_a_statement_of_several_lines_is_kept_together() -> None:
    """An exception is handled where it is raised."""
    caught: list[int] = []
    statement = "try: [][0]\nexcept IndexError: note(1)"

    unrolled(statement, {"note": caught.append})(COPIES + 1)

    assert COPIES + 1 == len(caught)


def test_nothing_is_verified_while_time_runs() -> None:
    """The body returns a verifier, which counts."""
    asked: list[object] = []
    body = unrolled_body("answer = 3", {}, lambda answer: not asked.append(answer), operations=2)

    done = body(5)

    assert [] == asked
    assert 10 == verified_sample(done, 5, 1).operations
    assert [3] == asked


def test_a_wrong_answer_is_found() -> None:
    """The error names the statement and the answer."""
    body = unrolled_body("answer = 3", {}, lambda answer: answer == 4)

    with pytest.raises(VerificationError, match=r"answer = 3.*last answer 3"):
        verified_sample(body(5), 5, 1)


@pytest.mark.parametrize(
    ("operation", "statement"),
    [("read", "answer = shared[0]"), ("write", "shared[0] = 7"), ("increment", "shared[0] += 1")],
)
def test_numbers_are_verified_by_their_value(operation: str, statement: str) -> None:
    """Each operation leaves its number, and a statement that does nothing is found."""
    assert 70 == verified_sample(number_body([0], operation, statement)(70), 70, 1).operations

    if operation != "read":
        with pytest.raises(VerificationError):
            verified_sample(number_body([0], operation, "pass")(70), 70, 1)


def test_a_constructor_without_an_object_is_found() -> None:
    """What is made must be there."""
    assert 5 == verified_sample(creation_body(object)(5), 5, 1).operations
    with pytest.raises(VerificationError):
        verified_sample(creation_body(lambda: None)(5), 5, 1)
