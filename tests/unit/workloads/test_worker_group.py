"""The window arithmetic of workers that time themselves, on a page that is a plain list."""

from __future__ import annotations

import pytest

from mpbench.workload import jain_index
from mpbench.workload.window_counter import (
    IDLE_NS,
    KEEP,
    HeaderWord,
    WindowCounter,
    WorkerWord,
    block_length,
    subsample,
    worker_offset,
)
from mpbench.workload.worker_group import WorkerGroup, _waits_of

START, END = 10_000_000, 20_000_000


class Scene:
    """One or more turns on a list, with hands for the parent's part."""

    def __init__(self, workers: int = 1) -> None:
        length, waits = block_length(workers)
        self.page = [0] * length
        self.page[HeaderWord.WAITS] = waits
        self.cpu = 0
        self.turns = [
            WindowCounter(index, self.page, cpu_clock=self.read_cpu) for index in range(workers)
        ]
        self.done = [0] * workers

    def read_cpu(self) -> int:
        """Stand in for the process's CPU clock."""
        return self.cpu

    def announce(self, start: int = START, end: int = END) -> None:
        """Publish a window as the parent does."""
        self.page[HeaderWord.START], self.page[HeaderWord.END] = start, end
        self.page[HeaderWord.SEQUENCE] += 1

    def operate(self, *stamps: int, worker: int = 0, wait: int | None = None) -> None:
        """Complete one operation at each stamp, as a worker's loop does."""
        turn = self.turns[worker]
        for now in stamps:
            self.done[worker] += 1
            if wait is not None:
                turn.waits.append(wait)
            if now >= turn.next_check_ns:
                turn.advance(now, self.done[worker])

    def word(self, name: int, worker: int = 0) -> int:
        """Read one word of a worker's record."""
        return self.page[worker_offset(worker) + name]

    def kept(self, worker: int = 0) -> list[int]:
        """Read a worker's waiting times."""
        base = self.page[HeaderWord.WAITS] + worker * KEEP
        return self.page[base : base + self.word(WorkerWord.KEPT, worker)]


@pytest.fixture
def scene() -> Scene:
    """One worker that has looked once and then seen the announcement."""
    scene = Scene()
    scene.operate(1_000_000)
    scene.announce()
    scene.operate(2_000_000)
    return scene


def test_operations_that_end_inside_the_window_are_counted(scene):
    """Two end before the start, three inside, one after the end: three count."""
    scene.operate(8_000_000, 9_999_999, 12_000_000, 15_000_000, 19_000_000, 21_000_000)

    assert 3 == scene.word(WorkerWord.COUNT)
    assert 1 == scene.word(WorkerWord.DONE)


def test_the_start_belongs_to_the_window_and_the_end_does_not(scene):
    """The window is half open, so that neighbouring windows share no operation."""
    scene.operate(START - 1, START, END - 1, END)

    assert 2 == scene.word(WorkerWord.COUNT)


def test_nothing_is_reported_before_the_end_was_crossed(scene):
    """The parent waits until the first operation after the end."""
    scene.operate(START, END - 1)

    assert 0 == scene.word(WorkerWord.DONE)


def test_operations_between_two_looks_are_not_lost(scene):
    """From the first operation inside to the last, each one counts without a look of its own."""
    inside = range(START, END, 1_000)
    scene.operate(*range(3_000_000, START, 1_000), *inside, END + 1_000)

    assert len(inside) == scene.word(WorkerWord.COUNT)


def test_a_worker_that_completes_nothing_inside_reports_zero(scene):
    """An operation that spans the whole window is no completed one, but the worker is counted."""
    scene.operate(9_000_000, END + 5_000_000, wait=13_000_000)

    assert 0 == scene.word(WorkerWord.COUNT)
    assert 1 == scene.word(WorkerWord.DONE)
    assert 13_000_000 == scene.word(WorkerWord.LONGEST)
    assert [] == scene.kept()


def test_a_starved_worker_that_never_saw_the_announcement_reports_zero():
    """A worker that was blocked since before the announcement answers when it gets through."""
    scene = Scene()
    scene.operate(1_000_000, wait=5)
    scene.announce()
    scene.operate(END + 1, wait=19_000_000)

    assert 0 == scene.word(WorkerWord.COUNT)
    assert 1 == scene.word(WorkerWord.DONE)
    assert 19_000_000 == scene.word(WorkerWord.LONGEST)
    # It was at its work, waiting, through the whole window.
    assert (START, END) == (scene.word(WorkerWord.FIRST), scene.word(WorkerWord.LAST))


def test_a_worker_that_began_inside_the_window_says_since_when():
    """A late worker's load covers a part of the window, which lowers the overlap."""
    scene = Scene()
    scene.announce()
    scene.operate(START + 4_000_000, START + 5_000_000, END)

    assert 2 == scene.word(WorkerWord.COUNT)
    assert (START + 4_000_000, END) == (scene.word(WorkerWord.FIRST), scene.word(WorkerWord.LAST))


def test_a_worker_that_began_after_the_window_has_no_load_in_it():
    """Its first stamp is not before its last, and neither lies inside."""
    scene = Scene()
    scene.announce()
    scene.operate(END + 7)

    assert 0 == scene.word(WorkerWord.COUNT)
    assert (END + 7, END + 7) == (scene.word(WorkerWord.FIRST), scene.word(WorkerWord.LAST))


def test_waits_of_operations_outside_the_window_are_not_kept(scene):
    """Only the waits of counted operations stay; the one that reaches beyond may be the longest."""
    scene.operate(9_000_000, wait=900)
    scene.operate(11_000_000, wait=30)
    scene.operate(12_000_000, wait=10)
    scene.operate(13_000_000, wait=20)
    scene.operate(END, wait=500)

    assert [10, 20, 30] == scene.kept()
    assert 500 == scene.word(WorkerWord.LONGEST)


def test_waits_do_not_pass_from_one_window_to_the_next(scene):
    """A second window starts with no wait of the first, nor of the time between."""
    scene.operate(11_000_000, END, wait=700)
    scene.operate(END + 100_000, wait=800)
    scene.announce(END + 10_000_000, END + 20_000_000)
    scene.operate(END + 1_000_000, END + 9_000_000, wait=900)
    scene.operate(END + 11_000_000, END + 12_000_000, END + 20_000_000, wait=5)

    assert 2 == scene.word(WorkerWord.COUNT)
    assert [5, 5] == scene.kept()
    assert 5 == scene.word(WorkerWord.LONGEST)
    assert 2 == scene.word(WorkerWord.DONE)


def test_a_window_can_follow_at_the_next_look(scene):
    """The operation that leaves a window may see the next announcement at once."""
    scene.operate(11_000_000)
    scene.announce(END + 5_000_000, END + 6_000_000)
    scene.operate(END)

    assert 1 == scene.word(WorkerWord.DONE)
    assert END + 5_000_000 == scene.turns[0].next_check_ns


def test_many_waits_are_thinned_to_their_percentiles(scene):
    """What is kept has the median and the extremes of the whole, in order."""
    for place in range(3 * KEEP):
        scene.operate(START + place, wait=(place * 7) % (3 * KEEP))
    scene.operate(END, wait=0)

    kept = scene.kept()
    assert KEEP == len(kept)
    assert sorted(kept) == kept
    assert abs(kept[KEEP // 2] - 1.5 * KEEP) <= 3
    assert kept[0] <= 3
    assert kept[-1] >= 3 * KEEP - 4


def test_the_processor_time_runs_from_the_last_look_before_the_window(scene):
    """CPU time and its span have the same ends, so that their ratio is a rate."""
    scene.cpu = 4_000_000
    scene.operate(START, END)

    assert 4_000_000 == scene.word(WorkerWord.CPU)
    assert END - 2_000_000 == scene.word(WorkerWord.SPAN)


def test_without_a_window_the_page_is_looked_at_seldom():
    """Between two looks lies the idle time, however many operations end in it."""
    scene = Scene()
    scene.operate(1_000_000)

    assert 1_000_000 + IDLE_NS == scene.turns[0].next_check_ns

    scene.announce(3_000_000, 4_000_000)
    scene.operate(1_000_000 + IDLE_NS - 1)

    assert 1_000_000 + IDLE_NS == scene.turns[0].next_check_ns


def test_the_first_operation_inside_counts_when_the_announcement_was_in_time():
    """An announcement one idle time before the start is seen by the operation that must see it."""
    scene = Scene()
    scene.operate(1_000_000)
    start = 1_000_000 + IDLE_NS
    scene.announce(start, start + 1_000)
    scene.operate(start - 1, start, start + 999, start + 1_000)

    assert 2 == scene.word(WorkerWord.COUNT)


def test_a_stopped_worker_ends_at_its_next_look(scene):
    """Stop is seen outside windows only, so that an open window is always reported."""
    scene.operate(START)
    scene.page[HeaderWord.STOP] = 1
    scene.operate(START + 1)

    assert scene.turns[0].running

    scene.operate(END)

    assert not scene.turns[0].running
    assert 1 == scene.word(WorkerWord.DONE)


def test_a_worker_is_idle_only_between_windows(scene):
    """An announced window and an open one are both work to do."""
    assert not scene.turns[0].is_idle

    scene.operate(START)

    assert not scene.turns[0].is_idle

    scene.operate(END)

    assert scene.turns[0].is_idle


def test_a_rested_worker_loads_anew(scene):
    """After a rest the load begins with the first operation, not before."""
    scene.operate(START, END)
    scene.announce(END + 10, END + 20)
    scene.turns[0].wait_for_window()
    scene.operate(END + 15, END + 21)

    assert 1 == scene.word(WorkerWord.COUNT)
    assert END + 15 == scene.word(WorkerWord.FIRST)


def test_workers_do_not_touch_each_others_records():
    """Two workers with different counts report each their own."""
    scene = Scene(2)
    scene.operate(1_000_000, worker=0)
    scene.operate(1_000_000, worker=1)
    scene.announce()
    scene.operate(2_000_000, worker=0)
    scene.operate(2_000_000, worker=1)
    scene.operate(START, START + 1, END, worker=0, wait=3)
    scene.operate(START, END, worker=1, wait=4)

    assert (2, 1) == (scene.word(WorkerWord.COUNT, 0), scene.word(WorkerWord.COUNT, 1))
    assert ([3, 3], [4]) == (scene.kept(0), scene.kept(1))


def _page_with(counts: list[int], waits: list[list[int]]) -> list[int]:
    length, base = block_length(len(counts))
    page = [0] * length
    page[HeaderWord.WAITS] = base
    for index, (count, kept) in enumerate(zip(counts, waits, strict=True)):
        at = worker_offset(index)
        page[at + WorkerWord.COUNT], page[at + WorkerWord.KEPT] = count, len(kept)
        page[base + index * KEEP : base + index * KEEP + len(kept)] = kept
    return page


def test_waits_of_a_starved_worker_weigh_as_its_operations_do():
    """A greedy worker with 99 of 100 operations gives 99 of 100 waits."""
    page = _page_with([99_000, 1_000], [[1] * KEEP, [1_000_000] * 1_000])

    waits = _waits_of(page, (0, 1))

    assert len(waits) <= 2_000
    assert 0.01 == pytest.approx(waits.count(1_000_000) / len(waits), abs=0.001)


def test_few_waits_are_all_returned():
    """Below the limit nothing is thinned."""
    page = _page_with([3, 2], [[1, 2, 3], [4, 5]])

    assert (1, 2, 3, 4, 5) == _waits_of(page, (0, 1))


def test_the_outcome_of_a_window_adds_up():
    """Counts, fairness, CPU use and waits come from the records of the counted workers."""
    page = _page_with([300, 100], [[5], [9]])
    for index, (used, longest) in enumerate(((8_000, 7), (4_000, 11))):
        at = worker_offset(index)
        page[at + WorkerWord.CPU], page[at + WorkerWord.SPAN] = used, 8_000
        page[at + WorkerWord.LONGEST] = longest
        page[at + WorkerWord.FIRST], page[at + WorkerWord.LAST] = START, END
    workers = WorkerGroup(page, (None, None))

    outcome = workers._collect(10_000, (0, 1))

    assert (400, 10_000) == (outcome.operations, outcome.elapsed_ns)
    assert 0.8 == pytest.approx(outcome.facts["jain"])
    assert 0.5 == pytest.approx(outcome.facts["smallest_share"])
    assert 0.75 == pytest.approx(outcome.facts["cpu_share"])
    assert 1.5 * 10_000 / 400 == pytest.approx(outcome.facts["cpu_per_operation"])
    assert 11 == outcome.facts["longest_wait"]
    assert (5, 9) == outcome.latencies_ns


def test_a_subset_of_the_workers_can_be_counted():
    """Operations of consumers count alone; all workers' CPU time is charged to them."""
    page = _page_with([300, 100], [[], []])
    workers = WorkerGroup(page, (None, None))

    outcome = workers._collect(10_000, (1,))

    assert 100 == outcome.operations
    assert 1 == len(outcome.workers)
    assert "longest_wait" not in outcome.facts


@pytest.mark.parametrize(
    ("counts", "index"), [([5, 5, 5], 1.0), ([9, 0, 0], 1 / 3), ([4, 2], 36 / 40), ([0, 0], 0.0)]
)
def test_jains_index(counts, index):
    """Equal parts give 1, one taker of n gives 1/n, nothing at all gives 0."""
    assert index == pytest.approx(jain_index(counts))


@pytest.mark.parametrize(
    ("count", "chosen"), [(1, [5]), (2, [2, 7]), (5, [1, 3, 5, 7, 9]), (20, list(range(10)))]
)
def test_an_even_choice_takes_the_middle_of_equal_parts(count, chosen):
    """Fewer values than wanted are all returned."""
    assert chosen == subsample(list(range(10)), count)
