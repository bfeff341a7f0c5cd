"""The doctor's questions about what kind of machine this is and how it is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpbench.doctor.finding import Finding, Severity
from mpbench.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ("MACHINE_CHECKS",)

# Below this a workload with large payloads swaps or is ended by the kernel.
_LEAST_MEMORY = 1 << 30
# Clock sources that a process can read without a call into the kernel.
_FAST_CLOCKS = {"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"}
# /proc/sys/kernel/randomize_va_space, man 5 proc.
_ASLR = {0: "off", 1: "stack and libraries", 2: "full"}


def _governor(facts: Mapping[str, Any]) -> Finding:
    names = facts["cpu"]["governors"]
    if not names:
        found = "not visible here (usual in a virtual machine)"
        return Finding("governor", Severity.FINE, "frequency governor", found)
    if names == ["performance"]:
        return Finding("governor", Severity.FINE, "frequency governor", "performance")
    return Finding(
        "governor",
        Severity.WARNING,
        "frequency governor",
        ", ".join(names),
        "a CPU that was idle runs slowly at first, so short workloads look slower than long ones",
        "sudo cpupower frequency-set -g performance",
    )


def _turbo(facts: Mapping[str, Any]) -> Finding:
    on = facts["cpu"]["turbo"]
    if not on:
        found = "not visible here" if on is None else "off"
        return Finding("turbo", Severity.FINE, "turbo frequencies", found)
    return Finding(
        "turbo",
        Severity.NOTE,
        "turbo frequencies",
        "on",
        "one busy CPU runs faster than all of them do, so scaling curves bend early",
        "to compare worker counts fairly: echo 0 > /sys/devices/system/cpu/cpufreq/boost "
        "(intel_pstate: echo 1 > .../intel_pstate/no_turbo)",
    )


def _smt(facts: Mapping[str, Any]) -> Finding:
    on = facts["cpu"]["smt"]
    if not on:
        found = "not visible here" if on is None else "off"
        return Finding("smt", Severity.FINE, "hardware threads (SMT)", found)
    cpu = facts["cpu"]
    return Finding(
        "smt",
        Severity.NOTE,
        "hardware threads (SMT)",
        f"on: {cpu['logical']} logical CPUs on {cpu['physical']} cores",
        "two workers on one core share it, so the second half of the CPUs adds little",
        "read scaling up to the number of cores; taskset can keep workers on separate cores",
    )


def _mitigations(facts: Mapping[str, Any]) -> Finding:
    active = facts["cpu"]["mitigations"]
    guarded = [name for name, text in active.items() if text.startswith("Mitigation")]
    open_ones = [name for name, text in active.items() if text.startswith("Vulnerable")]
    found = f"{len(guarded)} active, {len(open_ones)} vulnerable without one"
    if not guarded:
        return Finding("mitigations", Severity.FINE, "CPU vulnerability mitigations", found)
    return Finding(
        "mitigations",
        Severity.NOTE,
        "CPU vulnerability mitigations",
        found,
        "they make every call into the kernel dearer: pipes, semaphores, process starts",
        "nothing; compare machines with the same mitigations (the record lists them)",
    )


def _huge_pages(facts: Mapping[str, Any]) -> Finding:
    mode = facts["memory"]["huge_pages"]
    if mode != "always":
        found = mode or "not visible here"
        return Finding("huge-pages", Severity.FINE, "transparent huge pages", found)
    return Finding(
        "huge-pages",
        Severity.NOTE,
        "transparent huge pages",
        "always",
        "memory is handed out and copied 2 MiB at a time: fork of a large parent and first "
        "touch of large buffers differ from machines with madvise",
        "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
    )


def _aslr(facts: Mapping[str, Any]) -> Finding:
    mode = facts["kernel"]["aslr"]
    if mode is None:
        return Finding("aslr", Severity.FINE, "address randomisation", "not visible here")
    reason = "" if mode else "every agent then has the same memory layout, which hides its effect"
    return Finding(
        "aslr",
        Severity.FINE if mode else Severity.NOTE,
        "address randomisation",
        _ASLR.get(mode, str(mode)),
        reason,
        "" if mode else "leave it on: mpbench spreads the layouts over fresh agents",
    )


def _clock_source(facts: Mapping[str, Any]) -> Finding:
    source = facts["kernel"]["clock_source"]
    if source is None or source in _FAST_CLOCKS:
        found = source or "not visible here"
        return Finding("clock-source", Severity.FINE, "clock source", found)
    return Finding(
        "clock-source",
        Severity.WARNING,
        "clock source",
        source,
        "each reading of the clock is a call into the kernel and costs up to a microsecond",
        "boot with clocksource=tsc if the CPU has a constant TSC",
    )


def _memory(facts: Mapping[str, Any]) -> Finding:
    memory = facts["memory"]
    limit = facts["cgroup"]["memory_limit_bytes"]
    free = memory["available_bytes"] if limit is None else min(limit, memory["available_bytes"])
    found = f"{format_bytes(float(free))} available of {format_bytes(float(memory['total_bytes']))}"
    if free >= _LEAST_MEMORY:
        return Finding("memory", Severity.FINE, "memory", found)
    return Finding(
        "memory",
        Severity.WARNING,
        "memory",
        found,
        "workloads with large payloads will be skipped, or ended by the kernel",
        "close other programs or raise the container's memory limit",
    )


def _swap(facts: Mapping[str, Any]) -> Finding:
    used = facts["memory"]["swap_used_bytes"]
    if used < (64 << 20):
        return Finding("swap", Severity.FINE, "swap in use", format_bytes(used))
    return Finding(
        "swap",
        Severity.WARNING,
        "swap in use",
        format_bytes(float(used)),
        "a page that comes back from disk takes milliseconds inside a sample",
        "sudo swapoff -a && sudo swapon -a, or reboot",
    )


def _overcommit(facts: Mapping[str, Any]) -> Finding:
    mode = facts["memory"]["overcommit"]
    if mode != 2:  # noqa: PLR2004 - vm.overcommit_memory, never overcommit
        found = "not visible here" if mode is None else {0: "heuristic", 1: "always"}.get(mode, "?")
        return Finding("overcommit", Severity.FINE, "memory overcommit", found)
    return Finding(
        "overcommit",
        Severity.WARNING,
        "memory overcommit",
        "never",
        "fork of a large parent is refused although its child would touch little",
        "sudo sysctl vm.overcommit_memory=0",
    )


def _hypervisor(facts: Mapping[str, Any]) -> Finding:
    kind = facts["virtualisation"]
    found = ", ".join(
        text
        for text in (
            kind["hypervisor"] and f"{kind['hypervisor']} virtual machine",
            kind["container"] and f"{kind['container']} container",
            "Windows Subsystem for Linux" if kind["wsl"] else None,
        )
        if text
    )
    if not found:
        return Finding("virtualisation", Severity.FINE, "virtualisation", "none seen")
    return Finding(
        "virtualisation",
        Severity.NOTE,
        "virtualisation",
        found,
        "neighbours on the host come and go, and page faults and wake-ups cost more than on metal",
        "repeat on another day before believing a small difference between sessions",
    )


def _interpreter(facts: Mapping[str, Any]) -> Finding:
    python = facts["interpreter"]
    found = f"{python['implementation']} {python['version']}"
    if python["debug"] or "-O0" in python["optimisation"]:
        return Finding(
            "interpreter",
            Severity.FAULT,
            "interpreter",
            f"{found}, debug build",
            "a debug build is several times slower, and not evenly so",
            "measure a release build: --python PATH",
        )
    if not python["pgo"]:
        return Finding(
            "interpreter",
            Severity.NOTE,
            "interpreter",
            f"{found}, built without --enable-optimizations",
            "pure Python parts run slower than in the builds of most distributions",
            "compare only with builds of the same kind",
        )
    return Finding("interpreter", Severity.FINE, "interpreter", f"{found}, optimised build")


MACHINE_CHECKS: tuple[Callable[[Mapping[str, Any]], Finding], ...] = (
    _interpreter,
    _governor,
    _turbo,
    _smt,
    _mitigations,
    _huge_pages,
    _aslr,
    _clock_source,
    _memory,
    _swap,
    _overcommit,
    _hypervisor,
)
