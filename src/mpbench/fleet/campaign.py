"""One measurement on every host of a cluster, and what became of each."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, NamedTuple

from mpbench import __version__
from mpbench.errors import InvalidSessionError, UsageError
from mpbench.fleet.receive import Receiver
from mpbench.fleet.task import OTHER_VERSION, Answer, Job
from mpbench.model import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mpbench.fleet.cluster import Cluster, Task

__all__ = ("FleetCampaign", "HostOutcome", "Settings", "load", "save")

_FILE = "campaign.json"

# What `mpbench run` ends with, where its result file is whole.
_STATUSES = {0: Status.OK, 1: Status.FAILED, 130: Status.INTERRUPTED}

# How often hosts are told that the controller lives; a fifth of their lease.
_RENEW_S = 3.0

# Of a host whose worker died again and again while the host stayed.
_ATTEMPTS = 3


class Settings(NamedTuple):
    """
    What every host is asked to do, and how long a silent one is waited for.

    `campaign` is the name that makes two deliveries one measurement.
    """

    campaign: str
    arguments: tuple[str, ...]
    python: str | None = None
    wait_s: float = 0.0
    silence_timeout_s: float = 60.0


class HostOutcome(NamedTuple):
    """What became of one host; `repetitions` are those that are kept."""

    host: str
    status: Status
    reason: str | None
    repetitions: int
    folder: Path

    @property
    def is_done(self) -> bool:
        """Whether it gave a whole file, so that it need not be asked again."""
        return self.status in {Status.OK, Status.FAILED} and self.repetitions > 0


class _Host:
    """One host during a campaign."""

    def __init__(self, job: Job, receiver: Receiver) -> None:
        self.job = job
        self.receiver = receiver
        self.worker: str | None = None
        self.task: Task | None = None
        self.silent_since: float | None = None
        self.attempts = 0
        self.done: tuple[Status, str | None] | None = None


class FleetCampaign:
    """
    The controller of a fleet.

    Args:
        cluster: Where the hosts are.
        settings: What they do.
        folder: One folder for each host is made in it.
        clock: Seconds; only patience is measured with it.
        note: Takes one line for the user.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._folder = folder
        self._clock = clock
        self._note = note
        self._hosts: dict[str, _Host] = {}
        self._by_key: dict[str, _Host] = {}
        self._began = self._renewed = clock()
        self._controller = secrets.token_hex(8)

    def restore(self, outcome: HostOutcome) -> None:
        """Keep what an earlier part got from a host; expect the host if it is not done."""
        host = self._host(outcome.host)
        if outcome.is_done:
            host.done = (outcome.status, outcome.reason)

    def _host(self, name: str) -> _Host:
        if name not in self._hosts:
            given = self._settings
            job = Job(
                *(given.campaign, name, given.arguments, given.python, given.wait_s),
                controller=self._controller,
                mpbench=__version__,
            )
            host = _Host(job, Receiver(self._folder / job.folder))
            self._hosts[name] = self._by_key[job.key] = host
        return self._hosts[name]

    def step(self) -> bool:
        """
        Look at every host once: start, gather, give up.

        Returns:
            Whether a host is still at work, or the first one is waited for.

        Raises:
            SchedulerLostError: The scheduler is gone.
        """
        if self._clock() - self._renewed >= _RENEW_S:
            self._renewed = self._clock()
            self._cluster.renew(self._controller)
        self._gather()
        living = self._cluster.workers()
        for address, name in living.items():
            self._host(name).worker = self._host(name).worker or address
        for host in self._hosts.values():
            if host.done is None:
                self._look(host, living)
        if not self._hosts:
            # Workers may still be on their way to a scheduler that was just started.
            return self._clock() - self._began < self._settings.silence_timeout_s
        return any(host.done is None for host in self._hosts.values())

    def _gather(self) -> None:
        for chunk in self._cluster.chunks():
            host = self._by_key.get(chunk.key)
            if host is not None and host.done is None:
                host.receiver.take(chunk)

    def _look(self, host: _Host, living: dict[str, str]) -> None:
        answer = None if host.task is None else host.task.answer()
        if isinstance(answer, Answer):
            self._gather()
            self._finish(host, answer)
        elif host.worker not in living:
            self._miss(host, living)
        elif host.task is None or answer is not None:
            self._start(host, answer)

    def _start(self, host: _Host, failure: str | None) -> None:
        assert host.worker is not None
        host.silent_since = None
        if failure is not None:
            self._note(f"{host.job.host}: {failure}")
        if host.attempts == _ATTEMPTS:
            self._lose(host, f"gave up after {_ATTEMPTS} attempts; the last one: {failure}")
            return
        host.attempts += 1
        host.task = self._cluster.start(host.job, host.worker)
        self._note(f"{host.job.host}: measuring on {host.worker}")

    def _miss(self, host: _Host, living: dict[str, str]) -> None:
        """Find another worker of the host, or wait for one until patience ends."""
        if host.task is not None:
            host.task.cancel()
            host.task = None
            self._note(f"{host.job.host}: its worker {host.worker} is gone")
        host.worker = next((one for one, name in living.items() if name == host.job.host), None)
        if host.worker is not None:
            self._start(host, None if host.attempts < _ATTEMPTS else "its worker died")
            return
        now = self._clock()
        host.silent_since = now if host.silent_since is None else host.silent_since
        if now - host.silent_since >= self._settings.silence_timeout_s:
            self._lose(host, f"no worker for {self._settings.silence_timeout_s:g} s")

    def _lose(self, host: _Host, reason: str) -> None:
        host.receiver.lose(reason)
        self._end(host, Status.LOST, reason)

    def _finish(self, host: _Host, answer: Answer) -> None:
        if answer.mpbench != __version__:
            self._refuse(host, answer)
            return
        damage = host.receiver.complete(answer)
        if damage is not None:
            self._start(host, damage)
            return
        status = _STATUSES.get(answer.code, Status.FAILED)
        if not host.receiver.size and status is not Status.INTERRUPTED:
            status = Status.FAILED
        self._clear(host, status)
        reason = None if status is Status.OK else answer.said or f"exit code {answer.code}"
        self._end(host, status, reason)

    def _refuse(self, host: _Host, answer: Answer) -> None:
        """Take nothing of another version: its numbers may mean something else."""
        found = f"host has mpbench {answer.mpbench}, expected {__version__}"
        reason = f"{found}; install that version there"
        if answer.code == OTHER_VERSION and host.receiver.size:
            # It has measured nothing, and can go on with what an earlier part has.
            self._lose(host, reason)
            return
        self._clear(host, Status.FAILED)
        self._end(host, Status.FAILED, reason)

    def _clear(self, host: _Host, status: Status) -> None:
        """Have a host remove its files, but not those that an interrupted run can go on with."""
        if host.worker is not None and (status is not Status.INTERRUPTED or not host.receiver.size):
            self._cluster.discard(host.job, host.worker)

    def _end(self, host: _Host, status: Status, reason: str | None) -> None:
        host.done = (status, reason)
        host.task = None
        words = f": {reason}" if reason else ""
        self._note(f"{host.job.host}: {status.value}{words}")

    def give_up(self, reason: str) -> None:
        """
        Stop what runs; its hosts are lost, and what came from them is kept.

        Dask cannot stop a task that has begun, so the hosts are told.
        """
        if any(host.task is not None for host in self._hosts.values()):
            self._cluster.stop(self._controller)
        for host in self._hosts.values():
            if host.done is None:
                if host.task is not None:
                    host.task.cancel()
                self._lose(host, reason)

    def outcomes(self) -> tuple[HostOutcome, ...]:
        """
        Return what became of each host.

        Raises:
            InvalidSessionError: There was none.
        """
        if not self._hosts:
            raise InvalidSessionError("the scheduler has no workers; nothing was measured")
        return tuple(
            HostOutcome(name, *(host.done or (Status.LOST, "not finished")), *_kept(host.receiver))
            for name, host in sorted(self._hosts.items())
        )


def _kept(receiver: Receiver) -> tuple[int, Path]:
    return receiver.lines, receiver.folder


def save(folder: Path, settings: Settings, outcomes: tuple[HostOutcome, ...]) -> None:
    """Write what a campaign was asked, and what became of its hosts."""
    record = {
        "campaign": settings.campaign,
        "arguments": list(settings.arguments),
        "hosts": [
            {
                "host": outcome.host,
                "status": outcome.status.value,
                "reason": outcome.reason,
                "repetitions": outcome.repetitions,
            }
            for outcome in outcomes
        ],
    }
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = folder / f".{_FILE}.new"
    new.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    new.chmod(0o600)
    new.replace(folder / _FILE)


def load(folder: Path) -> tuple[str, tuple[str, ...], tuple[HostOutcome, ...]]:
    """
    Return the name and arguments of a campaign, and what became of its hosts.

    Raises:
        UsageError: There is no campaign in the folder.
    """
    try:
        record = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        hosts = [
            HostOutcome(
                host["host"], Status(host["status"]), host["reason"], host["repetitions"], folder
            )
            for host in record["hosts"]
        ]
        name, arguments = str(record["campaign"]), tuple(map(str, record["arguments"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{folder / _FILE} is no campaign of `mpbench fleet`: {error}") from error
    return name, arguments, tuple(hosts)
