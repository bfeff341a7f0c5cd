"""The doctor's questions about this very moment: other load, stolen time, the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.doctor.finding import Finding, Severity
from mpbench.units import format_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpbench.doctor.probes import ProbeResults

__all__ = ("MOMENT_CHECKS",)

# Shares of one CPU that others use. Half a CPU is enough to make one of two
# workers wait; a twentieth is what a desktop does when nobody touches it.
_BUSY_FAULT = 0.5
_BUSY_WARNING = 0.05
# Shares of all CPU time that the hypervisor gave to somebody else.
_STOLEN_FAULT = 0.05
_STOLEN_WARNING = 0.005
# Per cent of the last ten seconds in which some process waited for a CPU.
_PRESSURE_WARNING = 10.0
# Python reads a good clock in some 50 ns; a slower one blurs short samples.
_CLOCK_WARNING_NS = 500


def _load(probes: ProbeResults) -> Finding:
    load = probes.load
    names = ", ".join(f"{one.name} ({one.pid}) {one.share:.0%}" for one in load.intruders)
    found = f"{load.busy_cpus:.2f} CPUs busy" + (f": {names}" if names else "")
    if load.busy_cpus < _BUSY_WARNING:
        return Finding("load", Severity.FINE, "other programs", found)
    return Finding(
        "load",
        Severity.FAULT if load.busy_cpus >= _BUSY_FAULT else Severity.WARNING,
        "other programs",
        found,
        "workers wait for a CPU that somebody else has, which shows as slow wake-ups",
        "end them, or measure when the machine is idle",
    )


def _steal(probes: ProbeResults) -> Finding:
    share = probes.load.stolen_share
    found = f"{share:.2%} of the CPU time"
    if share < _STOLEN_WARNING:
        return Finding("steal", Severity.FINE, "time stolen by the hypervisor", found)
    return Finding(
        "steal",
        Severity.FAULT if share >= _STOLEN_FAULT else Severity.WARNING,
        "time stolen by the hypervisor",
        found,
        "another virtual machine ran on this CPU; samples contain its time",
        "measure later, or on an instance with CPUs of its own",
    )


def _pressure(probes: ProbeResults) -> Finding:
    share = probes.pressure_cpu
    if share is None:
        return Finding("pressure", Severity.FINE, "waiting for a CPU (PSI)", "not visible here")
    found = f"{share:g} % of the last 10 s"
    if share < _PRESSURE_WARNING:
        return Finding("pressure", Severity.FINE, "waiting for a CPU (PSI)", found)
    return Finding(
        "pressure",
        Severity.WARNING,
        "waiting for a CPU (PSI)",
        found,
        "there was more work than CPUs until just now",
        "wait a minute and look again",
    )


def _clock(probes: ProbeResults) -> Finding:
    clock = probes.clock
    found = f"smallest step {format_seconds(clock.resolution_ns / 1e9)}"
    if clock.backward_ns > 0:
        return Finding(
            "clock",
            Severity.FAULT,
            "clock",
            f"went back by {format_seconds(clock.backward_ns / 1e9)} between two CPUs",
            "stamps taken in two processes cannot be compared, latencies become negative",
            "choose another clock source, or measure on one CPU with taskset",
        )
    if clock.resolution_ns < _CLOCK_WARNING_NS:
        return Finding("clock", Severity.FINE, "clock", found)
    return Finding(
        "clock",
        Severity.WARNING,
        "clock",
        found,
        "short operations disappear in the step of the clock",
        "see the clock source above; trust samples of at least 1,000 steps only",
    )


def _battery(probes: ProbeResults) -> Finding:
    if not probes.on_battery:
        return Finding("power", Severity.FINE, "power supply", "mains or unknown")
    return Finding(
        "power",
        Severity.WARNING,
        "power supply",
        "battery",
        "the firmware lowers frequencies as it likes",
        "plug the power supply in",
    )


MOMENT_CHECKS: tuple[Callable[[ProbeResults], Finding], ...] = (
    _load,
    _steal,
    _pressure,
    _clock,
    _battery,
)
