"""Short experiments for what no file of the kernel tells: clocks, semaphores, other load."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

from mpbench.clock import Clock, monotonic_ns, resolution_ns
from mpbench.environment import describe_cgroup, fact, pressure, processor_seconds

__all__ = (
    "ClockFacts",
    "LoadFacts",
    "OtherProcess",
    "ProbeResults",
    "examine_clock",
    "measure_load",
    "run_probes",
)

# A child tries the semaphore: in some sandboxes the first one ends the process.
_SEMAPHORE = """
import multiprocessing
with multiprocessing.get_context("spawn").Lock():
    pass
"""
# What multiprocessing appends to the temporary folder for a listener:
# `/pymp-xxxxxxxx/listener-xxxxxxxx`.
_LISTENER = len("/pymp-xxxxxxxx/listener-xxxxxxxx")
# A process below this share of one CPU is not worth a name.
_OTHER = 0.05


class ClockFacts(NamedTuple):
    """How the measuring clock behaves; `backward_ns` is the largest step back that was seen."""

    resolution_ns: int
    backward_ns: int


class OtherProcess(NamedTuple):
    """A process of somebody else that used CPU time while the doctor looked."""

    name: str
    pid: int
    share: float


class LoadFacts(NamedTuple):
    """What else the machine did for a while; None where the system does not tell."""

    seconds: float
    busy_cpus: float | None
    stolen_share: float | None
    throttled_us: int
    others: tuple[OtherProcess, ...]


class ProbeResults(NamedTuple):
    """The results of all experiments; `semaphore_error` is empty when semaphores work."""

    clock: ClockFacts | None
    load: LoadFacts
    semaphore_error: str
    listener_path_bytes: int
    on_battery: bool | None
    pressure_cpu: float | None


def _pin(cpus: Iterable[int]) -> None:
    os.sched_setaffinity(0, cpus)


def examine_clock(clock: Clock = monotonic_ns, *, readings: int = 2_000) -> ClockFacts:
    """
    Read the clock on every CPU in turn and look whether it ever goes back.

    Stamps of two processes are compared everywhere in mpbench, so the clocks
    of all CPUs must agree. Where a process cannot be pinned, the readings are
    taken anyway.
    """
    allowed = fact(lambda: sorted(os.sched_getaffinity(0))) or [0]
    last, backward = clock(), 0
    try:
        for _ in range(4):
            for cpu in allowed:
                fact(_pin, {cpu})
                for _ in range(readings // (4 * len(allowed)) + 1):
                    now = clock()
                    backward = max(backward, last - now)
                    last = now
    finally:
        fact(_pin, allowed)
    return ClockFacts(resolution_ns(clock), backward)


def _cpu_by_process() -> dict[tuple[int, float], tuple[str, float]]:
    """Return name and CPU seconds of each process, by pid and creation time."""
    found = {}
    for one in psutil.process_iter(["name", "cpu_times", "create_time"]):
        times = one.info["cpu_times"]
        if times is not None:
            key = (one.pid, one.info["create_time"])
            found[key] = (one.info["name"] or "", times.user + times.system)
    return found


def _throttled_us() -> int:
    return int((describe_cgroup()["cpu_throttling"] or {}).get("throttled_us", 0))


def _shares(
    before: Mapping[str, float] | None, after: Mapping[str, float] | None
) -> tuple[float | None, float | None]:
    """Return the CPU seconds that were used, and the share of all that was stolen."""
    if before is None or after is None:
        return None, None
    spent = {name: after[name] - before[name] for name in after}
    whole = sum(spent.values())
    return spent["busy_s"], spent["stolen_s"] / whole if whole > 0 else None


def measure_load(seconds: float) -> LoadFacts:
    """Look at the whole machine for a while and return what others used of it."""
    before, processes = processor_seconds(), fact(_cpu_by_process) or {}
    throttled = _throttled_us()
    own, began = time.process_time(), time.monotonic()
    time.sleep(seconds)
    after, later = processor_seconds(), fact(_cpu_by_process) or {}
    took, mine = time.monotonic() - began, time.process_time() - own
    others = [
        OtherProcess(name, pid, share)
        for (pid, created), (name, used) in later.items()
        if pid != os.getpid()
        and (share := (used - processes.get((pid, created), (name, 0.0))[1]) / took) > _OTHER
    ]
    busy_s, stolen_share = _shares(before, after)
    return LoadFacts(
        seconds=took,
        busy_cpus=None if busy_s is None else max(0.0, busy_s - mine) / took,
        stolen_share=stolen_share,
        throttled_us=_throttled_us() - throttled,
        others=tuple(sorted(others, key=lambda process: -process.share)[:3]),
    )


def _try_semaphore() -> str:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _SEMAPHORE],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _on_battery() -> bool | None:
    battery = fact(lambda: psutil.sensors_battery())  # noqa: PLW0108 - not on every platform
    return None if battery is None or battery.power_plugged is None else not battery.power_plugged


def run_probes(*, seconds: float = 1.0) -> ProbeResults:
    """
    Run every experiment.

    Args:
        seconds: How long the machine's load is watched.
    """
    return ProbeResults(
        clock=fact(examine_clock),
        load=measure_load(seconds),
        semaphore_error=_try_semaphore(),
        listener_path_bytes=len(os.fsencode(Path(tempfile.gettempdir()).absolute())) + _LISTENER,
        on_battery=_on_battery(),
        pressure_cpu=pressure().get("cpu", {}).get("some_avg10"),
    )
