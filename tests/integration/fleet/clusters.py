"""A Dask cluster of processes, each worker with an address of its own; for tests only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mpbench.agent.process_tree import processes

__all__ = (
    "FLEET",
    "LIMIT_S",
    "RUN",
    "Cluster",
    "Controller",
    "fleet",
    "held_campaign",
    "repetitions_in",
    "statuses",
    "wait_for",
)

RUN = (
    *("--select", "floor/os-pipe-round-trip", "--param", "payload_bytes=64"),
    *("--reps", "20", "--budget", "5m"),
)
FLEET = (sys.executable, "-m", "mpbench", "fleet")
LIMIT_S = 120
_DASK = (sys.executable, "-m")


def wait_for(happened: Callable[[], bool]) -> None:
    """Look again and again until something has happened."""
    limit = time.monotonic() + LIMIT_S
    while not happened():
        assert time.monotonic() < limit
        time.sleep(0.02)


def _repetitions(file: Path) -> int:
    return file.read_bytes().count(b'"repetition"') if file.exists() else 0


class Cluster:
    """
    A scheduler and workers, all processes of this test.

    Args:
        folder: Logs, caches and scratch files.
        security: Options of the scheduler and of each worker.
        host: Where the scheduler listens.
        inside: What begins the command of the worker on a host, such as
            `ip netns exec NAME`.
    """

    def __init__(
        self,
        folder: Path,
        *security: str,
        host: str = "127.0.0.1",
        inside: Callable[[str], tuple[str, ...]] = lambda _: (),
    ) -> None:
        self._folder = folder
        self._security = security
        self._host = host
        self._inside = inside
        self._file = folder / "scheduler.json"
        self._environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(folder / "cache"),
            "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "false",
        }
        self._living: list[subprocess.Popen[bytes]] = []
        self._stopped: list[int] = []
        self._schedule("0")

    def _schedule(self, port: str) -> None:
        self._scheduler = self._start(
            (),
            "scheduler",
            *("--host", f"tls://{self._host}" if self._security else self._host),
            *("--port", port, "--no-dashboard"),
            *("--scheduler-file", str(self._file)),
        )
        wait_for(lambda: self._file.exists() and self._file.stat().st_size > 0)
        self.address = str(json.loads(self._file.read_text())["address"])

    def _start(
        self, inside: tuple[str, ...], what: str, *more: str, start: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        command = start or (*_DASK, f"distributed.cli.dask_{what}")
        with (self._folder / f"{what}.log").open("ab") as log:
            process = subprocess.Popen(
                [*inside, *command, *more, *self._security],
                env=self._environment,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        self._living.append(process)
        return process

    def worker(
        self, host: str, *, nanny: bool = False, version: str | None = ""
    ) -> subprocess.Popen[bytes]:
        """
        Start a worker on an address, alone or under a nanny that starts it again.

        Args:
            host: The address.
            nanny: Whether there is a nanny.
            version: The version of mpbench that it says it has; None has no mpbench.
        """
        change = {
            "": "",
            None: "sys.modules['mpbench'] = None",
        }.get(version, f"import mpbench; mpbench.__version__ = {version!r}")
        code = f"import sys; {change}\nfrom distributed.cli.dask_worker import main; main()"
        return self._start(
            self._inside(host),
            "worker",
            self.address,
            *("--host", host, "--name", f"{host}-{len(self._living)}", "--nthreads", "1"),
            *("--nanny" if nanny else "--no-nanny", "--no-dashboard", "--memory-limit", "0"),
            *("--local-directory", str(self._folder / host)),
            start=(sys.executable, "-c", code) if change else (),
        )

    def kill_scheduler(self) -> None:
        """Kill it, as a power cut does."""
        self._scheduler.kill()
        self._scheduler.wait()
        self._file.unlink()

    def restart_scheduler(self) -> None:
        """Start another one at the same address."""
        self._schedule(self.address.rpartition(":")[2])

    def on_host(self, host: str) -> int:
        """Count the repetitions in the file that a host has itself."""
        cache = self._folder / "cache" / "mpbench" / "fleet"
        files = cache.glob(f"mpbench-*-{host}/out/results.jsonl")
        return max(map(_repetitions, files), default=0)

    def hold(self, host: str) -> int:
        """
        Stop the run of a host in the middle of its work.

        Returns:
            The stopped process; `release` lets it go on.
        """
        wait_for(lambda: self.on_host(host) >= 2)
        (pid,) = self.runs_on(host)
        os.kill(pid, signal.SIGSTOP)
        self._stopped.append(pid)
        return pid

    def runs_on(self, host: str) -> list[int]:
        """Return the runs of a host that live."""
        return [one.pid for one in processes() if _runs_on(one.pid, host)]

    def release(self, pid: int) -> None:
        """Let a stopped run go on."""
        self._stopped.remove(pid)
        os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        """End every process."""
        for pid in list(self._stopped):
            self.release(pid)
        for process in reversed(self._living):
            process.kill()
            process.wait()


def _runs_on(pid: int, host: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return False
    return words[1:4] == ["-m", "mpbench", "run"] and any(f"-{host}/out" in one for one in words)


class Controller:
    """`mpbench fleet`, and what it says."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    def said(self) -> str:
        """Return what it has said until now."""
        return self._log.read_text()

    def waits_for(self, happened: Callable[[], bool]) -> None:
        """Wait until something has happened; it must not end before."""
        wait_for(lambda: happened() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()

    def end(self) -> int:
        """Wait for its end; return its exit code."""
        return self.process.wait(LIMIT_S)


def fleet(address: str, out: Path, *arguments: str) -> Controller:
    """Start `mpbench fleet`; what it says goes to a file beside *out*."""
    log = out.with_name(f"{out.name}.{time.monotonic_ns()}.log")
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*FLEET, "--scheduler", address, *arguments], stdout=said, stderr=subprocess.STDOUT
        )
    return Controller(process, log)


def repetitions_in(out: Path, host: str) -> int:
    """Count what has arrived from a host."""
    return _repetitions(out / host / "results.jsonl")


def statuses(out: Path) -> dict[str, str]:
    """Return what became of each host."""
    return {
        one["host"]: one["status"]
        for one in json.loads((out / "campaign.json").read_text())["hosts"]
    }


def held_campaign(
    cluster: Cluster, out: Path, host: str, *, patience: str
) -> tuple[Controller, int]:
    """Start a campaign and stop its first run when two repetitions of it have arrived."""
    controller = fleet(cluster.address, out, "--patience", patience, "-o", str(out), "--", *RUN)
    held = cluster.hold(host)
    controller.waits_for(lambda: repetitions_in(out, host) >= 2)
    return controller, held
