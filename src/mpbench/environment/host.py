"""Facts about kernel, C library, memory, limits and virtualisation."""

from __future__ import annotations

import os
import platform
import shutil
from typing import Any

import psutil

from mpbench.environment.files import SYSTEM, Files, fact

__all__ = (
    "describe_kernel",
    "describe_limits",
    "describe_memory",
    "describe_shared_memory",
    "describe_virtualisation",
)

_THP = "/sys/kernel/mm/transparent_hugepage"
_CLOCK = "/sys/devices/system/clocksource/clocksource0"
_SHM = "/dev/shm"  # noqa: S108 - where POSIX shared memory lives on Linux
# The limits that a multiprocessing program can meet.
_LIMITS = ("NPROC", "NOFILE", "AS", "DATA", "STACK", "MEMLOCK", "MSGQUEUE", "CORE")
# What vendors write into the firmware's tables, and what it means.
_VENDORS = (
    ("amazon ec2", "amazon"),
    ("google", "google"),
    ("microsoft corporation", "hyper-v"),
    ("vmware", "vmware"),
    ("innotek", "virtualbox"),
    ("xen", "xen"),
    ("qemu", "kvm"),
    ("openstack", "kvm"),
    ("kvm", "kvm"),
    ("parallels", "parallels"),
)


def describe_kernel(files: Files = SYSTEM) -> dict[str, Any]:
    """Return the operating system, its C library and the settings that change timings."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "version": platform.version(),
        "distribution": _distribution(files),
        "libc": " ".join(fact(platform.libc_ver) or ()).strip() or None,
        "aslr": files.integer("/proc/sys/kernel/randomize_va_space"),
        "clock_source": files.text(f"{_CLOCK}/current_clocksource"),
        "clock_sources": (files.text(f"{_CLOCK}/available_clocksource") or "").split(),
        "ptrace_scope": files.integer("/proc/sys/kernel/yama/ptrace_scope"),
        "autogroup": files.integer("/proc/sys/kernel/sched_autogroup_enabled"),
        "preemption": files.chosen("/sys/kernel/debug/sched/preempt"),
    }


def _distribution(files: Files) -> str | None:
    for line in files.lines("/etc/os-release"):
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return None


def describe_memory(files: Files = SYSTEM) -> dict[str, Any]:
    """Return the machine's memory and how its pages are handed out."""
    memory, swap = fact(psutil.virtual_memory), fact(psutil.swap_memory)
    return {
        "total_bytes": memory and memory.total,
        "available_bytes": memory and memory.available,
        "swap_bytes": swap and swap.total,
        "swap_used_bytes": swap and swap.used,
        "page_bytes": fact(lambda: os.sysconf("SC_PAGE_SIZE")),
        "huge_pages": files.chosen(f"{_THP}/enabled"),
        "huge_page_defrag": files.chosen(f"{_THP}/defrag"),
        "shared_huge_pages": files.chosen(f"{_THP}/shmem_enabled"),
        "overcommit": files.integer("/proc/sys/vm/overcommit_memory"),
        "swappiness": files.integer("/proc/sys/vm/swappiness"),
    }


def describe_shared_memory(files: Files = SYSTEM) -> dict[str, Any]:
    """Return the size and free space of the file system that holds shared memory."""
    usage = fact(shutil.disk_usage, files.path(_SHM))
    if usage is None:
        return {"path": None, "size_bytes": None, "free_bytes": None}
    return {"path": _SHM, "size_bytes": usage.total, "free_bytes": usage.free}


def describe_limits() -> dict[str, list[int | None]]:
    """Return [soft, hard] of each resource limit; None stands for no limit."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return {}
    limits: dict[str, list[int | None]] = {}
    for name in _LIMITS:
        pair = fact(resource.getrlimit, getattr(resource, f"RLIMIT_{name}", -1))
        if pair is not None:
            limits[name.lower()] = [
                None if value == resource.RLIM_INFINITY else value for value in pair
            ]
    return limits


def _hypervisor(files: Files) -> str | None:
    kind = files.text("/sys/hypervisor/type")
    if kind:
        return kind
    firmware = " ".join(
        files.text(f"/sys/class/dmi/id/{name}") or "" for name in ("sys_vendor", "product_name")
    ).lower()
    for word, name in _VENDORS:
        if word in firmware:
            return name
    if "kvm-clock" in (files.text(f"{_CLOCK}/available_clocksource") or ""):
        return "kvm"
    flags = next((line for line in files.lines("/proc/cpuinfo") if line.startswith("flags")), "")
    return "unknown" if "hypervisor" in flags.split() else None


def _container(files: Files) -> str | None:
    if files.exists("/.dockerenv"):
        return "docker"
    if files.exists("/run/.containerenv"):
        return "podman"
    groups = (files.text("/proc/1/cgroup") or "") + (files.text("/proc/self/mountinfo") or "")
    for word, name in (("kubepods", "kubernetes"), ("/docker/", "docker"), ("/lxc/", "lxc")):
        if word in groups:
            return name
    return None


def describe_virtualisation(files: Files = SYSTEM) -> dict[str, Any]:
    """Return hints of a hypervisor, a container or WSL; None where nothing tells."""
    return {
        "hypervisor": _hypervisor(files),
        "container": _container(files),
        "wsl": "microsoft" in (files.text("/proc/sys/kernel/osrelease") or "").lower(),
    }
