"""Skip reasons of cases that share a set-up: each case is asked for its own."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.context import BaseContext

import pytest

from mpbench.agent.serve import Agent
from mpbench.errors import UnsupportedError
from mpbench.model import Case
from mpbench.workload import Body, BodyFactory, NoFloor, fixed, workload


@workload(
    "made/partly",
    floor=NoFloor("it does nothing"),
    by_method=False,
    body_params=("way",),
    unsupported=lambda case: "no such way here" if case.text("way") == "absent" else None,
    way=fixed("present", "absent"),
)
def partly(_context: BaseContext, _case: Case) -> Iterator[BodyFactory]:
    """Do nothing in one way, and fail in the other."""

    def bind(case: Case) -> Body:
        if case.text("way") == "absent":
            raise OSError("Operation not supported")
        return lambda iterations, /: iterations

    yield bind


@pytest.mark.parametrize("action", ["verify", "measure"])
def test_a_case_is_skipped_in_a_set_up_that_another_case_entered(action: str) -> None:
    """Its reason comes before its body is made; the case that entered the set-up runs."""
    agent = Agent()
    opened = {"module": __name__, "workload": "made/partly", "method": None}
    agent.open({**opened, "params": {"way": "present"}})
    request = {"iterations": 1, "warmups": 0, "samples": 1, "sample_ns": 1_000}
    try:
        agent_do = getattr(agent, action)

        assert agent_do({**request, "params": {"way": "present"}})
        with pytest.raises(UnsupportedError, match="no such way here"):
            agent_do({**request, "params": {"way": "absent"}})
    finally:
        agent.close({})
