"""A cluster without processes: its hosts stream recorded lines, and fail as they are told."""

from __future__ import annotations

import hashlib
import random
import zlib
from pathlib import Path

from mpbench import __version__
from mpbench.fleet.task import Answer, Chunk, Job
from mpbench.model import (
    Case,
    CaseRecord,
    Metric,
    Repetition,
    RunEnd,
    RunHeader,
    Sample,
    StartMethod,
    Status,
    Timing,
)
from mpbench.store.writer import Writer

__all__ = ("Simulated", "recorded")


def recorded(folder: Path, repetitions: int = 20) -> bytes:
    """Return the result file of a run with so many repetitions."""
    case = Case.make("pipe/round-trip", StartMethod.FORK, {"payload_bytes": 64})
    started = "2026-01-01T00:00:00+00:00"
    with Writer(folder) as writer:
        writer.header(RunHeader("0" * 16, started, "0.1.0", "m", (), {}, {"here": {}}, {}))
        writer.case(
            CaseRecord(
                *("here", case, Metric.TIME, {}, Timing.LOOP, None, "a test", 1, "a test"),
                *(Status.OK, None),
            )
        )
        for number in range(repetitions):
            writer.repetition(
                Repetition(
                    subject="here",
                    case=case,
                    number=number,
                    status=Status.OK,
                    reason=None,
                    started_ns=number,
                    elapsed_ns=1,
                    hash_seed=0,
                    agent=number,
                    iterations=1,
                    samples=(Sample(1000, 1),),
                )
            )
        writer.end(RunEnd(1, Status.OK, None))
    return (folder / "results.jsonl").read_bytes()


class _Task:
    """A job that advances a few lines at each look."""

    def __init__(self, cluster: Simulated, job: Job, worker: str) -> None:
        self._cluster = cluster
        self._job = job
        self._worker = worker
        self._sent = 0
        self.cancelled = False

    def answer(self) -> Answer | str | None:
        """Send some lines; answer after the last."""
        if self._worker not in self._cluster.alive:
            return None
        content = self._cluster.content
        if self._sent == len(content):
            digest = hashlib.sha256(content).hexdigest()
            return Answer(
                self._cluster.code, "", self._cluster.packed, digest, self._cluster.version
            )
        end = content.find(b"\n", min(len(content) - 1, self._sent + self._cluster.step)) + 1
        piece = content[self._sent : end]
        self._cluster.send(
            Chunk(self._job.key, self._sent, piece, hashlib.sha256(piece).hexdigest())
        )
        self._sent = end
        return None

    def cancel(self) -> None:
        """Note it."""
        self.cancelled = True


class Simulated:
    """
    Hosts with one worker each.

    Args:
        hosts: Their names.
        content: The file that each gives.
        seed: Of what happens to messages: one in ten is lost, damaged, or comes twice.
    """

    def __init__(
        self, hosts: list[str], content: bytes, *, seed: int = 1, step: int = 1_000
    ) -> None:
        self.alive = {f"tcp://{host}:1": host for host in hosts}
        self.content = content
        self.packed = zlib.compress(content)
        self.step = step
        self.started: list[str] = []
        self.discarded: list[str] = []
        self.stopped: list[str] = []
        self.renewed: list[str] = []
        self.version = __version__
        self.code = 0
        self._random = random.Random(seed)
        self._arrived: list[Chunk] = []

    def send(self, chunk: Chunk) -> None:
        """Deliver a message, or what becomes of one."""
        fate = self._random.random()
        if fate < 0.03:
            return
        if fate < 0.06:
            chunk = chunk._replace(data=b"x" + chunk.data[1:])
        self._arrived += [chunk, chunk] if fate > 0.97 else [chunk]

    def workers(self) -> dict[str, str]:
        """Return who lives."""
        return dict(self.alive)

    def start(self, job: Job, worker: str) -> _Task:
        """Start a job."""
        self.started.append(job.host)
        return _Task(self, job, worker)

    def chunks(self) -> list[Chunk]:
        """Return what arrived."""
        found, self._arrived = self._arrived, []
        return found

    def discard(self, job: Job, worker: str) -> None:
        """Note it."""
        del worker
        self.discarded.append(job.host)

    def renew(self, controller: str) -> None:
        """Note it."""
        self.renewed.append(controller)

    def stop(self, controller: str) -> None:
        """Note it."""
        self.stopped.append(controller)
