"""Random faults one after the other, and what became of each; for tests only."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mpbench.model import CaseRecord, Metric, Repetition, StartMethod, Status, Timing

__all__ = ("Injected", "drawn", "judge", "planned", "table")


class Injected(NamedTuple):
    """One fault that was injected: how its case ended, and what remained."""

    fault: str
    method: StartMethod
    status: Status
    is_clear: bool
    remains: tuple[str, ...]


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
    repetitions: tuple[Repetition, Repetition],
    expected: tuple[Status, str],
    remains: Callable[[tuple[Repetition, Repetition]], list[str]],
) -> Injected:
    """Say whether a fault ended as it must: its status, its reason, the next case measured."""
    bad, good = repetitions
    is_clear = (
        expected[0] is bad.status and expected[1] in (bad.reason or "") and good.status is Status.OK
    )
    return Injected(*pair, bad.status, is_clear, tuple(remains(repetitions)))


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


def table(done: list[Injected]) -> str:
    """Return one row for each fault: how often, under which methods, and what went wrong."""
    rows = ["| fault | injected | fork | spawn | forkserver | ended as | unclear | remains |"]
    rows.append("|---|---|---|---|---|---|---|---|")
    for fault in sorted({one.fault for one in done}):
        mine = [one for one in done if one.fault == fault]
        methods = Counter(one.method for one in mine)
        words = ", ".join(sorted({one.status.value for one in mine}))
        counts = " | ".join(str(methods[method]) for method in StartMethod)
        unclear = sum(not one.is_clear for one in mine)
        remains = sum(len(one.remains) for one in mine)
        rows.append(f"| {fault} | {len(mine)} | {counts} | {words} | {unclear} | {remains} |")
    return "\n".join(rows)
