"""Random faults one after the other, and what became of each; for tests only."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mpbench.harness.repetitions import GroupResult
from mpbench.model import CaseRecord, Metric, Repetition, StartMethod, Status, Timing

__all__ = ("Injected", "drawn", "judge", "planned", "table")


class Injected(NamedTuple):
    """
    One fault that was injected: how its case ended, and what remained.

    `agents` are the serials of the repetitions that were acknowledged.
    """

    fault: str
    method: StartMethod
    status: Status
    is_clear: bool
    remains: tuple[str, ...]
    agents: tuple[int, ...]


def drawn(faults: list[str], count: int, seed: int) -> Iterator[tuple[str, StartMethod]]:
    """Yield faults and start methods: every pair in a random order, again and again."""
    order = random.Random(seed)
    pairs = [(fault, method) for fault in faults for method in StartMethod]
    left: list[tuple[str, StartMethod]] = []
    for _ in range(count):
        if not left:
            left = order.sample(pairs, len(pairs))
        yield left.pop()


def judge(
    pair: tuple[str, StartMethod],
    results: tuple[GroupResult, ...],
    expected: tuple[Status, str],
    remains: Callable[[tuple[Repetition, ...]], list[str]],
) -> Injected:
    """Say whether a fault ended as it must: its status, its reason, the next case measured."""
    found = tuple(one for result in results for one in result.repetitions)
    said = [one.reason or "" for one in found] + [text for one in results for text in one.leaks]
    is_clear = [expected[0], Status.OK] == [one.status for one in found]
    is_clear &= any(expected[1] in text for text in said)
    serials = tuple(one.agent for one in found)
    return Injected(*pair, found[0].status, is_clear, tuple(remains(found)), serials)


def planned(repetitions: list[Repetition]) -> list[CaseRecord]:
    """Return the record of each case, as a run writes it before it measures."""
    cases = dict.fromkeys(one.case for one in repetitions)
    return [
        CaseRecord(
            *("here", case, Metric.TIME, {}, Timing.LOOP, None, "a test", 1, "a test", Status.OK),
            None,
        )
        for case in cases
    ]


def table(done: list[Injected], stored: set[tuple[int, int]]) -> str:
    """
    Return one row for each fault: how often, under which methods, and what went wrong.

    Args:
        done: In the order of injection.
        stored: Position in *done* and agent of each repetition that the file has.
    """
    rows = ["| fault | fork | spawn | forkserver | ended as | unclear | leaked | lost |"]
    rows.append("|---|---|---|---|---|---|---|---|")
    for fault in [*sorted({one.fault for one in done}), "all"]:
        mine = [(at, one) for at, one in enumerate(done) if fault in {one.fault, "all"}]
        methods = Counter(one.method for _, one in mine)
        words = ", ".join(sorted({one.status.value for _, one in mine})) if fault != "all" else ""
        counts = " | ".join(str(methods[method]) for method in StartMethod)
        unclear = sum(not one.is_clear for _, one in mine)
        leaked = sum(len(one.remains) for _, one in mine)
        lost = sum((at, agent) not in stored for at, one in mine for agent in one.agents)
        rows.append(f"| {fault} | {counts} | {words} | {unclear} | {leaked} | {lost} |")
    return "\n".join(rows)
