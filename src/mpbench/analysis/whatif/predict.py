"""Predictions for a recorded program: its replay as it is, and with each change."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import median, stdev
from typing import TYPE_CHECKING

from mpbench.analysis.whatif.candidates import Candidate, candidates, handing_share
from mpbench.analysis.whatif.costs import Costs, Estimate, StartCosts
from mpbench.analysis.whatif.model import Work
from mpbench.analysis.whatif.prediction import Prediction, WhatIf
from mpbench.analysis.whatif.replay import replay

if TYPE_CHECKING:
    from mpbench.analysis.whatif.from_profile import Recorded
    from mpbench.analysis.whatif.model import Item, Job, Program

__all__ = ("predict",)

# Predictions are withheld where simulated and measured time differ by more, as a share.
_MOST_RESIDUAL = 0.1
# Steps of all replays with drawn values: a few seconds.
_ALL_STEPS = 600_000
_DRAWS = (3, 10)
# Of a normal distribution: 90 % lie within so many standard deviations.
_NORMAL_90 = 1.645
# Runs of one program differ even on a quiet machine; a single profile cannot say by how much.
_RUN_TO_RUN = 0.03
# The profiler slows the handing over of tasks by more than its events cost elsewhere: tasks of
# nothing took 1.5 times as long (docs/PROFILING.md, section 3), so a third may be its own.
_HANDING_DOUBT = 1 / 3
# A call is exchanged for one of like length: among so many neighbours on each side.
_NEIGHBOURS = 0.05
# Of more calls each exchange makes no difference.
_MOST_RESAMPLED = 2_000


def _drawn(estimate: Estimate, chance: random.Random) -> Estimate:
    low, high = min(estimate.low, estimate.value), max(estimate.high, estimate.value)
    value = chance.triangular(low, high, estimate.value) if high > low else estimate.value
    return Estimate(value, value, value)


def _drawn_costs(costs: Costs | None, chance: random.Random) -> Costs | None:
    """Return costs drawn from their intervals."""
    if costs is None:
        return None
    starts = {
        method: StartCosts(*(_drawn(part, chance) for part in start))
        for method, start in sorted(costs.starts.items())
    }
    return Costs(
        starts=starts,
        hand=_drawn(costs.hand, chance),
        take=_drawn(costs.take, chance),
        byte_parent=_drawn(costs.byte_parent, chance),
        byte_worker=_drawn(costs.byte_worker, chance),
        byte_copy=_drawn(costs.byte_copy, chance),
        slowdown=_drawn(costs.slowdown, chance),
    )


def _resampled(items: Sequence[Item], chance: random.Random) -> tuple[Item, ...]:
    """Exchange each call for one of like length, so that long ones stay where they are."""
    if len(items) > _MOST_RESAMPLED:
        return tuple(items)
    order = sorted(range(len(items)), key=lambda at: sum(items[at]))
    reach = int(len(items) * _NEIGHBOURS)
    new = list(items)
    for rank, at in enumerate(order):
        other = chance.randint(max(0, rank - reach), min(len(items) - 1, rank + reach))
        new[at] = items[order[other]]
    return tuple(new)


def _redrawn(program: Program, chance: random.Random) -> Program:
    def job(one: Job) -> Job:
        return replace(one, items=_resampled(one.items, chance))

    return replace(program, jobs={number: job(one) for number, one in program.jobs.items()})


def _load(program: Program) -> float:
    """Return how long CPUs were waited for, as a share of the CPU time."""
    costs = [op.cost for one in program.scripts.values() for op in one.ops if isinstance(op, Work)]
    costs += [script.boot for script in program.scripts.values()]
    costs += [pool.boot for pool in program.pools.values()]
    items = [item for job in program.jobs.values() for item in job.items]
    cpu = sum(cost.cpu_s for cost in costs) + sum(item.cpu_s for item in items)
    queue = sum(cost.queue_s for cost in costs) + sum(item.queue_s for item in items)
    return queue / cpu if cpu else 0.0


def _prediction(candidate: Candidate) -> Prediction:
    return Prediction(
        change=candidate.change,
        setting=candidate.setting,
        words=candidate.words,
        assumption=candidate.assumption,
        withheld=candidate.withheld,
        place=candidate.place,
    )


class _Predictor:
    """Replays a program with changes, and corrects by what the replay did not explain."""

    def __init__(
        self, program: Program, costs: Costs | None, rest_s: float, unchanged_s: float, draws: int
    ) -> None:
        self._program, self._costs, self._rest_s = program, costs, rest_s
        self._unchanged_s = unchanged_s
        self._draws = draws

    def predict(self, candidate: Candidate) -> Prediction:
        """Return the prediction of one change."""
        prediction = _prediction(candidate)
        if candidate.make is None:
            return prediction
        changed = candidate.make(self._program, self._costs)
        middle = replay(changed).seconds
        chance = random.Random(candidate.words)
        drawn = []
        for _ in range(self._draws):
            costs = _drawn_costs(self._costs, chance)
            program = _redrawn(self._program, chance)
            if costs is not None:
                program = replace(program, slowdown=costs.slowdown.value)
            drawn.append(replay(candidate.make(program, costs)).seconds)
        values = [one for one in drawn if one is not None]
        if middle is None or len(values) < len(drawn):
            return replace(prediction, withheld="its replay with this change came to no end")
        expected = max(0.0, middle + self._rest_s)
        spread = stdev(values) if len(values) > 1 else 0.0
        # What the replay leaves unexplained may belong to what is changed.
        wide = _NORMAL_90 * spread + abs(self._rest_s) + _RUN_TO_RUN * expected
        shift = abs(median(values) - middle)
        return replace(
            prediction,
            seconds=expected,
            low_s=max(0.0, expected * (1 - _HANDING_DOUBT * handing_share(changed)) - wide - shift),
            high_s=expected + wide + shift,
        )


def _why_not(recorded: Recorded, simulated_s: float | None) -> str | None:
    """Return why no prediction can be made; None where they can."""
    if recorded.problem:
        return recorded.problem
    if simulated_s is None:
        return "the replay of the program as it is came to no end"
    if recorded.unknown_s > _MOST_RESIDUAL * recorded.measured_s:
        return (
            f"it waited {recorded.unknown_s:.3g} s in calls whose cause is not recorded "
            "(events, conditions, other libraries)"
        )
    residual = simulated_s / recorded.measured_s - 1
    if abs(residual) > _MOST_RESIDUAL:
        return (
            f"its replay takes {simulated_s:.3g} s, and the program took "
            f"{recorded.measured_s:.3g} s ({residual:+.0%}): threads, files, the network or other "
            "programs took part that are not recorded"
        )
    return None


def predict(recorded: Recorded, costs: Costs | None) -> WhatIf:
    """
    Return what changes would do to a program.

    Args:
        recorded: The program.
        costs: What operations cost here; None where that was not measured.
    """
    program = recorded.program
    if recorded.problem:
        return WhatIf(measured_s=recorded.measured_s, simulated_s=None, withheld=recorded.problem)
    simulated = replay(program, with_profiler=True)
    reason = _why_not(recorded, simulated.seconds)
    plain = replay(program)
    offered = candidates(program, costs, _load(program))
    if reason is not None or simulated.seconds is None or plain.seconds is None:
        return WhatIf(
            measured_s=recorded.measured_s, simulated_s=simulated.seconds, withheld=reason
        )
    rest_s = recorded.measured_s - simulated.seconds
    steps = max(1, plain.steps) * max(1, len(offered))
    draws = min(_DRAWS[1], max(_DRAWS[0], _ALL_STEPS // steps))
    predictor = _Predictor(program, costs, rest_s, plain.seconds + rest_s, draws)
    return WhatIf(
        measured_s=recorded.measured_s,
        simulated_s=simulated.seconds,
        unchanged_s=plain.seconds + rest_s,
        predictions=tuple(predictor.predict(one) for one in offered),
    )
