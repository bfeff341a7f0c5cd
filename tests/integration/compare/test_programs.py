"""Whole programs compared, with real small programs; no measured time is judged."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from mpbench.agent.process_tree import processes
from mpbench.cli import main
from mpbench.errors import CrashError, DeadlineError, WorkloadError
from mpbench.harness import programs as harness
from mpbench.harness.program_agent import run_checked
from mpbench.harness.programs import ProgramSpec, program_runner
from mpbench.session.comparing import episode_scheduler, programs
from mpbench.session.comparing.noise_monitor import MachineSnapshot, NoiseMonitor
from mpbench.store import read

DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(99)
    os._exit(0)
os.wait()
"""
POOL = """
import multiprocessing
if __name__ == "__main__":
    with multiprocessing.get_context("forkserver").Pool(2) as pool:
        print(sum(pool.map(abs, range(-9, 0))))
"""
BUSY = "import sys\nprint(sum(range(int(sys.argv[1]))) * 0)\n"


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """Make episodes short, sessions private, and the noise of a test machine no matter."""
    monkeypatch.setenv("MPBENCH_LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(programs, "SIDE_NS", 1)
    monkeypatch.setattr(episode_scheduler, "_FEWEST_CONTROLS", 1)
    calm = MachineSnapshot(3_000_000, 0.0, 1.0, 1.0, None, None)
    monkeypatch.setattr(NoiseMonitor, "_look", lambda _: calm)
    monkeypatch.setattr(NoiseMonitor, "after", lambda _: {"guard": {}, "dropped": None})
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def runner(tmp_path):
    """Return a runner of programs."""
    with program_runner(tmp_path) as made:
        yield made


def spec(text="", *, command=(), **given):
    """Return an arm that runs a text of Python, or a command."""
    words = command or (sys.executable, "-c", text)
    made = {"timeout_s": 30.0, "environment": dict(os.environ), "folder": str(Path.cwd()), **given}
    return ProgramSpec("it", tuple(words), **made)


def words_of(path):
    """Return the arguments of a process that may have ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def exit_code(*arguments):
    """Return the exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code


def compared(*arguments):
    """Return the exit code of a comparison, and its records."""
    code = exit_code("compare", "-o", "out", "--looks", "8", *arguments)
    return code, read(Path("out")) if Path("out/results.jsonl").exists() else None


def test_a_run_is_accounted_with_all_its_processes(runner):
    """CPU time of a child that nobody waited for counts, and helpers end by themselves."""
    burn = "import os, time\nif os.fork():\n  os._exit(0)\nwhile time.process_time() < 0.2: pass"
    orphan = runner.run(spec(burn))
    pool = runner.run(spec(POOL))

    if runner.is_subreaper:
        assert orphan.cpu_user_ns + orphan.cpu_system_ns >= 190_000_000
        assert 2 == orphan.processes
    assert "45" == pool.output_tail
    assert (pool.peak_rss_bytes or 1) > 0


def test_a_program_has_no_terminal_and_nothing_to_read(runner, tmp_path):
    """It cannot wait for either; --input is its stdin."""
    ask = "import sys\ntry: open('/dev/tty')\nexcept OSError: print('none', repr(input()))"
    (tmp_path / "words").write_text("hello\n")

    assert "none 'hello'" == runner.run(spec(ask, stdin=str(tmp_path / "words"))).output_tail
    with pytest.raises(WorkloadError, match="EOFError"):
        runner.run(spec(ask))


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"text": "import sys; sys.exit('no luck')"}, WorkloadError, "exit code 1.*no luck"),
        ({"text": "import os; os.kill(os.getpid(), 9)"}, CrashError, "signal 9"),
        ({"command": ("sleep", "99"), "timeout_s": 0.3}, DeadlineError, "within 0.3 s.*--timeout"),
        ({"command": ("/no/where",)}, WorkloadError, "cannot be started: No such file"),
        ({"command": ("./lost",)}, WorkloadError, "interpreter /no/sh, which does not exist"),
        ({"command": ("./text",)}, WorkloadError, "no first line with #!"),
        ({"command": ("yes",)}, WorkloadError, "--ignore-output"),
        ({"text": DAEMON}, WorkloadError, "left processes running"),
        ({"text": "", "folder": "/no/where"}, WorkloadError, "cannot be started"),
        ({"text": "", "prepare": "echo broken >&2; exit 3"}, WorkloadError, "--prepare.*broken"),
    ],
)
def test_a_program_that_goes_wrong_is_named_and_ended(runner, monkeypatch, given, kind, message):
    """Nothing of it is left, and the runner goes on."""
    monkeypatch.setattr(harness, "OUTPUT_LIMIT", 1 << 20)
    if given.get("command", ("/",))[0] in {"sleep", "yes"}:
        given = {**given, "command": (f"/usr/bin/{given['command'][0]}", *given["command"][1:])}

    for name, text in (("lost", "#!/no/sh\n"), ("text", "words\0")):
        Path(name).write_text(text)
        Path(name).chmod(0o700)

    with pytest.raises(kind, match=message):
        runner.run(spec(**given))

    assert "fine" == runner.run(spec("print('fine')")).output_tail
    assert not [one for one in processes() if one.parent == runner.pid]


def test_output_that_changes_is_found(runner):
    """The first run of an arm says what the others must write."""
    digests: dict[str, str] = {}
    run_checked(runner, spec("print(1)"), digests)

    with pytest.raises(WorkloadError, match=r"--ignore-output.*2"):
        run_checked(runner, spec("print(2)"), digests)
    assert run_checked(runner, spec("print(2)", ignore_output=True), digests).digest is None


def test_programs_are_compared_and_stored(tmp_path, capsys):
    """Two sizes of a script: readings, names, a case for each; the file is judged again."""
    (tmp_path / "busy.py").write_text(BUSY)
    arms = ("--arm", "program=busy.py 10", "--arm", "program=busy.py 9,env:A=1,2")
    code, run = compared(*arms, "--fact", "context-switches")

    assert code in {0, 1}
    assert ["busy.py 10", "busy.py 9, env:A=1,2"] == [
        arm["name"] for arm in run.header.plan["arms"]
    ]
    assert {"program/run[program=busy.py 10]", "program/run[env:A=1,2, program=busy.py 9]"} == {
        one.case.id for one in run.cases
    }
    main_part = [one for one in run.repetitions if one.extra["part"] == "main"]
    assert len(main_part) >= 16
    assert {"cpu-time", "context-switches"} <= main_part[0].samples[0].facts.keys()
    capsys.readouterr()
    assert code == exit_code("compare", "out", "--format", "json")
    told = json.loads(capsys.readouterr().out)
    assert {None, "cpu-time", "context-switches"} == {one["fact"] for one in told["comparisons"]}
    assert 0 == exit_code("report", "out", "-o", "report")
    assert 0 == exit_code("export", "out", "--format", "csv", "-o", "out.csv")


def test_command_lines_after_two_dashes_are_arms(tmp_path):
    """They are run with their preparation, and cleaned up after once."""
    code, run = compared(
        "--shell", "--prepare", "echo p >> log", "--cleanup", "echo c >> log", "--no-control",
        "--", "echo a | tr a b", "printf 'b\\n'",
    )  # fmt: skip

    assert code in {0, 1}
    assert {"command"} == set(run.header.subjects)
    words = (tmp_path / "log").read_text().split()
    assert ["c", "c"] == words[-2:]
    assert words.count("p") == len(words) - 2 >= 20


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--", "./nothing", "true"), 2, "no executable './nothing'"),
        (("--", "./plain", "true"), 2, "chmod"),
        (("--arm", "program=no.py", "--arm", "program=no.py"), 2, "no script 'no.py'"),
        (("--", "echo 'a", "true"), 2, "no closing quotation"),
        (("--", "echo a", "echo b"), 4, "end of the first: a; of the second: b"),
        (("--", "true", "false"), 4, "arm 'false' failed with exit code 1"),
        (("--", "true"), 2, "two arms"),
        (("--select", "pool/*", "--", "true", "true"), 2, "--select is for workloads"),
        (("--shell", "--arms", "fork,spawn"), 2, "--shell is for whole programs"),
        (("--input", "no", "--", "true", "true"), 2, "no file no"),
        (("--prepare", "a", "--prepare", "b", "--", *["true"] * 3), 2, "--prepare is given 2"),
        (("--fact", "x", "--", "true", "true"), 2, "peak-memory"),
        (("--arm", "command=true,cpus=x", "--arm", "command=true"), 2, "cpus=x"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, capsys, arguments, code, message):
    """One line names the arm, and nothing is written."""
    (tmp_path / "plain").write_text("text")

    assert (code, None) == compared(*arguments)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#!/bin/sh\nexit 7\n", "arm './it' failed with exit code 7"),
        ("#!/bin/sh\nread x < /dev/tty\necho $x\n", "of the second: an empty line"),
        ("#!/bin/sh\nread x || exec sleep 98765\n", "did not end within 0.5 s (--timeout)"),
        ("#!/bin/sh\nsetsid sleep 98765 &\n", "left processes running, which were ended: sleep"),
        ("#!/bin/sh\ndate +%N\n", "does not write the same to stdout in each run"),
        ("#!/no/sh\n", "arm './it' cannot be started"),
    ],
)
def test_a_bad_arm_is_one_line_and_leaves_nothing(tmp_path, capsys, text, message):
    """It is named, the exit code is 4, and no process of it lives on."""
    (tmp_path / "it").write_text(text)
    (tmp_path / "it").chmod(0o700)

    assert (4, None) == compared("--timeout", "0.5s", "--", "true", "./it")
    told = capsys.readouterr().err
    assert message in told
    assert told.startswith("mpbench: arm")
    assert not [one for one in Path("/proc").glob("[0-9]*/cmdline") if b"98765" in words_of(one)]


def test_an_arm_that_fails_leaves_the_others_their_verdicts(tmp_path, capsys):
    """Its pair says why there is none; the exit code is 1."""
    del tmp_path
    code, run = compared("--no-control", "--", "true", "false", "/bin/true")

    assert 1 == code
    # A narrow terminal breaks the line.
    assert "arm 'false' failed with exit code 1" in " ".join(capsys.readouterr().out.split())
    assert {"2"} == {one.extra["pair"] for one in run.repetitions}


def test_an_arm_that_fails_later_keeps_what_was_measured(tmp_path, capsys):
    """The failure is the verdict's reason; episodes before it are in the file."""
    (tmp_path / "tired.sh").write_text(
        "#!/bin/sh\necho x >> count\n[ $(wc -l < count) -lt 8 ] || exit 5\n"
    )
    (tmp_path / "tired.sh").chmod(0o700)
    code, run = compared("--no-control", "--", "./tired.sh", "true")

    assert 4 == code
    assert {"ok", "failed"} == {one.status.value for one in run.repetitions}
    assert "exit code 5" in capsys.readouterr().out


NAMED = """
import multiprocessing
if __name__ == "__main__":
    process = multiprocessing.get_context("fork").Process(target=abs, args=(1,))
    process.start()
    process.join()
"""


def test_an_override_that_is_used_is_measured(tmp_path):
    """The arm is called by it, and its case tells it from the other."""
    (tmp_path / "pool.py").write_text(POOL.replace('get_context("forkserver").', ""))
    arms = ("--arm", "program=pool.py", "--arm", "program=pool.py,method=spawn,workers=1")
    code, run = compared(*arms, "--no-control")

    assert code in {0, 1}
    assert ["as it is", "method=spawn,workers=1"] == [
        arm["name"] for arm in run.header.plan["arms"]
    ]
    assert {"program/run[program=pool.py]",
            "program/run[method=spawn, program=pool.py, workers=1]"} == {
        one.case.id for one in run.cases
    }  # fmt: skip


@pytest.mark.parametrize(
    ("program", "override", "message"),
    [
        ("print(1)", "workers=2", "made no Pool"),
        ("print(1)", "method!=spawn", "started no process"),
        (NAMED, "method=spawn", "method!=spawn overrides that too"),
        (NAMED, "chunk_size=2", "called no map"),
        ("print(1)", "workers=2,flags=-I", "without -I"),
    ],
)
def test_an_override_that_is_never_used_is_no_verdict(tmp_path, capsys, program, override, message):
    """It is said why, and nothing is called unchanged."""
    (tmp_path / "it.py").write_text(program)
    arms = ("--arm", "program=it.py", "--arm", f"program=it.py,{override}")

    assert (4, None) == compared(*arms)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("override", ["workers=0", "method=thread", "max_tasks=x", "gil=2"])
def test_an_impossible_override_is_refused(tmp_path, capsys, override):
    """The message shows it."""
    (tmp_path / "it.py").write_text("")

    assert (2, None) == compared("--arm", "program=it.py", "--arm", f"program=it.py,{override}")
    assert override in capsys.readouterr().err


def test_an_override_that_is_used_in_part_is_told(tmp_path, capsys):
    """The processes that ask for a method by name keep it, and the file says so."""
    (tmp_path / "it.py").write_text(
        NAMED + "    one = multiprocessing.Process(target=abs, args=(1,))\n"
        "    one.start()\n    one.join()\n"
    )
    arms = ("--arm", "program=it.py", "--arm", "program=it.py,method=spawn")
    code, run = compared(*arms, "--no-control")

    assert code in {0, 1}
    (event,) = [one for one in run.events if one.kind == "override"]
    assert "method!=spawn overrides that too" in event.text
    assert event.text in capsys.readouterr().err.replace("\n", " ")
