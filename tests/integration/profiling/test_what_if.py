"""Predictions for real programs: what was recorded of their pools, and that it can be replayed."""

from pathlib import Path

import pytest

from mpbench.analysis.whatif.from_profile import program_of
from mpbench.analysis.whatif.model import AwaitItems, Submit
from mpbench.analysis.whatif.replay import replay
from mpbench.api import profile
from mpbench.profiling.profile import Profile

POOL = """
import multiprocessing as mp

def work(number):
    return sum(range(number))

if __name__ == "__main__":
    with mp.get_context("METHOD").Pool(2) as pool:
        pool.map(work, range(1000, 1040), chunksize=5)
        list(pool.imap(work, range(7)))
        pool.apply(work, (3,))
"""
EXECUTOR = """
import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor

def work(number):
    return sum(range(number))

if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=mp.get_context("METHOD")) as executor:
        list(executor.map(work, range(12), chunksize=4))
        executor.submit(work, 3).result()
"""


def recorded(folder: Path, text: str, method: str) -> Profile:
    """Profile a program and return what was recorded."""
    script = folder / "program.py"
    script.write_text(text.replace("METHOD", method))
    found = profile(script)
    assert found.exit_code == 0
    return found.record


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_jobs_of_a_pool_are_what_the_program_gave_it(tmp_path: Path, method: str) -> None:
    """Calls, chunk sizes and waits of map, imap and apply; each call has its own duration."""
    made = program_of(recorded(tmp_path, POOL, method), None, 2)
    jobs = list(made.program.jobs.values())
    ops = made.program.scripts["main"].ops

    assert made.problem == ""
    assert [(40, 5, True), (7, 1, True), (1, 1, False)] == [
        (len(job.items), job.chunk_size, job.has_chunk_size) for job in jobs
    ]
    assert ["program.py:9", "program.py:10", "program.py:11"] == [job.place for job in jobs]
    assert len({item.cpu_s for item in jobs[0].items}) > 8
    assert [1, 2, 3] == [op.job for op in ops if isinstance(op, Submit)]
    assert AwaitItems(1, None) in ops
    assert AwaitItems(2, 7) in ops
    (pool,) = made.program.pools.values()
    assert (pool.workers, pool.method, pool.place) == (2, method, "program.py:8")
    assert replay(made.program).seconds is not None


def test_jobs_of_an_executor_are_what_the_program_gave_it(tmp_path: Path) -> None:
    """A map's chunks are one job, and a single task is another."""
    made = program_of(recorded(tmp_path, EXECUTOR, "fork"), None, 2)

    assert made.problem == ""
    assert [(12, 4, True), (1, 1, False)] == [
        (len(job.items), job.chunk_size, job.has_chunk_size) for job in made.program.jobs.values()
    ]
    assert replay(made.program).seconds is not None
