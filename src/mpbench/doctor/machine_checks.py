"""Checks of the machine itself: its CPUs, memory, kernel settings and interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpbench.doctor.finding import UNKNOWN, Check, Evidence, Finding, Severity, above, below
from mpbench.units import format_bytes

__all__ = ("MACHINE_CHECKS",)

# Below this a workload with large payloads swaps or is ended by the kernel.
_LEAST_MEMORY = 1 << 30
_MUCH_SWAP = 64 << 20
# Clock sources that a process can read without a call into the kernel.
_FAST_CLOCKS = {"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"}
# /proc/sys/kernel/randomize_va_space, man 5 proc.
_ASLR = {0: "off", 1: "stack and libraries", 2: "full"}
_OVERCOMMIT = {0: "heuristic", 1: "always", 2: "never"}

# Facts that nearly every machine tells; the record holds null where one does not.
_USUAL = (
    "cpu.model",
    "cpu.logical",
    "cpu.affinity",
    "memory.total_bytes",
    "memory.available_bytes",
    "memory.swap_used_bytes",
    "kernel.libc",
    "kernel.clock_source",
    "kernel.aslr",
    "cgroup.version",
    "load.average",
    "load.since_boot",
)


def _fact(group: str, name: str) -> Callable[[Evidence], Any]:
    return lambda evidence: evidence.facts[group][name]


def _unless(is_harmless: Callable[[Any], bool], level: Severity) -> Callable[[Any], Severity]:
    return lambda value: Severity.FINE if is_harmless(value) else level


def _on_off(value: bool) -> str:
    return "on" if value else "off"


def _hidden(evidence: Evidence) -> list[str]:
    """Return the usual facts that this machine does not tell."""
    hidden = []
    for name in _USUAL:
        group, _, key = name.partition(".")
        if evidence.facts.get(group, {}).get(key, 0) is None:
            hidden.append(name)
    return hidden


def _threads(evidence: Evidence) -> Finding:
    cpu = evidence.facts["cpu"]
    return Check(
        "smt",
        "hardware threads (SMT)",
        _fact("cpu", "smt"),
        lambda on: (
            f"on: {cpu['logical']} logical CPUs on {cpu['physical'] or 'an unknown number of'} "
            "cores"
            if on
            else "off"
        ),
        _unless(lambda on: not on, Severity.NOTE),
        "two workers on one core share it, so the second half of the CPUs adds little",
        "read scaling up to the number of cores; taskset can keep workers on separate cores",
    ).examine(evidence)


def _mitigations(evidence: Evidence) -> list[str]:
    return list(evidence.facts["cpu"]["mitigations"].values())


def _count(texts: list[str], word: str) -> int:
    return sum(text.startswith(word) for text in texts)


def _free_memory(evidence: Evidence) -> tuple[float, float | None] | None:
    memory = evidence.facts["memory"]
    limits = (evidence.facts["cgroup"]["memory_limit_bytes"], memory["available_bytes"])
    free = min((float(limit) for limit in limits if limit is not None), default=None)
    return None if free is None else (free, memory["total_bytes"])


def _memory_text(memory: tuple[float, float | None]) -> str:
    free, total = memory
    of_all = "" if total is None else f" of {format_bytes(float(total))}"
    return f"{format_bytes(free)} available{of_all}"


def _kinds(evidence: Evidence) -> str:
    kind = evidence.facts["virtualisation"]
    texts = (
        kind["hypervisor"] and f"{kind['hypervisor']} virtual machine",
        kind["container"] and f"{kind['container']} container",
        "Windows Subsystem for Linux" if kind["wsl"] else None,
    )
    return ", ".join(filter(None, texts))


def _interpreter(evidence: Evidence) -> Finding:
    python = evidence.facts["interpreter"]
    name = f"{python['implementation']} {python['version']}"
    if python["debug"] or "-O0" in python["optimisation"]:
        return Finding(
            "interpreter",
            Severity.FAULT,
            "interpreter",
            f"{name}, debug build",
            "a debug build is several times slower, and not evenly so",
            "measure a release build: --python PATH",
        )
    if not python["pgo"]:
        return Finding(
            "interpreter",
            Severity.NOTE,
            "interpreter",
            f"{name}, built without --enable-optimizations",
            "pure Python parts run slower than in the builds of most distributions",
            "compare only with builds of the same kind",
        )
    return Finding("interpreter", Severity.FINE, "interpreter", f"{name}, optimised build")


MACHINE_CHECKS = (
    _interpreter,
    Check(
        "facts",
        "facts about the machine",
        _hidden,
        lambda hidden: f"{UNKNOWN}: {', '.join(hidden)}" if hidden else "all usual ones are told",
        _unless(lambda hidden: not hidden, Severity.NOTE),
        "a sandbox hides them: the record holds null, and checks that need them are left out",
        "to see them, give the sandbox /proc and /sys",
    ).examine,
    Check(
        "governor",
        "frequency governor",
        lambda e: e.facts["cpu"]["governors"] or None,
        ", ".join,
        _unless(lambda names: list(names) == ["performance"], Severity.WARNING),
        "a CPU that was idle runs slowly at first, so short workloads look slower than long ones",
        "sudo cpupower frequency-set -g performance",
    ).examine,
    Check(
        "turbo",
        "turbo frequencies",
        _fact("cpu", "turbo"),
        _on_off,
        _unless(lambda on: not on, Severity.NOTE),
        "one busy CPU runs faster than all of them do, so scaling curves bend early",
        "to compare worker counts fairly: echo 0 > /sys/devices/system/cpu/cpufreq/boost "
        "(intel_pstate: echo 1 > .../intel_pstate/no_turbo)",
    ).examine,
    _threads,
    Check(
        "mitigations",
        "CPU vulnerability mitigations",
        _mitigations,
        lambda texts: (
            f"{_count(texts, 'Mitigation')} active, "
            f"{_count(texts, 'Vulnerable')} vulnerable without one"
        ),
        _unless(lambda texts: not _count(texts, "Mitigation"), Severity.NOTE),
        "they make every call into the kernel dearer: pipes, semaphores, process starts",
        "nothing; compare machines with the same mitigations (the record lists them)",
    ).examine,
    Check(
        "huge-pages",
        "transparent huge pages",
        _fact("memory", "huge_pages"),
        str,
        _unless(lambda mode: mode != "always", Severity.NOTE),
        "memory is handed out and copied 2 MiB at a time: fork of a large parent and first "
        "touch of large buffers differ from machines with madvise",
        "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
    ).examine,
    Check(
        "aslr",
        "address randomisation",
        _fact("kernel", "aslr"),
        lambda mode: _ASLR.get(mode, str(mode)),
        _unless(bool, Severity.NOTE),
        "every agent then has the same memory layout, which hides its effect",
        "leave it on: mpbench spreads the layouts over fresh agents",
    ).examine,
    Check(
        "clock-source",
        "clock source",
        _fact("kernel", "clock_source"),
        str,
        _unless(_FAST_CLOCKS.__contains__, Severity.WARNING),
        "each reading of the clock is a call into the kernel and costs up to a microsecond",
        "boot with clocksource=tsc if the CPU has a constant TSC",
    ).examine,
    Check(
        "memory",
        "memory",
        _free_memory,
        _memory_text,
        lambda memory: below(_LEAST_MEMORY)(memory[0]),
        "workloads with large payloads will be skipped, or ended by the kernel",
        "close other programs or raise the container's memory limit",
    ).examine,
    Check(
        "swap",
        "swap in use",
        _fact("memory", "swap_used_bytes"),
        lambda used: format_bytes(float(used)),
        above(_MUCH_SWAP),
        "a page that comes back from disk takes milliseconds inside a sample",
        "sudo swapoff -a && sudo swapon -a, or reboot",
    ).examine,
    Check(
        "overcommit",
        "memory overcommit",
        _fact("memory", "overcommit"),
        lambda mode: _OVERCOMMIT.get(mode, str(mode)),
        _unless(lambda mode: _OVERCOMMIT.get(mode) != "never", Severity.WARNING),
        "fork of a large parent is refused although its child would touch little",
        "sudo sysctl vm.overcommit_memory=0",
    ).examine,
    Check(
        "virtualisation",
        "virtualisation",
        _kinds,
        lambda kinds: kinds or "none seen",
        _unless(lambda kinds: not kinds, Severity.NOTE),
        "neighbours on the host come and go, and page faults and wake-ups cost more than on metal",
        "repeat on another day before believing a small difference between sessions",
    ).examine,
)
