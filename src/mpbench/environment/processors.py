"""Facts about CPUs: which there are, which may be used, how they are run."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping
from typing import Any

import psutil

from mpbench.environment.cgroup import quota
from mpbench.environment.files import SYSTEM, Files, fact

__all__ = ("affinity", "describe_cpu", "usable_cpus")

_CPUS = "/sys/devices/system/cpu"


def affinity() -> tuple[int, ...]:
    """Return the numbers of the CPUs that this process may run on."""
    return tuple(_affinity() or range(os.cpu_count() or 1))


def _affinity() -> list[int] | None:
    return fact(lambda: sorted(os.sched_getaffinity(0)))


def usable_cpus(files: Files = SYSTEM, allowed: int | None = None) -> int:
    """
    Return how many CPUs can really be kept busy: min(affinity, quota rounded up).

    Args:
        files: Where the quota is read.
        allowed: How many CPUs the affinity mask has; None asks the system.
    """
    count = len(affinity()) if allowed is None else allowed
    limit = quota(files)
    return max(1, count if limit is None else min(count, math.ceil(limit)))


def _facts(files: Files) -> dict[str, str]:
    """Return what the kernel says of the first CPU, by its words in lower case."""
    found: dict[str, str] = {}
    for line in files.lines("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        found.setdefault(name.strip().lower(), " ".join(value.split()))
    return found


def _model(facts: Mapping[str, str]) -> str | None:
    known = (facts.get(name) for name in ("model name", "hardware", "cpu model", "uarch"))
    return next((one for one in known if one), None) or fact(platform.processor) or None


def _generation(facts: Mapping[str, str]) -> str | None:
    """
    Return the vendor and the numbers by which a processor's design is known.

    A hypervisor may call generations that differ by half in speed by one name.
    """
    x86 = ("vendor_id", "cpu family", "model", "stepping")
    arm = ("cpu implementer", "cpu part", "cpu variant", "cpu revision")
    for first, *rest in (x86, arm):
        if all(facts.get(name) for name in (first, *rest)):
            numbers = (f"{name.removeprefix('cpu ')} {facts[name]}" for name in rest)
            return " ".join([facts[first], *numbers])
    return None


def _distinct(files: Files, pattern: str) -> int | None:
    """Count the different values of one topology file over all CPUs."""
    numbers = [name for name in files.names(_CPUS) if name[3:].isdigit()]
    values = {files.text(f"{_CPUS}/{name}/{pattern}") for name in numbers} - {None, "-1"}
    return len(values) or None


def _caches(files: Files) -> dict[str, int]:
    """Return the bytes of each cache that the first CPU sees: L1d, L1i, L2, L3."""
    sizes: dict[str, int] = {}
    for index in files.names(f"{_CPUS}/cpu0/cache"):
        folder = f"{_CPUS}/cpu0/cache/{index}"
        level, size = files.text(f"{folder}/level"), files.text(f"{folder}/size")
        kind = {"Data": "d", "Instruction": "i"}.get(files.text(f"{folder}/type") or "", "")
        if level and size and size[:-1].isdigit():
            factor = {"K": 1 << 10, "M": 1 << 20}.get(size[-1], 0)
            sizes[f"L{level}{kind}"] = int(size[:-1]) * factor
    return sizes


def _per_cpu(files: Files, name: str) -> tuple[str, ...]:
    """Return the different values of one frequency setting over all CPUs."""
    policies = files.names(f"{_CPUS}/cpufreq")
    found = {files.text(f"{_CPUS}/cpufreq/{policy}/{name}") for policy in policies}
    return tuple(sorted(entry for entry in found if entry))


def _turbo(files: Files) -> bool | None:
    """Return whether the CPU may exceed its nominal frequency; None where it does not say."""
    off = files.integer(f"{_CPUS}/intel_pstate/no_turbo")
    if off is not None:
        return not off
    boost = files.integer(f"{_CPUS}/cpufreq/boost")
    return None if boost is None else bool(boost)


def _smt(files: Files) -> bool | None:
    active = files.integer(f"{_CPUS}/smt/active")
    return None if active is None else bool(active)


def _flag(facts: Mapping[str, str], name: str) -> bool:
    """Return whether the first CPU's feature list holds a word."""
    return name in (facts.get("flags") or facts.get("features") or "").split()


def describe_cpu(files: Files = SYSTEM) -> dict[str, Any]:
    """Return the CPUs' model, topology, limits and settings."""
    facts = _facts(files)
    frequency = fact(lambda: psutil.cpu_freq())  # noqa: PLW0108 - not on every platform
    folder = f"{_CPUS}/vulnerabilities"
    nodes = [name for name in files.names("/sys/devices/system/node") if name[4:].isdigit()]
    return {
        "model": _model(facts),
        "generation": _generation(facts),
        "architecture": platform.machine(),
        "logical": fact(psutil.cpu_count),
        "physical": fact(psutil.cpu_count, logical=False),
        "sockets": _distinct(files, "topology/physical_package_id"),
        "numa_nodes": len(nodes) or None,
        "caches_bytes": _caches(files),
        "affinity": _affinity(),
        "quota": quota(files),
        "usable": usable_cpus(files),
        "isolated": files.text(f"{_CPUS}/isolated") or None,
        "max_mhz": frequency.max or None if frequency else None,
        "governors": list(_per_cpu(files, "scaling_governor")),
        "frequency_drivers": list(_per_cpu(files, "scaling_driver")),
        "turbo": _turbo(files),
        "smt": _smt(files),
        "constant_tsc": _flag(facts, "constant_tsc"),
        "nonstop_tsc": _flag(facts, "nonstop_tsc"),
        "mitigations": {
            name: text
            for name in files.names(folder)
            if (text := files.text(f"{folder}/{name}")) and not text.startswith("Not affected")
        },
    }
