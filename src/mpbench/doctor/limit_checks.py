"""Checks of what this machine allows a program to do."""

from __future__ import annotations

from typing import Any

from mpbench.doctor.finding import Check, Evidence, Finding, Severity, below
from mpbench.units import format_bytes

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


def _allowed(cpu: Any) -> int | None:
    """Return how many CPUs may be used; None where the system does not tell."""
    return cpu["logical"] if cpu["affinity"] is None else len(cpu["affinity"])


def _quota(evidence: Evidence) -> Finding:
    cpu, subject = evidence.facts["cpu"], "CPU quota"
    throttled_us = evidence.probes.load.throttled_us
    if throttled_us:
        return Finding(
            "quota",
            Severity.FAULT,
            subject,
            f"throttled for {throttled_us} us while the doctor looked",
            "the quota is used up by others in this container, samples stop in the middle",
            "end what else runs in this container, or raise its CPU limit",
        )
    quota, allowed = cpu["quota"], _allowed(cpu)
    if quota is None or allowed is None or quota >= allowed:
        found = "none" if quota is None else f"{quota:g} CPUs for {allowed or '?'} allowed"
        return Finding("quota", Severity.FINE, subject, found)
    return Finding(
        "quota",
        Severity.WARNING,
        subject,
        f"{quota:g} CPUs' worth of time on {allowed} CPUs",
        "more workers than that are stopped until the next period, up to 100 ms at a time",
        f"raise the container's CPU limit, or measure with at most {cpu['usable']} workers",
    )


def _semaphores(evidence: Evidence) -> Finding:
    error = evidence.probes.semaphore_error
    return Check(
        "semaphores",
        "semaphores (sem_open)",
        lambda _: error,
        lambda text: text or "work",
        lambda text: Severity.FAULT if text else Severity.FINE,
        "locks, queues, pools and conditions cannot be made; only pipes and processes can",
        "give the sandbox a writable /dev/shm, or use a Python that was built with sem_open",
    ).examine(evidence)


def _shared_memory(evidence: Evidence) -> Finding:
    place, subject = evidence.facts["shared_memory"], "shared memory (/dev/shm)"
    if place["size_bytes"] is None:
        is_linux = evidence.facts["kernel"]["system"] == "Linux"
        level = Severity.FAULT if is_linux else Severity.NOTE
        reason = "shared memory and semaphores need it"
        remedy = "mount a tmpfs on /dev/shm" if is_linux else ""
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


def _limit(key: str, area: str, least: int, switch: str) -> Check:
    """Return the check of a resource limit and, for processes, of the control group's."""
    name = {"n": "nofile", "u": "nproc"}[switch]

    def limit(evidence: Evidence) -> float:
        limits = [evidence.facts["limits"].get(name, (None, None))[0]]
        if name == "nproc":
            limits.append(evidence.facts["cgroup"]["process_limit"])
        return min((value for value in limits if value is not None), default=float("inf"))

    return Check(
        key,
        area,
        limit,
        lambda value: "no limit" if value == float("inf") else f"{value:,}",
        below(least),
        "workloads with many workers will be skipped",
        f"ulimit -{switch} {least}, or the same in /etc/security/limits.conf",
    )


LIMIT_CHECKS = (
    Check(
        "affinity",
        "CPUs allowed",
        lambda e: None if _allowed(e.facts["cpu"]) is None else e.facts["cpu"],
        lambda cpu: f"{_allowed(cpu)} of {cpu['logical'] or 'an unknown number of'} CPUs",
        lambda cpu: Severity.WARNING if _allowed(cpu) == 1 else Severity.FINE,
        "two processes never run at the same time, so nothing parallel can be measured",
        "allow more CPUs: taskset, --cpuset-cpus, or the batch system's request",
    ).examine,
    _quota,
    _semaphores,
    _shared_memory,
    _limit("open-files", "open files allowed", _LEAST_FILES, "n").examine,
    _limit("processes", "processes allowed", _LEAST_PROCESSES, "u").examine,
    Check(
        "socket-path",
        "socket path in the temporary folder",
        lambda e: e.probes.listener_path_bytes,
        lambda size: f"{size} of {_UNIX_PATH} bytes",
        lambda size: Severity.NOTE if size > _UNIX_PATH else Severity.FINE,
        "managers, listeners and the fork server of other programs cannot bind their sockets; "
        "mpbench's own runs go through a short link in /tmp",
        "export TMPDIR=/tmp",
    ).examine,
)
