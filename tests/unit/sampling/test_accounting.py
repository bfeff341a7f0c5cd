"""An account says where its CPU figures come from and how much they cover."""

import pytest

from mpbench.harness.launch import AgentExit
from mpbench.sampling.accounting import cpu_warning, resource_usage
from mpbench.sampling.sampler import SamplerResult

REPORT = {
    "wall_ns": 1_000,
    "cpu_user_ns": 600,
    "cpu_system_ns": 300,
    "voluntary_switches": 5,
    "involuntary_switches": 2,
    "reaped": 3,
    "subreaper": True,
}


def seen(cpu_ns, processes=()):
    """Build what a sampler saw."""
    return SamplerResult(cpu_ns, 77, processes, 4, 0, 1, 1_000)


def ending(snapshot=(), **changes):
    """Build a supervisor's last message."""
    return AgentExit("exited", 0, {**REPORT, **changes}, dict(snapshot))


@pytest.mark.parametrize(
    ("subreaper", "sampled", "source", "coverage"),
    [
        (True, None, "subreaper", None),
        (True, 850, "subreaper", 1.0),
        (True, 1_800, "subreaper", 0.5),
        (False, None, "rusage", None),
        (False, 1_000, "rusage", 0.9),
    ],
)
def test_coverage_is_what_the_kernel_summed_against_what_was_seen(
    subreaper, sampled, source, coverage
):
    """A sampler that saw more than the kernel's sums shows that something is missing."""
    account = resource_usage(
        ending(subreaper=subreaper), None if sampled is None else seen(sampled)
    )

    assert (source, coverage) == (account.cpu_source, account.cpu_coverage)


def test_low_coverage_is_flagged():
    """Below 90 % the figures are doubted in words."""
    assert None is cpu_warning(resource_usage(ending(), seen(1_000)))
    assert "50%" in cpu_warning(resource_usage(ending(), seen(1_800)))


def test_a_lost_supervisor_leaves_what_the_sampler_saw():
    """Without either there is no account."""
    lost = AgentExit("lost", None, {}, {})

    assert None is resource_usage(lost)
    assert "sampled" == resource_usage(lost, seen(50)).cpu_source
    assert "sampler" in cpu_warning(resource_usage(lost, seen(50)))


def test_the_larger_memory_counts():
    """The snapshot may have come before the peak."""
    assert 90 == resource_usage(ending({"peak_rss_bytes": 90}), seen(1)).peak_rss_bytes
    assert 77 == resource_usage(ending({"peak_rss_bytes": 20}), seen(1)).peak_rss_bytes
    assert None is resource_usage(ending()).peak_rss_bytes


def test_processes_are_counted_by_who_saw_nearly_all_of_them():
    """Of 600 forks the supervisor waited for one, and a sampler met a few: nobody knows."""
    assert None is resource_usage(ending(reaped=1)).processes
    assert None is resource_usage(ending(reaped=1), seen(200, ("parent", "one of 600"))).processes
    assert 2 == resource_usage(ending(reaped=1), seen(890, ("parent", "child"))).processes
