"""Selftest campaign: many sessions in one folder, resumable."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mpbench.errors import OutputError, RecordError, UsageError
from mpbench.model import Status
from mpbench.store import RESULTS, read
from mpbench.store.atomic_write import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpbench.model import Run

__all__ = ("FULL", "PLAN", "SMOKE", "CampaignSize", "SelftestCampaign")

# What a folder with a campaign has.
PLAN = "campaign.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSize:
    """
    How much a campaign measures.

    Args:
        identical: Sessions of identical arms.
        workloads: What they compare; one case each.
        injected: Sessions with a known slowdown.
        slowed: The workloads that are slowed down.
        loads: Sessions under each kind of load.
        simulated: Simulated sessions for each law of noise.
        harness_trials: Trials of each harness, operation and kind.
        programs: Trials of each whole program and kind.
    """

    identical: int
    workloads: tuple[str, ...]
    injected: int
    slowed: tuple[str, ...]
    loads: int
    simulated: int
    harness_trials: int
    programs: int


# One workload of each family, with operations up to some milliseconds. Contended ones
# need every CPU at once; docs/EVIDENCE.md says how far their episodes spread.
_TEN = (
    "process/start-to-join",
    "pipe/round-trip",
    "queue/round-trip",
    "lock/uncontended",
    "shared/access",
    "manager/access",
    "pool/apply-round-trip",
    "condition/ping-pong",
    "connection/connect",
    "cross/transports",
)
# A Pool's own threads stall its operations for milliseconds: the hardest of them.
_SLOWED = ("process/start-to-join", "pipe/round-trip", "manager/access", "pool/apply-round-trip")

# 30 sessions of 10 cases are 300 comparisons.
FULL = CampaignSize(
    identical=30,
    workloads=_TEN,
    injected=100,
    slowed=_SLOWED,
    loads=7,
    simulated=1_000,
    harness_trials=20,
    programs=50,
)
# Shows that everything runs; proves nothing.
SMOKE = CampaignSize(
    identical=1,
    workloads=_TEN[:2],
    injected=1,
    slowed=_SLOWED[:1],
    loads=1,
    simulated=20,
    harness_trials=1,
    programs=1,
)


class SelftestCampaign:
    """
    One folder with everything that a selftest measured.

    Args:
        folder: Made if need be; one that holds a campaign is continued.
        size: How much to measure.
        seed: Every coin of every session follows from it.

    Raises:
        UsageError: The folder holds a campaign of another size, or something else.
        OutputError: The folder cannot be written.
    """

    def __init__(self, folder: Path, size: CampaignSize, *, seed: int) -> None:
        self.folder = folder
        self.size = size
        self.seed = seed
        self._begin()

    def _begin(self) -> None:
        plan = self.folder / PLAN
        wanted = json.loads(json.dumps(asdict(self.size)))
        try:
            make_folder(self.folder)
            if plan.is_file():
                begun = json.loads(plan.read_text())
                self.seed = begun["seed"]
            elif any(self.folder.iterdir()):
                raise UsageError(f"{self.folder} holds something else; name an empty folder")
            else:
                begun = {"seed": self.seed, "size": wanted}
                plan.write_text(json.dumps(begun, indent=2) + "\n")
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{plan} is no campaign: {error}") from error
        except OSError as error:
            raise OutputError(f"cannot write {self.folder}: {error.strerror}") from error
        # A campaign that was begun before a stage existed goes on with it.
        if wanted | begun["size"] != wanted:
            raise UsageError(
                f"{self.folder} holds a campaign of another size; continue it with the same "
                "options, or name an empty folder"
            )

    def _place(self, stage: str, number: int) -> Path:
        return self.folder / stage / f"{number:04d}"

    def _finished(self, place: Path) -> Run | None:
        if not (place / RESULTS).is_file():
            return None
        try:
            run = read(place)
        except RecordError:
            return None
        return run if run.end is not None and run.end.status is Status.OK else None

    def missing(self, stage: str, count: int) -> Iterator[tuple[int, Path, int]]:
        """
        Yield what a stage has not measured yet: number, empty folder, seed.

        What an interrupted session left is removed: its coins are known by now.
        """
        for number in range(count):
            place = self._place(stage, number)
            if self._finished(place) is None:
                shutil.rmtree(place, ignore_errors=True)
                chance = random.Random(f"{self.seed}:{stage}:{number}")
                yield number, place, chance.randrange(1 << 31)

    def runs(self, stage: str) -> tuple[Run, ...]:
        """Return the finished sessions of a stage."""
        places = sorted((self.folder / stage).glob("[0-9]*"))
        runs = (self._finished(place) for place in places)
        return tuple(run for run in runs if run is not None)
