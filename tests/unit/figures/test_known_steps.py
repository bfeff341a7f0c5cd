"""The known steps are found again in readings that have them, and in no others."""

from __future__ import annotations

import pytest
from made import METHODS, reading

from mpbench.analysis.measurements import Platform
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.step_findings import known_steps

HERE = Platform("run", "cpython", "testbox", "CPython 3.11")


def said(readings):
    """Return the text of each conclusion."""
    material = FigureData(tuple(readings), HERE, (HERE,), None, 2)
    return [one.text for one in known_steps(material, {})]


def starts(blocked):
    """Return start() by argument: what spawn waits for above 64 KiB is *blocked*."""
    return [
        reading(
            "process/start-by-argument",
            0.9e-3 + size * 1e-10 + (blocked if method == "spawn" and size > 65_536 else 0),
            method=method,
            fact="start_return",
            params={"payload_bytes": size, "main_ms": 0},
        )
        for method in METHODS
        for size in (0, 61_440, 73_728, 1 << 20)
    ]


def parents(per_mib):
    """Return starts from parents of two sizes; only a fork copies page tables."""
    return [
        reading(
            "process/start-at-rss",
            1e-3 + (size * per_mib if method == "fork" else 0),
            method=method,
            params={"rss_mib": size, "pages": "default"},
            seed=size,
        )
        for method in METHODS
        for size in (0, 256)
    ]


def trips(step):
    """Return round trips by size, *step* times as dear with one byte more than 16 KiB."""
    return [
        reading(
            "pipe/round-trip",
            (20e-6 + size * 2e-10) * (step if size > 16_384 else 1),
            metric="round-trip",
            params={"payload_bytes": size, "form": "bytes"},
            noise=0.01,
        )
        for size in (64, 4_096, 16_384, 16_385, 65_536, 65_537, 1 << 20)
    ]


def deliveries(late):
    """Return put() and delivery of 1 MiB; the message arrives *late* times as long after."""
    params = {"kind": "Queue", "payload_bytes": 1 << 20}
    return [
        reading("queue/put-delivered", 1e-5, fact="put_return", params=params),
        reading("queue/put-delivered", 1e-5 * late, metric="latency", params=params, seed=1),
    ]


def writes(first):
    """Return the first and a later write of 16 MiB; the first takes *first* times as long."""
    params = {"kind": "SharedMemory", "payload_bytes": 1 << 24}
    return [
        reading("shared/create", 1e-3, method="", fact="steady", params=params),
        reading("shared/create", 1e-3 * first, method="", fact="first_touch", params=params),
    ]


def requests(wait, **cured):
    """Return first requests over TCP that wait without TCP_NODELAY, and those with it."""
    return [
        reading(
            "connection/nodelay",
            3e-4 + (wait if side == "none" else 0),
            metric="latency",
            params={"exchange": "first-request", "nodelay": side, "family": "AF_INET"},
            **cured,
        )
        for side in ("none", "client")
    ]


FOUND = {
    "tcp": (
        requests(45e-3),
        "waits for the other side's delayed acknowledgement: the first request",
        "on a new connection takes 4",
        "us with TCP_NODELAY on the client; set TCP_NODELAY on the side that writes twice",
    ),
    "argument": (
        starts(30e-3),
        "steps up between 60 KiB and 72 KiB",
        "none is shown for fork and forkserver",
    ),
    "memory": (parents(1e-5), "as long under fork; no growth is shown under spawn and forkserver"),
    "connection": (trips(1.3), "steps up between 16 KiB and 16,385 B", "1.3"),
    "delivered": (deliveries(60), "Queue.put() of 1 MiB returns after", "as long."),
    "touched": (writes(9), "Writing 16 MiB of shared memory takes", "as long."),
}

ABSENT = {
    "tcp": (requests(0), "No wait for a delayed acknowledgement is shown over TCP"),
    "argument": (starts(0), "shows no sure step of 10 % or more at 64 KiB"),
    "memory": (parents(0), "a start takes no longer"),
    "connection": (trips(1), "shows no sure step of 10 % or more at 16 KiB"),
    "delivered": (deliveries(1), "no difference is shown"),
    "touched": (writes(1), "no difference is shown"),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_step_is_said_with_its_height(name):
    """Where the readings have it, one sentence says where it is and for whom."""
    readings, *words = FOUND[name]
    (text,) = said(readings)

    assert [] == [one for one in words if one not in text], text


@pytest.mark.parametrize("name", ABSENT)
def test_no_step_is_claimed_where_there_is_none(name):
    """A sweep without the step is said to have none."""
    readings, words = ABSENT[name]
    (text,) = said(readings)

    assert words in text
    assert "as long" not in text


def test_what_was_not_measured_is_not_mentioned():
    """Without its workloads no rule says anything."""
    assert [] == said([reading("lock/uncontended", 1e-7)])


def test_too_few_agents_show_nothing():
    """Without intervals neither a step nor its absence is said."""
    readings, *_ = FOUND["touched"]
    few = [one._replace(low=None, high=None, agents=one.agents[:3]) for one in readings]

    assert [] == said(few)


def test_one_size_is_no_sweep():
    """Tier quick has one side of the boundary at most, and says nothing about it."""
    assert [] == said(one for one in trips(1.3) if one.params["payload_bytes"] == 64)


def test_a_jump_at_another_size_is_not_this_step():
    """What happens at 64 KiB is not told as the step at 16 KiB."""
    (text,) = said(
        one._replace(agents=tuple(x * 3 for x in one.agents))
        if one.params["payload_bytes"] > 65_536
        else one
        for one in trips(1)
    )

    assert "shows no sure step of 10 % or more at 16 KiB" in text
