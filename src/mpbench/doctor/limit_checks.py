"""The doctor's questions about what this machine allows a program to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpbench.doctor.finding import Finding, Severity
from mpbench.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mpbench.doctor.probes import ProbeResults

__all__ = ("LIMIT_CHECKS",)

# Docker's default is 64 MiB: a queue works, a shared buffer of 64 MiB does not.
_SMALL_SHM = 128 << 20
# Semaphores and the smallest segments need about a page each.
_LEAST_SHM = 1 << 20
# sun_path in Linux's sockaddr_un, without the closing zero.
_UNIX_PATH = 107
# Two descriptors for each of 64 workers' pipes and sentinels, and some of our own.
_LEAST_FILES = 512
_LEAST_PROCESSES = 256


def _quota(facts: Mapping[str, Any], probes: ProbeResults) -> Finding:
    cpu, subject = facts["cpu"], "CPU quota"
    quota, allowed = cpu["quota"], len(cpu["affinity"])
    if probes.load.throttled_us:
        return Finding(
            "quota",
            Severity.FAULT,
            subject,
            f"throttled for {probes.load.throttled_us} us while the doctor looked",
            "the quota is used up by others in this container, samples stop in the middle",
            "end what else runs in this container, or raise its CPU limit",
        )
    if quota is None or quota >= allowed:
        found = "none" if quota is None else f"{quota:g} CPUs for {allowed} allowed"
        return Finding("quota", Severity.FINE, subject, found)
    return Finding(
        "quota",
        Severity.WARNING,
        subject,
        f"{quota:g} CPUs' worth of time on {allowed} CPUs",
        "more workers than that are stopped until the next period, up to 100 ms at a time",
        f"raise the container's CPU limit, or measure with at most {cpu['usable']} workers",
    )


def _affinity(facts: Mapping[str, Any], probes: ProbeResults) -> Finding:
    del probes
    cpu = facts["cpu"]
    allowed, logical = len(cpu["affinity"]), cpu["logical"]
    found = f"{allowed} of {logical} CPUs"
    if allowed == 1:
        return Finding(
            "affinity",
            Severity.WARNING,
            "CPUs allowed",
            found,
            "two processes never run at the same time, so nothing parallel can be measured",
            "allow more CPUs: taskset, --cpuset-cpus, or the batch system's request",
        )
    return Finding("affinity", Severity.FINE, "CPUs allowed", found)


def _semaphores(facts: Mapping[str, Any], probes: ProbeResults) -> Finding:
    del facts
    if not probes.semaphore_error:
        return Finding("semaphores", Severity.FINE, "semaphores (sem_open)", "work")
    return Finding(
        "semaphores",
        Severity.FAULT,
        "semaphores (sem_open)",
        probes.semaphore_error,
        "locks, queues, pools and conditions cannot be made; only pipes and processes can",
        "give the sandbox a writable /dev/shm, or use a Python that was built with sem_open",
    )


def _shared_memory(facts: Mapping[str, Any], probes: ProbeResults) -> Finding:
    del probes
    place, subject = facts["shared_memory"], "shared memory (/dev/shm)"
    if place["size_bytes"] is None:
        level = Severity.FAULT if facts["kernel"]["system"] == "Linux" else Severity.NOTE
        reason = "shared memory and semaphores need it"
        remedy = "mount a tmpfs on /dev/shm" if level is Severity.FAULT else ""
        return Finding("shared-memory", level, subject, "missing", reason, remedy)
    free = place["free_bytes"]
    found = f"{format_bytes(float(free))} free of {format_bytes(float(place['size_bytes']))}"
    if free >= _SMALL_SHM:
        return Finding("shared-memory", Severity.FINE, subject, found)
    return Finding(
        "shared-memory",
        Severity.FAULT if free < _LEAST_SHM else Severity.WARNING,
        subject,
        found,
        "a program that fills it is ended with SIGBUS; large shared-memory workloads are skipped",
        "docker run --shm-size=1g, or mount -o remount,size=1g /dev/shm",
    )


def _limit(key: str, subject: str, soft: int | None, least: int, switch: str) -> Finding:
    found = "no limit" if soft is None else f"{soft:,}"
    if soft is None or soft >= least:
        return Finding(key, Severity.FINE, subject, found)
    return Finding(
        key,
        Severity.WARNING,
        subject,
        found,
        "workloads with many workers will be skipped",
        f"ulimit -{switch} {least}, or the same in /etc/security/limits.conf",
    )


def _files(facts: Mapping[str, Any], probes: ProbeResults) -> Finding:
    del probes
    soft = facts["limits"].get("nofile", (None, None))[0]
    return _limit("open-files", "open files allowed", soft, _LEAST_FILES, "n")


def _processes(facts: Mapping[str, Any], probes: ProbeResults) -> Finding:
    del probes
    soft = facts["limits"].get("nproc", (None, None))[0]
    group = facts["cgroup"]["process_limit"]
    least = min((one for one in (soft, group) if one is not None), default=None)
    return _limit("processes", "processes allowed", least, _LEAST_PROCESSES, "u")


def _socket_path(facts: Mapping[str, Any], probes: ProbeResults) -> Finding:
    del facts
    size, subject = probes.listener_path_bytes, "socket path in the temporary folder"
    found = f"{size} of {_UNIX_PATH} bytes"
    if size <= _UNIX_PATH:
        return Finding("socket-path", Severity.FINE, subject, found)
    return Finding(
        "socket-path",
        Severity.FAULT,
        subject,
        found,
        "managers, listeners and the fork server cannot bind their sockets",
        "export TMPDIR=/tmp",
    )


LIMIT_CHECKS: tuple[Callable[[Mapping[str, Any], ProbeResults], Finding], ...] = (
    _affinity,
    _quota,
    _semaphores,
    _shared_memory,
    _files,
    _processes,
    _socket_path,
)
