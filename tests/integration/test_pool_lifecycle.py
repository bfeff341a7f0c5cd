"""A workload that lives through many pools holds on to none of them."""

from __future__ import annotations

import gc
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from mpbench.catalog import discover
from mpbench.errors import WorkloadError
from mpbench.model import Case, StartMethod
from mpbench.workloads.pool import shutdown

SHUTDOWN = discover()["pool/shutdown"]
FORK = multiprocessing.get_context("fork")


def shutting(way: str) -> Any:
    """Return the set-up and the case that ends a busy pool in a way."""
    case = Case.make("pool/shutdown", StartMethod.FORK, {"way": way, "load": "busy"})
    return SHUTDOWN.set_up(FORK, case), case


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
@pytest.mark.usefixtures("nothing_left")
def test_a_terminated_pool_leaves_no_descriptors() -> None:
    """Without the collector, as in a sample, the number of open files stays."""
    entered, case = shutting("terminate")
    with entered as bind:
        body = bind(case)
        gc.disable()
        try:
            body(1)
            before = len(os.listdir("/proc/self/fd"))
            body(3)

            assert before == len(os.listdir("/proc/self/fd"))
        finally:
            gc.enable()


@pytest.mark.usefixtures("nothing_left")
def test_a_closed_pool_must_have_finished_its_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another list of results than the tasks' fails the case."""
    monkeypatch.setattr(shutdown, "doze", one_more)
    entered, case = shutting("close-join")
    with entered as bind, pytest.raises(WorkloadError, match="tasks before the end"):
        bind(case)(1)


def one_more(task: tuple[int, int]) -> int:
    """Return something else than the number of a task."""
    return task[1] + 1
