"""
Error rates of the whole comparison on a simulated machine, and mutations that must show.

The real episode code and the real analysis run; only the machine is simulated.
Each check of a rate is also made with a deliberate mistake, and must fail then:
a check that passes with the mistake in place would not protect anything.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from statistics import fmean, median

import pytest
from scipy import stats as scipy_stats

from mpbench.analysis.episode import counted, episode_statistic, pair_log_ratios, slice_values
from mpbench.analysis.sequential import LOOKS, interim_result
from mpbench.analysis.stats import false_discovery, sign_flip_p
from mpbench.analysis.verdict import DecisionRules, Verdict, judge, judge_one, verdict_alone
from mpbench.session.comparing.simulated import (
    NOISES,
    READING,
    NoiseModel,
    SimulatedMachine,
    episodes_on,
    log_ratios_of,
)
from mpbench.session.selftest.families import FAMILIES, families, family_session

TRIALS = 120
EFFECT = math.log(1.05)

# Of 120 trials at a true rate of 5 %, 13 alarms happen once in 100.
MOST_ALARMS = 12


def sessions(noise, *, effect=0.0, count=16, coin=None, disturbance=None, trials=TRIALS):
    """Yield the episodes of many simulated sessions."""
    for seed in range(trials):
        machine = SimulatedMachine(NOISES[noise], seed, disturbance or NoiseModel())
        yield episodes_on(machine, count, effect=effect, coin=coin and coin(seed))


def alarms(episodes, judge):
    """Count the sessions in which a judge sees a difference."""
    return sum(judge(one) for one in episodes)


def by_episodes(episodes):
    """Judge as mpbench does, at all looks."""
    return interim_result(log_ratios_of(episodes), LOOKS).p_value <= 0.05


@pytest.mark.parametrize("noise", NOISES)
def test_identical_arms_are_rarely_called_different(noise):
    """Whatever the noise, at most one comparison in twenty of identical arms alarms."""
    assert alarms(sessions(noise), by_episodes) <= MOST_ALARMS


@pytest.mark.parametrize("noise", NOISES)
def test_a_true_difference_is_found(noise):
    """Five per cent are found in more than nine sessions of ten with 16 episodes."""
    assert alarms(sessions(noise, effect=EFFECT), by_episodes) > 0.9 * TRIALS


@pytest.mark.parametrize("effect", [0.0, EFFECT])
@pytest.mark.parametrize("noise", NOISES)
def test_the_interval_covers_the_truth_at_all_looks_together(noise, effect):
    """The intervals of the looks at 8 and 16 miss the true ratio at most once in twenty."""
    missed = 0
    for episodes in sessions(noise, effect=effect):
        ratios = log_ratios_of(episodes)
        intervals = [interim_result(ratios[:look], LOOKS).interval for look in (8, 16)]
        missed += any(not one.low <= effect <= one.high for one in intervals)

    assert missed <= MOST_ALARMS


def test_naive_peeking_raises_false_alarms():
    """Stopping as soon as p is below 5 % alarms far too often: the check can fail."""

    def peeking(episodes):
        ratios = log_ratios_of(episodes)
        return any(sign_flip_p(ratios[:seen]) <= 0.05 for seen in range(6, len(ratios) + 1))

    assert alarms(sessions("independent", count=32), peeking) > MOST_ALARMS


def test_forgetting_the_number_of_looks_raises_false_alarms():
    """Without the correction for the looks the same data alarm too often."""

    def uncorrected(episodes):
        ratios = log_ratios_of(episodes)
        return any(sign_flip_p(ratios[:look]) <= 0.05 for look in range(8, 33, 4))

    assert alarms(sessions("independent", count=32), uncorrected) > MOST_ALARMS


class _Heads(random.Random):
    """A coin that always shows heads; who begins a pair of slices stays random."""

    def random(self):
        return 0.0


def test_launching_the_baseline_always_first_raises_false_alarms():
    """The agent launched first is slower, so without a coin the other arm looks faster."""
    quiet = NoiseModel(agent_sd=0.004, slice_sd=0.005)
    episodes = sessions("autoregressive", coin=_Heads, disturbance=quiet)

    assert alarms(episodes, by_episodes) > MOST_ALARMS


class _Fixed(random.Random):
    """The launch is fair, but the arm launched first also begins every pair of slices."""

    def shuffle(self, orders):
        orders[:] = [(0, 1)] * len(orders)


def _warming(chance, level):
    """Get slower by a per cent with each slice, as a machine that heats up."""
    return level + 0.01 + chance.gauss(0, 0.001)


def test_a_fixed_order_of_turns_takes_drift_for_a_difference(monkeypatch):
    """In a machine that warms up, each arm must begin half of the pairs, or ratios spread."""
    monkeypatch.setitem(globals(), "NOISES", {"warming": _warming})
    quiet = NoiseModel(first_penalty=0, agent_sd=0.001, slice_sd=0.001)

    def spread(coin):
        found = sessions("warming", coin=coin, disturbance=quiet, trials=10)
        return fmean(abs(ratio) for episodes in found for ratio in log_ratios_of(episodes))

    assert spread(None) < 0.5 * spread(_Fixed)


def test_the_coin_that_is_stored_is_the_one_that_was_tossed():
    """An episode whose record says heads has launched the baseline first, and both occur."""
    machine = SimulatedMachine(NOISES["independent"], 1, NoiseModel(first_penalty=0.5))
    episodes = episodes_on(machine, 40)
    by_coin = {True: [], False: []}
    for baseline, candidate in episodes:
        one = episode_statistic(baseline, candidate, READING)
        by_coin[one.baseline_first].append(one.log_ratio)

        assert candidate.slice.launched_first is not baseline.slice.launched_first
    assert 10 <= len(by_coin[True]) <= 30
    assert max(by_coin[True]) < 0 < min(by_coin[False])


def test_slices_are_not_the_unit_of_analysis():
    """Feeding the pairs of slices of two agents to the test alarms on identical arms."""

    def by_slices(episodes):
        ratios = []
        for baseline, candidate in episodes:
            ratios += pair_log_ratios(
                slice_values(baseline, READING), slice_values(candidate, READING)
            )
        return sign_flip_p(ratios) <= 0.05

    agents = NoiseModel(agent_sd=0.02)

    assert alarms(sessions("independent", count=2, disturbance=agents), by_slices) > MOST_ALARMS


def test_an_unpaired_analysis_misses_what_pairs_find():
    """Comparing the arms' medians without pairs loses the difference in the machine's drift."""

    def unpaired(episodes):
        sides = [
            [math.log(median(slice_values(one[side], READING).values())) for one in episodes]
            for side in (0, 1)
        ]
        return scipy_stats.ttest_ind(*sides, equal_var=False).pvalue <= 0.05

    found = alarms(sessions("random walk", effect=EFFECT), unpaired)

    assert found <= 0.9 * TRIALS


def test_dropping_episodes_by_their_value_raises_false_alarms():
    """Leaving out the episodes in which one arm was slowest makes it look faster."""

    def trimmed(episodes):
        ratios = sorted(log_ratios_of(episodes))[: int(0.8 * len(episodes))]
        return sign_flip_p(ratios) <= 0.05

    assert alarms(sessions("independent"), trimmed) > MOST_ALARMS


def _filtered_afterwards(comparisons, rules):
    """Reject with all p values, and leave out what is too small afterwards: a mistake."""
    standings = [interim_result(counted(one.episodes), rules.looks) for one in comparisons]
    adjusted = false_discovery([one.p_value for one in standings])
    return tuple(
        judge_one(one, standing, p_value, rules)
        for one, standing, p_value in zip(comparisons, standings, adjusted, strict=True)
    )


def false_share(name, judged_by):
    """Return the mean share of false changes over simulated sessions of one family."""
    shares = []
    for seed in range(40):
        session = family_session(FAMILIES[name], seed, judged_by)
        changed = [ratio for ratio, judgement in session if judgement.verdict.is_change]
        shares.append(changed.count(1.0) / max(1, len(changed)))
    return fmean(shares)


@pytest.mark.parametrize("name", FAMILIES)
def test_few_of_the_reported_changes_are_false(name):
    """Whatever else the family holds; a true share of 5 % gives 15 % once in thousands."""
    assert false_share(name, judge) < 0.15


def test_small_differences_in_the_family_make_room_for_false_changes_if_they_may():
    """What is found and not reported must not lower the bar: the check can fail."""
    assert false_share("30 at +1 %, 10 without", _filtered_afterwards) > 0.15


@pytest.mark.parametrize("name", FAMILIES)
def test_no_claim_contradicts_its_own_interval(name):
    """Unchanged holds 1, a difference excludes it, and a small one stays below 2 %."""
    for seed in range(15):
        for _, judgement in family_session(FAMILIES[name], seed):
            if not judgement.verdict.is_decision:
                continue
            low, estimate, high = judgement.ratio
            holds_one = low <= 1.0 <= high

            assert holds_one is (judgement.verdict is Verdict.UNCHANGED)
            assert judgement.verdict.is_change is (not holds_one and not 1 / 1.02 < estimate < 1.02)
            if judgement.verdict is Verdict.SMALL:
                assert 1 / 1.02 < low
                assert high < 1.02


def test_one_true_difference_among_twenty_is_not_called_unchanged():
    """A sure +3 % is found, whatever its family; it ends unchanged in at most one of thirty."""
    verdicts = Counter(
        family_session(FAMILIES["1 at +3 %, 19 without"], seed)[0][1].verdict for seed in range(30)
    )

    assert verdicts[Verdict.SLOWER] >= 27
    assert verdicts[Verdict.UNCHANGED] <= 1


def test_a_table_of_families_counts_each_kind_of_claim():
    """One row for each family; no interval of an unchanged case excludes 1."""
    table = families(3)

    assert list(FAMILIES) == [row[0] for row in table.rows]
    assert {"0"} == {row[table.head.index("unchanged without 1")] for row in table.rows}


def changes_of_identical_arms(layout_sd, *, by_label):
    """Count the sessions of 60 that find a change, with a layout for each label or each agent."""
    changes = 0
    for seed in range(60):
        own = 0.0 if by_label else layout_sd
        machine = SimulatedMachine(NOISES["independent"], seed, NoiseModel(agent_sd=own))
        offset = random.Random(seed).gauss(0, layout_sd * math.sqrt(2)) if by_label else 0.0
        ratios = log_ratios_of(episodes_on(machine, LOOKS[-1], effect=offset))
        standing = interim_result(ratios, LOOKS)
        changes += verdict_alone(standing, READING.metric, DecisionRules()).is_change
    return changes


def test_a_layout_that_goes_with_the_label_is_a_false_change():
    """Drawn anew for each agent the same spread is noise; kept by a label it is an effect."""
    assert changes_of_identical_arms(0.02, by_label=True) >= 12
    assert 0 == changes_of_identical_arms(0.02, by_label=False)
