"""Campaigns on Dask's distributed scheduler; the only module that imports it."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from mpbench.errors import EnvironmentUnfitError
from mpbench.fleet.cluster import SchedulerLostError
from mpbench.fleet.task import OTHER_VERSION, Answer, Chunk, Job
from mpbench.fleet.tls_probe import is_unencrypted
from mpbench.harness.private import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("DaskCluster", "Tls", "WorkerDescription", "connected", "local_cluster")

_CONNECT_S = 10
_SCHEMES = ("tcp", "tls", "ucx", "ws", "wss")
# A worker that samples its own stack, or steals work, disturbs what is measured beside it.
_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.admin.tick.interval": "1s",
}


class Tls(NamedTuple):
    """Paths of the certificates that a scheduler with `tls://` asks for."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


# What workers do. It travels as text, with built-in types as arguments: a worker without
# mpbench would be ended by a function or a type that it cannot unpickle.
_PERFORM = """
def act(job, topic):
    try:
        from mpbench.fleet.task import Job, measure
    except ImportError:
        return None
    from distributed import get_worker
    worker = get_worker()
    send = lambda chunk: worker.log_event(topic, tuple(chunk))
    # Another version may say more of a job; that it is another one is answered.
    return tuple(measure(Job(*job[: len(Job._fields)]), send))
"""
_FORGET = """
def act(job):
    from mpbench.fleet.task import Job, discard
    discard(Job(*job[: len(Job._fields)]))
"""
_TELL = """
def act(what, controller):
    import sys
    # A worker that has not measured anything needs no telling.
    task = sys.modules.get("mpbench.fleet.task")
    if task is not None:
        getattr(task, what)(controller)
"""
_DESCRIBE = """
def act():
    import platform
    try:
        from mpbench import __version__ as version
    except ImportError:
        version = None
    return version, platform.python_version(), platform.node()
"""
_ACT = "(exec(source, scope), scope['act'](*arguments))[1]"


def _text_call(source: str, *arguments: Any) -> tuple[Any, ...]:
    """Return what a worker is sent to call `act` of a text: `eval` and built-in types."""
    return eval, _ACT, {"source": source, "scope": {}, "arguments": arguments}


class WorkerDescription(NamedTuple):
    """What a worker has: mpbench's version or None, Python's, the host's name."""

    mpbench: str | None
    python: str
    node: str


class _Task:
    """One future."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def answer(self) -> Answer | str | None:
        """Return its answer, why it failed, or None while it runs."""
        status = self._future.status
        if status == "finished":
            try:
                given = self._future.result(timeout=_CONNECT_S)
                if given is None:
                    return Answer(OTHER_VERSION, "", b"", "", "none")
                return Answer(*given[: len(Answer._fields)])
            except Exception as error:  # noqa: BLE001 - a network can fail in any way; it is shown
                return f"its answer did not arrive: {type(error).__name__}: {error}"
        if status == "error":
            failure = self._future.exception()
            return f"its task failed: {type(failure).__name__}: {failure}"
        return f"its task was {status}" if status in {"lost", "cancelled"} else None

    def cancel(self) -> None:
        """Give it up."""
        with suppress(Exception):
            self._future.cancel(force=True)


class DaskCluster:
    """
    The workers of one scheduler.

    Args:
        client: Connected.
        campaign: Its name; lines travel under it.
        apart: Whether each worker counts as a host, to try a fleet on one machine.
    """

    def __init__(self, client: Any, campaign: str, *, apart: bool = False) -> None:
        self._client = client
        self._topic = f"mpbench-{campaign}"
        self._apart = apart
        self._arrived: queue.SimpleQueue[Chunk] = queue.SimpleQueue()
        self._discards: list[Any] = []
        self._renewing: threading.Thread | None = None
        client.subscribe_topic(self._topic, self._take)

    def _take(self, event: tuple[float, Any]) -> None:
        key, offset, data, digest = event[1]
        self._arrived.put(Chunk(str(key), int(offset), bytes(data), str(digest)))

    def workers(self) -> dict[str, str]:
        """
        Return each worker's address and its host.

        Raises:
            SchedulerLostError: The scheduler is gone.
        """
        try:
            try:
                known = self._client.scheduler_info(n_workers=-1)
            except TypeError:
                # Releases before 2025 list them all.
                known = self._client.scheduler_info()
        except (OSError, RuntimeError) as error:
            raise SchedulerLostError(f"the scheduler does not answer: {error}") from error
        if self._client.status not in {"running", "connecting"}:
            raise SchedulerLostError("the scheduler is gone")
        return {
            address: str(worker["name"]) if self._apart else str(worker["host"])
            for address, worker in known["workers"].items()
        }

    def start(self, job: Job, worker: str) -> _Task:
        """Start a job on a worker."""
        return _Task(self._submit(_PERFORM, worker, tuple(job), self._topic))

    def _submit(self, source: str, worker: str, *arguments: Any) -> Any:
        """Have exactly this worker do something, once."""
        return self._client.submit(
            *_text_call(source, *arguments),
            workers=[worker],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )

    def chunks(self) -> list[Chunk]:
        """Return the lines that arrived since the last call."""
        found = []
        while True:
            try:
                found.append(self._arrived.get_nowait())
            except queue.Empty:
                return found

    def discard(self, job: Job, worker: str) -> None:
        """Remove a job's files from its host."""
        with suppress(Exception):
            self._discards.append(self._submit(_FORGET, worker, tuple(job)))

    def stop(self, controller: str) -> None:
        """
        Have every worker end what it runs for a controller; wait a moment for their answers.

        A worker's only thread is busy with the run, so its event loop is told.
        The wait is for one that hangs: Dask has no limit for it.
        """
        self._tell("stop", controller).join(_CONNECT_S)

    def renew(self, controller: str) -> None:
        """Tell every worker that a controller lives; nobody waits for it."""
        if self._renewing is None or not self._renewing.is_alive():
            self._renewing = self._tell("renew", controller)

    def _tell(self, what: str, controller: str) -> threading.Thread:
        """Have the event loop of every worker call a function; return the thread that asks."""

        def ask() -> None:
            if self._client.status == "running":
                with suppress(Exception):
                    self._client.run(*_text_call(_TELL, what, controller), on_error="ignore")

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        return asking

    def describe(self) -> dict[str, WorkerDescription | str]:
        """Return what each worker has, or why it does not say."""
        futures = {address: self._submit(_DESCRIBE, address) for address in self.workers()}
        described: dict[str, WorkerDescription | str] = {}
        for address, future in futures.items():
            try:
                described[address] = WorkerDescription(*future.result(timeout=_CONNECT_S))
            except Exception as error:  # noqa: BLE001 - a worker can fail in any way; it is shown
                described[address] = f"no answer: {type(error).__name__}: {error}".rstrip(": ")
        return described

    def settle(self) -> None:
        """Wait a moment for the hosts to remove what was gathered."""
        for future in self._discards:
            # A file that stays on a host costs space there and nothing else.
            with suppress(Exception):
                future.result(timeout=_CONNECT_S)


def _distributed() -> Any:
    try:
        import distributed  # noqa: PLC0415 - an extra; imported where it is needed
    except ImportError:
        raise EnvironmentUnfitError(
            "the fleet needs Dask: install it with `pip install mpbench[fleet]`"
        ) from None
    return distributed


def _refuse_address(address: str) -> None:
    """
    Make sure that an address has all that Dask needs; it would try for long, or end in a trace.

    Raises:
        EnvironmentUnfitError: Something is wrong or missing.
    """
    expected = "expected one such as tcp://10.0.0.1:8786 or tls://10.0.0.1:8786"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise EnvironmentUnfitError(
            f"{address!r} is no address of a Dask scheduler: {error}; {expected}"
        ) from error
    if parts.scheme not in _SCHEMES:
        raise EnvironmentUnfitError(f"{address!r} is no address of a Dask scheduler; {expected}")
    if not host or not port:
        missing = "port" if host else "host"
        raise EnvironmentUnfitError(
            f"{address!r} is no address of a Dask scheduler: it has no {missing}; {expected}"
        )


def _refuse_mismatch(address: str, tls: Tls) -> None:
    """Refuse at once what Dask would try for its whole time-out."""
    is_tls = address.partition("://")[0] in {"tls", "wss"}
    if is_tls and not any(tls):
        raise EnvironmentUnfitError(
            f"{address} asks for certificates; give --tls-ca-file, --tls-cert and --tls-key"
        )
    if any(tls) and (("://" in address and not is_tls) or is_unencrypted(address)):
        raise EnvironmentUnfitError(
            f"{address} is not encrypted, and certificates were given; use tls:// or leave them out"
        )


@contextmanager
def connected(address: str, tls: Tls) -> Iterator[Any]:
    """
    Connect to a scheduler.

    Raises:
        EnvironmentUnfitError: Dask is not installed, the address is none, or nobody answers.
    """
    distributed = _distributed()
    _refuse_address(address)
    _refuse_mismatch(address, tls)
    security = None
    if any(tls):
        security = distributed.Security(
            tls_ca_file=tls.ca,
            tls_client_cert=tls.certificate,
            tls_client_key=tls.key,
            require_encryption=True,
        )
    try:
        client = distributed.Client(
            address, security=security, timeout=_CONNECT_S, set_as_default=False
        )
    except (OSError, ValueError, TypeError) as error:
        raise EnvironmentUnfitError(
            f"no Dask scheduler answers at {address}: {str(error) or type(error).__name__}"
        ) from error
    try:
        yield client
    finally:
        client.close()


@contextmanager
def local_cluster(workers: int) -> Iterator[str]:
    """Start a scheduler and worker processes on this machine's loopback; return the address."""
    distributed = _distributed()
    import dask  # noqa: PLC0415 - comes with distributed

    with (
        private_folder() as scratch,
        dask.config.set(_QUIET),
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            memory_limit=0,
            silence_logs=50,
            local_directory=str(scratch),
        ) as cluster,
    ):
        yield cluster.scheduler_address
