"""Hand-made readings and runs: curves of known shape with the noise of agents."""

from __future__ import annotations

import random

from mpbench.analysis.measurements import Measurement
from mpbench.analysis.stats import median_interval
from mpbench.model import (
    Case,
    CaseRecord,
    Metric,
    Repetition,
    Run,
    RunHeader,
    Sample,
    StartMethod,
    Status,
    Timing,
)

METHODS = ("fork", "spawn", "forkserver")
SIZES = (64, 1024, 4096, 8192, 16384, 16385, 32768, 65532, 65536, 65537, 262144, 1 << 20, 4 << 20)
# Operations in each sample: times below a nanosecond keep three digits.
_OPERATIONS = 1_000


def reading(workload, value, *, method="fork", fact="", metric="time", unit="s", **options):
    """Return a reading around a value; options: params, noise, agents, seed."""
    given = options.get("params", {})
    params = {
        name: float(one) if isinstance(one, int) and not isinstance(one, bool) else one
        for name, one in given.items()
    }
    drawn = random.Random(f"{workload}{method}{fact}{sorted(given.items())}{options.get('seed')}")
    noise = options.get("noise", 0.03)
    agents = tuple(value * drawn.lognormvariate(0, noise) for _ in range(options.get("agents", 8)))
    interval = median_interval(agents)
    case = Case.make(workload, StartMethod(method) if method else None, given)
    return Measurement(
        case=case.id,
        workload=workload,
        method=method,
        params=params,
        fact=fact,
        metric=metric,
        unit=unit,
        value=sorted(agents)[len(agents) // 2] if interval is None else interval.estimate,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        agents=agents,
    )


def transport(workload, base, per_byte, step, *, metric="round-trip", methods=METHODS, **more):
    """Return a size sweep with steps above 16 and 64 KiB."""

    def cost(size):
        return (
            (base + size * per_byte) * (step if size > 65532 else 1) * (1 + 0.12 * (size > 16384))
        )

    return [
        reading(
            workload, cost(size), method=m, metric=metric, params={"payload_bytes": size, **more}
        )
        for m in methods
        for size in SIZES
    ]


def _sample(main, facts, agent, latencies):
    values = {one.fact: one.agents[agent] * (1e9 if one.unit == "s" else 1.0) for one in facts}
    value = main.agents[agent]
    seconds = value if main.unit == "s" else 1 / value if main.unit.endswith("/s") else 1e-3
    if main.unit == "1":
        values[main.metric] = value
    return Sample(
        elapsed_ns=round(seconds * 1e9 * _OPERATIONS),
        operations=_OPERATIONS,
        facts=values,
        latencies_ns=latencies,
    )


def run(readings, *, machine="box", version="3.11.7", cpus=2, latencies=()):
    """Return a run whose summaries have these readings; facts go with the main reading."""
    by_case = {}
    for one in readings:
        by_case.setdefault(
            (one.workload, one.method, tuple(sorted(one.params.items()))), []
        ).append(one)
    records, repetitions = [], []
    for (workload, method, params), each in by_case.items():
        main = next(one for one in each if not one.fact)
        facts = [one for one in each if one.fact]
        whole = {k: int(v) if isinstance(v, float) and v == int(v) else v for k, v in params}
        case = Case.make(workload, StartMethod(method) if method else None, whole)
        records.append(
            CaseRecord(
                subject="py",
                case=case,
                metric=Metric.of(main.metric),
                facts={one.fact: Metric.of(one.metric) for one in facts},
                timing=Timing.LOOP,
                floor=main.floor or None,
                no_floor=None,
                revision=1,
                doc="Do it.",
                status=Status.OK,
                reason=None,
            )
        )
        repetitions += [
            Repetition(
                subject="py",
                case=case,
                number=agent,
                status=Status.OK,
                reason=None,
                iterations=_OPERATIONS,
                samples=(_sample(main, facts, agent, tuple(latencies)),),
                started_ns=0,
                elapsed_ns=1,
                hash_seed=0,
                agent=agent,
            )
            for agent in range(len(main.agents))
        ]
    header = RunHeader(
        run=f"run-{machine}-{version}",
        started_utc="2026-01-01T00:00:00Z",
        mpbench="0.1.0",
        machine=machine,
        command=("mpbench", "run"),
        plan={},
        subjects={"py": {"implementation": "CPython", "version": version}},
        environment={"cpu": {"usable": cpus}},
    )
    return Run("made.jsonl", header, tuple(records), tuple(repetitions), (), None)


def _rate(workload, value, **options):
    return reading(workload, value, metric="throughput", unit="op/s", **options)


def _floors():
    plain = (("os-fork-wait", 0.3e-3), ("posix-spawn", 0.9e-3), ("semlock", 9e-8))
    found = [reading(f"floor/{name}", cost, method="") for name, cost in plain]
    found.append(reading("floor/empty-c-call", 30e-9, method=""))
    found.append(reading("floor/python-boot", 9e-3, method="", params={"site": "False"}))
    trips = (("os-pipe", 9e-6), ("framed-pipe", 12e-6), ("socketpair", 10e-6))
    for size in (64, 65536):
        options = {"method": "", "metric": "round-trip", "params": {"payload_bytes": size}}
        found += [
            reading(f"floor/{name}-round-trip", cost + size * 1e-10, **options)
            for name, cost in trips
        ]
    return found


def _processes(method, cost):
    name = "process/start-to-join"
    latency = {"method": method, "metric": "latency"}
    found = [
        reading(name, cost, method=method)._replace(floor="floor/os-fork-wait"),
        reading(name, cost * 0.2, method=method, fact="start_return"),
        reading(name, cost * 0.7, fact="first_bytecode", **latency),
        reading(name, cost * 0.2, fact="exit_to_join", **latency),
    ]
    for size in (0, 1024, 61440, 73728, 1 << 20):
        jump = 50e-3 if size > 65536 and method != "fork" else 0.0
        params, name = {"payload_bytes": size, "main_ms": 0}, "process/start-by-argument"
        found.append(reading(name, cost + jump, params=params, **latency))
        returned = cost * 0.3 + jump
        found.append(reading(name, returned, method=method, fact="start_return", params=params))
    for memory in (0, 64, 256, 1024):
        grown = cost + (memory * 8e-6 if method == "fork" else 0)
        params = {"rss_mib": memory, "pages": "default"}
        found.append(reading("process/start-at-rss", grown, method=method, params=params))
    return found


def _locks(method):
    found = []
    for workers in (1, 2, 3, 4, 6, 8):
        params = {"workers": workers, "critical_ns": 1000, "outside_ns": 1000}
        options = {"method": method, "params": params}
        name, waited = "lock/contended", 2e-6 * workers**3
        found.append(_rate(name, 9e5 / (1 + 0.6 * (workers - 1)), **options))
        fair = {"fact": "jain", "metric": "fairness", "unit": "1"}
        found.append(reading(name, 1 / (1 + 0.1 * workers), **fair, **options))
        found.append(reading(name, waited, fact="longest_wait", metric="waiting", **options))
    return found


def _scaling(method):
    found = []
    for workers in (1, 2, 3, 4, 6, 8):
        speed = 1e4 * workers / (1 + 0.08 * (workers - 1) + 0.004 * workers * (workers - 1))
        params = {"workers": workers, "call": "map", "work": "cpu"}
        found.append(_rate("pool/strong-scaling", speed, method=method, params=params))
        for call, factor in (("map", 1.0), ("imap", 0.8), ("starmap", 0.95)):
            params = {"workers": workers, "call": call, "chunk_size": 1, "task_us": 100}
            found.append(_rate("pool/call-scaling", speed * factor, method=method, params=params))
    return found


def _tasks(method):
    name, options = "pool/task-overhead", {"method": method}
    found = [
        reading(
            name,
            cost / (chunk or 64) + 1e-6,
            params={"call": call, "chunk_size": chunk, "workers": 2},
            **options,
        )
        for call, cost in (("map", 60e-6), ("imap", 90e-6), ("starmap", 65e-6))
        for chunk in (0, 1, 8, 32)
    ]
    share = {"metric": "efficiency", "unit": "1", "noise": 0.005, **options}
    found += [
        reading(
            "pool/chunk-surface",
            1 / (1 + (60.0 / (chunk or 32) + 1) / length),
            params={"call": "map", "chunk_size": chunk, "task_us": length, "workers": 2},
            **share,
        )
        for length in (10, 100, 1000, 10_000)
        for chunk in (0, 1, 32)
    ]
    trip = {"metric": "round-trip", "params": {"call": "apply"}, **options}
    return [*found, reading("pool/apply-round-trip", 120e-6, **trip)]


def _channels(method):
    options = {"methods": (method,)}
    delivered, kind = "queue/put-delivered", {"kind": "Queue", **options}
    returned = transport(delivered, 8e-6, 0, 1, **kind)
    return [
        *transport("pipe/round-trip", 20e-6, 4e-10, 1.5, form="bytes", **options),
        *transport("pipe/round-trip", 25e-6, 6e-10, 1.5, form="object", **options),
        *transport("pipe/simplex-round-trip", 19e-6, 4e-10, 1.5, **options),
        *transport("queue/round-trip", 90e-6, 9e-10, 1.3, **kind),
        *transport("queue/round-trip", 40e-6, 8e-10, 1.4, kind="SimpleQueue", **options),
        *transport(delivered, 50e-6, 9e-10, 1.3, metric="latency", **kind),
        *(one._replace(fact="put_return", metric="time") for one in returned),
    ]


def _sharing():
    costs = (("Value", 500e-9), ("Array", 600e-9), ("RawValue", 60e-9))
    found = [
        reading("shared/access", cost, method="", params={"kind": kind, "operation": operation})
        for kind, cost in costs
        for operation in ("read", "write")
    ]
    costs = (("Lock", 300e-9), ("RLock", 320e-9), ("Semaphore", 350e-9))
    found += [
        reading("lock/uncontended", cost, method="", params={"kind": kind}) for kind, cost in costs
    ]
    found += [
        reading("manager/access", 70e-6, method=method, params={"kind": kind})
        for method in METHODS
        for kind in ("Value", "Array", "list")
    ]
    return found


def catalogue():
    """Return readings of a small catalogue that allows every kind of figure."""
    found = [*_floors(), *_sharing()]
    for method, cost in zip(METHODS, (0.7e-3, 32e-3, 4e-3), strict=True):
        found += _processes(method, cost)
        for part in (_locks, _scaling, _tasks, _channels):
            found += part(method)
    return found
