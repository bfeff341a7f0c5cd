"""What a user's function is called with, and which calls are no measurement."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import AsyncIterator, Callable, Iterator
from multiprocessing.context import BaseContext
from typing import Any

import pytest

from mpbench.agent import user_function
from mpbench.errors import UnsupportedError

CONTEXT = multiprocessing.get_context("spawn")


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function as decorators do."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def closed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function in one that takes nothing."""

    @functools.wraps(function)
    def wrapper() -> Any:
        return function(CONTEXT)

    return wrapper


def asks(context: BaseContext) -> None:
    """Ask for the context."""
    del context


def asks_for_nothing() -> None:
    """Ask for nothing."""


@pytest.mark.parametrize(
    ("function", "is_given"),
    [
        (asks, True),
        (wrapped(asks), True),
        (wrapped(wrapped(asks)), True),
        (functools.lru_cache(asks), True),
        (closed(asks), False),
        (asks_for_nothing, False),
        (wrapped(asks_for_nothing), False),
        (print, False),
    ],
)
def test_the_context_is_given_to_who_asks(function: Callable[..., Any], is_given: bool) -> None:
    """A wrapper that passes keywords on asks for what the wrapped function asks for."""
    expected = {"context": CONTEXT} if is_given else {}

    assert ((), expected) == user_function._arguments(user_function.Call(function), CONTEXT)


async def coroutine() -> None:
    """Do nothing, later."""


def generator() -> Iterator[None]:
    """Do nothing, bit by bit."""
    yield


async def both() -> AsyncIterator[None]:
    """Do nothing, bit by bit and later."""
    yield


@pytest.mark.parametrize("function", [coroutine, generator, both])
def test_promised_work_is_refused(function: Callable[..., Any]) -> None:
    """What a call returns instead of doing its work is named."""
    with pytest.raises(UnsupportedError, match=r"m:f returned a .* none of its work"):
        user_function._refuse_unfinished("m:f", function())


def test_done_work_is_fine() -> None:
    """A list is no promise."""
    user_function._refuse_unfinished("m:f", [1])


class Job:
    """Methods and functions of a class."""

    def bound(self, context: BaseContext, number: int) -> None:
        """Ask for the context first."""

    @classmethod
    def of_class(cls, number: int, context: BaseContext) -> None:
        """Ask for the context last."""

    @staticmethod
    def static(context: BaseContext) -> None:
        """Ask for the context alone."""


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (Job().bound, ((CONTEXT, 3), {})),
        (Job.of_class, ((3,), {"context": CONTEXT})),
        (functools.partial(Job.of_class, context=None), ((3,), {})),
        (functools.partial(Job.bound, Job()), ((CONTEXT, 3), {})),
    ],
)
def test_the_context_stands_in_its_place(
    function: Callable[..., Any], expected: tuple[tuple[Any, ...], dict[str, Any]]
) -> None:
    """Arguments keep their order around the context, in methods and partials too."""
    assert expected == user_function._arguments(user_function.Call(function, (3,)), CONTEXT)


def test_the_set_up_makes_the_arguments() -> None:
    """What the set-up returns replaces the arguments, and the context is added to it."""
    call = user_function.Call(Job.static, setup=lambda: ((), {}))

    assert ((), {"context": CONTEXT}) == user_function._arguments(call, CONTEXT)
