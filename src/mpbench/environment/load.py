"""Other load of the machine at this moment."""

from __future__ import annotations

from typing import Any

import psutil

from mpbench.environment.files import SYSTEM, Files, fact

__all__ = ("describe_load", "pressure", "processor_seconds")


def pressure(files: Files = SYSTEM) -> dict[str, dict[str, float]]:
    """
    Return the kernel's pressure figures: the share of time in which work had to wait.

    The keys are the resource (`cpu`, `memory`, `io`), then `some_avg10`,
    `some_total` (microseconds since boot) and so on. Empty before Linux 4.20.
    """
    figures: dict[str, dict[str, float]] = {}
    for resource in ("cpu", "memory", "io"):
        for line in files.lines(f"/proc/pressure/{resource}"):
            kind, _, fields = line.partition(" ")
            for field in fields.split():
                name, _, text = field.partition("=")
                value = fact(float, text)
                if value is not None:
                    figures.setdefault(resource, {})[f"{kind}_{name}"] = value
    return figures


def processor_seconds() -> dict[str, float] | None:
    """Return the CPU seconds of the machine since boot: busy, idle, stolen; None if hidden."""
    read = fact(psutil.cpu_times)
    if read is None:
        return None
    times = read._asdict()
    # Guest time is already part of user and nice time.
    whole = sum(value for name, value in times.items() if not name.startswith("guest"))
    idle = times.get("idle", 0.0) + times.get("iowait", 0.0)
    stolen = times.get("steal", 0.0)
    return {"busy_s": whole - idle - stolen, "idle_s": idle, "stolen_s": stolen}


def describe_load(files: Files = SYSTEM) -> dict[str, Any]:
    """Return load averages, pressure and the CPU time used and stolen since boot."""
    average = fact(psutil.getloadavg)
    return {
        "average": average and [round(load, 2) for load in average],
        "pressure": pressure(files),
        "since_boot": processor_seconds(),
    }
