"""The table of verdicts, the family, the control and the confirmation."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mpbench.analysis.comparison import Comparison
from mpbench.analysis.control import inspect_control
from mpbench.analysis.episode import EpisodeStatistic, MetricRef
from mpbench.analysis.verdict import DecisionRules, Verdict, confirm, judge
from mpbench.model import Metric

RULES = DecisionRules()
# Eight values around zero that no test rejects.
NOISE = (-0.9, 0.7, -0.4, 0.3, 0.5, -0.6, 0.1, -0.2)


def comparison(ratio, spread, *, metric=Metric.TIME, pair="1", episodes=8, dropped=0):
    """Return a comparison whose episodes lie around a ratio."""
    found = [
        EpisodeStatistic(
            episode=number,
            log_ratio=math.log(ratio) + spread * NOISE[number % len(NOISE)],
            pairs=10,
            baseline_first=number % 2 == 0,
            seconds=1.0,
            dropped="noise" if number < dropped else None,
        )
        for number in range(episodes + dropped)
    ]
    return Comparison(
        pair=pair,
        title="fake/case",
        baseline="a",
        candidate="b",
        reading=MetricRef(metric=metric),
        episodes=tuple(found),
    )


@pytest.mark.parametrize(
    ("ratio", "spread", "verdict"),
    [
        (1.10, 0.01, Verdict.SLOWER),
        (0.90, 0.01, Verdict.FASTER),
        (1.00, 0.01, Verdict.UNCHANGED),
        # A real difference, and all of its interval below the smallest effect.
        (1.01, 0.001, Verdict.SMALL),
        # A real difference of which nobody knows whether it reaches 2 %.
        (1.018, 0.008, Verdict.INCONCLUSIVE),
        (1.03, 0.001, Verdict.SLOWER),
        (1.00, 0.20, Verdict.INCONCLUSIVE),
        (1.10, 0.50, Verdict.INCONCLUSIVE),
    ],
)
def test_a_verdict_follows_from_the_ratio_and_its_interval(ratio, spread, verdict):
    """The table of verdicts, line by line."""
    (found,) = judge([comparison(ratio, spread)], RULES)

    assert verdict is found.verdict


def test_more_throughput_is_faster():
    """The direction comes from the metric, not from the sign."""
    (found,) = judge([comparison(1.10, 0.01, metric=Metric.THROUGHPUT)], RULES)

    assert Verdict.FASTER is found.verdict


def test_memory_is_not_slow():
    """What is no time and no rate gets worse, not slower."""
    (found,) = judge([comparison(1.10, 0.01, metric=Metric.MEMORY)], RULES)

    assert "worse" == found.verdict.word(Metric.MEMORY)
    assert "slower" == found.verdict.word(Metric.TIME)


def test_a_difference_among_many_that_are_none_needs_more_evidence():
    """What one comparison alone rejects is not rejected as one of forty."""
    alone = comparison(1.04, 0.02)
    others = [comparison(1.0, 0.01, pair=str(number)) for number in range(2, 41)]

    assert Verdict.SLOWER is judge([alone], RULES)[0].verdict
    assert not judge([alone, *others], RULES)[0].verdict.is_change


def test_many_small_differences_make_no_room_for_a_false_one():
    """Thirty differences of 1 %, surely found and not reported, do not lower the bar."""
    small = [comparison(1.01, 0.001, pair=str(number), episodes=16) for number in range(30)]
    doubtful = comparison(1.04, 0.07, pair="doubtful", episodes=16)
    alone = judge([doubtful], RULES)[0]
    among = judge([*small, doubtful], RULES)[-1]

    assert 0.005 < alone.standing.p_value < 0.05
    assert Verdict.SLOWER is alone.verdict
    assert not among.verdict.is_change
    assert among.adjusted_p == pytest.approx(min(1.0, 31 * alone.adjusted_p))


def test_what_was_refused_does_not_take_part_in_the_family():
    """Forty pairs that cannot be measured here cost the one that can be nothing."""
    refused = replace(comparison(1.0, 0.01, episodes=0), problem="no fork here", refused=True)
    found = judge([comparison(1.10, 0.01), *[refused] * 40], RULES)

    assert judge([comparison(1.10, 0.01)], RULES)[0] == found[0]
    assert {Verdict.INVALID} == {one.verdict for one in found[1:]}


def test_what_failed_while_it_was_measured_stays_in_the_family():
    """Its looks were planned for, and leaving it out afterwards would depend on the data."""
    failed = replace(comparison(1.0, 0.01), problem="crashed: SIGSEGV")
    found = judge([comparison(1.10, 0.01), *[failed] * 40], RULES)

    assert 41 * found[0].standing.p_value == pytest.approx(found[0].adjusted_p)


def test_a_difference_that_the_family_leaves_open_is_not_called_too_wide():
    """The interval excludes 1; what is missing is evidence among forty comparisons."""
    others = [comparison(1.0, 0.01, pair=str(number), episodes=32) for number in range(2, 41)]
    found = judge([comparison(1.04, 0.1, episodes=32), *others], RULES)[0]

    assert found.standing.interval.low > 0.0
    assert Verdict.INCONCLUSIVE is found.verdict
    assert "too wide" not in found.reason
    assert "among so many comparisons" in found.reason
    assert found.needed > 33
    assert found.needs_new_session
    assert found.needed == found.needed_seconds


def test_inconclusive_says_how_much_longer_it_would_take():
    """Episodes and seconds are estimated from the width so far."""
    (found,) = judge([comparison(1.00, 0.20)], RULES)

    assert found.needed > RULES.looks[-1]
    assert found.needs_new_session
    # Looks are fixed before measuring, so that a new session has to have all of them.
    assert found.needed == found.needed_seconds


def test_what_the_planned_looks_still_allow_needs_no_new_session():
    """An interval that is a little too wide at the first look."""
    (found,) = judge([comparison(1.00, 0.08)], RULES)

    assert 8 < found.needed <= RULES.looks[-1]
    assert not found.needs_new_session
    assert found.needed - 8 == found.needed_seconds


def test_before_the_first_look_a_comparison_is_inconclusive():
    """Three episodes say nothing, and how many are needed is known."""
    (found,) = judge([comparison(2.0, 0.01, episodes=3)], RULES)

    assert (Verdict.INCONCLUSIVE, 8) == (found.verdict, found.needed)


def test_a_case_that_fails_is_invalid_with_its_reason():
    """Nothing measured is neither unchanged nor slower."""
    failed = replace(comparison(1.0, 0.01), problem="crashed: SIGSEGV")
    (found,) = judge([failed], RULES)

    assert (Verdict.INVALID, "crashed: SIGSEGV") == (found.verdict, found.reason)


def test_too_many_dropped_episodes_are_invalid():
    """More than half of the episodes lost to noise is too much, a third is not."""
    (bad,) = judge([comparison(1.2, 0.01, episodes=9, dropped=10)], RULES)
    (good,) = judge([comparison(1.2, 0.01, episodes=9, dropped=4)], RULES)

    assert Verdict.INVALID is bad.verdict
    assert Verdict.SLOWER is good.verdict


def test_dropped_episodes_do_not_count():
    """What noise touched says nothing about the ratio, whatever it says."""
    one = comparison(1.2, 0.01, episodes=9, dropped=1)
    wild = EpisodeStatistic(
        episode=0, log_ratio=9.0, pairs=1, baseline_first=True, seconds=1.0, dropped="noise"
    )
    changed = replace(one, episodes=(wild, *one.episodes[1:]))

    assert judge([one], RULES)[0].ratio == judge([changed], RULES)[0].ratio


def test_a_control_that_finds_a_difference_invalidates_everything():
    """Identical arms that differ by 4 % in twelve episodes make the session worthless."""
    control = inspect_control([0.04 + 0.001 * one for one in range(12)])
    (found,) = judge([comparison(1.2, 0.01)], RULES, control)

    assert not control.passed
    assert Verdict.INVALID is found.verdict
    assert "control" in found.reason


def test_a_control_fails_on_a_large_offset_with_weaker_evidence():
    """An offset beyond half of the margin is believed at 5 %, a small one at 1 %."""
    large = inspect_control([0.05 + 0.06 * one for one in NOISE])
    small = inspect_control([0.010 + 0.012 * one for one in NOISE])

    assert 0.01 < large.p_value == small.p_value < 0.05
    assert not large.passed
    assert small.passed


def test_a_noisy_control_is_no_failed_one():
    """A large offset without any evidence says that the episodes spread, not that they lie."""
    control = inspect_control([0.2 * one + 0.04 for one in NOISE])

    assert abs(control.log_ratio) > 0.025
    assert control.p_value > 0.05
    assert control.passed


def test_a_quiet_control_passes():
    """Identical arms around 1 keep the verdicts."""
    control = inspect_control([0.01 * one for one in NOISE])
    (found,) = judge([comparison(1.2, 0.01)], RULES, control)

    assert control.passed
    assert Verdict.SLOWER is found.verdict


def test_a_control_of_few_episodes_says_nothing():
    """Seven episodes cannot reach one per cent."""
    assert inspect_control([0.1] * 7) is None


def test_a_change_that_does_not_recur_is_not_kept():
    """A second session must find the same direction again."""
    judged = judge([comparison(1.10, 0.01)], RULES)
    (kept,) = confirm(judged, [comparison(1.10, 0.01, episodes=16)], RULES)
    (lost,) = confirm(judged, [comparison(1.00, 0.01, episodes=16)], RULES)
    (turned,) = confirm(judged, [comparison(0.90, 0.01, episodes=16)], RULES)

    assert (Verdict.SLOWER, True) == (kept.verdict, kept.confirmed)
    assert (Verdict.INCONCLUSIVE, False) == (lost.verdict, lost.confirmed)
    assert Verdict.INCONCLUSIVE is turned.verdict


@pytest.mark.parametrize("episodes", [0, 1, 5, 15])
def test_a_confirmation_that_was_cut_off_takes_nothing_back(episodes):
    """The same effect cannot be rejected or kept by so few episodes."""
    judged = judge([comparison(1.10, 0.01)], RULES)
    (found,) = confirm(judged, [comparison(1.10, 0.01, episodes=episodes)], RULES)

    assert (Verdict.SLOWER, None) == (found.verdict, found.confirmed)
    assert f"only {episodes} of 16" in found.reason


def test_a_control_of_a_noisy_case_does_not_hide_a_quiet_one():
    """An offset of 5 % in a case that spreads by 1 % counts, whatever another case does."""
    quiet = [0.05 + 0.01 * one for one in NOISE] + [0.05]
    noisy = [0.3 * one for one in NOISE] + [-0.05]
    spreads = [0.005] * 9 + [0.15] * 9

    assert inspect_control([*quiet, *noisy]).passed
    assert not inspect_control([*quiet, *noisy], spreads=spreads).passed


def test_rules_survive_the_result_file():
    """What was decided before measuring is read back as it was."""
    rules = DecisionRules(min_effect=0.01, looks=(9, 18))

    assert rules == DecisionRules.of(rules.record())
