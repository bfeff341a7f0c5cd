"""What every test shares: nothing may be left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_SHM = Path("/dev/shm")
_PREFIXES = ("sem.mp", "psm_", "pym-")


def _segments() -> set[str]:
    try:
        return {name for name in os.listdir(_SHM) if name.startswith(_PREFIXES)}
    except OSError:
        return set()


@pytest.fixture(autouse=True, scope="session")
def _own_measuring_lock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests measure nothing, so they need not wait for a session on this machine."""
    os.environ["MPBENCH_LOCK"] = str(tmp_path_factory.mktemp("lock") / "mpbench.lock")
    yield
    del os.environ["MPBENCH_LOCK"]


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fail when the test leaves a semaphore or a segment in shared memory."""
    before = _segments()
    yield
    assert set() == _segments() - before
