"""When a sampler looks at an agent, and what becomes of what it saw."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from fakes import case, repetition

from mpbench.harness.launch import AgentExit
from mpbench.model import Sample, StartMethod, Timing, WorkerCount
from mpbench.plan import Plan, Sampling
from mpbench.sampling.case_usage import case_usage
from mpbench.session import agent_samplers
from mpbench.session.agent_samplers import AgentSamplers, Durations, may_sample_case

ECHO = case("pool/map-scaling", "fork", workers=2)
OPEN = {"do": "open", "workload": ECHO.workload, "method": "fork", "params": dict(ECHO.params)}
MEASURE = {"do": "measure", "params": dict(ECHO.params)}


class FakeAgent:
    """An agent that answers at once; its tree is this process's, without children."""

    hash_seed = 7
    ending = None
    log = Path("agent-0000002a.log")
    serial = 0x2A

    def __init__(self):
        self.pid = os.getpid()
        self.asked = []

    def ask(self, request, *, deadline_s):
        """Answer."""
        self.asked.append((request["do"], deadline_s))
        return {"ok": True}

    def shared_deadline(self, deadline_s):
        """Arm nothing."""
        return nullcontext(deadline_s)

    def take_snapshot(self):
        """Hold nothing."""
        return {}

    def log_tail(self):
        """Say nothing."""
        return ""

    def stop(self, *, deadline_s=10.0):
        """End, in good order."""
        del deadline_s
        return AgentExit("exited", 0, {}, {})

    def kill(self):
        """End."""
        return AgentExit("killed", 9, {}, {})


def completed(allowed, *requests, closely=True):
    """Serve requests and return the record of an agent that was lost afterwards."""
    watch = AgentSamplers(lambda *_: allowed, closely=closely)
    agent = FakeAgent()
    with watch.attach_to_agent("cpython-3.11", agent) as watched:
        for request in requests:
            watched.ask(request, deadline_s=3.0)
        watched.stop()
    record = watch.add_usage(
        repetition(ECHO, agent=agent.serial), AgentExit("lost", None, {}, {}), origin_ns=0
    )
    assert [(one["do"], 3.0) for one in requests] == agent.asked
    return record


def test_a_case_that_may_be_watched_is_looked_at():
    """Right before and right after it, at least; the lost supervisor's account is what was seen."""
    record = completed(True, OPEN, MEASURE, {"do": "close"})

    assert record.sampled.looks >= 1
    assert record.sampled.own_cpu_ns > 0
    assert record.sampled.watched_ns > 0
    assert "sampled" == record.account.cpu_source


def test_a_case_that_may_not_be_watched_is_left_alone():
    """No look, no record of one."""
    record = completed(False, OPEN, MEASURE)

    assert None is record.sampled
    assert None is record.account


def test_only_measuring_is_watched():
    """Entering and leaving a set-up and verifying are not."""
    assert None is completed(True, OPEN, {"do": "verify", "params": {}}, {"do": "close"}).sampled


@pytest.mark.parametrize(("closely", "workers"), [(True, 2), (False, None)])
def test_turns_leave_no_tracks(monkeypatch, closely, workers):
    """Between two turns an agent is idle, so that shares of a CPU would mislead."""
    asked = []

    def spy(seen, span, **given):
        asked.append(given["workers"])
        return case_usage(seen, span, **given)

    monkeypatch.setattr(agent_samplers, "case_usage", spy)
    record = completed(True, OPEN, MEASURE, MEASURE, closely=closely)

    assert [workers] == asked
    assert () == record.sampled.tracks


def test_what_was_seen_is_forgotten_on_demand():
    """A long session does not fill the memory."""
    watch = AgentSamplers(lambda *_: True)
    with watch.attach_to_agent("cpython-3.11", FakeAgent()) as watched:
        watched.ask(OPEN, deadline_s=1)
        watched.ask(MEASURE, deadline_s=1)
    watch.clear()
    record = watch.add_usage(repetition(ECHO, agent=0x2A), None, origin_ns=0)

    assert (None, None) == (record.account, record.sampled)


@pytest.mark.parametrize(
    ("sampling", "duration_ns", "expected"),
    [
        (Sampling.AUTO, None, False),
        (Sampling.AUTO, 999_999, False),
        (Sampling.AUTO, 1_000_000, True),
        (Sampling.ON, None, True),
        (Sampling.OFF, 10**9, False),
    ],
)
def test_short_calls_are_watched_on_request_only(sampling, duration_ns, expected):
    """By default one agent must have shown that a call is long enough."""
    assert expected is may_sample_case(sampling, duration_ns)


def _sample(elapsed_ns, operations, workers=0):
    return Sample(elapsed_ns, operations, {}, (), (WorkerCount(0, 1, 1),) * workers)


@pytest.mark.parametrize(
    ("timing", "iterations", "samples", "expected"),
    [
        # One call of a map with 96 tasks is what a clock is put around, not one task.
        (Timing.LOOP, 2, (_sample(6_000, 192), _sample(4_000, 192)), 2_000),
        (Timing.ONCE, 1, (_sample(5_000, 10),), 5_000),
        # A window is as long as it was asked to be; its workers' operations count.
        (Timing.WINDOW, 100, (_sample(8_000, 16, workers=4),), 2_000),
    ],
)
def test_the_duration_of_a_call_depends_on_how_it_is_timed(timing, iterations, samples, expected):
    """The first repetition that went well decides."""
    durations = Durations({ECHO.workload: timing})
    known = repetition(ECHO, samples=samples, iterations=iterations)
    unknown = durations.of(known.subject, ECHO)
    durations.note(known)
    durations.note(known._replace(samples=(_sample(1, 1),)))

    assert None is unknown
    assert expected == durations.of(known.subject, ECHO)


def test_the_plan_of_an_older_run_has_no_sampler():
    """It can be resumed as it was begun."""
    older = Plan(methods=(StartMethod.FORK,)).record()
    del older["sample"]

    assert Sampling.OFF is Plan.from_record(older).sample
    assert Plan(sample=Sampling.ON) == Plan.from_record(Plan(sample=Sampling.ON).record())
