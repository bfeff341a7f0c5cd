"""Preflight refuses what a machine cannot run, with numbers and a remedy."""

import pytest

from mpbench.doctor.preflight import Capacity, capacity_of, skip_reason
from mpbench.workload import Needs

MIB = 1 << 20
MACHINE = {
    "cgroup": {"process_limit": 100, "processes": 40, "memory_limit_bytes": 512 * MIB},
    "limits": {"nproc": [4096, None], "nofile": [256, 1024]},
    "memory": {"available_bytes": 4096 * MIB},
    "shared_memory": {"free_bytes": 64 * MIB},
}


def test_a_machine_without_limits_refuses_nothing():
    """None stands for no limit."""
    has = Capacity()

    assert None is skip_reason(Needs(10_000, 10_000, 1 << 50, 1 << 50, semaphores=True), has)


@pytest.mark.parametrize(
    ("needs", "part"),
    [
        (Needs(semaphores=True), "sem_open"),
        (Needs(processes=64), "64 processes"),
        (Needs(descriptors=1_000), "ulimit -n"),
        (Needs(shm_bytes=33 * MIB), "--shm-size"),
        (Needs(memory_bytes=400 * MIB), "358 MiB"),
    ],
)
def test_each_shortage_has_its_reason(needs, part):
    """The reason names the need and what there is."""
    has = capacity_of(MACHINE, {"semaphores": False})

    assert part in skip_reason(needs, has)


def test_what_fits_is_not_refused():
    """The limits themselves still fit."""
    has = capacity_of(MACHINE, {"semaphores": True})
    needs = Needs(28, 240, memory_bytes=300 * MIB, shm_bytes=32 * MIB, semaphores=True)

    assert None is skip_reason(needs, has)


def test_the_smallest_of_several_limits_counts():
    """A container's limit and the user's own are both kept."""
    has = capacity_of(MACHINE, {})

    assert Capacity(64 * MIB, 512 * MIB, 60, 256, True) == has


def test_a_platform_without_limits_is_read():
    """Windows has no resource limits and no /dev/shm."""
    machine = {
        "cgroup": {"process_limit": None, "processes": None, "memory_limit_bytes": None},
        "limits": {},
        "memory": {"available_bytes": 5},
        "shared_memory": {"free_bytes": None},
    }

    assert Capacity(None, 5, None, None, True) == capacity_of(machine, {})
