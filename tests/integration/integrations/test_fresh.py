"""What asv and pytest measure takes turns with every other session on the machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mpbench.catalog import discover
from mpbench.errors import EnvironmentUnfitError
from mpbench.integrations.asv_batch import shared_readings
from mpbench.integrations.fresh_agents import AgentSettings, Host, measure
from mpbench.model import Case
from mpbench.session.machine_lock import machine_lock

ONE = discover()["floor/empty-call"]
CASE = Case.make(ONE.name, None, {k: s.resolve(ONE.tier, 2)[0] for k, s in ONE.parameters.items()})
LITTLE = AgentSettings(1, samples=1, sample_ns=1_000_000)


@contextmanager
def held() -> Iterator[threading.Event]:
    """Hold the lock in another thread until the event is set."""
    free, taken = threading.Event(), threading.Event()

    def hold() -> None:
        with machine_lock():
            taken.set()
            free.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait()
    try:
        yield free
    finally:
        free.set()
        holder.join()


def test_another_session_is_not_measured_beside() -> None:
    """While another one has the lock nothing is timed, and the wait has an end."""
    with held(), pytest.raises(EnvironmentUnfitError, match="another mpbench session"):
        measure(ONE, CASE, LITTLE, host=Host(wait_s=0.0))


def test_another_session_is_waited_for() -> None:
    """It measures as soon as the lock is free."""
    with held() as free:
        timer = threading.Timer(0.5, free.set)
        timer.start()
        (one,) = measure(ONE, CASE, LITTLE)
        timer.join()

    assert one.is_ok


def test_a_verification_waits_for_nobody() -> None:
    """It times nothing, and test suites run it in parallel."""
    with held():
        (one,) = measure(ONE, CASE, LITTLE._replace(verify=True), host=Host(wait_s=0.0))

    assert one.is_ok


def test_combinations_share_agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In asv's shared folder the first case measures all, and the others read theirs once."""
    workload = discover()["lock/uncontended"]
    cases = [Case.make(workload.name, None, {"kind": kind}) for kind in ("Lock", "RLock")]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cache.pickle").touch()

    first = shared_readings(workload, cases[0], cases, LITTLE, wait_s=600.0)
    (file,) = tmp_path.glob("mpbench-*.json")
    second = shared_readings(workload, cases[1], cases, LITTLE, wait_s=0.0)

    assert 1 == len(first) == len(second)
    assert not file.exists()


def test_without_that_folder_a_case_is_measured_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left in a folder that nobody removes."""
    monkeypatch.chdir(tmp_path)

    assert 1 == len(shared_readings(ONE, CASE, [CASE], LITTLE, wait_s=600.0))
    assert [] == list(tmp_path.iterdir())
