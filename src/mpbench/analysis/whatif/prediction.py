"""Predictions of what changes would do to a profiled program, and their JSON-able form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("Change", "Prediction", "WhatIf", "from_record", "to_record")


class Change(Enum):
    """What is changed; the value is the name of it in files."""

    METHOD = "method"
    WORKERS = "workers"
    CHUNK_SIZE = "chunk-size"
    MAX_TASKS = "max-tasks"
    LONGEST_FIRST = "longest-first"
    ONE_POOL = "one-pool"
    HALF_MESSAGES = "half-messages"
    SHARED_MEMORY = "shared-memory"
    SHORTER_LOCK = "shorter-lock"
    NO_IMPORT = "no-import"
    SERIAL_HALVED = "serial-halved"
    THREADS = "threads"
    INTERPRETERS = "interpreters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """
    What one change would do.

    Args:
        change: What is changed.
        setting: The override of `mpbench compare` that makes this change, such as
            `method=spawn`; None where nothing outside the program can make it.
        words: The change in words, such as "8 workers instead of 4".
        seconds: The wall-clock time to be expected; None where it is withheld.
        low_s: Lower end of its 90 % interval.
        high_s: Upper end of it.
        assumption: In one line, what the prediction takes for granted.
        withheld: Why there is no prediction; None where there is one.
        place: File and line of the call to change; empty where it is not known.
    """

    change: Change
    setting: str | None
    words: str
    seconds: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    assumption: str = ""
    withheld: str | None = None
    place: str = ""

    @property
    def is_provable(self) -> bool:
        """Whether `mpbench compare` can make this change from outside and so check it."""
        return self.setting is not None and self.withheld is None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """
    All predictions for a program.

    Args:
        measured_s: How long the program ran, from its first process to its last.
        simulated_s: What the replay of the unchanged program gives; None where
            there was nothing to replay.
        unchanged_s: How long the unchanged program is expected to run without the
            profiler, to which predictions compare; None where that is not known.
        predictions: One for each change that was looked at, withheld ones included.
        withheld: Why all of them are withheld; None where they are not.
    """

    measured_s: float
    simulated_s: float | None
    predictions: tuple[Prediction, ...] = ()
    withheld: str | None = None
    unchanged_s: float | None = None

    @property
    def residual(self) -> float | None:
        """Simulated time beyond the measured one, as a share of it."""
        if self.simulated_s is None or not self.measured_s:
            return None
        return self.simulated_s / self.measured_s - 1


def to_record(what_if: WhatIf) -> dict[str, Any]:
    """Return predictions as JSON-able values, as `what_if` of profile.json will hold them."""
    return {
        "measured_s": what_if.measured_s,
        "simulated_s": what_if.simulated_s,
        "unchanged_s": what_if.unchanged_s,
        "residual": what_if.residual,
        "withheld": what_if.withheld,
        "predictions": [
            {**asdict(prediction), "change": prediction.change.value}
            for prediction in what_if.predictions
        ],
    }


def from_record(record: Mapping[str, Any]) -> WhatIf:
    """Return the predictions that `what_if` of a profile.json holds."""
    return WhatIf(
        measured_s=record["measured_s"],
        simulated_s=record["simulated_s"],
        unchanged_s=record["unchanged_s"],
        withheld=record["withheld"],
        predictions=tuple(
            Prediction(**{**prediction, "change": Change(prediction["change"])})
            for prediction in record["predictions"]
        ),
    )
