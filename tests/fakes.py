"""
Hand-made records and other stand-ins for the tests.

`run()` returns what a real run of tier quick could have recorded: nothing in
it was measured, everything follows from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from mpbench.model import (
    Case,
    CaseRecord,
    EpisodePosition,
    Metric,
    Repetition,
    ResourceUsage,
    Run,
    RunEnd,
    RunEvent,
    RunHeader,
    Sample,
    Scalar,
    StartMethod,
    Status,
    Timing,
    WorkerCount,
)

__all__ = ("HOSTILE", "case", "case_record", "environment", "header", "repetition", "run")

# Every way in which a name could become something else than text.
HOSTILE = '<img src=x onerror="boom()">|`$x_1$`</script>\u2028=1+1'

_METHODS = (StartMethod.FORK, StartMethod.SPAWN, StartMethod.FORKSERVER)
# What a start method costs against fork; only its order of size is meant to be real.
_START = {StartMethod.FORK: 0.9e-3, StartMethod.SPAWN: 52e-3, StartMethod.FORKSERVER: 4.1e-3}


def case(workload: str = "pipe/round-trip", method: str | None = "fork", **params: Scalar) -> Case:
    """Return a case."""
    return Case.make(workload, None if method is None else StartMethod(method), params)


def case_record(one: Case | None = None, **changes: Any) -> CaseRecord:
    """Return a planned case; *changes* replace fields."""
    made = CaseRecord(
        subject="cpython-3.11",
        case=one or case(payload_bytes=64),
        metric=Metric.ROUND_TRIP,
        facts={},
        timing=Timing.LOOP,
        floor=None,
        no_floor="a test needs none",
        revision=1,
        doc="Send a message.\n\nTimed: the message.\n\nReads as: the price of a message.",
        status=Status.OK,
        reason=None,
    )
    return made._replace(**changes)


def repetition(
    one: Case | None = None, number: int = 0, values: tuple[float, ...] = (1e-5,), **changes: Any
) -> Repetition:
    """Return a repetition whose samples took *values* seconds for each operation."""
    made = Repetition(
        subject="cpython-3.11",
        case=one or case(payload_bytes=64),
        number=number,
        status=Status.OK,
        reason=None,
        iterations=100,
        samples=tuple(Sample(round(value * 100e9), 100) for value in values),
        started_ns=1_000 * number,
        elapsed_ns=400_000_000,
        hash_seed=7,
        agent=number,
    )
    return made._replace(**changes)


def environment(machine: str = "testbox", **changes: Any) -> dict[str, Any]:
    """Return an environment record in the shape of docs/FORMAT.md."""
    made: dict[str, Any] = {
        "machine": machine,
        "fingerprint": "0123456789abcdef",
        "cpu": {
            "model": "Example CPU @ 2.50GHz",
            "architecture": "x86_64",
            "logical": 4,
            "physical": 2,
            "sockets": 1,
            "usable": 2,
            "governor": "performance",
            "mitigations": {"meltdown": "Mitigation: PTI"},
        },
        "memory": {"total_bytes": 8 << 30, "available_bytes": 6 << 30, "thp": "madvise"},
        "kernel": {"system": "Linux", "release": "6.1.0", "libc": "glibc 2.36"},
        "shared_memory": {"path": "/dev/shm", "total_bytes": 64 << 20},
        "cgroup": {"version": 2, "quota_cpus": 2.0},
        "limits": {"processes": 30_000, "descriptors": 1_024},
        "virtualisation": {"kind": "kvm"},
        "load": {"average": [0.4, 0.3, 0.2]},
        "packages": {"mpbench": "0.1.0"},
        "source": {"commit": None},
    }
    return made | changes


def header(machine: str = "testbox", **changes: Any) -> RunHeader:
    """Return the header of a run."""
    made = RunHeader(
        run=f"20260102T030405Z-{machine}",
        started_utc="2026-01-02T03:04:05Z",
        mpbench="0.1.0",
        machine=machine,
        command=("mpbench", "run", "--tier", "quick"),
        plan={"tier": "quick", "seed": 4_711, "repetitions": 8, "samples": 5},
        subjects={
            "cpython-3.11": {
                "implementation": "CPython",
                "version": "3.11.7",
                "executable": "/usr/bin/python3.11",
                "gil": True,
                "free_threaded": False,
            }
        },
        environment=environment(machine),
    )
    return made._replace(**changes)


def _doc(what: str) -> str:
    return (
        f"{what}.\n\nTimed: the whole operation, from the call to its return.\n\n"
        "Not timed: setting up and checking what came back.\n\n"
        "Reads as: what one operation of this kind costs a program."
    )


class _Planned:
    """One planned case and the typical value of its main reading."""

    def __init__(self, record: CaseRecord, typical: float, **facts: float) -> None:
        self.record = record
        self.typical = typical
        self.facts = facts


def _plain(workload: str, metric: Metric, typical: float, doc: str, **params: Scalar) -> _Planned:
    record = case_record(
        case(workload, None, **params), metric=metric, no_floor="it is a floor", doc=_doc(doc)
    )
    return _Planned(record, typical)


def _floors() -> Iterator[_Planned]:
    time, trip = Metric.TIME, Metric.ROUND_TRIP
    yield _plain("floor/empty-call", time, 5e-8, "Call an empty function")
    yield _plain("floor/os-fork-wait", time, 4e-4, "Fork, exit and wait with os alone")
    yield _plain(
        "floor/os-pipe-round-trip", trip, 9e-6, "One byte there and back", payload_bytes=64
    )
    yield _plain("floor/semlock", time, 9e-8, "A raw semaphore")


def _starts() -> Iterator[_Planned]:
    for method in _METHODS:
        for name, share in (("start-return", 0.8), ("first-bytecode", 0.9), ("start-to-join", 1.0)):
            record = case_record(
                case(f"process/{name}", method.value, main="neutral"),
                metric=Metric.TIME,
                floor="floor/os-fork-wait",
                no_floor=None,
                doc=_doc(f"Start a process ({name})"),
            )
            yield _Planned(record, _START[method] * share)


def _channels() -> Iterator[_Planned]:
    for method in _METHODS:
        for size in (64, 4_096, 65_536, 1_048_576):
            for family, extra in (("pipe", 0.0), ("queue", 3.2e-5)):
                record = case_record(
                    case(f"{family}/round-trip", method.value, payload_bytes=size),
                    metric=Metric.ROUND_TRIP,
                    facts={"put-return": Metric.TIME} if family == "queue" else {},
                    floor="floor/os-pipe-round-trip[payload_bytes=64]",
                    no_floor=None,
                    doc=_doc(f"Send one message through a {family} and wait for the answer"),
                )
                typical = 2.1e-5 + extra + size * 4.1e-10
                facts = {"put-return": 5_200.0 + size / 900} if family == "queue" else {}
                yield _Planned(record, typical, **facts)


def _locks() -> Iterator[_Planned]:
    for method in _METHODS:
        record = case_record(
            case("lock/uncontended", method.value, kind="Lock"),
            metric=Metric.TIME,
            floor="floor/semlock",
            no_floor=None,
            doc=_doc("Acquire and release a free lock"),
        )
        yield _Planned(record, 1.9e-7)
        for workers in (1, 2, 4):
            record = case_record(
                case("lock/contended", method.value, workers=workers),
                metric=Metric.THROUGHPUT,
                facts={"jain": Metric.FAIRNESS, "longest_wait": Metric.WAITING},
                timing=Timing.WINDOW,
                no_floor="no kernel mechanism is as fair",
                doc=_doc("Fight for one lock"),
            )
            facts = {"jain": 1 - 0.04 * workers, "longest_wait": 9e5 * workers}
            yield _Planned(record, 2.4e6 / workers, **facts)


def _others() -> Iterator[_Planned]:
    for method in _METHODS:
        for kind, typical in (("value", 5.1e-7), ("array", 6.0e-7), ("manager", 5.2e-5)):
            record = case_record(
                case(f"shared/{kind}-read", method.value),
                metric=Metric.TIME,
                floor="floor/semlock",
                no_floor=None,
                doc=_doc(f"Read one number from a {kind}"),
            )
            yield _Planned(record, typical)
        for chunk in (1, 8, 64):
            for call in ("map", "imap"):
                record = case_record(
                    case(f"pool/{call}", method.value, chunk_size=chunk, workers=2),
                    metric=Metric.THROUGHPUT,
                    no_floor="a pool is made of pipes and locks",
                    doc=_doc(f"Hand empty tasks to a pool with {call}"),
                )
                yield _Planned(record, 2.9e4 * chunk**0.6 / (1.0 if call == "map" else 1.7))


def _sample(planned: _Planned, agent: float, dice: random.Random) -> Sample:
    metric = planned.record.metric
    noise = agent * dice.lognormvariate(0.0, 0.02)
    operations = 100
    typical = 1 / planned.typical if metric.unit == "op/s" else planned.typical
    elapsed = max(1, round(typical * noise * operations * 1e9))
    facts = {name: value * dice.lognormvariate(0.0, 0.03) for name, value in planned.facts.items()}
    if "jain" in facts:
        facts["jain"] = min(1.0, facts["jain"])
    latencies: tuple[int, ...] = ()
    if metric is Metric.ROUND_TRIP:
        latencies = tuple(
            round(typical * 1e9 * dice.lognormvariate(0.0, 0.2)) for _ in range(operations)
        )
    workers: tuple[WorkerCount, ...] = ()
    if planned.record.timing is Timing.WINDOW:
        count = planned.record.case.integer("workers")
        workers = tuple(WorkerCount(n * 900, elapsed - n * 700, 40) for n in range(count))
    return Sample(elapsed, operations, facts, latencies, workers)


def _repetition(planned: _Planned, number: int, dice: random.Random) -> Repetition:
    agent = dice.lognormvariate(0.0, 0.03)
    return repetition(
        planned.record.case,
        number,
        samples=tuple(_sample(planned, agent, dice) for _ in range(5)),
        hash_seed=dice.getrandbits(16),
        agent=4_000 + number,
        account=ResourceUsage(
            wall_ns=410_000_000,
            cpu_user_ns=200_000_000,
            cpu_system_ns=90_000_000,
            voluntary_switches=900,
            involuntary_switches=12,
            peak_rss_bytes=22 << 20,
            run_delay_ns=3_000_000,
            processes=3,
            cpu_source="subreaper",
            cpu_coverage=0.99,
        ),
    )


def run(
    machine: str = "testbox",
    *,
    seed: int = 1,
    agents: int = 8,
    slower: float = 1.0,
    hostile: bool = False,
    **changes: Any,
) -> Run:
    """
    Return a run of every kind of family, with one failure, one skip and two events.

    Args:
        machine: Its name.
        seed: Of the noise.
        agents: Repetitions of each case.
        slower: Multiplies every duration, to fake another machine.
        hostile: Adds a case of which every text is an attack.
        changes: Replace fields of the header.
    """
    dice = random.Random(seed)
    planned = [*_floors(), *_starts(), *_channels(), *_locks(), *_others()]
    if hostile:
        record = case_record(
            case("hostile/" + HOSTILE, "fork", **{HOSTILE: HOSTILE}),
            doc=HOSTILE,
            no_floor=HOSTILE,
            metric=Metric.TIME,
            facts={HOSTILE: Metric.TIME},
        )
        planned.append(_Planned(record, 1e-3, **{HOSTILE: 1e6}))
    repetitions = [
        _repetition(_scaled(one, slower), number, dice)
        for number in range(agents)
        for one in planned
    ]
    records = [one.record for one in planned]
    failed = case_record(case("pool/map", "spawn", chunk_size=512, workers=2))
    failed = failed._replace(metric=Metric.THROUGHPUT, doc=_doc("Hand empty tasks to a pool"))
    refused = case_record(
        case("shared/segment", "fork", size_bytes=1 << 30),
        metric=Metric.TIME,
        status=Status.SKIPPED,
        reason="/dev/shm has 64 MiB, the case needs 1,024 MiB",
    )
    reason = HOSTILE if hostile else "expected 512 results, found 511; a worker exited with 1"
    lost = repetition(failed.case, 0, (), status=Status.FAILED, reason=reason, samples=())
    return Run(
        path=f"reports/{machine}/results.jsonl",
        header=header(machine, **changes),
        cases=(*records, failed, refused),
        repetitions=(*repetitions, lost),
        events=(
            RunEvent(2_000_000_000, "warning", "load average is 3.1 on 2 CPUs"),
            RunEvent(9_000_000_000, "kill", "ended 3 processes", failed.case.id),
        ),
        end=RunEnd(31_000_000_000, Status.OK, None),
    )


def _scaled(planned: _Planned, factor: float) -> _Planned:
    is_rate = planned.record.metric.unit == "op/s"
    typical = planned.typical / factor if is_rate else planned.typical * factor
    facts: Mapping[str, float] = planned.facts
    return _Planned(planned.record, typical, **facts)


def comparison(ratio: float = 1.2, *, episodes: int = 8, seed: int = 1, noise: float = 0.01) -> Run:
    """
    Return a stored comparison of two workloads: one that changed by *ratio*, one that did not.

    Args:
        ratio: Candidate over baseline of the first case.
        episodes: Episodes of each pair.
        seed: Of the noise.
        noise: Between agents, in log time.
    """
    dice = random.Random(seed)
    pairs, records, repetitions = [], [], []
    for number, (name, factor) in enumerate((("pool/map", ratio), ("pipe/round-trip", 1.0)), 1):
        cases = [case(name, method) for method in ("fork", "spawn")]
        records += [case_record(one, metric=Metric.TIME) for one in cases]
        pairs.append(
            {
                "id": str(number),
                "title": name,
                "baseline": "fork",
                "candidate": "spawn",
                "cases": [one.id for one in cases],
                "subjects": ["cpython-3.11", "cpython-3.11"],
                "readings": [{"metric": "time", "fact": None}],
                "refused": None,
            }
        )
        for episode in range(episodes):
            for role, one, times in zip(
                ("baseline", "candidate"), cases, (1.0, factor), strict=True
            ):
                agent = dice.lognormvariate(0, noise)
                values = tuple(1e-4 * times * agent for _ in range(8))
                turns = tuple(2 * n + (role == "candidate") for n in range(8))
                part = EpisodePosition(one.method.value, episode, role == "baseline", turns)
                extra = {"pair": str(number), "part": "main", "role": role, "dropped": None}
                extra["episode_ns"] = 900_000_000
                repetitions.append(repetition(one, episode, values, slice=part, extra=extra))
    rules = {"min_effect": 0.02, "margin": 0.05, "rate": 0.05, "alpha": 0.05}
    rules |= {"looks": [8], "control_alpha": 0.01, "most_dropped": 0.2}
    plan = {"kind": "compare", "pairs": pairs, "rules": rules, "control": False, "seed": 3}
    return Run(
        path="reports/comparison/results.jsonl",
        header=header(run="comparison", plan=plan, command=("mpbench", "compare")),
        cases=tuple(records),
        repetitions=tuple(repetitions),
        events=(),
        end=RunEnd(9_000_000_000, Status.OK, None),
    )
