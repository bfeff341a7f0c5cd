"""Locks are looked at after the clock has stopped, so the look must see what went wrong."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest

from mpbench.catalog import discover
from mpbench.errors import VerificationError
from mpbench.model import Case
from mpbench.workload import BodyResult
from mpbench.workloads.floor.semaphores import is_free

CONTEXT = multiprocessing.get_context("fork")
KINDS = ("Lock", "RLock", "Semaphore", "BoundedSemaphore")
PAIRED = [
    *[("lock/forms", {"form": form}) for form in ("with", "not-blocking", "timeout")],
    *[("lock/recursion", {"depth": depth}) for depth in (1, 3)],
    *[("lock/refused", {"form": form}) for form in ("not-blocking", "zero-timeout")],
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_free_lock_stays_free(kind: str) -> None:
    """Looking changes nothing, so it can be done twice."""
    lock = getattr(CONTEXT, kind)()

    assert [True, True] == [is_free(lock), is_free(lock)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_held_lock_is_not_free(kind: str) -> None:
    """Nor does a look give back what somebody holds."""
    lock = getattr(CONTEXT, kind)()
    lock.acquire()

    assert [False, False] == [is_free(lock), is_free(lock)]
    lock.release()
    assert is_free(lock)


def test_a_permit_too_many_is_seen() -> None:
    """A semaphore that was released after a refusal has two."""
    semaphore = CONTEXT.Semaphore()
    semaphore.release()

    assert [False, False] == [is_free(semaphore), is_free(semaphore)]


@pytest.mark.parametrize(("name", "params"), PAIRED)
def test_each_form_counts_what_it_was_asked_for(name: str, params: dict[str, Any]) -> None:
    """An iteration is one pair, one refusal, or as many pairs as there are levels."""
    case = Case.make(name, None, {"kind": "Lock", **params})
    with discover()[name].set_up(CONTEXT, case) as bind:
        body: Any = bind(case)  # type: ignore[call-arg, arg-type]

        wanted = 5 * params.get("depth", 1)
        found = body(5)()
        counted = (found.operations, found.asked) if isinstance(found, BodyResult) else (found, 5)

        assert (wanted, wanted) == counted


def test_a_lock_that_lets_in_twice_is_found() -> None:
    """The last answer tells that a held lock was given away."""
    case = Case.make("lock/refused", None, {"kind": "Semaphore", "form": "not-blocking"})
    generous = multiprocessing.get_context("spawn")
    generous.Semaphore = lambda: CONTEXT.Semaphore(5)  # type: ignore[method-assign, assignment]
    try:
        with discover()["lock/refused"].set_up(generous, case) as bind:
            body: Any = bind(case)  # type: ignore[call-arg, arg-type]

            with pytest.raises(VerificationError):
                body(2)()
    finally:
        del generous.Semaphore
