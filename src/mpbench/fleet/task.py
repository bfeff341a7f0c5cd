"""
Task that a Dask worker executes: one `mpbench run` in a process of its own.

A worker changes malloc's and OpenMP's settings, and its daemon flag forbids
children. So nothing is measured in it: it only starts the run with a scrubbed
environment and passes on the lines that the run writes.

The result file stays on the host until the controller has it. A task that is
delivered twice finds it there and measures nothing twice; a task whose worker
died goes on with what its predecessor wrote.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mpbench import __version__
from mpbench.environment import cache_folder
from mpbench.errors import RecordError
from mpbench.store.writer import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("OTHER_VERSION", "Answer", "Chunk", "Job", "discard", "measure", "renew", "stop")

_POLL_S = 0.5
# One message to the scheduler; it keeps a thousand of them.
_CHUNK_BYTES = 256 << 10

# Asks, orders and forces a run to end, and how long each waits for it. The first
# lets it finish its record, the second ends it in good order all the same.
_LADDER = ((signal.SIGINT, 15.0), (signal.SIGTERM, 15.0), (signal.SIGKILL, None))

_INTERRUPTED = 130
_NOT_STARTED = 127

# The controllers that were stopped. A worker keeps them for as long as it lives.
_stopped: set[str] = set()
# When each controller was last heard of. One that is killed renews nothing, and its runs end.
_renewed: dict[str, float] = {}
LEASE_S = 15.0

_KEPT_VARIABLES = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ"),
    *("LD_LIBRARY_PATH", "XDG_CACHE_HOME", "MPBENCH_LOCK", "PYTHONPATH"),
)

# What an interpreter ends with that has another mpbench; its last line is the version.
OTHER_VERSION = 76

# Run by the interpreter that measures: it asks the kernel for SIGTERM when the
# worker dies, and becomes the run. SIGTERM ends a run in good order.
_START = (
    "import ctypes, os, sys\n"
    "try: ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)\n"
    "except (OSError, AttributeError): pass\n"
    "if os.getppid() != int(sys.argv[1]): sys.exit(75)\n"
    "try: from mpbench import __version__ as here\n"
    "except ImportError: here = 'none'\n"
    "if sys.argv[2] not in ('', here): sys.exit(print(here, file=sys.stderr) or 76)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'mpbench', 'run', *sys.argv[3:]])\n"
)


class Job(NamedTuple):
    """
    What one host is asked to do.

    `campaign` and `host` are the key: two tasks with the same key are one
    measurement. `arguments` are those of `mpbench run`. `controller` is the
    one `mpbench fleet` that asks, so that `stop` does not end what another asks later.
    `mpbench` is the version that it expects on the host.
    """

    campaign: str
    host: str
    arguments: tuple[str, ...]
    python: str | None = None
    wait_s: float = 0.0
    controller: str = ""
    mpbench: str = ""

    @property
    def key(self) -> str:
        """Return the name of the task and of its folder on the host."""
        return f"mpbench-{self.campaign}-{self.folder}"

    @property
    def folder(self) -> str:
        """Return the host's name as a plain file name that no other host has."""
        plain = re.sub(r"[^A-Za-z0-9._-]|^\.+", "_", self.host)[:100]
        if plain == self.host:
            return plain
        return f"{plain}-{hashlib.sha256(self.host.encode()).hexdigest()[:8]}"


class Chunk(NamedTuple):
    """Whole lines of a result file: where they stand in it, and their digest."""

    key: str
    offset: int
    data: bytes
    digest: str


class Answer(NamedTuple):
    """
    How a run ended: its exit code, what it said, and its compressed result file.

    `mpbench` is the version on the host, of the interpreter that measures.
    """

    code: int
    said: str
    packed: bytes
    digest: str
    mpbench: str = "of an older kind"


def _answer(code: int, said: str, content: bytes, version: str = __version__) -> Answer:
    digest = hashlib.sha256(content).hexdigest()
    return Answer(code, said, zlib.compress(content), digest, version)


def _base() -> Path:
    return cache_folder("fleet")


def _folder(job: Job) -> Path:
    return _base() / job.key


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other task works in a folder."""
    import fcntl  # noqa: PLC0415 - not on every platform

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "task.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _command(job: Job, out: Path, *, resume: bool) -> list[str]:
    place = ["--resume", str(out)] if resume else [*job.arguments, "-o", str(out)]
    wait = ["--wait", f"{job.wait_s:g}s"] if job.wait_s else []
    python = job.python or sys.executable
    return [python, "-c", _START, str(os.getpid()), job.mpbench, *place, *wait]


def _state(out: Path) -> str:
    """Return what an earlier task left: `nothing`, `part`, or `complete`."""
    try:
        run = read(out)
    except RecordError:
        # Not even its head is whole, so nothing was measured.
        shutil.rmtree(out, ignore_errors=True)
        return "nothing"
    is_over = run.end is not None and run.end.status.value in {"ok", "failed"}
    return "complete" if is_over else "part"


class _Tail:
    """Sends the whole lines that a file has grown by."""

    def __init__(self, job: Job, file: Path, send: Callable[[Chunk], None]) -> None:
        self._key = job.key
        self._file = file
        self._send = send
        self._offset = 0

    def look(self) -> None:
        """Send what is new."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        while whole:
            cut = whole.rfind(b"\n", 0, _CHUNK_BYTES) + 1 or whole.find(b"\n") + 1
            piece, whole = whole[:cut], whole[cut:]
            digest = hashlib.sha256(piece).hexdigest()
            self._send(Chunk(self._key, self._offset, piece, digest))
            self._offset += len(piece)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have a run end, in good order if it can."""
    for number, seconds in _LADDER:
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


def _run(job: Job, out: Path, tail: _Tail, *, resume: bool) -> tuple[int, str]:
    """Run to the end, sending lines meanwhile; return the exit code and the end of its output."""
    renew(job.controller)
    if job.controller in _stopped:
        return _INTERRUPTED, "stopped by the user"
    said = out.parent / "said"
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    with said.open("wb") as log:
        try:
            process = subprocess.Popen(
                _command(job, out, resume=resume),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=out.parent,
                start_new_session=True,
            )
        except OSError as error:
            # It would fail the next time too.
            return (
                _NOT_STARTED,
                f"{job.python or sys.executable} cannot be started: {error.strerror}",
            )
    try:
        while process.poll() is None:
            tail.look()
            if not _is_wanted(job.controller):
                _end(process)
            time.sleep(_POLL_S)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    words = said.read_text(errors="replace").strip().splitlines()
    return process.returncode, words[-1][-500:] if words else ""


def measure(job: Job, send: Callable[[Chunk], None]) -> Answer:
    """
    Measure on this host what a job asks for, unless that is done already.

    Args:
        job: What to do.
        send: Takes whole lines as soon as they are written. They may be lost
            or come twice; the answer has all of them.
    """
    if job.mpbench not in {"", __version__}:
        return _answer(OTHER_VERSION, "", b"")
    folder = _folder(job)
    out = folder / "out"
    file = out / "results.jsonl"
    with _alone(folder):
        state = _state(out)
        tail = _Tail(job, file, send)
        code, said = 0, "measured before"
        if state != "complete":
            code, said = _run(job, out, tail, resume=state == "part")
        tail.look()
        content = file.read_bytes() if file.exists() else b""
    version = said if code == OTHER_VERSION else __version__
    return _answer(code, said, content, version)


def _is_wanted(controller: str) -> bool:
    """Whether a controller has neither stopped its runs nor been silent for too long."""
    silent_s = time.monotonic() - _renewed[controller]
    return controller not in _stopped and (not controller or silent_s < LEASE_S)


def renew(controller: str) -> None:
    """Note that a controller lives."""
    _renewed[controller] = time.monotonic()


def stop(controller: str) -> None:
    """End what runs in this process for a controller, and whatever of it would start later."""
    _stopped.add(controller)


def discard(job: Job) -> None:
    """Remove a result file from its host when the controller has it."""
    shutil.rmtree(_folder(job), ignore_errors=True)
