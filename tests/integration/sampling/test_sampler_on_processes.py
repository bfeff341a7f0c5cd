"""The readers see real processes, and agree about them."""

import multiprocessing
import os
import sys

import pytest

from mpbench.sampling.procfs import ProcReader
from mpbench.sampling.psutil_reader import PsutilReader, reader_for
from mpbench.sampling.sampler import Sampler


@pytest.fixture
def children():
    """Three processes that wait until the test is over."""
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    started = [context.Process(target=reader.poll, args=(None,)) for _ in range(3)]
    for one in started:
        one.start()
    yield started
    writer.send(None)
    for one in started:
        one.join(10)
    reader.close()
    writer.close()


@pytest.mark.parametrize("make", [reader_for, PsutilReader, ProcReader])
def test_the_root_and_its_children_are_seen(children, make):
    """Parents come before their children."""
    reader = make(os.getpid())
    found = reader.read(discover=True)
    again = reader.read(discover=False)
    reader.close()

    assert os.getpid() == found[0].key[0]
    assert {one.pid for one in children} <= {one.key[0] for one in found}
    assert {one.key for one in again} <= {one.key for one in found}
    assert all(one.rss_bytes > 0 and one.threads > 0 for one in found)


@pytest.mark.skipif(sys.platform != "linux", reason="compares with /proc")
def test_both_readers_agree(children):
    """The reference for what is read from /proc directly is psutil."""
    ours, theirs = ProcReader(os.getpid()), PsutilReader(os.getpid())
    left = {one.key[0]: one for one in ours.read(discover=True)}
    right = {one.key[0]: one for one in theirs.read(discover=True)}
    ours.close()

    for pid in (one.pid for one in children):
        assert left[pid].parent == right[pid].parent
        assert left[pid].name == right[pid].name
        # The child may still touch pages between the two looks.
        assert abs(left[pid].rss_bytes - right[pid].rss_bytes) < 4 << 20
        # The boot time that psutil adds is known to the second only.
        assert abs(left[pid].key[1] - right[pid].key[1]) < 2_000_000_000


def test_a_process_that_is_gone_is_not_seen():
    """A reader of a dead process answers nothing."""
    context = multiprocessing.get_context("fork")
    child = context.Process(target=int)
    child.start()
    child.join(10)

    for make in (PsutilReader, ProcReader):
        reader = make(child.pid)
        assert [] == reader.read(discover=True)
        reader.close()


def test_a_sampler_starts_and_stops(children):
    """It looks at least when it starts and when it stops, also after a pause."""
    with Sampler(os.getpid(), interval_s=0.01) as sampler:
        sampler.pause()
        sampler.resume()
    seen = sampler.seen()

    assert seen.ticks >= 2
    assert {one.pid for one in children} <= {one.key[0] for one in seen.processes}
    assert 0 < seen.own_cpu_ns < seen.elapsed_ns
