"""The project's own benchmarks through its pytest plugin; they run with --benchmark-enable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from mpbench.integrations.pytest_plugin import MpBenchmark


def start_and_join(context: BaseContext) -> None:
    """Start one process that does nothing, as a user's function would."""
    child = context.Process(target=int)  # type: ignore[attr-defined]
    child.start()
    child.join()


def test_a_function(mp_benchmark: MpBenchmark) -> None:
    """A function is called in fresh agents, and every agent gave samples."""
    measured = mp_benchmark(start_and_join)

    assert all(one.samples for one in measured)


@pytest.mark.parametrize("name", ["process/start-to-join", "pipe/round-trip", "queue/round-trip"])
def test_a_workload(mp_benchmark: MpBenchmark, name: str) -> None:
    """A workload of the catalogue is measured and verified."""
    measured = mp_benchmark.workload(name)

    assert all(one.is_ok for one in measured)
