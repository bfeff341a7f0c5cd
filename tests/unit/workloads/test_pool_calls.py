"""How the jobs of pools are made, checked and judged."""

from __future__ import annotations

import pytest

from mpbench.errors import VerificationError, WorkloadError
from mpbench.workload import BodyResult
from mpbench.workloads.cross.channels import is_right
from mpbench.workloads.pool.calls import chunks_of, repeating
from mpbench.workloads.pool.lifecycle import end, lifecycle_body, unanswered
from mpbench.workloads.pool.scaling import durations, uneven_result
from mpbench.workloads.pool.tasks import make_payload


class StuckPool:
    """A pool with a call that will never be answered."""

    def __init__(self) -> None:
        self._cache = {1: "pending"}
        self.calls: list[str] = []

    def __getattr__(self, name: str):
        return lambda: self.calls.append(name)


def test_all_results_of_all_rounds_are_counted() -> None:
    """A body counts every task of every iteration."""
    check = repeating(lambda: [0, 1, 2], [0, 1, 2], "map")(4)

    assert callable(check)
    assert BodyResult(operations=12, asked=12) == check()


@pytest.mark.parametrize("results", [[0, 1], [0, 1, 2, 3], [0, 1, 5], [2, 1, 0]])
def test_other_results_than_expected_are_refused(results: list[int]) -> None:
    """Missing, additional, wrong and reordered results are no measurement."""
    check = repeating(lambda: results, [0, 1, 2], "map")(1)

    assert callable(check)
    with pytest.raises(VerificationError, match="map"):
        check()


def test_an_unordered_call_may_answer_in_any_order() -> None:
    """The order of arrival does not matter where the call promises none."""
    check = repeating(lambda: [2, 0, 1], [0, 1, 2], "imap_unordered", in_order=False)(1)

    assert callable(check)
    assert BodyResult(operations=3, asked=3) == check()


def test_chunks_hold_every_item_once() -> None:
    """Cutting into chunks keeps the order and loses nothing."""
    assert [[0, 1, 2], [3, 4, 5], [6]] == chunks_of(range(7), 3)


def test_a_life_reports_means_for_each_operation() -> None:
    """Facts and time are those of one operation, however many lives there were."""
    done = lifecycle_body(lambda: (600, {"part": 300}), operations=3)(2)

    assert BodyResult(operations=6, asked=6, elapsed_ns=1_200, facts={"part": 100.0}) == done


def test_a_stuck_pool_is_terminated_and_not_waited_for() -> None:
    """A pool with an unanswered call is never closed and joined, which could hang."""
    pool = StuckPool()

    with pytest.raises(WorkloadError, match="1 without result"):
        end(pool)
    assert ["terminate", "join"] == pool.calls


def test_a_call_that_is_about_to_be_forgotten_is_no_fault() -> None:
    """A pool deletes a call from its table after it has published the result."""

    class Forgetful:
        looks = 3

        def __len__(self) -> int:
            self.looks -= 1
            return int(self.looks > 0)

    pool = StuckPool()
    pool._cache = Forgetful()

    assert 0 == unanswered(pool)


@pytest.mark.parametrize("distribution", ["even", "bimodal", "heavy-tail"])
def test_uneven_tasks_hold_the_same_work(distribution: str) -> None:
    """Each distribution has the same sum, so that only the unevenness differs."""
    lengths = durations(distribution, 80)

    assert 80 == len(lengths)
    assert pytest.approx(80.0) == sum(lengths)
    assert durations(distribution, 80) == lengths


def test_the_idle_tail_is_what_other_workers_still_work() -> None:
    """A worker that ended at half time was idle for a quarter of all workers' time."""
    results = [(0, 11, 0, 50), (1, 22, 0, 60), (2, 22, 60, 100)]
    done = uneven_result(results, (0, 100), ideal_ns=75.0, workers=2)

    assert {"efficiency": 0.75, "tail_idle": 0.25} == done.facts
    assert [1, 2] == [reading.operations for reading in done.workers]


def test_a_worker_without_a_task_was_idle_all_the_time() -> None:
    """A worker that got nothing counts in the idle share."""
    done = uneven_result([(0, 11, 0, 100)], (0, 100), ideal_ns=50.0, workers=2)

    assert {"efficiency": 0.5, "tail_idle": 0.5} == done.facts


@pytest.mark.parametrize("size", [0, 1, 8, 9, 4_096])
def test_a_payload_is_known_by_its_size_and_number(size: int) -> None:
    """A payload is right for its own number and size only."""
    payload = make_payload(size, 3)

    assert is_right(3, payload, size)
    assert not is_right(3, payload, size + 1)
    assert not is_right(4, payload, size) or size == 0
