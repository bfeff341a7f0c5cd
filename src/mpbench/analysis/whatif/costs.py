"""Costs of operations on this machine, each with an interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ("Costs", "Estimate", "StartCosts")


class Estimate(NamedTuple):
    """A measured value with a range that holds most of its readings."""

    value: float
    low: float
    high: float


class StartCosts(NamedTuple):
    """
    What starting one process costs, in seconds.

    Args:
        parent: Wall-clock time of `Process.start`, after the first one.
        boot: CPU time of the child until its target runs, without the program's main module.
        exit: From the end of the target to the end of the process.
        first: What the first start costs beyond the others: helpers are started.
    """

    parent: Estimate
    boot: Estimate
    exit: Estimate
    first: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """
    What operations cost.

    Args:
        starts: By start method; one that the platform lacks is absent.
        hand: CPU time of a pool's parent for each chunk and its result.
        take: CPU time of a worker for each chunk and its result.
        byte_parent: CPU time of the parent for each byte of a message.
        byte_worker: CPU time of the worker for each byte of a message.
        byte_copy: Time to copy a byte into new shared memory.
        slowdown: How much longer work takes when all CPUs are busy.
    """

    starts: Mapping[str, StartCosts] = field(default_factory=dict)
    hand: Estimate
    take: Estimate
    byte_parent: Estimate
    byte_worker: Estimate
    byte_copy: Estimate
    slowdown: Estimate
