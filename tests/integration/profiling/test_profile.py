"""`mpbench profile` follows real programs to whatever end they come."""

import json
import multiprocessing
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from mpbench.errors import EnvironmentUnfitError
from mpbench.profiling.chrome_trace import trace_of
from mpbench.profiling.hook import kinds
from mpbench.profiling.processes import Role
from mpbench.profiling.profile import profile_program
from mpbench.profiling.run_program import RunOptions
from mpbench.profiling.summary import summary_of
from mpbench.profiling.tasks import tasks_of

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "profiling"))

from trace_rules import problems_of

METHODS = multiprocessing.get_all_start_methods()

POOL = """
import multiprocessing, sys
def square(x):
    return x * x
if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        assert sum(pool.map(square, range(40), chunksize=4)) == 20540
        assert pool.apply(square, (9,)) == 81
"""

EVERYTHING = """
import multiprocessing, sys
from multiprocessing import shared_memory
def work(queue, answers, lock, event, barrier, condition, items, number, pipe):
    event.wait()
    for item in iter(queue.get, None):
        with lock:
            number.value += item
        items.append(item)
        answers.put(item)
    barrier.wait()
    with condition:
        condition.notify_all()
    pipe.send(b"done" * 1000)
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    manager = context.Manager()
    items = manager.list()
    queue, answers = context.Queue(), context.SimpleQueue()
    lock, event, barrier = context.Lock(), context.Event(), context.Barrier(3)
    condition, number = context.Condition(), context.Value("i", 0)
    here, there = context.Pipe()
    arguments = (queue, answers, lock, event, barrier, condition, items, number, there)
    children = [context.Process(target=work, args=arguments) for _ in range(2)]
    for child in children:
        child.start()
    event.set()
    for item in range(10):
        queue.put(item)
    assert sum(answers.get() for _ in range(10)) == 45
    for child in children:
        queue.put(None)
    barrier.wait()
    assert here.recv() == here.recv() == b"done" * 1000
    for child in children:
        child.join()
    assert number.value == 45 and sorted(items) == list(range(10))
    segment = shared_memory.SharedMemory(create=True, size=4096)
    segment.close()
    segment.unlink()
    manager.shutdown()
"""

EXECUTOR = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor, as_completed
def square(x):
    return x * x
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        assert sum(executor.map(square, range(20), chunksize=5)) == 2470
        futures = [executor.submit(square, x) for x in range(4)]
        assert sum(one.result() for one in as_completed(futures)) == 14
"""

CRASH = """
import multiprocessing, os, signal
def die():
    os.kill(os.getpid(), signal.SIGSEGV)
if __name__ == "__main__":
    child = multiprocessing.get_context("fork").Process(target=die)
    child.start()
    child.join()
    raise SystemExit(7)
"""

DEADLOCK = """
import multiprocessing
def grab(first, second, met):
    with first:
        met.wait()
        with second:
            pass
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    one, two, met = context.Lock(), context.Lock(), context.Barrier(2)
    pairs = ((one, two), (two, one))
    children = [context.Process(target=grab, args=(*pair, met)) for pair in pairs]
    for child in children:
        child.start()
    for child in children:
        child.join()
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Return a function that profiles a script, and check that nothing of it is left."""
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(private))

    def run(text, *arguments, python=sys.executable, records=1 << 18, **options):
        script = tmp_path / "program.py"
        script.write_text(text)
        made = profile_program(
            [python, str(script), *arguments],
            RunOptions(interval_s=0.02, **options),
            records=records,
        )
        for one in made.members:
            with pytest.raises(ProcessLookupError):
                os.kill(one.pid, 0)

        assert [] == list(private.iterdir())
        return made

    return run


def named(made):
    """Return the record's objects by what they are and where they were made."""
    return {(one["what"], one["place"]): one for one in summary_of(made, cpus=2)["objects"]}


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("method", METHODS)
def test_a_pool_is_followed_under_every_start_method(program, method):
    """Every worker and every task is seen, and the trace follows its rules."""
    made = program(POOL, method)
    workers = [one for one in made.members if one.role is Role.WORKER]

    assert 0 == made.ran.exit_code
    assert 2 == len(workers)
    assert {method} == {one.detail.partition(",")[0] for one in workers}
    assert 40 <= tasks_of(made.members).calls <= 41
    assert [] == [text for one in made.traced for text in one.unknown]
    assert [] == problems_of(trace_of(made))
    assert ("Pool results", "program.py:6") in named(made)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("method", METHODS)
def test_every_public_class_still_works_and_is_recorded(program, method):
    """The program's own assertions hold; each object is known by where it was made."""
    made = program(EVERYTHING, method)
    found = {what for what, _ in named(made)}
    record = summary_of(made, cpus=2)

    assert 0 == made.ran.exit_code
    assert {"Queue", "SimpleQueue", "Lock", "SyncManager", "SharedMemory", "Pipe"} <= found
    assert {"ListProxy.append", "list.append"} & found
    assert any(one.role is Role.MANAGER for one in made.members)
    assert record["messages"]["count"] >= 20
    assert [] == problems_of(trace_of(made))


@pytest.mark.parametrize("method", METHODS)
def test_an_executor_is_followed(program, method):
    """Chunks of map and single calls are counted together."""
    made = program(EXECUTOR, method)

    assert 0 == made.ran.exit_code
    assert 24 == tasks_of(made.members).calls
    assert ("ProcessPoolExecutor results", "program.py:8") in named(made)


def test_a_program_that_fails_has_a_profile(program):
    """Its exit code and its child's signal are known."""
    made = program(CRASH)

    assert 7 == made.ran.exit_code
    assert [7, -signal.SIGSEGV] == [one.exit_code for one in made.members]


@pytest.mark.usefixtures("nothing_left")
def test_a_program_that_hangs_is_ended_and_shows_in_what(program):
    """Both processes of a deadlock were waiting for the lock that the other one had."""
    made = program(DEADLOCK, timeout_s=1.5)
    record = summary_of(made, cpus=2)
    waits = [one["unfinished"] for one in record["processes"]]

    assert "deadline" == made.ran.cause
    locks = [f"wait for lock of Lock program.py:10, {number} of 2" for number in (1, 2)]
    assert locks == sorted(wait for unfinished in waits[1:] for wait in unfinished)
    assert "join" in waits[0][0]
    assert "Lock made at program.py:10" in record["losses"][0]["text"]


def test_a_program_without_multiprocessing_runs_as_it_is(program, tmp_path, monkeypatch):
    """The user's own sitecustomize runs, the path shows nothing of ours, nothing is imported."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "sitecustomize.py").write_text("import builtins\nbuiltins.mine = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(mine))
    made = program(
        "import sys\n"
        "assert mine == 1\n"
        "assert sys.modules['sitecustomize'].__file__.endswith('mine/sitecustomize.py')\n"
        "assert not [one for one in sys.path if 'mpb-profile' in one]\n"
        "assert not {'multiprocessing', 'threading', 'typing', 'json', 'mmap'} & set(sys.modules)\n"
    )

    assert 0 == made.ran.exit_code
    assert () == made.traced


def test_few_events_are_enough_for_the_sums(program):
    """What is dropped from a small file is counted."""
    made = program(
        POOL.replace("range(40), chunksize=4", "range(40), chunksize=1"), "fork", records=256
    )

    assert 0 == made.ran.exit_code
    assert made.dropped > 0
    assert 40 == sum(
        total.times for one in made.traced for total in one.totals if total.kind == kinds.TASK
    )


def test_a_program_that_closes_every_descriptor_is_not_harmed(program, tmp_path):
    """Daemons do it; what they open afterwards gets only what they write."""
    made = program(
        "import multiprocessing, os, sys\n"
        "def child(path):\n"
        "    os.closerange(3, 256)\n"
        "    files = [open(f'{path}{n}', 'w') for n in range(8)]\n"
        "    locks = [multiprocessing.Lock() for _ in range(20)]\n"
        "    for lock in locks:\n"
        "        with lock: pass\n"
        "    for file in files:\n"
        "        file.close()\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('fork')\n"
        "    one = context.Process(target=child, args=(sys.argv[1],))\n"
        "    one.start()\n"
        "    one.join()\n"
        "    sys.exit(one.exitcode)\n",
        str(tmp_path / "own"),
    )

    assert 0 == made.ran.exit_code
    assert [b""] * 8 == [(tmp_path / f"own{n}").read_bytes() for n in range(8)]


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.9", "3.10", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("method", METHODS)
def test_other_interpreters_are_profiled(program, version, method):
    """The hook needs nothing but the standard library of Python 3.9."""
    python = shutil.which(f"python{version}")
    if python is None:
        pytest.skip(f"there is no python{version}")
    try:
        made = program(EVERYTHING, method, python=python)
    except EnvironmentUnfitError:
        pytest.skip(f"python{version} does not run")

    assert 0 == made.ran.exit_code
    assert [] == [text for one in made.traced for text in one.unknown]
    assert 2 == sum(one.role is Role.WORKER for one in made.members)


def command(*words):
    """Return the command line that runs `mpbench profile`."""
    return [sys.executable, "-c", "from mpbench.cli import main; main()", "profile", *words]


def test_the_command_leaves_streams_and_exit_code_to_the_program(tmp_path):
    """Input arrives, output appears, a failure is a failure; three files are written."""
    (tmp_path / "echo.py").write_text("import sys\nprint(input()[::-1])\nsys.exit(3)\n")
    done = subprocess.run(
        command("-o", str(tmp_path / "out"), "echo.py"),
        cwd=tmp_path,
        input="abc\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    record = json.loads((tmp_path / "out" / "profile.json").read_text())

    assert "cba\n" == done.stdout
    assert "profile.html" in done.stderr
    assert 3 == done.returncode
    assert "failed with exit code 3" == record["ending"]
    assert {"profile.html", "profile.json", "trace.json"} == {
        one.name for one in (tmp_path / "out").iterdir()
    }


@pytest.mark.usefixtures("nothing_left")
def test_a_closed_stdout_is_the_programs_affair(tmp_path):
    """The report goes to stderr, so nothing of ours is missed."""
    (tmp_path / "quiet.py").write_text("import multiprocessing\nmultiprocessing.Lock()\n")
    words = " ".join(["exec", *map(shlex.quote, command("-o", "out", "quiet.py")), ">&-"])
    done = subprocess.run(
        ["/bin/sh", "-c", words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stdout)
    assert "profile.html" in done.stderr


def test_a_missing_script_is_one_line(tmp_path):
    """Exit code 2, as for every usage error."""
    done = subprocess.run(
        command("absent.py"), cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert (2, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "absent.py is no file" in done.stderr


def _exists(group):
    """Return whether a process group has a process, ended ones among them."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_program_has_a_profile(tmp_path, number):
    """Ctrl-C reaches the terminal's whole group, the others mpbench alone; each is saved."""
    (tmp_path / "long.py").write_text(
        "import multiprocessing, time\n"
        "if __name__ == '__main__':\n"
        "    queue = multiprocessing.get_context('spawn').Queue()\n"
        "    child = multiprocessing.get_context('spawn').Process(target=queue.get)\n"
        "    child.start()\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        command("--no-orphans", "-o", str(tmp_path / "out"), "long.py"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert "ready\n" == process.stdout.readline()
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    process.communicate(timeout=60)
    record = json.loads((tmp_path / "out" / "profile.json").read_text())

    assert 128 + number == process.returncode
    ending = "was interrupted" if number == signal.SIGINT else f"was ended by {number.name}"
    assert ending == record["ending"]
    limit = time.monotonic() + 10
    while _exists(process.pid) and time.monotonic() < limit:
        # What has ended last may be left to the first process of the system to collect.
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
