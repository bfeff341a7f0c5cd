"""Verdicts in words, in Markdown and as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from mpbench.analysis.arm_values import ArmValues
from mpbench.analysis.comparison import Comparison
from mpbench.analysis.control import inspect_control
from mpbench.analysis.episode import EpisodeStatistic, MetricRef
from mpbench.analysis.outcome import ComparisonOutcome
from mpbench.analysis.verdict import DecisionRules, judge
from mpbench.model import Metric
from mpbench.report.verdicts import (
    needed_text,
    phrase,
    ranked,
    rows,
    summary,
    to_markdown,
    to_record,
)

NOISE = (-0.9, 0.7, -0.4, 0.3, 0.5, -0.6, 0.1, -0.2)


def comparison(ratio, spread, *, pair="1", title="pipe/trip[a|b]", episodes=8):
    """Return a comparison around a ratio."""
    made = tuple(
        EpisodeStatistic(
            episode=number,
            log_ratio=math.log(ratio) + spread * NOISE[number % 8],
            pairs=10,
            baseline_first=True,
            seconds=1.5,
        )
        for number in range(episodes)
    )
    reading = MetricRef(metric=Metric.ROUND_TRIP)
    return Comparison(
        pair=pair, title=title, baseline="fork", candidate="spawn", reading=reading, episodes=made
    )


def outcome(*comparisons, control=None, planned=True):
    """Return an outcome of comparisons."""
    rules = DecisionRules()
    return ComparisonOutcome(
        judgements=judge(comparisons, rules, control),
        rules=rules,
        control=control,
        control_planned=planned,
        seconds={"main": 12.0, "control": 6.0},
        dropped=1,
        episodes=20,
        interrupted=False,
    )


CHANGED = comparison(1.05, 0.001)
SAME = comparison(1.0, 0.001, pair="2")
SMALL = comparison(1.01, 0.001, pair="5")
OPEN = comparison(1.0, 0.3, pair="3")
HUGE = comparison(11.3, 0.01, pair="4")
QUIET = inspect_control([0.001 * one for one in NOISE])
BAD = inspect_control([0.05 + 0.001 * one for one in NOISE])


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (CHANGED, "slower, +5.0%"),
        (SAME, "unchanged"),
        (SMALL, "small difference, +1.0%"),
        (OPEN, "inconclusive"),
        (HUGE, "11.3x slower"),
        (comparison(0.5, 0.001), "2x faster"),
    ],
)
def test_a_verdict_says_how_much(one, words):
    """Small changes in per cent, large ones in times."""
    assert words == phrase(judge([one], DecisionRules())[0])


def test_one_number_says_how_much_longer():
    """The summary names the time that all decisions take, and the looks of a new session."""
    far, near = outcome(OPEN), outcome(comparison(1.0, 0.08), comparison(1.0, 0.08, pair="5"))

    assert "a new session with --looks 288 would decide the rest in about" in needed_text(far)
    assert "more would decide the rest" in needed_text(near)
    assert needed_text(near) in summary(near)
    assert "" == needed_text(outcome(CHANGED))
    assert to_record(near)["seconds_needed"] == pytest.approx(
        sum(one.needed_seconds for one in near.judgements)
    )


def test_regressions_stand_first_with_both_values():
    """The largest is in front; the values of both arms are in every form."""
    values = {("4", None): ArmValues(0.002, 0.0226)}
    both = replace(outcome(SAME, CHANGED, HUGE), values=values)
    first = rows(ranked(both))[0]
    record = to_record(both)["comparisons"][0]

    assert ("2.00 ms", "22.6 ms", "11.3x slower") == (
        first.baseline,
        first.candidate,
        first.verdict,
    )
    assert (0.002, 0.0226, "s") == (
        record["baseline_value"],
        record["candidate_value"],
        record["unit"],
    )
    assert "| 2.00 ms | 22.6 ms |" in to_markdown(both).splitlines()[4]


def test_markdown_is_a_table_with_escaped_names():
    """A pipe in a case's name does not end its cell; what got slower is bold."""
    text = to_markdown(outcome(CHANGED, SAME, control=QUIET))
    line = next(line for line in text.splitlines() if "slower" in line)

    assert "| pipe/trip\\[a\\|b\\] | fork -\\> spawn | round trip | - | - | 1.050 \\[" in line
    assert "**slower, +5.0%**" in line
    assert line.endswith("| 8 | 12.0 |  |")


def test_the_record_is_strict_json():
    """Every number is finite or null, also before the first look."""
    early = comparison(1.0, 0.1, episodes=3)
    text = json.dumps(to_record(outcome(early, CHANGED)), allow_nan=False)
    first = json.loads(text)["comparisons"][-1]

    assert ("inconclusive", None, 8) == (
        first["verdict"],
        first["ratio"],
        first["episodes_needed"],
    )


def test_the_summary_tells_about_control_noise_and_rules():
    """What the verdicts rest on stands below them."""
    lines = "\n".join(summary(outcome(CHANGED, SAME, control=QUIET)))

    assert "1 slower, 1 unchanged" in lines
    assert "identical arms differ by a factor of 1.0000" in lines
    assert "5%" in lines
    assert "advisory" in "\n".join(summary(outcome(CHANGED, planned=False)))
    assert "advisory" in "\n".join(summary(outcome(CHANGED)))


@pytest.mark.parametrize(
    ("found", "require", "code"),
    [
        (outcome(SAME), False, 0),
        (outcome(SMALL), True, 0),
        (outcome(comparison(0.8, 0.001)), False, 0),
        (outcome(SAME, CHANGED), False, 1),
        (outcome(SAME, OPEN), False, 0),
        (outcome(SAME, OPEN), True, 3),
        (outcome(CHANGED, OPEN), True, 1),
        (outcome(CHANGED, control=BAD), False, 4),
    ],
)
def test_exit_codes_tell_bad_from_unknown(found, require, code):
    """1 something is slower, 3 no decision where one is required, 4 nothing to believe."""
    assert code == found.exit_code(require_decision=require)


def test_a_small_difference_is_said_everywhere_with_its_interval():
    """Rows, Markdown, JSON and counts know it; its interval excludes 1 and stays below 2 %."""
    found = outcome(SMALL, SAME, SMALL)
    record = to_record(found)["comparisons"][0]

    assert "| 1.010 \\[1.009, 1.011\\] | small difference, +1.0% |" in to_markdown(found)
    assert "2 small differences, 1 unchanged" in summary(found)[0]
    assert "small difference" == record["verdict"]
    assert 1.0 < record["ratio_low"] < record["ratio_high"] < 1.02
