"""What may cost an episode its place, and what may not."""

from __future__ import annotations

import pytest

from mpbench.session.comparing.noise_monitor import (
    CanaryStatistics,
    MachineSnapshot,
    NoiseMonitor,
    reason_to_drop,
)

FACTS = {"canary_ns": [3_000, 3_000], "stolen_share": 0.0, "pressure_us": 0, "throttled_us": 0}


@pytest.mark.parametrize(
    ("changes", "dropped"),
    [
        ({}, False),
        ({"canary_ns": [3_000, 3_700]}, False),
        ({"canary_ns": [3_000, 3_800]}, True),
        ({"canary_ns": [2_200, 3_000]}, True),
        ({"stolen_share": 0.09}, False),
        ({"stolen_share": 0.11}, True),
        # A workload can cause these itself, so that they never decide.
        ({"pressure_us": 10**9}, False),
        ({"throttled_us": 10**9}, False),
    ],
)
def test_only_exogenous_evidence_drops_an_episode(changes, dropped):
    """The canary and stolen time decide; pressure and throttling are recorded only."""
    assert dropped is (reason_to_drop({**FACTS, **changes}, CanaryStatistics(3_000)) is not None)


def test_the_rule_does_not_see_what_was_measured():
    """Its only inputs are the facts of the machine and the session's usual canary."""
    assert ("facts", "usual") == reason_to_drop.__code__.co_varnames[:2]
    assert 2 == reason_to_drop.__code__.co_argcount


def test_the_guard_reports_what_changed_in_between():
    """Counters become differences, canaries stay as they are."""
    looks = iter(
        [
            MachineSnapshot(3_000, 0.0, 0.0, 0.0, 0.0, 0),
            MachineSnapshot(3_000, 1.0, 10.0, 20.0, 100.0, 7),
            MachineSnapshot(3_100, 1.05, 10.5, 20.45, 150.0, None),
        ]
    )
    guard = NoiseMonitor(lambda: next(looks))
    guard.before()
    facts = guard.after()

    assert facts["dropped"] is None
    assert {
        "canary_ns": [3_000, 3_100],
        "stolen_share": pytest.approx(0.05),
        "pressure_us": 50.0,
        "throttled_us": None,
    } == facts["guard"]


def test_where_the_speed_changes_all_the_time_a_canary_must_be_further_off():
    """A quarter of the canaries at 1.5 times the usual time is the machine, not an accident."""
    usual = CanaryStatistics.of([3_000] * 30 + [4_500] * 11)

    assert CanaryStatistics(3_000, 0.5) == usual
    assert reason_to_drop({**FACTS, "canary_ns": [3_000, 4_600]}, usual) is None
    assert reason_to_drop({**FACTS, "canary_ns": [3_000, 7_600]}, usual) is not None


def test_the_usual_canary_is_the_sessions_own():
    """A machine that is slow all the time is not noisy."""
    guard = NoiseMonitor(lambda: MachineSnapshot(9_000, 0.0, 0.0, 1.0, None, None))
    guard.before()

    assert guard.after()["dropped"] is None
