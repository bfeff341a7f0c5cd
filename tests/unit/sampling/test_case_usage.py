"""What of a sampler's view goes into a record."""

from mpbench.sampling.case_usage import MOST_LOOKS, MOST_TRACKS, TimeWindow, case_usage
from mpbench.sampling.sampler import SampledProcess, SamplerResult, UsagePoint

ROOT = 10


def process(pid, parent, *points, started=None):
    """Build a process from (moment, CPU time)."""
    key = (pid, pid if started is None else started)
    return SampledProcess(
        key, parent, "python", tuple(UsagePoint(at, cpu, 1) for at, cpu in points)
    )


def seen(*processes):
    """Build what a sampler saw."""
    return SamplerResult(500, 77, processes, ticks=9, late_ticks=2, own_cpu_ns=3, elapsed_ns=300)


def cut(view, begin=100, end=200, *, workers=2, origin=100):
    """Return what belongs to a case."""
    return case_usage(view, TimeWindow(begin, end), root=ROOT, workers=workers, origin_ns=origin)


TREE = seen(
    process(11, ROOT, (90, 5), (100, 6), (150, 8), (200, 9), (250, 10)),
    # A tracker that idles, a fork server, its workers, and a stranger of an earlier case.
    process(12, 11, (90, 1), (100, 1), (150, 1), (200, 1)),
    process(13, 11, (100, 4), (150, 4), (200, 4)),
    process(15, 13, (150, 30), (200, 70)),
    process(14, 13, (100, 10), (150, 50), (200, 90)),
    process(16, 11, (40, 1), (90, 99)),
)


def test_looks_and_processes_of_the_case_are_kept():
    """Parent first, then workers in the order in which they started, then the others."""
    found = cut(TREE)

    assert (0, 50, 100) == found.at_ns
    assert [
        ("parent", (6, 8, 9)),
        ("worker", (10, 50, 90)),
        ("worker", (None, 30, 70)),
        ("other", (1, 1, 1)),
        ("other", (4, 4, 4)),
    ] == [tuple(one) for one in found.tracks]


def test_the_price_is_that_of_the_whole_agent():
    """Own CPU time, looks and late looks, whatever the case."""
    found = cut(TREE, 300, 400)

    assert (9, 2, 3, 300) == (
        found.looks,
        found.late_looks,
        found.own_cpu_ns,
        found.watched_ns,
    )
    assert ((), ()) == (found.at_ns, found.tracks)


def test_a_case_without_workers_has_no_tracks():
    """The price alone is worth keeping."""
    assert () == cut(TREE, workers=None).tracks


def test_one_look_says_nothing_about_time():
    """A share of a CPU needs two."""
    assert () == cut(TREE, 140, 160).tracks


def test_the_agent_is_never_a_worker():
    """Not even when it used the most and its only child was adopted by the supervisor."""
    busy = process(11, ROOT, (100, 0), (200, 99))
    found = cut(seen(busy, process(12, ROOT, (100, 0), (200, 5))), workers=1)

    assert [("parent", 99), ("worker", 5)] == [(one.role, one.cpu_ns[-1]) for one in found.tracks]


def test_a_long_case_is_thinned_and_keeps_its_ends():
    """The record stays small."""
    points = [(at, at) for at in range(1_000)]
    found = cut(seen(process(11, ROOT, *points), process(12, 11, *points)), 0, 999, origin=0)

    assert len(found.at_ns) <= MOST_LOOKS
    assert (0, 999) == (found.at_ns[0], found.at_ns[-1])
    assert all(len(one.cpu_ns) == len(found.at_ns) for one in found.tracks)


def test_too_many_processes_are_counted():
    """The parent is never among those that are left out."""
    many = [process(pid, 11, (100, 1), (200, pid)) for pid in range(20, 120)]
    found = cut(seen(process(11, ROOT, (100, 1), (200, 2)), *many), workers=100)

    assert (MOST_TRACKS, 37) == (len(found.tracks), found.left_out)
    assert "parent" == found.tracks[0].role
