"""The supervisor ends everything, also when its controller dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mpbench.agent.process_tree import descendants
from mpbench.harness.launch import AgentHandle, Interpreter, launch

_FLOORS = "mpbench.workloads.floor.basics"

_CONTROLLER = """
import sys
from pathlib import Path
from mpbench.harness.launch import Interpreter, launch
folder = Path(sys.argv[1])
subject = Interpreter("here", sys.executable, sys.argv[2])
with launch(subject, folder=folder) as agent:
    agent.ask({"do": "open", "module": "mpbench.workloads.floor.basics", "method": None,
               "workload": "floor/os-pipe-round-trip", "params": {"payload_bytes": 64}},
              deadline_s=30)
    print(agent._process.pid, flush=True)
    sys.stdin.read()
"""


def open_pipe(agent: AgentHandle) -> None:
    """Enter a workload that has a child."""
    agent.ask(
        {
            "do": "open",
            "module": _FLOORS,
            "workload": "floor/os-pipe-round-trip",
            "method": None,
            "params": {"payload_bytes": 64},
        },
        deadline_s=30,
    )


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text()


def _gone(pid: int) -> None:
    """Wait for a process that is no child of ours."""
    descriptor = os.pidfd_open(pid)
    try:
        import select

        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        assert poller.poll(30_000)
    finally:
        os.close(descriptor)


def test_a_killed_controller_takes_everything_with_it(subject: Interpreter, tmp_path: Path) -> None:
    """After SIGKILL of the controller, supervisor, agent and child are gone."""
    controller = subprocess.Popen(
        [sys.executable, "-c", _CONTROLLER, str(tmp_path), subject.folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert controller.stdout is not None
    assert controller.stdin is not None
    supervisor = int(controller.stdout.readline())
    below = [one.pid for one in descendants(supervisor)]
    controller.send_signal(signal.SIGKILL)
    controller.wait()
    _gone(supervisor)
    controller.stdout.close()
    controller.stdin.close()

    assert 2 == len(below)
    assert [] == [pid for pid in below if _is_alive(pid)]


def test_a_killed_supervisor_is_noticed(subject: Interpreter, tmp_path: Path) -> None:
    """The controller learns that it lost its agent and does not wait for ever."""
    with launch(subject, folder=tmp_path) as agent:
        open_pipe(agent)
        below = descendants(agent._process.pid)
        # First: it would tell how its agent ended.
        agent._process.kill()
        for one in below:
            os.kill(one.pid, signal.SIGKILL)
        ending = agent.stop()

    assert "lost" == ending.cause


def test_the_environment_is_scrubbed(
    subject: Interpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent sees none of the user's variables, and its own hash seed."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with launch(subject, folder=tmp_path) as agent:
        open_pipe(agent)
        children = descendants(agent._process.pid)
        seen = Path(f"/proc/{children[0].pid}/environ").read_bytes().split(b"\0")
        agent.ask({"do": "close"}, deadline_s=30)
        agent.stop()

    assert f"PYTHONHASHSEED={agent.hash_seed}".encode() in seen
    assert not [one for one in seen if one.startswith(b"OMP_")]


def test_an_agent_ends_in_good_order(subject: Interpreter, tmp_path: Path) -> None:
    """A stopped agent exits with 0, and its account covers its children."""
    with launch(subject, folder=tmp_path) as agent:
        open_pipe(agent)
        agent.take_snapshot()
        agent.ask({"do": "close"}, deadline_s=30)
        ending = agent.stop()

    assert ("exited", 0) == (ending.cause, ending.exit_code)
    assert 2 == ending.snapshot["processes"]
    assert ending.report["cpu_user_ns"] + ending.report["cpu_system_ns"] > 0
    assert [] == ending.report["ended"]
