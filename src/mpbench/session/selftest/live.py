"""Measured sessions of a campaign: identical arms, injected slowdowns, loads."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mpbench import environment
from mpbench.catalog import cases_of, discover
from mpbench.model import StartMethod, Tier
from mpbench.plan import Plan
from mpbench.session.comparing.arms import Arm
from mpbench.session.comparing.compare import ComparePlan, compare
from mpbench.session.comparing.pair_runner import Slowdown
from mpbench.session.selftest.load import LOADS, LoadFromHalf, background_load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mpbench.session.progress import Progress
    from mpbench.session.selftest.campaign import SelftestCampaign

__all__ = ("INJECTED", "identical", "injected", "loads")

# The slowdown that must be found, inside the operation.
INJECTED = 0.05

# What is slowed down in each workload, and how often one operation calls it.
# The echo of a round trip is forked and so slowed as well: two calls.
_TARGETS = MappingProxyType(
    {
        "process/start-to-join": ("multiprocessing.process:BaseProcess.start", 1),
        "pipe/round-trip": ("multiprocessing.connection:Connection.send_bytes", 2),
        "manager/access": ("multiprocessing.managers:BaseProxy._callmethod", 1),
        "pool/apply-round-trip": ("multiprocessing.pool:Pool.apply", 1),
    }
)


def _first_cases(names: Sequence[str]) -> tuple[str, ...]:
    """Return one case of each workload: the first of tier quick, forked where that matters."""
    catalogue = discover()
    ids: list[str] = []
    for name in names:
        workload = catalogue[name]
        cases = cases_of(
            workload,
            tier=max(Tier.QUICK, workload.tier, key=lambda tier: tier.rank),
            cpus=environment.usable_cpus(),
            methods=(StartMethod.FORK,),
        )
        ids.append(cases[0].id)
    return tuple(ids)


def _plan(names: Sequence[str], seed: int, *, slowdown: Slowdown | None = None) -> ComparePlan:
    """Return a comparison of an arm with itself, or with its slowed self."""
    arm = Arm(text="method=fork", method=StartMethod.FORK)
    return ComparePlan(
        plan=Plan(select=tuple(names), seed=seed),
        arms=(arm, arm),
        only=_first_cases(names),
        # Identical arms are a stage of their own; its control is as good as one more.
        control=slowdown is None,
        slowdown=slowdown,
    )


def _session(plan: ComparePlan, place: Path, progress: Progress) -> None:
    """
    Measure one session.

    Raises:
        KeyboardInterrupt: The user stopped it; the campaign can be continued.
    """
    compared = compare(plan, folder=place, progress=progress, command=("mpbench", "selftest"))
    if compared.outcome.interrupted:
        raise KeyboardInterrupt


def identical(campaign: SelftestCampaign, progress: Progress) -> None:
    """Compare identical arms, session by session."""
    size = campaign.size
    for number, place, seed in campaign.missing("identical", size.identical):
        progress.note(f"identical arms: session {number + 1} of {size.identical}")
        _session(_plan(size.workloads, seed), place, progress)


def injected(campaign: SelftestCampaign, progress: Progress) -> None:
    """Compare an arm with itself plus a busy wait inside the operation."""
    size = campaign.size
    for number, place, seed in campaign.missing("injected", size.injected):
        progress.note(f"injected slowdown: session {number + 1} of {size.injected}")
        _session(_plan(size.slowed, seed, slowdown=Slowdown(INJECTED, _TARGETS)), place, progress)


def loads(campaign: SelftestCampaign, progress: Progress) -> None:
    """Compare identical arms under each kind of misleading load."""
    size = campaign.size
    for kind in LOADS:
        stage = f"load-{kind}"
        for number, place, seed in campaign.missing(stage, size.loads):
            progress.note(f"load {kind}: session {number + 1} of {size.loads}")
            plan = _plan(size.workloads, seed)
            if kind == "second-half":
                with LoadFromHalf(progress, kind) as watched:
                    _session(plan, place, watched)
            else:
                with background_load(kind):
                    _session(plan, place, progress)
