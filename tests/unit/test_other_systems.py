"""Systems that are not Linux, as stand-ins: what macOS has no calls for, one by one."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

import mpbench.harness.private as private_module
from mpbench.agent import process_tree, supervisor
from mpbench.agent.supervisor import Supervisor, SupervisorConfig
from mpbench.catalog import discover
from mpbench.cli.arms import arms_of
from mpbench.environment import affinity
from mpbench.harness.interpreter import AgentExit, Interpreter
from mpbench.harness.placement import pinnable_cpus
from mpbench.harness.private import private_folder
from mpbench.model import Case, StartMethod
from mpbench.sampling.accounting import resource_usage
from mpbench.session.comparing.arms import with_default_methods, with_names
from mpbench.session.interpreters import InterpreterInfo
from mpbench.session.leftovers import find_leftovers
from mpbench.workload import lateness_body

# sun_path of macOS, without the closing zero.
_MACOS_PATH = 103


def missing(*_: object, **__: object) -> None:
    """Stand for a folder or a call that a system does not have."""
    raise FileNotFoundError(2, "No such file or directory")


@pytest.fixture
def without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the process table of Linux and its folder of shared memory."""
    monkeypatch.setattr(process_tree.os, "listdir", missing)
    monkeypatch.setattr(process_tree, "_SHM", "/nonexistent")
    monkeypatch.setattr(process_tree, "_read", lambda _: b"")


@pytest.mark.usefixtures("without_proc")
def test_no_process_table_is_no_error(tmp_path: Path) -> None:
    """Nobody is listed, nothing is called left behind, and nothing is killed for it."""
    assert [] == process_tree.descendants(1)
    assert set() == process_tree.segments(user=os.getuid())
    assert [] == process_tree.kill_tagged("00000000")
    assert {None} == set(process_tree.snapshot(1).values()) - {0}
    assert find_leftovers(tmp_path).is_empty


def test_no_affinity_places_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Agents run where the system puts them."""
    for name in ("sched_getaffinity", "sched_setaffinity"):
        monkeypatch.delattr(os, name, raising=False)

    assert () == pinnable_cpus()
    assert affinity()


def test_no_subreaper_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPU time is the kernel's sum for waited children, and nobody knows which share that is."""

    class NoPrctl:
        """A C library without prctl."""

        def __getattr__(self, name: str) -> object:
            raise AttributeError(name)

    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: NoPrctl())
    report = {
        "subreaper": supervisor.become_subreaper(),
        "wall_ns": 9,
        "cpu_user_ns": 5,
        "cpu_system_ns": 2,
        "voluntary_switches": 1,
        "involuntary_switches": 0,
    }
    used = resource_usage(AgentExit("exited", 0, report, {}))

    assert used is not None
    assert "rusage" == used.cpu_source
    assert used.cpu_coverage is None
    assert used.processes is None


def test_a_start_in_a_session_of_its_own_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent is started without it then."""
    asked: list[bool] = []

    def spawn(*_: object, **options: object) -> int:
        asked.append("setsid" in options)
        if "setsid" in options:
            raise NotImplementedError("posix_spawn: setsid unavailable on this platform")
        return 4_711

    monkeypatch.setattr(os, "posix_spawn", spawn)
    monkeypatch.setattr(os, "chdir", lambda _: None)
    orders, report = os.pipe()
    config = SupervisorConfig(
        [sys.executable], {}, [], orders, report, str(tmp_path / "log"), str(tmp_path), True
    )
    made = Supervisor(config)
    made._start()
    os.close(orders)
    os.close(report)

    assert [True, False] == asked
    assert 4_711 == made._pid


def test_socket_paths_may_be_shorter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is short enough on Linux, and too long on macOS, is reached by a link."""
    room = _MACOS_PATH - private_module._BELOW - len("/mpb-xxxxxxxx")
    base = tmp_path / ("d" * max(1, room + 2 - len(str(tmp_path)) - 1))
    base.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(base))
    monkeypatch.setattr(private_module, "_LONGEST", _MACOS_PATH)
    with private_folder() as path, socket.socket(socket.AF_UNIX) as listener:
        inner = path / "axxxxxxxx" / "pymp-xxxxxxxx"
        inner.mkdir(parents=True)
        name = str(inner / "listener-xxxxxxxx")
        listener.bind(name)

    assert len(name) <= _MACOS_PATH
    assert not str(path).startswith(str(base))


@pytest.mark.parametrize(
    ("workload", "call"),
    [
        ("queue/get-variants", "qsize"),
        ("lock/queries", "Semaphore.get_value"),
        ("lock/queries", "BoundedSemaphore.get_value"),
    ],
)
def test_values_of_semaphores_may_be_missing(
    monkeypatch: pytest.MonkeyPatch, workload: str, call: str
) -> None:
    """What asks for them is skipped with the reason; everything else of the workload is not."""
    one = discover()[workload]
    case = Case.make(workload, None, {"call": call})
    assert one.unsupported(case) is None

    monkeypatch.setitem(sys.modules["_multiprocessing"].flags, "HAVE_BROKEN_SEM_GETVALUE", 1)

    assert "sem_getvalue" in str(one.unsupported(case))


def test_timeouts_of_20_ms_are_measured() -> None:
    """Python polls where sem_timedwait is missing: late timeouts are a result, and no failure."""
    asked: list[float] = []

    def polls(timeout: float) -> None:
        asked.append(timeout)
        time.sleep(timeout + 0.02)

    result = lateness_body(polls, 1)(3)

    assert 3 == result.operations
    assert [0.001] * 3 == asked


def test_spawn_may_be_the_default() -> None:
    """The interpreter says what its default is; no place of ours assumes one."""
    info = InterpreterInfo(
        Interpreter("mac", sys.executable, ""), {"default_start_method": "spawn"}
    )
    (arm,) = with_default_methods(with_names(arms_of((), "default,spawn"))[:1], [info])

    assert StartMethod.SPAWN is arm.method
    assert "default (spawn)" in arm.name


def test_signals_of_linux_are_asked_for() -> None:
    """No module names a signal that macOS lacks without asking for it."""
    root = Path(private_module.__file__).parents[1]
    absent = ("SIGPWR", "SIGSTKFLT", "SIGPOLL", "SIGRTMIN", "sched_getscheduler(", "pidfd_open(")
    named = {
        f"{path.name}: {word}"
        for path in root.rglob("*.py")
        for word in absent
        if word in path.read_text()
    }

    assert set() == named
    assert signal.SIGKILL
