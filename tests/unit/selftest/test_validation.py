"""What a selftest concludes from records, with records whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mpbench.analysis.harness_rules import RULES, scaled
from mpbench.analysis.statistic_comparison import STATISTICS, spread_by_statistic
from mpbench.analysis.validation import by_rules, by_scaling, identical, injected, rate
from mpbench.analysis.verdict import DecisionRules
from mpbench.model import Run, RunEnd, RunHeader, Status
from mpbench.report.validation import proofs_markdown
from mpbench.session.comparing.simulated import NOISES, NoiseModel, SimulatedMachine, episodes_on

QUIET = NoiseModel(first_penalty=0.004, agent_sd=0.002, slice_sd=0.004)


def session(seed, *, effect=0.0, episodes=8, inject=0.0):
    """Return a stored comparison that was made on a simulated machine."""
    machine = SimulatedMachine(NOISES["autoregressive"], seed, QUIET)
    records = []
    for number, pair in enumerate(episodes_on(machine, episodes, effect=effect)):
        for place, one in enumerate(pair):
            extra = {"pair": "1", "part": "main", "role": ("baseline", "candidate")[place]}
            records.append(
                one._replace(number=2 * number + place, extra={**extra, "episode_ns": 10**9})
            )
    plan = {
        "kind": "compare",
        "rules": DecisionRules().record(),
        "control": False,
        "inject": inject,
        "pairs": [
            {
                "id": "1",
                "title": "fake/case",
                "baseline": "a",
                "candidate": "b",
                "readings": [{"metric": "time", "fact": None}],
                "refused": None,
            }
        ],
    }
    header = RunHeader(str(seed), "2026-01-01", "0", "m", (), plan, {"simulated": {}}, {})
    return Run(f"{seed}", header, (), tuple(records), (), RunEnd(1, Status.OK, None))


SAME = [session(seed) for seed in range(12)]


def test_identical_arms_are_counted_by_verdict_and_coverage():
    """Twelve comparisons without a difference: no alarm, all unchanged, all cover 1."""
    proof = identical("Identical arms", SAME)
    (row, total) = proof.rows

    assert rate(0, 12) == row[1]
    assert rate(12, 12) == row[3] == row[6]
    assert "0" == row[2]
    assert ("fake/case", "all", "8.0") == (row[0], total[0], row[7])


def test_a_false_alarm_is_counted():
    """A session with a real difference, passed off as identical, is an alarm."""
    proof = identical("Identical arms", [*SAME, session(99, effect=math.log(1.2))])

    assert rate(1, 13) == proof.rows[-1][1]
    assert rate(12, 13) == proof.rows[-1][6]


def test_injected_slowdowns_are_counted_with_their_seconds():
    """Found ones, wrong ones, the ratio and the time of a comparison."""
    runs = [session(seed, effect=math.log(1.05), inject=0.05) for seed in range(6)]
    (row,) = injected(runs).rows

    assert rate(6, 6) == row[1]
    assert ("0", "8.0", "8.0") == (row[2], row[4], row[5])
    assert 1.05 == pytest.approx(float(row[3]), abs=0.01)


def test_scaled_replay_gives_power_and_the_detectable_effect():
    """Large effects are found always, tiny ones hardly, and the power grows between."""
    (row,) = by_scaling(SAME, trials=60).rows
    powers = [float(cell.removesuffix(" %")) for cell in row[2:8]]

    assert "96" == row[1]
    assert sorted(powers) == powers
    assert powers[0] <= 10
    assert 100 == powers[-1]
    assert 1.0 < float(row[8].removesuffix(" %")) < 5.0


def test_the_rules_of_others_see_the_same_samples():
    """Every rule and this method have a row; this method raises no alarm and finds 5 %."""
    rows = {row[0]: row for row in by_rules(SAME).rows}

    assert {*RULES, "mpbench"} == set(rows)
    assert rate(0, 12) == rows["mpbench"][2]
    assert rate(12, 12) == rows["mpbench"][3]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_finds_what_is_plain_and_names_its_direction(name):
    """Twice as slow is found by every harness, in both directions, and nothing in equal samples."""
    chance = np.random.default_rng(4)
    base = [list(chance.normal(1.0, 0.001, 20)) for _ in range(8)]
    decide = RULES[name].decide

    assert 1 == decide(base, scaled(base, 2.0))
    assert -1 == decide(scaled(base, 2.0), base)
    assert 0 == decide(base, base)


def test_every_statistic_of_an_episode_turns_with_its_arms():
    """Swapping the arms changes the sign and nothing else, so the sign-flip test stays exact."""
    pairs = np.random.default_rng(2).lognormal(0.0, 0.3, (16, 2))
    for name, statistic in STATISTICS.items():
        assert statistic(pairs) == pytest.approx(-statistic(pairs[:, ::-1])), name


def test_the_bake_off_shows_the_spread_of_each_statistic():
    """One row for the case; pairs beat what is unpaired on a machine that drifts."""
    (row,) = spread_by_statistic(SAME).rows
    spreads = dict(zip(STATISTICS, (float(cell.split(" / ")[1]) for cell in row[2:]), strict=True))

    assert spreads["median of pairs (in use)"] < spreads["ratio of medians, unpaired"]


def test_the_tables_are_markdown():
    """Each table has a title, a head, its rows and a note; special characters are escaped."""
    text = proofs_markdown([identical("Identical arms", SAME)], head="Measured here.")

    assert text.startswith("Measured here.\n\n### Identical arms\n\n| case |")
    assert "\n| all | 0/12" in text
