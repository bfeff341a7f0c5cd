"""Advice about TCP: the cause where the wait was measured and cured, else nothing of it."""

from __future__ import annotations

import pytest

from mpbench.analysis.advise import advise
from mpbench.analysis.advise.tcp_delays import tcp_exchanges
from mpbench.analysis.measurements import Measurement, ParamValue

_CAUSE = "waits for the other side's delayed acknowledgement"


def _reading(
    workload: str, value: float, *, agents: int = 8, method: str = "fork", **params: ParamValue
) -> Measurement:
    """Return a reading over AF_INET, or over the family that is given."""
    params = {"family": "AF_INET", **params}
    costs = tuple(value * (1 + 0.01 * number) for number in range(agents))
    case = f"{workload}[{method}, {', '.join(f'{n}={v}' for n, v in sorted(params.items()))}]"
    low, high = (costs[0], costs[-1]) if agents > 5 else (None, None)
    return Measurement(case, workload, method, params, "", "time", "s", value, low, high, costs, "")


def _create(side: str, value: float, **options: ParamValue) -> Measurement:
    return _reading("manager/network-create", value, proxy="auto", nodelay=side, **options)  # type: ignore[arg-type]  # params and options alike


def _answers(*readings: Measurement) -> dict[str, tuple[str, str]]:
    return {
        advice.key: (advice.answer, advice.because)
        for advice in advise(readings)
        if advice.key.startswith("tcp")
    }


@pytest.mark.parametrize("agents", [8, 3])
def test_the_cause_the_numbers_and_the_cure_are_one_sentence(agents: int) -> None:
    """Also where there are too few agents for intervals: all of them wait."""
    found = _answers(
        _create("none", 0.178, agents=agents), _create("client", 1.5e-3, agents=agents)
    )
    answer, because = found["tcp-manager"]

    assert "with TCP_NODELAY on the client" == answer
    assert "takes 178 ms, 1.50 ms with TCP_NODELAY on the client" in because
    assert _CAUSE in because
    assert "set TCP_NODELAY on the side that writes twice" in because
    assert ". " not in because


def test_a_side_that_does_not_help_is_not_advised() -> None:
    """Both sides of a long message write twice: the client's option alone leaves one wait."""
    costs = {"none": 0.09, "client": 0.045, "both": 8e-5}
    found = _answers(
        *(
            _reading(
                "connection/nodelay", c, nodelay=side, exchange="message", payload_bytes=20_000.0
            )
            for side, c in costs.items()
        )
    )

    assert ["tcp-message"] == list(found)
    assert "with TCP_NODELAY on both sides" == found["tcp-message"][0]
    assert "takes 90.0 ms, 80.0 us with TCP_NODELAY on both sides" in found["tcp-message"][1]
    assert "speak first" not in found["tcp-message"][1]


def test_a_server_that_speaks_first_is_a_cure() -> None:
    """Its message carries the acknowledgement."""
    found = _answers(
        _reading("connection/connect", 0.045, speaks_first="client", key_bytes=32.0),
        _reading("connection/connect", 3e-4, speaks_first="server", key_bytes=32.0),
    )

    assert "where the server speaks first" == found["tcp-speaks-first"][0]
    assert _CAUSE in found["tcp-speaks-first"][1]
    assert found["tcp-speaks-first"][1].endswith("let the server speak first")


@pytest.mark.parametrize(
    "readings",
    [
        (),
        (_create("none", 0.178),),
        (_create("client", 1.5e-3), _create("both", 1.9e-3)),
        (_create("none", 1.4e-3, family="AF_UNIX"), _create("client", 1e-3, family="AF_UNIX")),
        (_create("none", 0.178), _create("client", 1.5e-3, method="spawn")),
        (
            _reading("connection/connect", 3e-4, speaks_first="client", key_bytes=0.0),
            _reading("connection/connect", 3e-4, speaks_first="server", key_bytes=0.0),
        ),
    ],
)
def test_nothing_is_said_where_both_ways_were_not_measured(
    readings: tuple[Measurement, ...],
) -> None:
    """One way alone, another family, another start method and no key prove nothing."""
    assert {} == _answers(*readings)
    assert [] == list(tcp_exchanges(readings))


def test_another_difference_is_not_explained_by_a_delayed_ack() -> None:
    """A millisecond is clear, and no delayed acknowledgement."""
    _, because = _answers(_create("none", 3e-3), _create("client", 2e-3))["tcp-manager"]

    assert because.startswith("No wait for a delayed acknowledgement is shown")
    assert _CAUSE not in because
