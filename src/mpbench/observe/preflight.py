"""Which cases this machine cannot run, known before they are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mpbench.model import Case
    from mpbench.workload import Workload

__all__ = ("refusals",)


def refusals(
    machine: Mapping[str, Any], interpreter: Mapping[str, Any]
) -> Callable[[Workload, Case], str | None]:
    """Return a function that says why a case cannot run here, or None."""
    del machine, interpreter

    def refuse(one: Workload, case: Case) -> str | None:
        return one.unsupported(case)

    return refuse
