"""Advice from measured costs: kind and count of workers, start method, channel, chunk size."""

from __future__ import annotations

from collections.abc import Sequence

from mpbench.analysis.advise.channels import channels
from mpbench.analysis.advise.jobs import Setting, job, settings
from mpbench.analysis.advise.pools import pools
from mpbench.analysis.advise.record import Advice, Choice, JobDescription, SupportLevel
from mpbench.analysis.advise.sharing import sharing
from mpbench.analysis.advise.starts import starts
from mpbench.analysis.advise.tcp import tcp
from mpbench.analysis.advise.workers import kinds
from mpbench.analysis.measurements import Measurement

__all__ = ("Advice", "Choice", "JobDescription", "Setting", "SupportLevel", "advise", "settings")


def advise(
    readings: Sequence[Measurement],
    wishes: JobDescription | None = None,
    cpus: int | None = None,
    *,
    gil: bool | None = None,
) -> tuple[Advice, ...]:
    """
    Answer every question that users bring, from the readings of one place.

    A question whose workloads are not among the readings is answered with
    "not measured" and the command that would measure it. Connections over TCP
    are answered only where they were measured.

    Args:
        readings: Of one interpreter on one machine, floors included.
        wishes: What is known about the user's program.
        cpus: Usable CPUs there.
        gil: Whether the interpreter had its lock; None is not known.
    """
    known = wishes or JobDescription()
    return (
        *job(readings, known, cpus),
        *kinds(readings, known, gil),
        *starts(readings, known, cpus),
        *channels(readings, known),
        *tcp(readings),
        *pools(readings, known, cpus),
        *sharing(readings),
    )
