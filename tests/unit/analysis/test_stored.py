"""Results of different sessions: described, and judged only where that can be done."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

import pytest

from mpbench.analysis.clusters import Session, cluster_sessions, variation
from mpbench.analysis.stored import compare_stored
from mpbench.analysis.verdict import DecisionRules, Verdict
from mpbench.errors import UsageError
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
from mpbench.session.selftest.stored_sessions import HISTORIES, SPREADS, is_called_different

BEGIN = datetime(2026, 1, 1, 9, tzinfo=UTC)
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
    day=None,
):
    """Return a run whose machine had a speed of its own that day: by default the seed's."""
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
    at = BEGIN + timedelta(days=seed if day is None else day)
    started = at.isoformat()
    environment = {"fingerprint": hardware}
    header = RunHeader(f"run {seed}", started, "0", machine, (), {}, {subject: {}}, environment)
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
    base = [session(seed, spread=0.003) for seed in (1, 3, 5)]
    new = [session(seed, spread=0.003, level=math.log(1.2)) for seed in (2, 4, 6)]
    (found,) = compare_stored(base, new)

    assert Verdict.SLOWER is found.verdict
    assert (3, 3) == found.sessions


def test_machines_are_never_judged_against_each_other():
    """Not even many sessions make raw times of two machines comparable."""
    base = [session(seed) for seed in (1, 3, 5)]
    new = [session(seed, machine="two") for seed in (2, 4, 6)]
    (found,) = compare_stored(base, new)

    assert found.verdict is None
    assert "different machines" in found.reason


def test_other_hardware_behind_the_same_name_is_another_machine():
    """A virtual machine keeps its host name when it comes back on a host of another kind."""
    base = [session(seed) for seed in (1, 3, 5)]
    new = [session(seed, hardware="b") for seed in (2, 4, 6)]
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
        return tuple(mood + drawn.gauss(0, 0.04) for _ in range(8))

    wild, calm = (
        variation([cluster_sessions([Session(day, one(spread)) for day in range(400)], 1.0)])
        for spread in (0.05, 0.0)
    )

    # A median of eight varies by about 1.4 times as much as their mean.
    assert 0.05**2 + 1.4 * 0.04**2 / 8 == pytest.approx(wild.of_means, rel=0.2)
    assert 1.4 * 0.04**2 / 8 == pytest.approx(calm.of_means, rel=0.2)
    assert (399, 8) == (wild.freedom, wild.agents)


def test_a_session_of_few_agents_varies_more_and_one_of_many_not_less():
    """Agents beyond those of the sessions that are known make nothing surer."""
    days = [(Session(0.0, (0.0, 0.02) * 4),), (Session(1.0, (0.10, 0.12) * 4),)]
    found = variation([days])
    small, same, large = (found.of_mean((Session(2.0, (0.0,) * agents),)) for agents in (2, 8, 800))

    assert small > same == large == found.of_means


def test_a_cluster_of_one_session_varies_more_than_one_of_three():
    """What sessions of one day do is part of how a single one of another day varies."""
    days = [
        tuple(Session(day + 0.1 * place, (day + 0.01 * place,)) for place in range(3))
        for day in (0.0, 1.0, 2.0)
    ]
    found = variation([days])

    assert found.of_mean(days[0]) == found.of_means
    assert found.of_mean(days[0][:1]) == pytest.approx(found.of_means + 0.01**2 * (1 - 1 / 3))


def test_sessions_close_in_time_are_one_cluster():
    """A cluster is shorter than its width, however many sessions follow each other."""
    sessions = [Session(float(hour), (0.0,)) for hour in (0, 20, 6, 13, 11)]
    clusters = cluster_sessions(sessions, 12.0)

    assert [[0, 6, 11], [13, 20]] == [[one.started_s for one in each] for each in clusters]


@pytest.mark.parametrize(
    ("history", "base", "new", "lacking"),
    [
        ([0, 0.01, 0.02, 0.03, 0.04, 0.05], 0.06, 7, "6 sessions at 1 different times"),
        ([1, 2, 3, 4, 5], 6, 13, "spans 4.0 days"),
        ([1, 2, 3, 12], 13, 14, "4 sessions at 4 different times"),
        ([0, 2, 4, 6, 8], 8.1, 15, ""),
        ([1, 2, 3, 4, 5], 6, 6.1, ""),
        # Within a day, sessions as far apart as the sides are know what lies between them.
        ([0, 0.01, 0.02, 0.03, 0.04], 0.02, 0.03, ""),
        ([0, 0.01, 0.02, 0.03, 0.04], 0.05, 0.15, "5 sessions at 1 different times"),
    ],
)
def test_a_history_must_span_the_gap_between_the_sides(history, base, new, lacking):
    """Where it does not, there is a description that says what is lacking."""
    past = [session(seed, day=day) for seed, day in enumerate(history, 10)]
    (found,) = compare_stored([session(1, day=base)], [session(2, day=new)], history=past)

    assert (found.verdict is None) is bool(lacking)
    assert lacking in found.reason


def test_three_sessions_in_a_row_are_not_three():
    """Sides of three runs each on two days are described; taken in turn over days, judged."""
    in_a_row = [[session(10 * side + one, day=7 * side + one / 100) for one in range(3)]
                for side in range(2)]  # fmt: skip
    far = [[session(10 * side + one, day=20 * side + one) for one in range(3)]
           for side in range(2)]  # fmt: skip

    assert None is compare_stored(*in_a_row)[0].verdict
    assert None is compare_stored(*far)[0].verdict


@pytest.mark.parametrize("name", HISTORIES)
def test_stored_sessions_of_identical_code_are_rarely_called_different(name):
    """Whatever days and sessions do: a true rate of 5 % gives 13 of 120 once in 200."""
    for spread in SPREADS:
        calls = [is_called_different(HISTORIES[name], spread, seed) for seed in range(120)]

        assert sum(call is True for call in calls) <= 12


def test_which_histories_allow_a_verdict():
    """Runs in a row never do across a week; days that span it do."""
    judged = {
        name: is_called_different(history, SPREADS[0], 1) is not None
        for name, history in HISTORIES.items()
    }

    assert [
        "5 days over 9", "10 days in a row", "8 days, 3 runs each", "3 days on each side in turn",
        "sides and 5 runs 20 minutes apart",
    ] == [name for name, is_judged in judged.items() if is_judged]  # fmt: skip


def test_single_sessions_tell_no_variation():
    """Groups of one session each."""
    assert None is variation([[(Session(0.0, (1.0, 2.0)),)], [(Session(1.0, (3.0,)),)], []])


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
    base = [session(seed) for seed in (1, 3, 5)]
    changed = [
        run._replace(cases=tuple(one._replace(revision=2) for one in run.cases))
        for run in (session(seed) for seed in (2, 4, 6))
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
            made[: 2 * each : 2],
            made[1 : 2 * each : 2],
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
            [session(100 * trial + 2 * number + side, agents=agents, **noise)
             for number, agents in enumerate((80, 4, 4))]
            for side in range(2)
        ]  # fmt: skip
        (found,) = compare_stored(*sides)
        alarms += found.verdict.is_change

    assert alarms <= 18


def test_the_ratio_is_that_of_the_medians_beside_it():
    """One agent that was disturbed moves neither the values nor their ratio."""
    sides = [session(1), session(2, level=0.1)]
    slow = sides[1].repetitions[0]
    sides[1] = sides[1]._replace(
        repetitions=(
            slow._replace(samples=tuple(
                one._replace(elapsed_ns=50 * one.elapsed_ns) for one in slow.samples
            )),
            *sides[1].repetitions[1:],
        )
    )  # fmt: skip
    (found,) = compare_stored(sides[:1], sides[1:])

    assert found.ratio == pytest.approx(found.values[1] / found.values[0])
    assert math.exp(0.1) == pytest.approx(found.ratio, rel=0.01)


def test_two_interpreters_are_compared_by_case():
    """A file with one interpreter each is paired although their names differ."""
    (found,) = compare_stored([session(1)], [session(2, subject="3.13")])

    assert "3.11 -> 3.13" == found.subject


def test_unlike_units_are_refused():
    """A ratio of seconds to operations per second would say nothing."""
    base, new = session(1), session(2)
    other = new._replace(
        cases=tuple(record._replace(metric=Metric.THROUGHPUT) for record in new.cases)
    )

    with pytest.raises(UsageError, match=r"is in s on the one side and in op/s on the other"):
        compare_stored([base], [other])
