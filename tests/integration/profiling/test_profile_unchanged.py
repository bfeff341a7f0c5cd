"""A profiled program does what it does without the profiler, also where it is odd."""

import subprocess
import sys

import pytest

from mpbench.profiling.profile import profile_program
from mpbench.profiling.run_program import RunOptions

# Each prints what it found; the same must be printed when it is profiled.
PROGRAMS = {
    "a handler with events in the first event": """
import multiprocessing as mp, signal, os, random, faulthandler
lock, other = mp.Semaphore(30_000), mp.Semaphore(30_000)
signal.signal(signal.SIGALRM, lambda *_: lock.acquire(False))
for number in range(150):
    pid = os.fork()
    if pid == 0:
        faulthandler.dump_traceback_later(20, exit=True)
        signal.setitimer(signal.ITIMER_REAL, random.uniform(2e-5, 4e-4))
        other.acquire()
        signal.setitimer(signal.ITIMER_REAL, 0)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0, f"child {number} hung"
print("no hang")
""",
    "a lock that is dropped": """
import gc, multiprocessing as mp, weakref
gc.disable()
for make in (mp.Lock, mp.RLock, mp.Semaphore, mp.SimpleQueue):
    one = make()
    if make is mp.Lock:
        one.acquire(); one.release()
    gone = weakref.ref(one)
    del one
    print(make.__name__, gone() is None)
""",
    "an environment that is emptied": """
import os
os.environ.clear()
import multiprocessing as mp
queue = mp.SimpleQueue()
queue.put(1)
print(queue.get())
""",
    "a target that answers nothing": """
import multiprocessing as mp
class Odd:
    def __call__(self): print("ran", flush=True)
    def __getattr__(self, name): raise KeyError(name)
if __name__ == "__main__":
    child = mp.get_context("fork").Process(target=Odd())
    child.start(); child.join()
    print(child.exitcode)
""",
    "a run that cannot be set": """
import multiprocessing as mp
class Fixed(mp.get_context("fork").Process):
    @property
    def run(self): return lambda: print("ran", flush=True)
child = Fixed()
child.start(); child.join()
print(child.exitcode)
""",
    "a queue that answers everything": """
import multiprocessing as mp, multiprocessing.queues as queues
class Odd(queues.SimpleQueue):
    def __getattr__(self, name): return None
queue = Odd(ctx=mp.get_context("fork"))
queue.put(3)
print(queue.get())
""",
    "a method made by other means": """
import functools, multiprocessing as mp, multiprocessing.queues as queues
class Patient(queues.Queue):
    get = functools.partialmethod(queues.Queue.get, True, 5)
queue = Patient(ctx=mp.get_context("fork"))
queue.put(4)
print(queue.get())
""",
    "a future that as_completed has given": """
import weakref
from concurrent.futures import ThreadPoolExecutor, as_completed
with ThreadPoolExecutor(1) as executor:
    futures = [executor.submit(pow, 2, number) for number in range(3)]
    completed = as_completed(futures)
    futures = None
    one = next(completed)
    gone = weakref.ref(one)
    one = None
    print(gone() is None)
""",
    "wrong arguments of acquire": """
import multiprocessing as mp
lock = mp.Lock()
for words in (("x",), (True, "y"), (1,), (True, 1), (True, 0.5)):
    try:
        print(words, lock.acquire(*words))
        lock.release()
    except TypeError as error:
        print(words, error)
""",
}


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_prints_the_same(name, tmp_path, capfd):
    """And ends with the same exit code."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAMS[name])
    command = [sys.executable, str(script)]
    plain = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    made = profile_program(command, RunOptions(timeout_s=60))

    assert plain.stdout
    assert (0, plain.stdout) == (made.ran.exit_code, capfd.readouterr().out)
    assert 0 == plain.returncode


@pytest.mark.usefixtures("nothing_left")
def test_a_file_with_the_name_of_a_module_that_only_the_hook_needs(tmp_path, capfd):
    """Multiprocessing never meets the program's own mmap.py here, so the hook must not."""
    (tmp_path / "mmap.py").write_text("raise SystemExit('this is mine')\n")
    script = tmp_path / "program.py"
    script.write_text(
        "import multiprocessing as m\nq = m.SimpleQueue(); q.put(1); print(q.get())\n"
    )
    made = profile_program([sys.executable, str(script)], RunOptions(timeout_s=60))

    assert "1\n" == capfd.readouterr().out
    assert [()] == [one.unknown for one in made.traced]
    assert made.events > 0
