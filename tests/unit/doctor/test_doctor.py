"""The doctor finds each fault and gives a reason and a remedy for it."""

import json

import pytest

from mpbench.doctor.checks import check_facts
from mpbench.doctor.finding import Severity, findings_to_record, worst
from mpbench.doctor.probes import ClockFacts, LoadFacts, OtherProcess, ProbeResults, examine_clock

GIB = 1 << 30
FIT = {
    "cpu": {
        "affinity": [0, 1, 2, 3],
        "logical": 4,
        "physical": 4,
        "quota": None,
        "usable": 4,
        "governors": ["performance"],
        "turbo": False,
        "smt": False,
        "mitigations": {},
    },
    "memory": {
        "total_bytes": 8 * GIB,
        "available_bytes": 6 * GIB,
        "swap_used_bytes": 0,
        "huge_pages": "madvise",
        "overcommit": 0,
    },
    "kernel": {"system": "Linux", "aslr": 2, "clock_source": "tsc"},
    "cgroup": {"memory_limit_bytes": None, "process_limit": None},
    "shared_memory": {"path": "/dev/shm", "size_bytes": 4 * GIB, "free_bytes": 4 * GIB},
    "limits": {"nofile": [1024, 4096], "nproc": [None, None]},
    "virtualisation": {"hypervisor": None, "container": None, "wsl": False},
    "interpreter": {
        "implementation": "CPython",
        "version": "3.13.1",
        "debug": False,
        "optimisation": ["-O3"],
        "pgo": True,
    },
}
QUIET = ProbeResults(
    clock=ClockFacts(resolution_ns=50, backward_ns=0),
    load=LoadFacts(1.0, 0.01, 0.0, 0, ()),
    semaphore_error="",
    listener_path_bytes=40,
    on_battery=False,
    pressure_cpu=0.1,
)


def findings(part=None, values=(), **probes):
    """Examine a fit machine with one part changed."""
    facts = {**FIT, **({part: {**FIT[part], **dict(values)}} if part else {})}
    return {one.key: one for one in check_facts(facts, QUIET._replace(**probes))}


def test_a_fit_machine_has_nothing_but_fine_findings():
    """Every check says that all is well, and says what it looked at."""
    found = findings()

    assert Severity.FINE is worst(tuple(found.values()))
    assert all(one.found and not one.remedy for one in found.values())


@pytest.mark.parametrize(
    ("part", "values", "key", "level"),
    [
        ("cpu", {"governors": ["powersave"]}, "governor", Severity.WARNING),
        ("cpu", {"turbo": True}, "turbo", Severity.NOTE),
        ("cpu", {"smt": True}, "smt", Severity.NOTE),
        ("cpu", {"mitigations": {"meltdown": "Mitigation: PTI"}}, "mitigations", Severity.NOTE),
        ("cpu", {"quota": 1.5, "usable": 2}, "quota", Severity.WARNING),
        ("cpu", {"affinity": [3]}, "affinity", Severity.WARNING),
        ("memory", {"available_bytes": GIB // 2}, "memory", Severity.WARNING),
        ("memory", {"swap_used_bytes": GIB}, "swap", Severity.WARNING),
        ("memory", {"huge_pages": "always"}, "huge-pages", Severity.NOTE),
        ("memory", {"overcommit": 2}, "overcommit", Severity.WARNING),
        ("kernel", {"aslr": 0}, "aslr", Severity.NOTE),
        ("kernel", {"clock_source": "hpet"}, "clock-source", Severity.WARNING),
        ("cgroup", {"memory_limit_bytes": GIB // 4}, "memory", Severity.WARNING),
        ("cgroup", {"process_limit": 60}, "processes", Severity.WARNING),
        ("shared_memory", {"free_bytes": 64 << 20}, "shared-memory", Severity.WARNING),
        ("shared_memory", {"free_bytes": 0}, "shared-memory", Severity.FAULT),
        ("shared_memory", {"size_bytes": None}, "shared-memory", Severity.FAULT),
        ("limits", {"nofile": [256, 4096]}, "open-files", Severity.WARNING),
        ("limits", {"nproc": [100, 100]}, "processes", Severity.WARNING),
        ("virtualisation", {"container": "docker"}, "virtualisation", Severity.NOTE),
        ("interpreter", {"debug": True}, "interpreter", Severity.FAULT),
        ("interpreter", {"pgo": False}, "interpreter", Severity.NOTE),
    ],
)
def test_each_state_of_the_machine_is_found(part, values, key, level):
    """One change of the machine changes the level of one finding, with reason and remedy."""
    found = findings(part, values)

    assert {key: level} == {one.key: one.level for one in found.values() if one.level.rank}
    assert found[key].reason
    assert found[key].remedy


@pytest.mark.parametrize(
    ("probes", "key", "level"),
    [
        ({"load": LoadFacts(1, 0.1, 0, 0, ())}, "load", Severity.WARNING),
        (
            {"load": LoadFacts(1, 1.4, 0, 0, (OtherProcess("make", 7, 0.9),))},
            "load",
            Severity.FAULT,
        ),
        ({"load": LoadFacts(1, 0, 0.01, 0, ())}, "steal", Severity.WARNING),
        ({"load": LoadFacts(1, 0, 0.2, 0, ())}, "steal", Severity.FAULT),
        ({"load": LoadFacts(1, 0, 0, 900, ())}, "quota", Severity.FAULT),
        ({"clock": ClockFacts(50, 3_000)}, "clock", Severity.FAULT),
        ({"clock": ClockFacts(4_000, 0)}, "clock", Severity.WARNING),
        ({"semaphore_error": "OSError: denied"}, "semaphores", Severity.FAULT),
        ({"listener_path_bytes": 120}, "socket-path", Severity.NOTE),
        ({"on_battery": True}, "power", Severity.WARNING),
        ({"pressure_cpu": 44.0}, "pressure", Severity.WARNING),
    ],
)
def test_each_result_of_an_experiment_is_found(probes, key, level):
    """One bad result changes the level of one finding, with reason and remedy."""
    found = findings(**probes)

    assert {key: level} == {one.key: one.level for one in found.values() if one.level.rank}
    assert found[key].reason
    assert found[key].remedy


def test_a_machine_that_tells_nothing_is_not_blamed_for_it():
    """Missing settings are fine, as on other platforms."""
    silent = {"governors": [], "turbo": None, "smt": None}

    found = findings("cpu", silent, pressure_cpu=None)

    assert Severity.FINE is worst(tuple(found.values()))


def test_findings_become_json():
    """Results and --json carry the findings."""
    record = findings_to_record(tuple(findings().values()))

    assert record == json.loads(json.dumps(record))
    assert {"fine"} == {one["level"] for one in record}


def test_a_clock_that_goes_back_is_seen():
    """The largest step back is reported."""
    readings = iter([10, 20, 30, 12, 40, 41, 42, 43, *range(50, 500_000)])

    assert 18 == examine_clock(lambda: next(readings), readings=4).backward_ns
