"""How busy the machine is with other things at this moment."""

from __future__ import annotations

from typing import Any

import psutil

from mpbench.environment.files import SYSTEM, Files

__all__ = ("describe_load", "pressure", "processor_seconds")


def pressure(files: Files = SYSTEM) -> dict[str, dict[str, float]]:
    """
    Return the kernel's pressure figures: the share of time in which work had to wait.

    The keys are the resource (`cpu`, `memory`, `io`), then `some_avg10`,
    `some_total` (microseconds since boot) and so on. Empty before Linux 4.20.
    """
    found: dict[str, dict[str, float]] = {}
    for resource in ("cpu", "memory", "io"):
        for line in files.lines(f"/proc/pressure/{resource}"):
            kind, *fields = line.split()
            for field in fields:
                name, _, value = field.partition("=")
                found.setdefault(resource, {})[f"{kind}_{name}"] = float(value)
    return found


def processor_seconds() -> dict[str, float]:
    """Return the CPU seconds of the whole machine since boot: busy, idle, stolen."""
    times = psutil.cpu_times()._asdict()
    # Guest time is already part of user and nice time.
    whole = sum(value for name, value in times.items() if not name.startswith("guest"))
    idle = times.get("idle", 0.0) + times.get("iowait", 0.0)
    stolen = times.get("steal", 0.0)
    return {"busy_s": whole - idle - stolen, "idle_s": idle, "stolen_s": stolen}


def describe_load(files: Files = SYSTEM) -> dict[str, Any]:
    """Return load averages, pressure and the CPU time used and stolen since boot."""
    average = psutil.getloadavg() if hasattr(psutil, "getloadavg") else ()
    return {
        "average": [round(one, 2) for one in average],
        "pressure": pressure(files),
        "since_boot": processor_seconds(),
    }
