"""Resource usage of an agent's process tree, from its supervisor and its sampler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.model import ResourceUsage

if TYPE_CHECKING:
    from mpbench.harness.launch import AgentExit
    from mpbench.sampling.sampler import SamplerResult

__all__ = ("ENOUGH_COVERAGE", "cpu_warning", "resource_usage")

# Below this share a CPU figure is flagged: it misses more than noise would.
ENOUGH_COVERAGE = 0.9


def resource_usage(ending: AgentExit, seen: SamplerResult | None = None) -> ResourceUsage | None:
    """
    Return the account of an agent's whole life, or None when nothing is known.

    The supervisor is a subreaper on Linux: it waits for every process that its
    own parent left, so that the kernel's sums are complete for fork, spawn and
    forkserver alike. The kernel forgets a process whose parent ignores
    SIGCHLD, and elsewhere one whose parent died unwaited. Only a sampler can
    have seen that: without one the coverage is not known. With one it is the
    kernel's sum as a share of what the sampler saw, at most 1.

    Args:
        ending: The supervisor's last message.
        seen: What a sampler saw of the same tree, if there was one.
    """
    report = ending.report
    if not report:
        return None if seen is None else _sampled(seen)
    adopted = bool(report["subreaper"])
    counted = report["cpu_user_ns"] + report["cpu_system_ns"]
    coverage = None
    if seen is not None and seen.cpu_ns > 0:
        coverage = min(1.0, counted / seen.cpu_ns)
    return ResourceUsage(
        wall_ns=report["wall_ns"],
        cpu_user_ns=report["cpu_user_ns"],
        cpu_system_ns=report["cpu_system_ns"],
        voluntary_switches=report["voluntary_switches"],
        involuntary_switches=report["involuntary_switches"],
        peak_rss_bytes=_peak(ending, seen),
        run_delay_ns=ending.snapshot.get("run_delay_ns"),
        processes=_processes(counted, seen),
        cpu_source="subreaper" if adopted else "rusage",
        cpu_coverage=coverage,
    )


def _processes(counted_ns: int, seen: SamplerResult | None) -> int | None:
    """
    Return how many processes the tree had, as a sampler saw them; None where too many were missed.

    The supervisor waits for its own children and for orphans only, and so does
    not know. A sampler misses those that live between two looks: what it saw
    must have used nearly all of the CPU time that was counted.
    """
    if seen is None or seen.cpu_ns < ENOUGH_COVERAGE * counted_ns:
        return None
    return len(seen.processes)


def _peak(ending: AgentExit, seen: SamplerResult | None) -> int | None:
    """
    Return the largest memory of the tree that anybody saw.

    The snapshot sums each process's own peak, an upper bound for the processes
    that lived then; the sampler sees the tree at one moment, at all moments.
    """
    peaks = [ending.snapshot.get("peak_rss_bytes"), None if seen is None else seen.peak_rss_bytes]
    return max((peak for peak in peaks if peak), default=None)


def _sampled(seen: SamplerResult) -> ResourceUsage:
    """Return an account of what the sampler alone saw: the supervisor was lost."""
    return ResourceUsage(
        wall_ns=seen.elapsed_ns,
        # A sampler reads the sum, and does not know how it divides.
        cpu_user_ns=seen.cpu_ns,
        cpu_system_ns=None,
        voluntary_switches=None,
        involuntary_switches=None,
        peak_rss_bytes=seen.peak_rss_bytes or None,
        run_delay_ns=None,
        # Nobody counted the CPU time that would show how many it missed.
        processes=None,
        cpu_source="sampled",
        cpu_coverage=None,
    )


def cpu_warning(account: ResourceUsage) -> str | None:
    """Return why the CPU figures of an account should not be trusted, or None."""
    if account.cpu_source == "sampled":
        return "the supervisor was lost; the CPU time is what a sampler happened to see"
    if account.cpu_coverage is not None and account.cpu_coverage < ENOUGH_COVERAGE:
        return (
            f"the accounted CPU time covers {account.cpu_coverage:.0%} of what was seen in the "
            "process tree; some parent does not wait for its children"
        )
    return None
