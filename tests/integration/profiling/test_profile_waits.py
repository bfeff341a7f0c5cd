"""A wait is counted once, under the name of what the program waited for."""

import sys

import pytest

from mpbench.profiling.profile import profile_program
from mpbench.profiling.run_program import RunOptions
from mpbench.profiling.summary import summary_of

PROGRAM = """
import multiprocessing, time
def late(event, barrier, condition):
    time.sleep(0.2)
    event.set()
    time.sleep(0.2)
    barrier.wait()
    time.sleep(0.2)
    with condition:
        condition.notify()
def slow(number):
    time.sleep(0.2)
    return number
if __name__ == "__main__":
    context = multiprocessing.get_context("METHOD")
    event, barrier, condition = context.Event(), context.Barrier(2), context.Condition()
    child = context.Process(target=late, args=(event, barrier, condition))
    child.start()
    event.wait()
    barrier.wait()
    with condition:
        condition.wait()
    child.join()
    with context.Pool(1) as pool:
        assert pool.apply_async(slow, (3,)).get() == 3
        pool.close()
        pool.join()
"""


@pytest.fixture(scope="module", params=["fork", "spawn"])
def objects(request, tmp_path_factory):
    """Profile the program; return its objects by class."""
    script = tmp_path_factory.mktemp("waits") / "program.py"
    script.write_text(PROGRAM.replace("METHOD", request.param))
    made = profile_program([sys.executable, str(script)], RunOptions(timeout_s=60))

    assert 0 == made.ran.exit_code
    return {one["what"]: one for one in summary_of(made, cpus=2)["objects"]}


@pytest.mark.parametrize("what", ["Event", "Barrier", "Condition"])
def test_what_was_waited_for_has_its_name(objects, what):
    """Not that of the locks that it is made of; what they wait for is its own wait."""
    one = objects[what]

    assert one["place"].startswith("program.py:")
    assert one["wait_ns"] < one["longest_ns"] * 1.5
    assert "Semaphore" not in objects


def test_a_result_is_waited_for_once(objects):
    """`get` waits by `wait`."""
    pool = objects["Pool"]

    # The result, join, and terminate at the end of the block.
    assert 3 == pool["calls"]
