"""What a control group says about processes that were ended for lack of memory."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from mpbench.agent.oom_kills import oom_kills
from mpbench.harness.agent_failure import agent_failure
from mpbench.harness.interpreter import AgentExit


def write(root: Path, name: str, text: str) -> None:
    """Write one file of a made-up system."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("own", "mount", "file"),
    [
        (
            "0::/user/app",
            "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
            "sys/fs/cgroup/user/app/memory.events",
        ),
        (
            "4:memory:/box",
            "31 1 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            "sys/fs/cgroup/memory/box/memory.oom_control",
        ),
        # A container sees its own part of the tree.
        (
            "4:memory:/docker/x",
            "31 1 0:27 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            "sys/fs/cgroup/memory/memory.oom_control",
        ),
        (
            "0::/../elsewhere",
            "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
            "sys/fs/cgroup/memory.events",
        ),
    ],
)
def test_both_versions_are_read(tmp_path: Path, own: str, mount: str, file: str) -> None:
    """The process's own group counts, wherever its folder is mounted."""
    write(tmp_path, "proc/self/cgroup", f"12:pids:/p\n{own}\n")
    write(tmp_path, "proc/self/mountinfo", f"9 1 0:4 / /proc rw - proc proc rw\n{mount}\n")
    write(tmp_path, file, "oom 5\noom_kill 3\n")

    assert 3 == oom_kills(str(tmp_path))


def test_what_nobody_counts_is_none(tmp_path: Path) -> None:
    """Neither a system without /proc nor a group without the file counts 0."""
    assert oom_kills(str(tmp_path)) is None
    write(tmp_path, "proc/self/cgroup", "0::/\n")
    write(tmp_path, "proc/self/mountinfo", "30 1 0:26 / /cg rw - cgroup2 cgroup2 rw\nodd line\n")
    assert oom_kills(str(tmp_path)) is None


@pytest.mark.parametrize(("count", "is_said"), [(2, True), (0, False), (None, False)])
def test_a_lost_agent_says_out_of_memory(tmp_path: Path, count: int | None, is_said: bool) -> None:
    """Only where the control group counted it."""
    ending = AgentExit("exited", int(signal.SIGKILL), {"oom_kills": count}, {})
    message = str(agent_failure(ending, tmp_path / "none.log", 1.0))

    assert "ended by SIGKILL" in message
    assert is_said == ("out of memory: the kernel ended 2" in message)
