"""Stages of a selftest campaign and the validation tables that they give."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from mpbench.analysis.statistic_comparison import spread_by_statistic
from mpbench.analysis.validation import ValidationTable, by_rules, by_scaling, identical, injected
from mpbench.session.selftest import live
from mpbench.session.selftest.families import families
from mpbench.session.selftest.harness_trials import side_by_side, trials_of, trials_table
from mpbench.session.selftest.load import LOADS
from mpbench.session.selftest.simulate import synthetic
from mpbench.session.selftest.stored_sessions import stored
from mpbench.session.selftest.whole_programs import (
    program_table,
    program_trials,
    whole_programs,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mpbench.session.progress import Progress
    from mpbench.session.selftest.campaign import SelftestCampaign

__all__ = ("STAGES", "measure", "proofs")


# Simulated tables: the file that keeps each, what makes it, and what it is given a share of.
_SIMULATED: dict[str, tuple[Callable[..., ValidationTable], int]] = {
    "synthetic.json": (synthetic, 1),
    # Its sessions hold twenty comparisons or more.
    "families.json": (families, 4),
    "stored.json": (stored, 1),
}


def _simulate(names: Sequence[str], campaign: SelftestCampaign, progress: Progress) -> None:
    for name in names:
        make, part = _SIMULATED[name]
        kept = campaign.folder / name
        if kept.is_file():
            continue
        trials = max(1, campaign.size.simulated // part)
        progress.note(f"simulating {trials} sessions of each kind for {name}")
        table = make(trials, seed=campaign.seed)
        kept.write_text(json.dumps(table._asdict(), indent=2) + "\n")


STAGES: dict[str, Callable[[SelftestCampaign, Progress], None]] = {
    "synthetic": partial(_simulate, ("synthetic.json", "families.json")),
    "stored": partial(_simulate, ("stored.json",)),
    "identical": live.identical,
    "injected": live.injected,
    "load": live.loads,
    "rivals": side_by_side,
    "programs": whole_programs,
}


def measure(campaign: SelftestCampaign, stages: Sequence[str], progress: Progress) -> None:
    """
    Measure what the campaign still lacks.

    Args:
        campaign: The folder and the size.
        stages: Names from `STAGES`.
        progress: Who watches.

    Raises:
        KeyboardInterrupt: The user stopped it; what is complete is kept.
    """
    for name in stages:
        STAGES[name](campaign, progress)


def _simulated(campaign: SelftestCampaign) -> Iterator[ValidationTable]:
    for name in _SIMULATED:
        kept = campaign.folder / name
        if kept.is_file():
            table = json.loads(kept.read_text())
            rows = tuple(tuple(row) for row in table["rows"])
            yield ValidationTable(table["title"], tuple(table["head"]), rows, table["note"])


def proofs(campaign: SelftestCampaign) -> tuple[ValidationTable, ...]:
    """Return the tables of everything that a campaign has measured so far."""
    tables = list(_simulated(campaign))
    same = campaign.runs("identical")
    if same:
        tables += [identical("Identical arms", same), by_scaling(same), by_rules(same)]
        tables.append(spread_by_statistic(same))
    slowed = campaign.runs("injected")
    if slowed:
        tables.append(injected(slowed))
    for kind in LOADS:
        runs = campaign.runs(f"load-{kind}")
        if runs:
            tables.append(identical(f"Identical arms under load: {kind}", runs))
    trials = trials_of(campaign.folder / "rivals")
    if trials:
        tables.append(trials_table(trials))
    programs = program_trials(campaign.folder / "programs")
    if programs:
        tables.append(program_table(programs))
    return tuple(tables)
