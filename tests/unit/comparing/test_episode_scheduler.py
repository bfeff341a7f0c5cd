"""Looks, rounds, control and confirmation on a simulated machine."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from mpbench.analysis.comparison import Phase, comparisons_in, control_episodes
from mpbench.analysis.verdict import DecisionRules, Verdict, judge
from mpbench.errors import UnsupportedError, WorkloadError
from mpbench.session.comparing.episode_scheduler import EpisodeScheduler, StopConditions
from mpbench.session.comparing.noise_monitor import MachineSnapshot, NoiseMonitor
from mpbench.session.comparing.pair_runner import ComparisonContext
from mpbench.session.comparing.pairs import Pair
from mpbench.session.comparing.simulated import (
    NOISES,
    READING,
    SIDES,
    NoiseModel,
    SimulatedMachine,
    simulated_launcher,
)
from mpbench.session.progress import NullProgress


def quiet_look():
    """Show a machine on which nothing else happens."""
    return MachineSnapshot(3_000_000, 0.0, 1.0, 1.0, 0.0, 0)


class Session:
    """Stages on a simulated machine, and everything they recorded."""

    def __init__(
        self, *, effect=0.0, pairs=1, rules=None, read=quiet_look, launcher=None, budget_s=None
    ):
        self.records = []
        quiet = NoiseModel(first_penalty=0.012, agent_sd=0.002, slice_sd=0.002)
        machine = SimulatedMachine(NOISES["autoregressive"], 7, quiet)
        self.ring = ComparisonContext(
            launcher or simulated_launcher(machine, effect),
            NoiseMonitor(read),
            self.records.append,
            seed=3,
        )
        self.rules = rules or DecisionRules()
        self.pairs = tuple(
            Pair(key=str(number), title=f"case {number}", sides=SIDES, readings=(READING,))
            for number in range(1, pairs + 1)
        )
        self.stopping = False
        self.stages = EpisodeScheduler(
            self.ring,
            self.pairs,
            self.rules,
            progress=NullProgress(),
            limits=StopConditions(lambda: self.stopping, budget_s),
        )

    def comparisons(self, part=Phase.MAIN):
        """Return what was measured in a part."""
        return comparisons_in([one.record() for one in self.pairs], self.records, part=part)

    def verdicts(self):
        """Return the verdicts of the main part."""
        return [one.verdict for one in judge(self.comparisons(), self.rules)]


def control_ratios(session):
    """Return the log ratios of the control episodes that count."""
    return control_episodes(session.comparisons(Phase.CONTROL), ()).log_ratios


def test_a_decided_pair_is_measured_no_longer():
    """Eight episodes decide a clear case, and no ninth is made."""
    session = Session(effect=math.log(1.2))
    session.stages.run_looks(control=False)

    assert [Verdict.SLOWER] == session.verdicts()
    assert 8 == len(session.comparisons()[0].episodes)


def test_an_undecided_pair_goes_to_the_last_look():
    """With a margin that nothing fits in, all planned episodes are made and no more."""
    session = Session(rules=DecisionRules(margin=1e-6, looks=(8, 10, 12)))
    session.stages.run_looks(control=False)

    assert [Verdict.INCONCLUSIVE] == session.verdicts()
    assert 12 == len(session.comparisons()[0].episodes)


def test_pairs_take_turns_over_the_whole_session():
    """No pair gets its second episode before every pair had its first."""
    session = Session(pairs=3)
    session.stages.run_looks(control=False)
    order = [one.extra["pair"] for one in session.records if one.extra["role"] == "baseline"]

    assert {"1", "2", "3"} == set(order[:3]) == set(order[3:6])


def test_the_control_runs_the_baseline_against_itself():
    """At least eight control episodes name the baseline's arm twice."""
    session = Session(effect=math.log(1.2))
    session.stages.run_looks(control=True)
    control = [one for one in session.records if one.extra["part"] == "control"]

    assert {"a", "a (again)"} == {one.slice.arm for one in control}
    assert 8 <= len(control_ratios(session))
    assert max(map(abs, control_ratios(session))) < 0.1


def test_a_control_that_fails_is_measured_on(monkeypatch):
    """What eight episodes hold against the session may be chance; twenty tell."""
    monkeypatch.setattr(EpisodeScheduler, "_control_passes", lambda self: self._looked() > 1)
    monkeypatch.setattr(
        EpisodeScheduler, "_looked", lambda self: self._controls_made() - 8, raising=False
    )
    doubted, failed = Session(effect=math.log(1.2)), Session(effect=math.log(1.2))
    doubted.stages.run_looks(control=True)
    monkeypatch.setattr(EpisodeScheduler, "_control_passes", lambda _: False)
    failed.stages.run_looks(control=True)

    assert 10 == len(control_ratios(doubted))
    assert 20 == len(control_ratios(failed))


def test_the_control_is_spread_over_the_session():
    """Control episodes lie between the others and not only at the end."""
    session = Session(pairs=4)
    session.stages.run_looks(control=True)
    parts = [one.extra["part"] for one in session.records if one.extra["role"] == "baseline"]

    assert "control" in parts[: len(parts) // 2]
    assert Counter(parts)["control"] <= 20


def test_only_changes_are_confirmed():
    """A second session of 16 episodes with other coins follows a change, and nothing else."""
    changed, same = Session(effect=math.log(1.2)), Session()
    for session in (changed, same):
        session.stages.run_looks(control=False)
        session.stages.run_confirmation()
    (again,) = changed.comparisons(Phase.CONFIRMATION)

    assert 16 == len(again.episodes)
    assert () == same.comparisons(Phase.CONFIRMATION)[0].episodes


def test_coins_follow_from_the_seed():
    """Two sessions of one seed toss the same coins."""
    first, second = Session(), Session()
    for session in (first, second):
        session.stages.run_looks(control=True)

    def coins(session):
        return [one.slice.launched_first for one in session.records]

    assert coins(first) == coins(second)
    assert 2 == len(set(coins(first)))


def test_a_noisy_episode_is_repeated_and_kept_on_record():
    """What the guard drops is recorded with its reason and made up for."""
    looks = iter(range(10_000))

    def sometimes_slow():
        number = next(looks)
        return quiet_look()._replace(canary_ns=6_000_000 if number == 12 else 3_000_000)

    session = Session(read=sometimes_slow)
    session.stages.run_looks(control=False)
    (found,) = session.comparisons()

    assert 9 == len(found.episodes)
    assert 1 == sum(one.dropped is not None for one in found.episodes)
    assert [Verdict.UNCHANGED] == session.verdicts()


def test_a_machine_that_is_always_noisy_ends_and_says_so():
    """Repeating stops when no number of good episodes could make up for the bad ones."""
    looks = iter(range(10_000))

    def always_stolen():
        seen = next(looks)
        stolen = sum(1 for step in range(seen + 1) if step % 4 in {0, 1, 2})
        return quiet_look()._replace(stolen_s=float(stolen), busy_s=float(seen - stolen))

    session = Session(read=always_stolen)
    session.stages.run_looks(control=True)

    assert [Verdict.INVALID] == session.verdicts()
    assert 33 == sum(one.dropped is not None for one in session.comparisons()[0].episodes)


@pytest.mark.parametrize(
    ("error", "tries"), [(WorkloadError("broken"), 2), (UnsupportedError("no fork here"), 1)]
)
def test_a_pair_that_fails_is_given_up(error, tries):
    """A failure is tried once more, what the platform lacks is not."""

    def failing(_):
        raise error

    session = Session(launcher=failing)
    session.stages.run_looks(control=False)

    assert tries == len(session.records)
    assert [Verdict.INVALID] == session.verdicts()
    assert error.reason in session.comparisons()[0].problem


def test_a_stop_ends_the_session_after_the_present_episode():
    """A wish to stop leaves complete episodes only."""
    session = Session(pairs=3)
    kept = session.records.append

    def stop_soon(record):
        kept(record)
        session.stopping = len(session.records) >= 4

    session.ring.keep = stop_soon
    session.stages.run_looks(control=True)

    assert 4 == len(session.records)


def test_the_order_of_measured_times_never_decides_what_is_dropped():
    """A slow arm on a quiet machine loses no episode."""
    session = Session(effect=math.log(20))
    session.stages.run_looks(control=False)

    assert [None] * 8 == [one.dropped for one in session.comparisons()[0].episodes]


@pytest.fixture
def seconds(monkeypatch):
    """Let every episode of the sessions in a returned list take one second."""
    sessions = []
    monkeypatch.setattr(
        "mpbench.session.comparing.episode_scheduler.time.monotonic",
        lambda: sum(len(one.records) / 2 for one in sessions),
    )
    return sessions


def parts_of(session):
    """Return how many episodes each part got."""
    return Counter(one.extra["part"] for one in session.records if one.extra["role"] == "baseline")


def test_a_budget_is_one_for_arms_and_control(seconds):
    """What the arms need for their look comes first, the control gets the rest and no more."""
    small, enough = Session(budget_s=8.0), Session(budget_s=100.0)
    for session in (small, enough):
        seconds[:] = [session]
        session.stages.run_looks(control=True)

    assert {"main": 8} == parts_of(small)
    assert 8 <= parts_of(enough)["control"]


def test_a_budget_without_a_first_look_says_what_one_takes(seconds):
    """Three seconds are not eight episodes of two pairs and the control."""
    session = Session(pairs=2, budget_s=3.0)
    seconds.append(session)
    session.stages.run_looks(control=True)

    assert {"main": 3} == parts_of(session)
    assert 24 == pytest.approx(session.stages.first_look_s)


def test_where_nothing_was_measured_no_control_is():
    """A pair that fails at once does not wait for identical arms."""
    session = Session(launcher=lambda _: (_ for _ in ()).throw(UnsupportedError("no module")))
    session.stages.run_looks(control=True)

    assert 1 >= parts_of(session)["control"]


def test_verdicts_of_a_family_are_said_as_they_fall():
    """Each decided case is noted once, with its size; a single comparison has its table."""
    notes = []
    for pairs in (1, 3):
        session = Session(effect=math.log(1.2), pairs=pairs)
        session.stages._progress.note = notes.append
        session.stages.run_looks(control=False)

    assert ["case 1", "case 2", "case 3"] == sorted(note.partition(",")[0] for note in notes)
    assert all("slower, +" in note and note.endswith("episodes") for note in notes)
