"""Signals, exit codes and daemons of a program are the same as without the profiler."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing import shared_memory
from pathlib import Path

import pytest

from mpbench.agent.process_tree import processes
from mpbench.profiling.profile import profile_program
from mpbench.session.leftovers import find_leftovers, remove_leftovers

COMMAND = (sys.executable, "-c", "from mpbench.cli import main; main()", "profile", "-o", "out")

# Main leaves in order once it was asked, its worker has no handler of its own.
ORDERLY = """
import multiprocessing, os, signal, sys, time
def serve(queue):
    while queue.get() is not None:
        pass
    os.write(1, b"worker done\\n")
if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    queue, asked = fork.Queue(), []
    worker = fork.Process(target=serve, args=(queue,))
    worker.start()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, lambda number, frame: asked.append(number))
    print("ready", flush=True)
    while not asked:
        time.sleep(0.01)
    time.sleep(0.3)
    queue.put(None)
    worker.join()
    print("asked by", *map(int, asked), "worker", worker.exitcode, flush=True)
    sys.exit(5)
"""

STUBBORN = """
import signal, time
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: print("no", flush=True))
print("ready", flush=True)
while True:
    time.sleep(0.1)
"""


@pytest.fixture
def start(tmp_path):
    """Return a function that profiles a program which prints when it is ready."""
    started = []

    def begin(text, *options):
        (tmp_path / "program.py").write_text(text)
        process = subprocess.Popen(
            [*COMMAND, *options, "program.py"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert "ready\n" == process.stdout.readline()
        return process

    yield begin
    for process in started:
        process.stdout.close()
        process.stderr.close()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_reaches_the_main_process_alone_and_once(start, number):
    """As it would without the profiler: the worker is not sent any."""
    process = start(ORDERLY)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)

    assert f"worker done\nasked by {int(number)} worker 0\n" == output
    assert 5 == process.returncode
    assert (number != signal.SIGUSR1) == (f"{number.name} reached the program" in errors)


@pytest.mark.usefixtures("nothing_left")
def test_a_signal_to_the_group_is_not_sent_twice(start):
    """The terminal's Ctrl-C is there already; the worker, without a handler, ends by it."""
    process = start(ORDERLY)
    os.killpg(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=60)

    assert f"asked by {int(signal.SIGTERM)} worker {-signal.SIGTERM}\n" == output
    assert 5 == process.returncode


@pytest.mark.usefixtures("nothing_left")
def test_a_second_request_ends_a_program_that_does_not(start):
    """And its exit code says by what."""
    process = start(STUBBORN)
    process.send_signal(signal.SIGTERM)
    assert "no\n" == process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)

    assert 128 + signal.SIGKILL == process.returncode
    assert "ended by force" in errors


@pytest.mark.usefixtures("nothing_left")
def test_a_program_that_outlasts_its_grace_is_ended(start):
    """One request is enough then."""
    process = start(STUBBORN, "--grace", "200ms")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert 128 + signal.SIGKILL == process.returncode


@pytest.mark.parametrize("ignored", [True, False])
def test_ignored_signals_stay_ignored(tmp_path, ignored):
    """A background job of a script, and what runs under nohup."""
    (tmp_path / "program.py").write_text(
        "import signal\n"
        "for name in ('SIGINT', 'SIGHUP', 'SIGTERM'):\n"
        "    print(signal.getsignal(getattr(signal, name)) == signal.SIG_IGN)\n"
    )
    words = "trap '' INT HUP TERM; " if ignored else ""
    done = subprocess.run(
        ["/bin/sh", "-c", f'{words}"$@"', "sh", *COMMAND, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert f"{ignored}\n" * 3 == done.stdout


@pytest.mark.parametrize("options", [(), ("--no-orphans",)])
def test_a_daemon_lives_on_unless_it_is_not_wanted(tmp_path, options):
    """It is named in either case."""
    (tmp_path / "program.py").write_text(
        "import os, sys\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    os.closerange(0, 3)\n"
        "    os.execvp('sleep', ['sleep', '30'])\n"
        "    os._exit(1)\n"
    )
    done = subprocess.run(
        [*COMMAND, *options, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    left = json.loads((tmp_path / "out" / "profile.json").read_text())["left_behind"]
    (name,) = left["ended" if options else "outlives"]
    pid = int(name.removeprefix("sleep (").removesuffix(")"))

    assert 0 == done.returncode
    if options:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    else:
        os.kill(pid, signal.SIGKILL)


def test_a_failure_of_the_profiler_has_a_code_of_its_own(tmp_path):
    """No exit code of a program could be taken for it."""
    (tmp_path / "program.py").write_text("")
    done = subprocess.run(
        [*COMMAND, "--python", "/bin/true", "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert 125 == done.returncode
    assert "Traceback" not in done.stderr
    assert 1 == len(done.stderr.splitlines())


def test_an_interrupted_reading_keeps_the_events(tmp_path, monkeypatch):
    """A program that took hours need not run again."""

    def interrupted(_):
        raise KeyboardInterrupt

    (tmp_path / "program.py").write_text("import multiprocessing; multiprocessing.Lock()\n")
    monkeypatch.setattr("mpbench.profiling.profile.read_event_files", interrupted)
    with pytest.raises(KeyboardInterrupt):
        profile_program([sys.executable, str(tmp_path / "program.py")], keep=tmp_path / "out")

    assert [".names", ".ring"] == sorted(
        path.suffix for path in (tmp_path / "out" / "events").iterdir()
    )


# Each worker says its pid; nobody ends by itself.
LONG = """
import multiprocessing, os, time
def sleep(name):
    print(os.getpid(), flush=True)
    time.sleep(600)
if __name__ == "__main__":
    print("ready", flush=True)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=sleep, args=(one,)) for one in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
"""


def supervisor_of(controller):
    """Return the process between the profiler and the program."""
    table = [one.pid for one in processes() if one.parent == controller.pid]
    (found,) = [pid for pid in table if b"profiling.supervisor" in command_line(pid)]
    return found


def command_line(pid):
    """Return a process's command line; nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_gone(pid):
    """Whether a process is no more, or only to be collected."""
    return pid not in {one.pid for one in processes() if one.state != "Z"}


@pytest.mark.usefixtures("nothing_left")
def test_a_killed_supervisor_leaves_nothing(start):
    """The profiler ends what the program had started, writes what was recorded, and says so."""
    process = start(LONG)
    workers = [int(process.stdout.readline()) for _ in range(2)]
    os.kill(supervisor_of(process), signal.SIGKILL)
    _, errors = process.communicate(timeout=60)

    assert 125 == process.returncode
    said = " ".join(errors.split())
    assert "its supervisor disappeared, and what it had started was ended" in said
    assert all(map(is_gone, workers))


@pytest.mark.usefixtures("nothing_left")
def test_what_two_kills_leave_is_known_to_clean(start, tmp_path, monkeypatch):
    """Profiler and supervisor killed: the event folder that nobody holds names the processes."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process = start(LONG)
    workers = [int(process.stdout.readline()) for _ in range(2)]
    supervisor = supervisor_of(process)
    os.kill(process.pid, signal.SIGSTOP)
    os.kill(supervisor, signal.SIGKILL)
    process.kill()
    process.wait()
    found = {one.pid for one in find_leftovers().processes}
    remove_leftovers(find_leftovers())

    assert {*workers} < found
    assert os.getpid() not in found
    assert all(map(is_gone, workers))


def test_what_others_made_meanwhile_is_not_left_behind(start, tmp_path):
    """Names that a process outside of the program has mapped are its own affair."""
    process = start("import time\nprint('ready', flush=True)\ntime.sleep(1)\n")
    lock = multiprocessing.get_context("spawn").Lock()
    name = lock._semlock.name.removeprefix("/")
    memory = shared_memory.SharedMemory(create=True, size=4_096)
    process.communicate(timeout=60)
    record = json.loads((tmp_path / "out" / "profile.json").read_text())
    memory.close()
    memory.unlink()
    del lock

    assert {f"sem.{name}", memory.name}.isdisjoint(record["left_behind"]["remaining"])
