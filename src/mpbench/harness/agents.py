"""Hands out fresh agents, each with a folder of its own, and boots the next one ahead."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Protocol

from mpbench.errors import AgentError, reason_of
from mpbench.harness.arm_agent import EpisodeAgent
from mpbench.harness.launch import launch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpbench.harness.launch import AgentExit, AgentHandle, Interpreter

__all__ = ("AgentFactory", "RunAgent", "RunAgentWrapper")


class RunAgent(EpisodeAgent, Protocol):
    """What a run needs of a live agent; `AgentHandle` is one."""

    def log_tail(self) -> str:
        """Return the end of what the agent and its children printed."""

    def kill(self) -> AgentExit:
        """End the agent and everything that it started."""


# Puts something between an agent of a subject, by its key, and whoever asks it.
RunAgentWrapper = Callable[[str, "AgentHandle"], AbstractContextManager[RunAgent]]


def _nothing_over(subject: str, agent: AgentHandle) -> AbstractContextManager[RunAgent]:
    del subject
    return nullcontext(agent)


class AgentFactory:
    """
    A source of fresh agents.

    The next agent may be started while the last one leaves its set-up, when
    nothing is timed: booting two interpreters one after the other would take
    longer than most samples. At most one waits, idle on its pipe.

    Args:
        folder: Private; each agent gets a folder of its own in it.
        own_session: False under asv, whose timeout kills by process group.
        watch: Entered with each agent that is handed out, and left when it has ended.
    """

    def __init__(
        self, folder: Path, *, own_session: bool = True, watch: RunAgentWrapper = _nothing_over
    ) -> None:
        self._watch = watch
        self._folder = folder
        self._own_session = own_session
        self._ahead: tuple[Interpreter, AgentHandle, ExitStack] | None = None

    def prepare(self, subject: Interpreter) -> None:
        """Start an agent that the next `take` will hand out."""
        if self._ahead is None:
            self._ahead = (subject, *self._start(subject))

    def _start(self, subject: Interpreter) -> tuple[AgentHandle, ExitStack]:
        with ExitStack() as stack:
            try:
                own = Path(tempfile.mkdtemp(dir=self._folder, prefix="a"))
            except OSError as error:
                reason = reason_of(error)
                raise AgentError(f"no folder for an agent can be made: {reason}") from error
            stack.callback(shutil.rmtree, own, ignore_errors=True)
            agent = stack.enter_context(launch(subject, folder=own, own_session=self._own_session))
            return agent, stack.pop_all()
        raise AssertionError("an exit stack suppresses nothing by itself")

    @contextmanager
    def take(self, subject: Interpreter) -> Iterator[RunAgent]:
        """
        Hand out a fresh agent; leaving ends it and removes its folder.

        Raises:
            AgentError: It could not be started.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] != subject:
            ahead[2].close()
            ahead = None
        agent, stack = ahead[1:] if ahead is not None else self._start(subject)
        with stack, self._watch(subject.key, agent) as watched:
            yield watched

    def close(self) -> None:
        """End the agent that waits, if there is one."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead[2].close()
