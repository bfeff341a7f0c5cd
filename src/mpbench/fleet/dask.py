"""Campaigns on Dask's distributed scheduler; the only module that imports it."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from mpbench.errors import EnvironmentUnfitError
from mpbench.fleet.cluster import SchedulerLostError
from mpbench.fleet.task import Answer, Chunk, Job, discard, measure, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("DaskCluster", "Tls", "connected", "local_cluster")

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


def _perform(job: tuple[Any, ...], topic: str) -> tuple[Any, ...]:
    """Run one job in a worker; only plain tuples cross the network."""
    from distributed import get_worker  # noqa: PLC0415 - only where it is installed

    worker = get_worker()
    return tuple(
        # Another version may say more of a job; that it is another one is answered.
        measure(Job(*job[: len(Job._fields)]), lambda chunk: worker.log_event(topic, tuple(chunk))),
    )


class _Task:
    """One future."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def answer(self) -> Answer | str | None:
        """Return its answer, why it failed, or None while it runs."""
        status = self._future.status
        if status == "finished":
            try:
                return Answer(*self._future.result(timeout=_CONNECT_S)[: len(Answer._fields)])
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
            address: str(one["name"]) if self._apart else str(one["host"])
            for address, one in known["workers"].items()
        }

    def start(self, job: Job, worker: str) -> _Task:
        """Start a job on a worker."""
        return _Task(self._submit(_perform, worker, tuple(job), self._topic))

    def _submit(self, function: Any, worker: str, *arguments: Any) -> Any:
        """Have exactly this worker do something, once."""
        return self._client.submit(
            function,
            *arguments,
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
            self._discards.append(self._submit(_forget, worker, tuple(job)))

    def stop(self, controller: str) -> None:
        """
        Have every worker end what it runs for a controller; wait a moment for their answers.

        A worker's only thread is busy with the run, so its event loop is told.
        The wait is for one that hangs: Dask has no limit for it.
        """
        asking = threading.Thread(target=self._tell, args=(controller,), daemon=True)
        asking.start()
        asking.join(_CONNECT_S)

    def _tell(self, controller: str) -> None:
        if self._client.status != "running":
            return
        with suppress(Exception):
            self._client.run(stop, controller, on_error="ignore")

    def settle(self) -> None:
        """Wait a moment for the hosts to remove what was gathered."""
        for future in self._discards:
            # A file that stays on a host costs space there and nothing else.
            with suppress(Exception):
                future.result(timeout=_CONNECT_S)


def _forget(job: tuple[Any, ...]) -> None:
    discard(Job(*job))


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


@contextmanager
def connected(address: str, tls: Tls) -> Iterator[Any]:
    """
    Connect to a scheduler.

    Raises:
        EnvironmentUnfitError: Dask is not installed, the address is none, or nobody answers.
    """
    distributed = _distributed()
    _refuse_address(address)
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
        dask.config.set(_QUIET),
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            memory_limit=0,
            silence_logs=50,
        ) as cluster,
    ):
        yield cluster.scheduler_address
