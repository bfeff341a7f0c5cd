"""Results of different sessions: described, and judged only where that can be done."""

from __future__ import annotations

import math
import random

import pytest

from mpbench.analysis.stored import compare_stored, variation
from mpbench.analysis.verdict import DecisionRules, Verdict
from mpbench.model import (
    Case,
    CaseRecord,
    Metric,
    Repetition,
    Run,
    RunHeader,
    Sample,
    Status,
    Timing,
)

CASE = Case.make("fake/operation", None, {})


def session(  # noqa: PLR0913 - what may differ between sessions
    seed,
    *,
    level=0.0,
    spread=0.0,
    inside=0.005,
    agents=8,
    machine="one",
    hardware="a",
    subject="3.11",
):
    """Return a run whose machine had a speed of its own that day."""
    drawn = random.Random(seed)
    mood = drawn.gauss(0, spread)
    record = CaseRecord(
        subject=subject,
        case=CASE,
        metric=Metric.TIME,
        facts={},
        timing=Timing.LOOP,
        floor=None,
        no_floor="fake",
        revision=1,
        doc="",
        status=Status.OK,
        reason=None,
    )
    repetitions = []
    for number in range(agents):
        log = level + mood + drawn.gauss(0, inside)
        sample = Sample(round(1e9 * math.exp(log)), 1_000)
        repetitions.append(
            Repetition(
                subject=subject,
                case=CASE,
                number=number,
                status=Status.OK,
                reason=None,
                iterations=1_000,
                samples=(sample,) * 3,
                started_ns=0,
                elapsed_ns=1,
                hash_seed=0,
                agent=number,
            )
        )
    environment = {"fingerprint": hardware}
    header = RunHeader(
        f"run {seed}", "2026-01-01", "0", machine, (), {}, {subject: {}}, environment
    )
    return Run(f"{seed}.jsonl", header, (record,), tuple(repetitions), (), None)


def test_two_runs_are_described_and_not_judged():
    """Ten per cent between two days may be the days."""
    (found,) = compare_stored([session(1)], [session(2, level=math.log(1.1))])

    assert found.verdict is None
    assert found.interval is None
    assert 1.1 == pytest.approx(found.ratio, rel=0.01)
    assert "--history" in found.reason


def test_a_known_session_variance_allows_a_verdict():
    """With sessions that hardly vary ten per cent are slower; with wild ones they are nothing."""
    base, new = [session(1)], [session(2, level=math.log(1.1))]
    calm = [session(seed, spread=0.002) for seed in range(10, 18)]
    wild = [session(seed, spread=0.10) for seed in range(10, 18)]
    (sure,) = compare_stored(base, new, history=calm)
    (unsure,) = compare_stored(base, new, history=wild)

    assert Verdict.SLOWER is sure.verdict
    assert Verdict.INCONCLUSIVE is unsure.verdict
    assert sure.interval.low < 1.1 < sure.interval.high


def test_identical_calm_sessions_are_unchanged():
    """Equal results within the margin are called so."""
    calm = [session(seed, spread=0.002) for seed in range(10, 18)]
    (found,) = compare_stored([session(1)], [session(2)], history=calm)

    assert Verdict.UNCHANGED is found.verdict


def test_three_sessions_on_each_side_know_their_own_variance():
    """Without a history the sides' own sessions tell how much sessions vary."""
    base = [session(seed, spread=0.003) for seed in (1, 2, 3)]
    new = [session(seed, spread=0.003, level=math.log(1.2)) for seed in (4, 5, 6)]
    (found,) = compare_stored(base, new)

    assert Verdict.SLOWER is found.verdict
    assert (3, 3) == found.sessions


def test_machines_are_never_judged_against_each_other():
    """Not even many sessions make raw times of two machines comparable."""
    base = [session(seed) for seed in (1, 2, 3)]
    new = [session(seed, machine="two") for seed in (4, 5, 6)]
    (found,) = compare_stored(base, new)

    assert found.verdict is None
    assert "different machines" in found.reason


def test_other_hardware_behind_the_same_name_is_another_machine():
    """A virtual machine keeps its host name when it comes back on a host of another kind."""
    base = [session(seed) for seed in (1, 2, 3)]
    new = [session(seed, hardware="b") for seed in (4, 5, 6)]
    (found,) = compare_stored(base, new)
    (by_history,) = compare_stored(base[:1], base[1:2], history=[session(1), *new, *new])

    assert found.verdict is None
    assert "same name" in found.reason
    assert by_history.verdict is None


def test_the_variation_is_that_of_session_means():
    """It holds what sessions add and what their agents leave in a mean of eight."""
    drawn = random.Random(1)

    def one(spread):
        mood = drawn.gauss(0, spread)
        return [mood + drawn.gauss(0, 0.04) for _ in range(8)]

    wild, calm = (variation([[one(spread) for _ in range(400)]]) for spread in (0.05, 0.0))

    assert 0.05**2 + 0.04**2 / 8 == pytest.approx(wild.of_means, rel=0.2)
    assert 0.04**2 / 8 == pytest.approx(calm.of_means, rel=0.2)
    assert (399, 8) == (wild.freedom, wild.agents)


def test_a_session_of_few_agents_varies_more_and_one_of_many_not_less():
    """Agents beyond those of the sessions that are known make nothing surer."""
    found = variation([[[0.0, 0.02] * 4, [0.10, 0.12] * 4]])

    assert found.of_mean(2) > found.of_mean(8) == found.of_mean(800) == found.of_means


def test_single_sessions_tell_no_variation():
    """Groups of one session each."""
    assert None is variation([[[1.0, 2.0]], [[3.0]], []])


def test_few_sessions_are_no_history():
    """Four sessions say too little about how sessions vary."""
    past = [session(seed) for seed in range(10, 14)]
    (found,) = compare_stored([session(1)], [session(2)], history=past)

    assert None is found.verdict


def test_copies_of_a_session_are_one_session():
    """Five copies of a file say nothing about how sessions vary, nor does what is compared."""
    past = [session(seed) for seed in range(10, 14)]
    for history in ([session(3)] * 5, [*past, session(1)]):
        (found,) = compare_stored([session(1)], [session(2)], history=history)

        assert None is found.verdict


def test_another_revision_of_a_workload_is_not_judged():
    """What is measured has changed, so no verdict and the reason."""
    base = [session(seed) for seed in (1, 2, 3)]
    changed = [
        run._replace(cases=tuple(one._replace(revision=2) for one in run.cases))
        for run in (session(seed) for seed in (4, 5, 6))
    ]
    (found,) = compare_stored(base, changed)

    assert found.verdict is None
    assert "revision [1]" in found.reason


def test_false_alarms_stay_below_the_level_although_sessions_vary():
    """Of 200 pairs of identical sessions that vary by 5 %, at most one in twenty is judged."""
    history = [session(1_000 + seed, spread=0.05) for seed in range(8)]
    alarms = 0
    for seed in range(200):
        (found,) = compare_stored(
            [session(2 * seed, spread=0.05)],
            [session(2 * seed + 1, spread=0.05)],
            history=history,
        )
        alarms += found.verdict.is_change

    assert alarms <= 16


@pytest.mark.parametrize("sides", [(3, 0), (1, 5)])
def test_alarms_stay_rare_in_a_family_of_forty(sides):
    """Of 400 cases without a difference, half a one is judged at 5 % of forty."""
    each, past = sides
    noise = {"spread": 0.03, "inside": 0.03}
    alarms = 0
    for trial in range(400):
        made = [session(100 * trial + number, **noise) for number in range(2 * each + past)]
        (found,) = compare_stored(
            made[:each],
            made[each : 2 * each],
            history=made[2 * each :],
            rules=DecisionRules(alpha=0.05 / 40),
        )
        alarms += found.verdict.is_change

    assert alarms <= 3


def test_many_agents_in_one_session_do_not_count_as_sessions():
    """A session of eighty agents beside two of four is one session of three."""
    noise = {"spread": 0.03, "inside": 0.03}
    alarms = 0
    for trial in range(200):
        sides = [
            [session(100 * trial + 10 * side + number, agents=agents, **noise)
             for number, agents in enumerate((80, 4, 4))]
            for side in range(2)
        ]  # fmt: skip
        (found,) = compare_stored(*sides)
        alarms += found.verdict.is_change

    assert alarms <= 18


def test_two_interpreters_are_compared_by_case():
    """A file with one interpreter each is paired although their names differ."""
    (found,) = compare_stored([session(1)], [session(2, subject="3.13")])

    assert "3.11 -> 3.13" == found.subject
