"""Checks of this very moment: other load, stolen time, the clock, the power supply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.doctor.finding import UNKNOWN, Check, Evidence, Finding, Severity, above
from mpbench.units import format_seconds

if TYPE_CHECKING:
    from mpbench.doctor.probes import LoadFacts

__all__ = ("MOMENT_CHECKS",)

# Shares of one CPU that others use. Half a CPU is enough to make one of two
# workers wait; a twentieth is what a desktop does when nobody touches it.
_BUSY_WARNING, _BUSY_FAULT = 0.05, 0.5
# Shares of all CPU time that the hypervisor gave to somebody else.
_STOLEN_WARNING, _STOLEN_FAULT = 0.005, 0.05
# Per cent of the last ten seconds in which some process waited for a CPU.
_PRESSURE_WARNING = 10.0
# Python reads a good clock in some 50 ns; a slower one blurs short samples.
_CLOCK_WARNING_NS = 500


def _load(load: LoadFacts) -> str:
    names = ", ".join(
        f"{process.name} ({process.pid}) {process.share:.0%}" for process in load.others
    )
    return f"{load.busy_cpus:.2f} CPUs busy" + (f": {names}" if names else "")


def _clock(evidence: Evidence) -> Finding:
    clock = evidence.probes.clock
    if clock is None:
        return Finding("clock", Severity.FINE, "clock", UNKNOWN)
    if clock.backward_ns > 0:
        return Finding(
            "clock",
            Severity.FAULT,
            "clock",
            f"went back by {format_seconds(clock.backward_ns / 1e9)} between two CPUs",
            "stamps taken in two processes cannot be compared, latencies become negative",
            "choose another clock source, or measure on one CPU with taskset",
        )
    return Check(
        "clock",
        "clock",
        lambda _: clock.resolution_ns / 1e9,
        lambda step: f"smallest step {format_seconds(step)}",
        above(_CLOCK_WARNING_NS / 1e9),
        "short operations disappear in the step of the clock",
        "see the clock source above; trust samples of at least 1,000 steps only",
    ).examine(evidence)


MOMENT_CHECKS = (
    Check(
        "load",
        "other programs",
        lambda e: None if e.probes.load.busy_cpus is None else e.probes.load,
        _load,
        lambda load: above(_BUSY_WARNING, _BUSY_FAULT)(load.busy_cpus),
        "workers wait for a CPU that somebody else has, which shows as slow wake-ups",
        "end them, or measure when the machine is idle",
    ).examine,
    Check(
        "steal",
        "time stolen by the hypervisor",
        lambda e: e.probes.load.stolen_share,
        lambda share: f"{share:.2%} of the CPU time",
        above(_STOLEN_WARNING, _STOLEN_FAULT),
        "another virtual machine ran on this CPU; samples contain its time",
        "measure later, or on an instance with CPUs of its own",
    ).examine,
    Check(
        "pressure",
        "waiting for a CPU (PSI)",
        lambda e: e.probes.pressure_cpu,
        lambda share: f"{share:g} % of the last 10 s",
        above(_PRESSURE_WARNING),
        "there was more work than CPUs until just now",
        "wait a minute and look again",
    ).examine,
    _clock,
    Check(
        "power",
        "power supply",
        lambda e: e.probes.on_battery,
        lambda on_battery: "battery" if on_battery else "mains",
        lambda on_battery: Severity.WARNING if on_battery else Severity.FINE,
        "the firmware lowers frequencies as it likes",
        "plug the power supply in",
    ).examine,
)
