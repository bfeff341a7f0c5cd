"""Programs of known truth: the largest loss has the right cause, and no remedy contradicts it."""

import sys

import pytest

from mpbench.profiling.profile import profile_program
from mpbench.profiling.run_program import RunOptions
from mpbench.profiling.summary import summary_of

HEAD = """
import functools, multiprocessing, os, signal, time
fork = multiprocessing.get_context("fork")
"""

# What each does, the rule that must explain its largest loss, and a word of the sentence.
# What takes time beside a busy machine's other work may be something else: one of the tries.
_TRIES = 3
PROGRAMS = {
    "one task is long": (
        """
def work(seconds): time.sleep(seconds)
with fork.Pool(3) as pool: pool.map(work, [0.02] * 8 + [0.7], chunksize=1)
""",
        "long-task",
        "work(0.7), number 8",
    ),
    "one task at a time": (
        """
def work(number): time.sleep(0.04)
with fork.Pool(4) as pool:
    for number in range(12): pool.apply(work, (number,))
""",
        "one-at-a-time",
        "of 4 workers 1.0 had one",
    ),
    "the same argument": (
        """
def work(big, number): return len(big)
with fork.Pool(2) as pool:
    pool.map(functools.partial(work, bytes(20_000_000)), range(12), chunksize=1)
""",
        "same-argument",
        "19.1 MiB",
    ),
    "a slow holder": (
        """
def hold(lock, seconds):
    for _ in range(4):
        with lock: time.sleep(seconds)
        time.sleep(0.01)
lock = fork.Lock()
parts = [fork.Process(target=hold, args=(lock, 0.2), name="slow")]
parts += [fork.Process(target=hold, args=(lock, 0.001)) for _ in range(2)]
for part in parts: part.start()
for part in parts: part.join()
""",
        "lock-holder",
        "slow held it for",
    ),
    "pool after pool": (
        """
def work(number): return number
for _ in range(8):
    with fork.Pool(3) as pool: pool.map(work, range(3))
""",
        "many-pools",
        "8 pools one after the other",
    ),
    "too little work": (
        """
def work(number): return number
with fork.Pool(2) as pool: pool.map(work, range(20)); time.sleep(0.0)
""",
        "too-small",
        "own code in all",
    ),
    "a slow producer": (
        """
def work(number): return number
with fork.Pool(2) as pool:
    results = []
    for number in range(12):
        time.sleep(0.05)
        results.append(pool.apply_async(work, (number,)))
    for result in results: result.get()
""",
        None,
        "the main process was in its own code",
    ),
    "tasks of one length": (
        """
def work(number): time.sleep(0.1)
with fork.Pool(2) as pool: pool.map(work, range(10), chunksize=1)
""",
        None,
        "sleeping",
    ),
}


def profiled(tmp_path, text, **options):
    """Return the record of a program."""
    script = tmp_path / "program.py"
    script.write_text(HEAD + text)
    made = profile_program([sys.executable, str(script)], RunOptions(interval_s=0.02, **options))
    return summary_of(made, cpus=2)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_largest_loss_has_its_cause(tmp_path, name):
    """And a program without that evidence is told something else."""
    text, rule, words = PROGRAMS[name]
    for _ in range(_TRIES):
        record = profiled(tmp_path, text)
        loss = record["losses"][0]
        if rule == loss["rule"]:
            break

    assert rule == loss["rule"], record["losses"]
    assert words in loss["text"]
    assert [] == record["warnings"] or "busy" in record["warnings"][0]


@pytest.mark.usefixtures("nothing_left")
def test_a_lost_task_is_named_and_why_main_waits(tmp_path):
    """A Pool gives the task of a killed worker to no other one."""
    text = """
def work(number):
    if number == 2: os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
with fork.Pool(2) as pool: pool.map(work, range(6), chunksize=1)
"""
    record = profiled(tmp_path, text, timeout_s=2.0)

    assert "lost-task" == record["losses"][0]["rule"]
    assert "with a task in hand, which is lost" in record["warnings"][0]


@pytest.mark.usefixtures("nothing_left")
def test_the_longest_calls_of_a_chunk_are_known(tmp_path):
    """With the place in the whole map, though several calls came in one message."""
    text = """
def work(seconds): time.sleep(seconds)
with fork.Pool(2) as pool: pool.map(work, [0.002] * 13 + [0.3] + [0.002] * 6, chunksize=5)
"""
    longest = profiled(tmp_path, text)["tasks"]["longest"][0]

    assert ("work", "0.3", 13) == (longest["function"], longest["arguments"], longest["number"])
    assert longest["duration_ns"] >= 300_000_000
