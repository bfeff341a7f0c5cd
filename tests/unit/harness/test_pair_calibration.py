"""How a pair takes its turns: equal counts for the same, longer slices where they even out."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from mpbench.harness import pair_calibration
from mpbench.harness.arm_agent import PreparedArm
from mpbench.harness.pair_calibration import calibrate_pair
from mpbench.harness.placement import Placement
from mpbench.harness.slice_length import SERIES_SLICES
from mpbench.model import Case, Timing

MS = 1_000_000


class _Agent:
    """
    Takes 0.1 ms an operation; calibrates itself to what it was told, one after the other.

    In a series every other turn meets a stall of its own length, if it stalls.
    """

    def __init__(self, counts, *, stalls):
        self.hash_seed = 0
        self.ending = None
        self.log = Path("agent-0.log")
        self._counts = counts
        self._stalls = stalls

    def ask(self, request, *, deadline_s):
        """Answer at once."""
        del deadline_s
        if request["do"] != "measure":
            return {"ok": True}
        iterations = request["iterations"] or next(self._counts)
        each = iterations * MS // 10
        walls = [
            each * (2 if self._stalls and number % 2 else 1) for number in range(request["samples"])
        ]
        samples = [{"elapsed_ns": one, "operations": iterations, "wall_ns": one} for one in walls]
        return {"ok": True, "iterations": iterations, "samples": samples}

    @contextmanager
    def shared_deadline(self, deadline_s):
        """Have no deadline."""
        del deadline_s
        yield

    def take_snapshot(self):
        """Hold nothing."""
        return {}

    def request_exit(self):
        """End soon."""

    def stop(self, *, deadline_s=10.0):
        """End at once."""
        del deadline_s


def _side(subject, timing=Timing.LOOP, *, apart=False):
    workload = SimpleNamespace(
        name="x/y", module="m", timing=timing, deadline_s=1.0, requires=(), body_params=False
    )
    return PreparedArm(
        "arm", SimpleNamespace(key=subject), workload, Case.make("x/y", None, {}), apart
    )


def _calibrated(first, second, counts, *, stalls=False, timing=Timing.LOOP, apart=False):
    """Calibrate two arms whose agents say these counts, each its own."""
    waiting = iter(counts)

    @contextmanager
    def launch(side):
        del side
        yield _Agent(iter(next(waiting)), stalls=stalls)

    sides = _side(first, timing, apart=apart), _side(second, timing, apart=apart)
    return calibrate_pair(sides, launcher=launch, placement=Placement.ALL)


def test_the_same_arm_twice_takes_equal_counts():
    """A disturbance made one of two identical arms look four times as slow: it is not."""
    found = _calibrated("a", "a", ([18, 18, 18], [73, 73, 73]))

    assert (73, 73) == found.iterations


def test_arms_that_really_differ_keep_their_own_counts():
    """Slices of one length are worth more than equal counts where one arm is much faster."""
    found = _calibrated("a", "b", ([18, 18, 18], [73, 73, 73]))

    assert (18, 73) == found.iterations


def test_arms_that_differ_little_take_equal_counts():
    """The larger count, so that neither slice is too short."""
    assert (60, 60) == _calibrated("a", "b", ([50, 50, 50], [60, 60, 60])).iterations


def test_one_undisturbed_calibration_of_three_is_enough():
    """The largest count counts."""
    assert (70, 70) == _calibrated("a", "b", ([18, 70, 20], [65, 17, 17])).iterations


@pytest.mark.parametrize(
    ("stalls", "expected"), [(False, (50, 1)), (True, (100, 1))], ids=["even", "stalling"]
)
def test_turns_that_meet_every_other_stall_are_joined(stalls, expected):
    """Two neighbours together are always the same length."""
    found = _calibrated("a", "a", ([50] * 3, [50] * 3), stalls=stalls)

    assert expected == (found.iterations[0], found.samples)


def test_single_operations_are_joined_by_taking_more_samples(monkeypatch):
    """An operation that happens once a sample has twice the samples a turn, not iterations."""
    monkeypatch.setattr(pair_calibration, "_samples_of", lambda *_: 3)
    found = _calibrated("a", "a", ([1] * 3, [1] * 3), stalls=True, timing=Timing.ONCE)

    assert (1, 1) == found.iterations
    assert 6 == found.samples


@pytest.mark.parametrize(
    ("timing", "apart", "each"),
    [(Timing.WINDOW, False, 50), (Timing.LOOP, True, 50), (Timing.LOOP, False, SERIES_SLICES * 10)],
    ids=["window", "apart", "long"],
)
def test_what_is_long_already_is_left_alone(timing, apart, each):
    """Windows, set-ups entered for each turn and long turns are not asked for a series."""
    found = _calibrated("a", "a", ([each] * 3, [each] * 3), stalls=True, timing=timing, apart=apart)

    assert each == found.iterations[0]
