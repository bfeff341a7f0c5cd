"""Start one agent under its supervisor, talk to it, and learn how it ended."""

from __future__ import annotations

import json
import os
import secrets
import select
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mpbench
from mpbench.agent.process_tree import kill_tagged
from mpbench.agent.protocol import Channel
from mpbench.errors import AgentError, CrashError, WorkloadError
from mpbench.harness.agent_failure import agent_failure, log_tail
from mpbench.harness.agent_id import agent_id, agent_tag
from mpbench.harness.interpreter import AgentExit, Interpreter, scrubbed_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ("AgentExit", "AgentHandle", "Interpreter", "launch", "scrubbed_environment")

# How long the supervisor may take for its whole kill ladder before the
# controller gives up on it.
_LADDER_S = 20.0

_SUPERVISE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from mpbench.agent.supervisor import main; main()"
)


class AgentHandle:
    """
    One live agent.

    Args:
        process: Its supervisor.
        channel: Requests out, replies in.
        control: Where the supervisor listens.
        report: Where it answers.
        log: The file that has the agent's stdout and stderr.
        hash_seed: The agent's PYTHONHASHSEED.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        channel: Channel,
        *,
        control: int,
        report: int,
        log: Path,
        hash_seed: int,
    ) -> None:
        self._process = process
        self._channel = channel
        self._control = control
        self._report = report
        self._reports = b""
        self._snapshot: Mapping[str, Any] = {}
        self.log = log
        self.hash_seed = hash_seed
        self.ending: AgentExit | None = None
        self._armed_s: float | None = None
        self._dismissed = False

    @property
    def pid(self) -> int:
        """The supervisor's process: the root of everything that the agent starts."""
        return self._process.pid

    @property
    def serial(self) -> int:
        """The agent's number in records."""
        return agent_id(self.log)

    @contextmanager
    def shared_deadline(self, deadline_s: float) -> Iterator[None]:
        """
        Set one deadline for all requests inside.

        Each request of its own wakes the supervisor twice, which turns of a
        few milliseconds would notice.

        Args:
            deadline_s: Wall-clock seconds for all of them; theirs do not matter then.
        """
        self._order(f"deadline {deadline_s}")
        self._armed_s = deadline_s
        try:
            yield
        finally:
            self._armed_s = None
            self._order("disarm")

    def ask(self, request: Mapping[str, Any], *, deadline_s: float) -> dict[str, Any]:
        """
        Send one request and return the reply.

        Args:
            request: As agent/protocol.py describes it.
            deadline_s: Wall-clock seconds; the supervisor ends the agent after them.

        Raises:
            DeadlineError: It took longer; the whole tree is gone.
            CrashError: The agent died; the whole tree is gone.
            WorkloadError: What came back is no reply.
        """
        if self.ending is not None:
            raise CrashError("the agent is gone")
        if self._armed_s is None:
            self._order(f"deadline {deadline_s}")
        else:
            deadline_s = self._armed_s
        try:
            self._channel.send(request)
        except BrokenPipeError:
            raise agent_failure(self._await_end(), self.log, deadline_s) from None
        self._await_reply(deadline_s)
        try:
            reply = self._channel.receive()
        except AgentError as error:
            raise WorkloadError(f"{error}; a workload wrote into the agent's channel") from error
        if self._armed_s is None:
            self._order("disarm")
        return reply

    def _await_reply(self, deadline_s: float) -> None:
        poller = select.poll()
        poller.register(self._channel.reader, select.POLLIN)
        poller.register(self._report, select.POLLIN)
        limit = time.monotonic() + deadline_s + _LADDER_S
        while True:
            events = dict(poller.poll(max(0, limit - time.monotonic()) * 1_000))
            # A reply that was sent before the agent died still counts.
            if events.get(self._channel.reader, 0) & select.POLLIN:
                return
            if not events or (self._report in events and self._take_report(limit)):
                raise agent_failure(self._await_end(), self.log, deadline_s)
            if self._channel.reader in events:
                # The agent closed its end without a word; its supervisor will say why.
                poller.unregister(self._channel.reader)

    def _order(self, line: str) -> None:
        try:
            os.write(self._control, line.encode() + b"\n")
        except BrokenPipeError:
            # The supervisor has said, or is about to say, why it is gone.
            return

    def _next_report(self, limit: float) -> dict[str, Any] | None:
        poller = select.poll()
        poller.register(self._report, select.POLLIN | select.POLLHUP)
        while b"\n" not in self._reports:
            if not poller.poll(max(0.0, limit - time.monotonic()) * 1_000):
                return None
            piece = os.read(self._report, 1 << 16)
            if not piece:
                return None
            self._reports += piece
        line, _, self._reports = self._reports.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _take_report(self, limit: float) -> AgentExit | None:
        """Read one report; return the ending if it was the last one."""
        message = self._next_report(limit)
        if message is None:
            # Nobody else ends them now.
            kill_tagged(agent_tag(self.log))
            self.ending = AgentExit("lost", None, {}, self._snapshot)
        elif "snapshot" in message:
            self._snapshot = message["snapshot"]
        else:
            self.ending = AgentExit(message["end"], message["status"], message, self._snapshot)
        return self.ending

    def _await_end(self) -> AgentExit:
        """Wait for the supervisor's last message."""
        limit = time.monotonic() + _LADDER_S
        while self.ending is None:
            self._take_report(limit)
        return self.ending

    def log_tail(self) -> str:
        """Return the end of what the agent and its children printed, stacks included."""
        return log_tail(self.log)

    def take_snapshot(self) -> Mapping[str, Any]:
        """
        Return what the tree holds now, as the supervisor reads it.

        Peaks of several looks are kept: the ending carries the largest.
        """
        self._order("snapshot")
        before = self._snapshot
        limit = time.monotonic() + _LADDER_S
        if self.ending is None and self._take_report(limit) is None:
            latest = self._snapshot
            # None is what the kernel does not tell.
            self._snapshot = {
                name: max(
                    (one for one in (count, before.get(name)) if one is not None), default=None
                )
                for name, count in latest.items()
            }
        return self._snapshot

    def request_exit(self) -> None:
        """Tell the agent to end, and do not wait for it: two of them can end at once."""
        if self.ending is None and not self._dismissed:
            self._dismissed = True
            with suppress(BrokenPipeError):
                self._channel.send({"do": "end"})

    def stop(self, *, deadline_s: float = 10.0) -> AgentExit:
        """End the agent in good order, or after *deadline_s* by force."""
        if self.ending is None:
            self._order(f"deadline {deadline_s}")
            self.request_exit()
        return self._await_end()

    def kill(self) -> AgentExit:
        """End the agent and everything it started, now."""
        self._order("kill")
        return self._await_end()

    def close(self) -> None:
        """End what is left and give the descriptors back."""
        try:
            if self.ending is None:
                self.kill()
        finally:
            for descriptor in (self._control, self._report):
                os.close(descriptor)
            self._channel.close()
            try:
                self._process.wait(_LADDER_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _pipes(count: int) -> list[tuple[int, int]]:
    made: list[tuple[int, int]] = []
    try:
        made += (os.pipe() for _ in range(count))
    except OSError as error:
        for pair in made:
            os.close(pair[0])
            os.close(pair[1])
        raise AgentError(f"no pipe to an agent can be made: {error.strerror}") from error
    return made


@contextmanager
def launch(
    subject: Interpreter,
    *,
    folder: Path,
    script: str | None = None,
    own_session: bool = True,
) -> Iterator[AgentHandle]:
    """
    Start one fresh agent; leaving ends it and everything that it started.

    Args:
        subject: The interpreter to measure.
        folder: A private folder; the agent's working and temporary folder.
        script: A file that is the agent's `__main__`; neutral and empty without.
        own_session: False under asv, whose timeout kills by process group.

    Raises:
        AgentError: The supervisor could not be started.
    """
    tag = secrets.token_hex(4)
    hash_seed = secrets.randbelow(1 << 32)
    (requests, ask), (answers, reply), (orders, control), (report, tell) = _pipes(4)
    theirs = (requests, reply, orders, tell)
    log = folder / f"agent-{tag}.log"
    arguments = [subject.executable, *subject.options, "-m", "mpbench.agent"]
    arguments += [str(requests), str(reply)]
    order = {
        "command": arguments + ([script] if script else []),
        "environment": scrubbed_environment(subject, folder=folder, hash_seed=hash_seed, tag=tag),
        "descriptors": [requests, reply],
        "control": orders,
        "report": tell,
        "log": str(log),
        "folder": str(folder),
        "own_session": own_session,
    }
    home = str(Path(mpbench.__file__).resolve().parent.parent)
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SUPERVISE, home, json.dumps(order)],
            pass_fds=theirs,
            stdin=subprocess.DEVNULL,
            start_new_session=own_session,
        )
    except OSError as error:
        for descriptor in (ask, answers, control, report):
            os.close(descriptor)
        raise AgentError(f"no process could be started for the supervisor: {error}") from error
    finally:
        for descriptor in theirs:
            os.close(descriptor)
    handle = AgentHandle(
        process,
        Channel(answers, ask),
        control=control,
        report=report,
        log=log,
        hash_seed=hash_seed,
    )
    try:
        yield handle
    finally:
        handle.close()
