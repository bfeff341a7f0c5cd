"""Who shares a CPU: decided by what an arm loses there, and the same for both arms."""

from __future__ import annotations

import random
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from mpbench.harness import pair_calibration, placement
from mpbench.harness.arm_agent import PreparedArm
from mpbench.harness.episodes import EpisodeContext, run_episode
from mpbench.harness.pair_calibration import PairCalibration, calibrate_pair
from mpbench.harness.placement import Placement
from mpbench.model import Case, Timing

CPUS = (0, 3)


class _Agent:
    """Takes 1 ms an operation, and `lost` times as long on one CPU."""

    def __init__(self, lost, opened):
        self.hash_seed = 0
        self.ending = None
        self.log = Path("agent-0.log")
        self._lost = lost
        self._factor = 1.0
        self._opened = opened

    def ask(self, request, *, deadline_s):
        """Answer, and remember where it was put."""
        del deadline_s
        if request["do"] == "open":
            self._opened.append(request.get("cpu"))
            if "cpu" in request:
                if self._lost is None:
                    return {"ok": False, "status": "unsupported", "reason": "needs two CPUs"}
                self._factor = self._lost
        if request["do"] != "measure":
            return {"ok": True}
        count = request["iterations"] or 4
        taken = round(count * 1_000_000 * self._factor)
        sample = {"elapsed_ns": taken, "operations": count, "wall_ns": taken}
        return {"ok": True, "iterations": count, "samples": [sample] * request["samples"]}

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


def _side(arm, timing=Timing.LOOP, *, apart=False):
    workload = SimpleNamespace(
        name="x/y", module="m", timing=timing, deadline_s=1.0, requires=(), body_params=False
    )
    return PreparedArm(arm, SimpleNamespace(key=arm), workload, Case.make("x/y", None, {}), apart)


def _launcher(lost_by_arm, opened):
    @contextmanager
    def launch(side):
        yield _Agent(lost_by_arm[side.arm], opened)

    return launch


@pytest.fixture(autouse=True)
def two_cpus(monkeypatch):
    """Let the machine have two CPUs, whatever runs the test."""
    monkeypatch.setattr(pair_calibration, "pinnable_cpus", lambda: CPUS)


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ({"a": 1.0, "b": 1.015}, CPUS),
        ({"a": 1.06, "b": 1.05}, CPUS),
        # A candidate that gains by two CPUs must not lose that on one, nor the baseline.
        ({"a": 1.0, "b": 1.09}, ()),
        ({"a": 1.09, "b": 1.0}, ()),
        ({"a": 0.6, "b": 0.9}, ()),
        ({"a": 0.4, "b": 0.4}, CPUS),
        # One of them uses two CPUs: neither may be put on one.
        ({"a": 1.0, "b": 1.9}, ()),
        ({"a": 1.2, "b": 1.0}, ()),
        ({"a": 1.0, "b": None}, ()),
    ],
)
def test_arms_share_a_cpu_when_neither_loses_by_it_and_both_alike(lost, expected):
    """An arm that is slower on one CPU, or cannot run there, or loses otherwise, keeps both."""
    found = calibrate_pair((_side("a"), _side("b")), launcher=_launcher(lost, []))

    assert expected == found.cpus


@pytest.mark.parametrize(
    ("given", "expected"), [(Placement.ONE, CPUS), (Placement.ALL, ()), (Placement.AUTO, ())]
)
def test_the_user_decides_where_they_know_better(given, expected):
    """`one` and `all` ask nothing; `auto` finds that this arm loses half of its speed."""
    lost = {"a": 2.0, "b": 2.0}
    found = calibrate_pair((_side("a"), _side("b")), launcher=_launcher(lost, []), placement=given)

    assert expected == found.cpus


@pytest.mark.parametrize(
    "side", [_side("a", Timing.WINDOW), _side("a", apart=True)], ids=["window", "apart"]
)
def test_a_contended_workload_keeps_all_cpus(side):
    """Its workers are meant to run at once, so that it is not even tried."""
    opened = []

    assert not placement.one_cpu_hides_nothing(
        (side,),
        launcher=_launcher({"a": 1.0}, opened),
        cpus=(0,),
        sample_ns=1,
        min_effect=0.02,
    )
    assert [] == opened


def test_a_machine_of_one_cpu_needs_no_choice(monkeypatch):
    """Nothing is tried where there is nothing to choose."""
    monkeypatch.setattr(pair_calibration, "pinnable_cpus", lambda: (0,))
    opened = []
    lost = {"a": 1.0, "b": 1.0}
    found = calibrate_pair((_side("a"), _side("b")), launcher=_launcher(lost, opened))

    assert () == found.cpus
    assert [None, None] == opened


def test_both_arms_of_an_episode_have_the_cpu_that_the_coin_drew():
    """The CPU is the same for both, is drawn anew, and stands in the result."""
    drawn = set()
    for seed in range(20):
        opened = []
        result = run_episode(
            (_side("a"), _side("b")),
            PairCalibration((1, 1), 1, 2, cpus=CPUS),
            coin=random.Random(seed),
            episode_context=EpisodeContext(0, 0, 0),
            launcher=_launcher({"a": 1.0, "b": 1.0}, opened),
        )
        assert [result.cpu, result.cpu] == opened
        drawn.add(result.cpu)

    assert set(CPUS) == drawn


def test_an_episode_ends_when_both_arms_had_their_time(monkeypatch):
    """The limit looks at both arms' time together, and never cuts a pair."""
    now = iter(range(0, 10**12, 50_000_000))
    monkeypatch.setattr("mpbench.harness.episodes.time.perf_counter_ns", lambda: next(now))
    result = run_episode(
        (_side("a"), _side("b")),
        PairCalibration((1, 1), 1, 80, limit_ns=600_000_000, min_pairs=4),
        coin=random.Random(1),
        episode_context=EpisodeContext(0, 0, 0),
        launcher=_launcher({"a": 1.0, "b": 1.0}, []),
    )
    first, second = result.repetitions

    assert 4 < len(first.samples) < 80
    assert len(first.samples) == len(second.samples)
    assert set(range(2 * len(first.samples))) == {*first.slice.turns, *second.slice.turns}
