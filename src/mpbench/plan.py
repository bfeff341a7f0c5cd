"""Plan of a run: workloads, repetitions, budget, seed."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mpbench.errors import UsageError
from mpbench.model import StartMethod, Tier

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mpbench.model import Scalar

__all__ = ("Plan", "Sampling", "Sharing", "plan_for")

# Seconds of measuring in tier quick; with its report it ends within a minute.
_QUICK_S = 44.0


class Sampling(Enum):
    """When a sampler looks at the process trees of a run."""

    # Never in samples of operations that take less than a millisecond.
    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Sharing(Enum):
    """
    What one agent measures, always under one start method.

    The fewer agents, the more of a budget goes into measuring; the more, the
    less can one workload's remains (imports, freed memory) matter to another.
    """

    NONE = "each set-up has an agent of its own"
    FAMILY = "the workloads of a family share one"
    ALL = "all families share one"


@dataclass(frozen=True)
class Plan:
    """
    One run, decided before anything is measured.

    Args:
        tier: Which workloads, and which values of their parameters.
        select: Shell patterns on workload names; empty takes the tier's.
        methods: Start methods; empty takes those that the interpreter has.
        params: Values that replace the tier's, by parameter name.
        repetitions: Fresh agents for each case.
        samples: Samples in each agent at least; a budget with room to spare adds more.
        sample_ns: The length that calibration aims at, in nanoseconds.
        window_ms: The length of a common window, in milliseconds.
        budget_s: Seconds of measuring; None measures all that was asked for.
        seed: Every random choice of the order follows from it.
        pythons: Interpreters, as versions or paths; empty takes the running one.
        files: A user's own workload files.
        verify: Run each body once, untimed, and check what it did.
        sample: When a sampler looks at the processes.
    """

    tier: Tier = Tier.QUICK
    select: tuple[str, ...] = ()
    methods: tuple[StartMethod, ...] = ()
    params: Mapping[str, tuple[Scalar, ...]] = field(default_factory=lambda: MappingProxyType({}))
    repetitions: int = 8
    samples: int = 1
    sample_ns: int = 50_000_000
    window_ms: int = 100
    budget_s: float | None = None
    seed: int = 0
    pythons: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    verify: bool = False
    sample: Sampling = Sampling.AUTO

    @property
    def sharing(self) -> Sharing:
        """What shares an agent; a chosen workload never shares one with another."""
        if self.select or self.files or self.verify:
            return Sharing.NONE
        return {Tier.QUICK: Sharing.ALL, Tier.STANDARD: Sharing.FAMILY}.get(self.tier, Sharing.NONE)

    @property
    def has_limit_of_quick(self) -> bool:
        """Whether the limit is that of tier quick: a minute with the report in it."""
        return self.tier is Tier.QUICK and self.budget_s == _QUICK_S

    def override(self, **changes: Any) -> Plan:
        """Return a plan in which every change that is not None has replaced a field."""
        return replace(
            self, **{name: value for name, value in changes.items() if value is not None}
        )

    @classmethod
    def from_record(cls, values: Mapping[str, Any], files: tuple[Path, ...] = ()) -> Plan:
        """
        Return the plan that `record` wrote, so that a run can be resumed.

        Args:
            values: The record.
            files: The workload files, given again: a record holds their names only.

        Raises:
            UsageError: It is the plan of something else than a run, or of other files.
        """
        # The first runs had no sampler.
        values = {"sample": Sampling.OFF.value, **values}
        names = {one.name for one in fields(cls)}
        if set(values) != names:
            what = f"`mpbench {values.get('kind', '')}`" if values.get("kind") else "no run"
            raise UsageError(
                f"only `mpbench run` can be resumed, and this is the file of {what}; "
                "measure anew into another folder"
            )
        if values["files"] != [file.name for file in files]:
            raise UsageError(
                "give the run's workload files with --workload-file, in their order: expected "
                f"{', '.join(values['files']) or 'none'}, found "
                f"{', '.join(file.name for file in files) or 'none'}"
            )
        try:
            return cls(
                **{
                    **values,
                    "tier": Tier(values["tier"]),
                    "methods": tuple(StartMethod(name) for name in values["methods"]),
                    "params": {name: tuple(given) for name, given in values["params"].items()},
                    "files": files,
                    "select": tuple(values["select"]),
                    "pythons": tuple(values["pythons"]),
                    "sample": Sampling(values["sample"]),
                }
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise UsageError(f"the plan in this file cannot be gone on with: {error}") from error

    def record(self) -> dict[str, Any]:
        """Return the plan as JSON-able values, for the head of the result file."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        values["tier"] = self.tier.value
        values["methods"] = [method.value for method in self.methods]
        values["params"] = {name: list(given) for name, given in self.params.items()}
        values["files"] = [path.name for path in self.files]
        values["select"] = list(self.select)
        values["pythons"] = list(self.pythons)
        values["sample"] = self.sample.value
        return values


def plan_for(tier: Tier) -> Plan:
    """
    Return the defaults of a tier.

    Quick must end within 60 s on 2 cores with its report, so it takes short
    samples. It plans 8 agents (an interval of 95 % needs 6 at least); on a
    loaded machine it measures fewer and says so.
    """
    if tier is Tier.QUICK:
        return Plan(tier=tier, sample_ns=10_000_000, window_ms=30, budget_s=_QUICK_S)
    if tier is Tier.STANDARD:
        return Plan(tier=tier, sample_ns=10_000_000, window_ms=50, budget_s=13 * 60.0)
    return Plan(tier=tier, samples=3, repetitions=12, window_ms=250)
