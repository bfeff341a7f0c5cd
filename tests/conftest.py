"""What every test shares: nothing may be left behind."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from mpbench.agent.process_tree import mapped_segments, processes

# No test asserts a duration, and hypothesis would: a busy machine is no failure.
hypothesis.settings.register_profile("mpbench", deadline=None)
hypothesis.settings.load_profile("mpbench")

# A shell starts what runs in its background with Ctrl-C ignored; programs under test would
# inherit that, and tests that interrupt them would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Unit tests that start processes or hold semaphores.
_WITH_PROCESSES = ("agent", "api", "comparing", "profiling", "workloads")
_SHM = Path("/dev/shm")
_PREFIXES = ("sem.mp", "psm_", "pym-")


def _segments() -> set[str]:
    try:
        return {name for name in os.listdir(_SHM) if name.startswith(_PREFIXES)}
    except OSError:
        return set()


def _abandoned() -> set[str]:
    """Return the names that no process has mapped: other sessions use theirs meanwhile."""
    names = _segments()
    try:
        return names - mapped_segments(processes()) if names else names
    except OSError:
        return names


def pytest_configure(config: pytest.Config) -> None:
    """Give a worker of pytest-xdist a short path: a socket's has 107 bytes at most."""
    if hasattr(config, "workerinput"):
        config.option.basetemp = Path(tempfile.gettempdir()) / f"pw-{os.getpid()}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder of a worker."""
    if hasattr(config, "workerinput"):
        shutil.rmtree(config.option.basetemp, ignore_errors=True)


def _share_of(nodeid: str) -> str:
    """Return the name that tests have in common which one worker of pytest-xdist must run."""
    path = nodeid.partition("::")[0].removeprefix("tests/")
    kind, _, rest = path.partition("/")
    is_pure = kind == "unit" and rest.partition("/")[0] not in _WITH_PROCESSES
    return path if is_pure else "processes"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Run what starts processes one after the other, and other unit tests beside it."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _share_of(nodeid)

    return Scheduling(config, log)


@pytest.fixture(autouse=True, scope="session")
def _own_measuring_lock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the tests a lock of their own: they measure nothing that others could disturb."""
    os.environ["MPBENCH_LOCK"] = str(tmp_path_factory.mktemp("lock") / "mpbench.lock")
    yield
    del os.environ["MPBENCH_LOCK"]


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fail when the test leaves a semaphore or a segment in shared memory."""
    before = _segments()
    yield
    limit = time.monotonic() + 3
    while _abandoned() - before and time.monotonic() < limit:
        # A resource tracker may still be at work after its last user has gone.
        time.sleep(0.05)

    assert set() == _abandoned() - before
