"""Costs of process starts and messages, measured in seconds by a program's interpreter."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from mpbench.analysis.whatif.costs import Costs, Estimate, StartCosts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ("costs_of", "measure_costs")

_PROBE = Path(__file__).with_name("cost_probe.py")
# The parent of the probe holds as much memory as the program's first process, up to this.
_MOST_HELD = 1 << 30
_DEADLINE_S = 10.0
_NOTHING = Estimate(0.0, 0.0, 0.0)
_LARGE_BYTES = 2 << 20


def _estimate(readings: Sequence[float] | None) -> Estimate:
    """Return the median with the range of all readings."""
    if not readings:
        return _NOTHING
    return Estimate(median(readings), min(readings), max(readings))


def _per_byte(large: Estimate, small: Estimate) -> Estimate:
    return Estimate(*(max(0.0, one - small.value) / _LARGE_BYTES for one in large))


def costs_of(readings: Mapping[str, Sequence[float]]) -> Costs:
    """
    Return costs from what the probe printed.

    Args:
        readings: Seconds by name.
    """
    every = {name: _estimate(values) for name, values in readings.items()}
    methods = {name.split(".")[0] for name in every if name.endswith(".boot")}
    slowdown = every.get("slowdown", Estimate(1.0, 1.0, 1.0))
    hand, take = every["small.parent"], every["small.worker"]
    return Costs(
        starts={
            method: StartCosts(
                parent=every[f"{method}.parent"],
                boot=every[f"{method}.boot"],
                exit=every[f"{method}.exit"],
                first=every[f"{method}.first"],
            )
            for method in methods
        },
        hand=hand,
        take=take,
        byte_parent=_per_byte(every["large.parent"], hand),
        byte_worker=_per_byte(every["large.worker"], take),
        byte_copy=every["copy"],
        slowdown=Estimate(*(max(1.0, one) for one in slowdown)),
    )


def measure_costs(python: str, *, held_bytes: int = 0, cpus: int = 1) -> Costs | None:
    """
    Measure what starts and messages cost; None where that is impossible.

    It takes about a second, and ten at most.

    Args:
        python: The interpreter.
        held_bytes: What the starting process holds.
        cpus: How many CPUs are kept busy at once.
    """
    size = min(max(0, held_bytes), _MOST_HELD)
    hidden = ("PYTHONPATH", "MPBENCH_PROFILE_DIR", "MPBENCH_OVERRIDES")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    try:
        done = subprocess.run(
            [python, str(_PROBE), str(size), str(cpus)],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_DEADLINE_S, check=True,
            env=environment,
        )  # fmt: skip
        return costs_of(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None
