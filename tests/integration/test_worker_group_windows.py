"""Workers that time themselves, as real processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.workload import WORKER_METRICS, worker_group
from mpbench.workload.window_counter import HeaderWord, WorkerWord, worker_offset

pytestmark = pytest.mark.usefixtures("nothing_left")

METHODS = multiprocessing.get_all_start_methods()


def count(turn, lock, total):
    """Add one under a lock until told to stop."""
    done = 0
    while turn.running:
        asked = monotonic_ns()
        with lock:
            got = monotonic_ns()
            total.value += 1
        now = monotonic_ns()
        done += 1
        turn.waits.append(got - asked)
        if now >= turn.next_check_ns:
            turn.advance(now, done)
            if turn.is_idle:
                turn.wait_for_window()


def die_in_the_window(turn, code):
    """Work until a window was announced, then end the process."""
    done = 0
    while True:
        done += 1
        turn.advance(monotonic_ns(), done)
        if not turn.is_idle:
            os._exit(code)


def starve(turn):
    """Complete an operation only while the others have stepped back."""
    done = 0
    while turn.running:
        while not turn._page[HeaderWord.EASE] and not turn._page[HeaderWord.STOP]:
            pass
        done += 1
        turn.advance(monotonic_ns(), done)


def plod(turn, period_ns):
    """Complete one operation in each period of the clock."""
    done = 0
    while turn.running:
        due = (monotonic_ns() // period_ns + 1) * period_ns
        now = monotonic_ns()
        while now < due:
            now = monotonic_ns()
        done += 1
        turn.advance(now, done)


@pytest.mark.parametrize("method", METHODS)
def test_every_operation_of_every_window_is_counted(method):
    """What the workers report is not more than what they did, and all facts are there."""
    context = multiprocessing.get_context(method)
    total = context.RawValue("q", 0)
    with worker_group(context, [(count, (context.Lock(), total))] * 2) as workers:
        first, second = workers.window(20), workers.window(20)

    assert 0 < first.operations + second.operations <= total.value
    assert set(WORKER_METRICS) == set(first.facts)
    assert 2 == len(first.workers)
    assert 20_000_000 == first.elapsed_ns
    assert 0 < len(first.latencies_ns) <= 2_000
    assert [] == multiprocessing.active_children()


@pytest.mark.parametrize("code", [0, 3])
def test_a_worker_that_dies_in_a_window_is_an_error(code):
    """Even a good exit code is wrong while there is work."""
    context = multiprocessing.get_context(METHODS[0])
    total = context.RawValue("q", 0)
    members = [(count, (context.Lock(), total)), (die_in_the_window, (code,))]

    died = pytest.raises(WorkloadError, match=f"worker 1 of 2 ended with exit code {code}")
    with died, worker_group(context, members) as workers:
        workers.window(20)

    assert [] == multiprocessing.active_children()


def test_others_step_back_for_a_worker_that_starves():
    """After the window the load ends at last, and the starved worker is counted with 0."""
    context = multiprocessing.get_context(METHODS[0])
    total = context.RawValue("q", 0)
    with worker_group(context, [(count, (context.Lock(), total)), (starve, ())]) as workers:
        outcome = workers.window(20)

    assert 0 == outcome.workers[1].operations
    assert 0.5 == pytest.approx(outcome.facts["jain"])
    assert 0 == outcome.facts["smallest_share"]


def test_the_load_is_on_before_the_first_window():
    """The block begins when every worker has completed an operation, or stands ready to."""
    context = multiprocessing.get_context(METHODS[0])
    total = context.RawValue("q", 0)
    members = [(plod, (10_000_000,)), (count, (context.Lock(), total))]
    with worker_group(context, members) as workers:
        begun = [workers._page[worker_offset(index) + WorkerWord.BEGUN] for index in range(2)]

    assert [1, 1] == begun


def test_a_window_in_which_nothing_was_completed_is_stretched():
    """An operation that is longer than the window is measured in a longer one."""
    context = multiprocessing.get_context(METHODS[0])
    with worker_group(context, [(plod, (50_000_000,))]) as workers:
        outcome = workers.window(1)

    assert outcome.operations >= 1
    assert outcome.elapsed_ns in {1_000_000 * 4**power for power in range(8)}


_ORPHANS = """
import multiprocessing, os, signal, sys
sys.path.insert(0, sys.argv[1])
import test_worker_group_windows as tests
from mpbench.workload import crew
context = multiprocessing.get_context("fork")
with crew(context, [(tests.plod, (1_000_000,))] * 2):
    print("at work", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif("fork" not in METHODS, reason="needs children that inherit standard output")
def test_workers_end_when_their_parent_was_killed():
    """Nobody else holds the pipe of standard output, so its end shows that all are gone."""
    done = subprocess.run(
        [sys.executable, "-c", _ORPHANS, str(Path(__file__).parent)],
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert b"at work\n" == done.stdout
    assert -signal.SIGKILL == done.returncode
