"""`mpbench profile` on programs that nobody here wrote for it."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from mpbench.profiling.chrome_trace import trace_of
from mpbench.profiling.html_page import page_of
from mpbench.profiling.processes import Role
from mpbench.profiling.profile import profile_program
from mpbench.profiling.run_program import RunOptions
from mpbench.profiling.summary import summary_of
from mpbench.profiling.tasks import tasks_of

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "profiling"))

from trace_rules import problems_of

# After the examples of the documentation of multiprocessing: workers that take
# functions with their arguments from one queue and answer through another.
QUEUES = """
import random, time
from multiprocessing import Process, Queue, current_process, freeze_support
def worker(input, output):
    for func, args in iter(input.get, 'STOP'):
        output.put(calculate(func, args))
def calculate(func, args):
    return '%s says that %s%s = %s' % (current_process().name, func.__name__, args, func(*args))
def mul(a, b):
    time.sleep(0.002 * random.random())
    return a * b
def plus(a, b):
    time.sleep(0.002 * random.random())
    return a + b
def test():
    first = [(mul, (i, 7)) for i in range(20)]
    second = [(plus, (i, 8)) for i in range(10)]
    task_queue, done_queue = Queue(), Queue()
    for task in first:
        task_queue.put(task)
    for i in range(4):
        Process(target=worker, args=(task_queue, done_queue)).start()
    for task in first:
        print(done_queue.get())
    for task in second:
        task_queue.put(task)
    for task in second:
        print(done_queue.get())
    for i in range(4):
        task_queue.put('STOP')
if __name__ == '__main__':
    freeze_support()
    test()
"""

JOBLIB = """
from joblib import Parallel, delayed
def square(x):
    return x * x
if __name__ == "__main__":
    assert sum(Parallel(n_jobs=2)(delayed(square)(x) for x in range(20))) == 2470
"""

LOKY = """
from loky import get_reusable_executor
def square(x):
    return x * x
if __name__ == "__main__":
    executor = get_reusable_executor(max_workers=2)
    assert sum(executor.map(square, range(20))) == 2470
    executor.shutdown(wait=True)
"""

BROKEN = """
import os, signal
from concurrent.futures import ProcessPoolExecutor
def work(n):
    if n == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    return n
if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print(sum(pool.map(work, range(6))))
"""


def profiled(folder, text, *arguments):
    """Profile a script and check what every profile must be."""
    script = folder / "program.py"
    script.write_text(text)
    return complete([sys.executable, *(arguments or (str(script),))])


def complete(command):
    """Profile a command; return the profile, its record and its page."""
    made = profile_program(command, RunOptions(interval_s=0.02, timeout_s=120))
    record = summary_of(made, cpus=2)
    page = page_of(made, record)

    assert [] == problems_of(trace_of(made))
    assert [] == [text for one in made.traced for text in one.unknown]
    assert all(one.run_queue_ns <= max(one.lifetime_ns, 0) for one in made.members if one.traced)
    assert all(f">{one.number}. {one.name}<" in page for one in made.members)
    return made, record, page


def needs(*packages):
    """Skip a test whose program needs a package that is not installed."""
    missing = [one for one in packages if importlib.util.find_spec(one) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.mark.usefixtures("nothing_left")
def test_the_worker_queue_of_the_documentation(tmp_path, capfd):
    """Thirty tasks by four workers, each message followed from put to get."""
    made, record, page = profiled(tmp_path, QUEUES)

    assert 0 == made.ran.exit_code
    assert 30 == capfd.readouterr().out.count("says that")
    assert 4 == sum(one.role is Role.WORKER for one in made.members)
    assert 30 == tasks_of(made.members).calls
    assert 64 == record["messages"]["count"]
    assert "4 workers kept" in page


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(("name", "text"), [("joblib", JOBLIB), ("loky", LOKY)])
def test_libraries_with_workers_of_their_own_start_method(tmp_path, name, text):
    """Their workers are workers, their trackers are helpers."""
    needs(name)
    made, _, page = profiled(tmp_path, text)
    workers = [one for one in made.members if one.role is Role.WORKER]

    assert 0 == made.ran.exit_code
    assert 2 == len(workers)
    assert all("loky" in one.detail for one in workers)
    assert tasks_of(made.members).calls >= 1
    assert "resource tracker" in page


@pytest.mark.usefixtures("nothing_left")
def test_an_executor_whose_worker_crashes(tmp_path, capfd):
    """The signal stands before what the executor did about it, and no advice follows from it."""
    made, record, page = profiled(tmp_path, BROKEN)
    ends = [one for one in record["warnings"] if "was ended by" in one]

    assert 1 == made.ran.exit_code
    assert "BrokenProcessPool" in capfd.readouterr().err
    assert "was ended by SIGSEGV" in ends[0]
    assert "The program failed with exit code 1." in page
    assert "a part of that as well" not in page


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_left")
def test_a_pytest_xdist_run(tmp_path):
    """Its workers are no workers of multiprocessing; they are shown and counted."""
    needs("xdist")
    (tmp_path / "test_it.py").write_text(
        "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_n(n):\n    assert n < 6\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    words = ["-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", str(tmp_path)]
    made, record, page = complete([sys.executable, *words])

    assert 0 == made.ran.exit_code
    assert None is record["workers"]
    assert "pytest" == made.members[0].name
    # Under load others are seen as well: what a plugin asks the system, for example.
    assert 2 == sum(one.name == "python -c" for one in made.members)
    assert "processes ran beside it" in page


def test_how_a_process_is_called():
    """A script by its name, a package by its own, a text by how it was given."""
    hook = Path(__file__).parents[3] / "src/mpbench/profiling/hook"
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import program; sys.argv = sys.argv[1:]"
    )
    code += "; print(program.program_name())"
    said = [
        subprocess.run(
            [sys.executable, "-S", "-c", code, str(hook), *words],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for words in (["/a/b.py"], ["/site/pytest/__main__.py"], ["-c"], ["-m"], [""], [])
    ]

    assert ["b.py", "pytest", "python -c", "python -m", "", ""] == said
