"""The command `mpbench selftest`: proof on this machine that verdicts can be trusted."""

from __future__ import annotations

import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mpbench.cli import exit_codes
from mpbench.errors import InvalidSessionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.analysis.validation import ValidationTable
    from mpbench.session.selftest.campaign import SelftestCampaign

__all__ = ("command",)


_STAGES = ("synthetic", "stored", "identical", "injected", "load", "rivals", "programs")


@click.command()
@click.option(
    "--campaign",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Everything goes here; the same command continues what was cut off.",
)
@click.option(
    "--stage",
    "stages",
    multiple=True,
    type=click.Choice(_STAGES),
    help="Only this part; all by default.",
)
@click.option("--toy", is_flag=True, help="The smallest size: shows that it runs, proves nothing.")
@click.option("--seed", type=click.IntRange(0), help="Of a new campaign.")
@click.option("--tables-only", is_flag=True, help="Measure nothing, write the tables again.")
def command(
    folder: Path, stages: tuple[str, ...], toy: bool, seed: int | None, tables_only: bool
) -> int:
    """
    Prove on this machine that verdicts can be trusted; the whole takes hours.

    Identical arms, slowdowns of known size, misleading loads, a simulated
    machine with known truth, simulated days of stored results, the rules of
    other harnesses on the same samples, the other harnesses themselves, and whole
    programs.
    The tables go to DIR/proof.md.
    """
    from mpbench.cli.progress import Bars
    from mpbench.session.selftest.campaign import FULL, PLAN, SMOKE, SelftestCampaign
    from mpbench.session.selftest.run import measure, proofs
    from mpbench.store.atomic_write import private_files

    if tables_only and not (folder / PLAN).is_file():
        raise UsageError(
            f"there is no campaign in {folder}: expected its {PLAN}; name the folder of one that "
            "has measured something"
        )
    with private_files():
        given = secrets.randbelow(1 << 31) if seed is None else seed
        campaign = SelftestCampaign(folder, SMOKE if toy else FULL, seed=given)
        code = 0
        if not tables_only:
            try:
                with Bars() as bars:
                    measure(campaign, stages or _STAGES, bars)
            except KeyboardInterrupt:
                sys.stderr.write("mpbench: stopped; the same command continues the campaign\n")
                code = exit_codes.INTERRUPTED
        found = proofs(campaign)
        if tables_only and not found:
            raise InvalidSessionError(
                f"the campaign in {folder} has measured nothing yet; run it without --tables-only"
            )
        text = _tables(campaign, found)
        (folder / "proof.md").write_text(text)
        sys.stdout.write(text)
        sys.stdout.write(f"{folder / 'proof.md'}\n")
        return code


def _tables(campaign: SelftestCampaign, found: Sequence[ValidationTable]) -> str:
    from mpbench import environment
    from mpbench.report.validation import proofs_markdown
    from mpbench.session.selftest.campaign import SMOKE

    toy = " --toy" if campaign.size == SMOKE else ""
    today = datetime.now(UTC).date().isoformat()
    head = (
        f"Measured on {environment.machine_name()} ({environment.usable_cpus()} usable CPUs), "
        f"tables of {today}, seed {campaign.seed}: `mpbench selftest --campaign "
        f"{campaign.folder.name} --seed {campaign.seed}{toy}`."
    )
    return proofs_markdown(found, head=head)
