"""A user's statement as a workload; `mpbench compare --arm code=STATEMENT --setup TEXT`."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Generator, Iterator
from itertools import repeat
from multiprocessing.context import BaseContext
from typing import Any

from mpbench.errors import UnsupportedError, WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, NoFloor, fixed, workload

__all__ = ("user_statement",)

# One function holds both texts, so that what the set-up assigns is a local variable
# of the statement, as fast as in a function of the user's, and may be assigned again.
_TEMPLATE = """
def _run(_repeat):
    {setup}
    _count = yield
    while True:
        for _ in _repeat(None, _count):
            {code}
        _count = yield _count
"""


def _indented(text: str, columns: int) -> str:
    return text.replace("\n", "\n" + columns * " ")


def _runner(case: Case) -> Generator[int, int, None]:
    code, setup = case.text("code"), case.text("setup")
    source = _TEMPLATE.format(setup=_indented(setup or "pass", 4), code=_indented(code, 12))
    space: dict[str, Any] = {"__name__": "__mpbench_code__"}
    try:
        # Alone first: half a statement could be completed by what stands around it.
        compile(code, "<code>", "exec")
        compile(setup, "<setup>", "exec")
        exec(compile(source, "<code>", "exec"), space)  # noqa: S102 - it is the user's own
    except SyntaxError as error:
        raise UnsupportedError(
            f"{case.text('code')!r} with set-up {setup!r} is no Python for version "
            f"{sys.version.split()[0]}: {error.msg}"
        ) from error
    made: Generator[int, int, None] = space["_run"](repeat)
    return made


@workload(
    "code/statement",
    metric=Metric.TIME,
    floor=NoFloor("what the statement does is the user's"),
    tier=Tier.FULL,
    code=fixed("pass"),
    setup=fixed(""),
)
def user_statement(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Run a statement of the user's.

    Timed: the statement, in a loop inside a function. Not timed: the set-up, which is
    run once in each agent, after the start method was set.

    Reads as: what the statement costs with this start method in this interpreter.
    """
    # In an agent of its own nobody else's start method is changed (DESIGN 10).
    multiprocessing.set_start_method(context.get_start_method(), force=True)
    running = _runner(case)

    def body(iterations: int, /) -> int:
        return running.send(iterations)

    try:
        next(running)
        running.send(1)
    except Exception as error:
        raise WorkloadError(
            f"code={case.text('code')} raised {type(error).__name__}: {error}"
        ) from error
    yield body
    running.close()
