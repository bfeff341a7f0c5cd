"""What the rules of the first conclusions take from the readings."""

import fakes
import pytest

from mpbench.model import Metric
from mpbench.report import build as building
from mpbench.report.build import load_report_data


def run_of(costs, machine="testbox"):
    """Return a run in which each case took its seconds, in eight agents."""
    records = [fakes.case_record(one, metric=Metric.TIME) for one in costs]
    repetitions = [
        fakes.repetition(one, number, (seconds * (1 + number / 100),))
        for one, seconds in costs.items()
        for number in range(8)
    ]
    run = fakes.run(agents=1)
    return run._replace(
        header=fakes.header(machine),
        cases=tuple(records),
        repetitions=tuple(repetitions),
        events=(),
    )


def concluded(*costs):
    """Return the conclusions of runs on machines of their own."""
    runs = [run_of(one, f"box-{number}") for number, one in enumerate(costs)]
    return building.build(load_report_data(runs), with_figures=False).findings


def trips(queue):
    """Return round trips of 64 B through a Pipe and a Queue."""
    return {
        fakes.case("pipe/round-trip", payload_bytes=64): 20e-6,
        fakes.case("queue/round-trip", payload_bytes=64): queue,
    }


@pytest.mark.parametrize(("queue", "figure"), [(60e-6, "3.0"), (10e-6, "0.50"), (20.2e-6, "~ 1.0")])
def test_a_difference_is_shown_in_both_directions(queue, figure):
    """What is cheaper than the base is as much news as what is dearer."""
    (found,) = concluded(trips(queue))

    assert found.figure.startswith(figure)
    assert ("no difference shown" in found.text) is figure.startswith("~")


@pytest.mark.parametrize(
    ("form", "subject", "said"),
    [
        ("bytes", "Queue against Pipe with bytes: 64 B there and back", "20.7 us as bytes through"),
        ("object", "Queue against Pipe: 64 B there and back", "31.0 us through a Pipe"),
    ],
)
def test_a_queue_is_held_against_its_like_or_says_against_what(form, subject, said):
    """A queue pickles; a pipe with bytes does not, and is named so where there is nothing else."""
    costs = {
        fakes.case("pipe/round-trip", form="bytes", payload_bytes=64): 20e-6,
        fakes.case("pipe/round-trip", form="object", payload_bytes=64): 30e-6,
        fakes.case("queue/round-trip", kind="SimpleQueue", payload_bytes=64): 40e-6,
        fakes.case("queue/round-trip", kind="Queue", payload_bytes=64): 60e-6,
    }
    known = {
        one: cost
        for one, cost in costs.items()
        if form == "object" or dict(one.params).get("form") != "object"
    }
    (found,) = concluded(known)

    assert subject == found.subject
    assert said in found.text
    assert "62.1 us through a Queue" in found.text


@pytest.mark.parametrize(
    ("queues", "figure", "said"),
    [
        ((20.2e-6, 20.4e-6), "~ 1.0", "on 2 machines (no difference shown)."),
        ((20.2e-6, 60e-6), "1.0", "on 2 machines (no difference shown in 1 of 2)."),
        ((50e-6, 60e-6), "2.5", "on 2 machines."),
    ],
)
def test_machines_that_show_no_difference_are_counted(queues, figure, said):
    """What no machine shows alone, two machines do not show together."""
    (found,) = concluded(*(trips(queue) for queue in queues))

    assert found.figure.startswith(figure)
    assert found.text.endswith(said)


def test_a_manager_is_held_against_a_value():
    """The rule asks for workloads that the catalogue has."""
    costs = {
        fakes.case("shared/access", kind="Value", operation="read"): 4e-7,
        fakes.case("shared/access", kind="RawValue", operation="read"): 1e-7,
        fakes.case("manager/access", kind="Value"): 30e-6,
        fakes.case("manager/access", kind="list"): 31e-6,
    }
    (found,) = concluded(costs)

    assert "Manager against Value: to read one number" == found.subject
    assert found.text.startswith("Reading one shared number takes 414 ns from a Value")
