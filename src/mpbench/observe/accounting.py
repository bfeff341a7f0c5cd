"""What the process tree of one agent used, from what its supervisor reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.model import Account

if TYPE_CHECKING:
    from mpbench.harness.launch import Ending

__all__ = ("account_of",)


def account_of(ending: Ending) -> Account | None:
    """
    Return the account of an agent's whole life, or None when its supervisor was lost.

    The supervisor is a subreaper on Linux: it waits for every process of the
    tree, so that the kernel's own sums are complete for fork, spawn and
    forkserver alike. Elsewhere a process whose parent died unwaited is missing.
    """
    report = ending.report
    if not report:
        return None
    adopted = bool(report["subreaper"])
    return Account(
        wall_ns=report["wall_ns"],
        cpu_user_ns=report["cpu_user_ns"],
        cpu_system_ns=report["cpu_system_ns"],
        voluntary_switches=report["voluntary_switches"],
        involuntary_switches=report["involuntary_switches"],
        peak_rss_bytes=ending.snapshot.get("peak_rss_bytes"),
        run_delay_ns=ending.snapshot.get("run_delay_ns"),
        processes=report["reaped"],
        cpu_source="subreaper" if adopted else "rusage",
        cpu_coverage=1.0 if adopted else None,
    )
