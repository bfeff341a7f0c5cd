"""The CPU use of workers over time: what is drawn, and what is said about it."""

import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from mpbench.report.figures.cpu_usage import usages


def rows(counts, *, method="fork", params="call=map", subject="here", agents=2, share=None):
    """Return what was seen: workers share two CPUs, the parent uses little."""
    found = []
    for workers in counts:
        for agent in range(agents):
            for number in range(1, workers + 1):
                for step in range(4 + agent):
                    own = min(1.0, 2 / workers) if share is None else share(number)
                    found.append((workers, agent, "worker", number, step / 100, own))
            found += [(workers, agent, "parent", 1, step / 100, 0.1) for step in range(4 + agent)]
    table = pd.DataFrame(
        found, columns=["workers", "repetition", "role", "number", "begin_s", "share"]
    )
    return table.assign(
        end_s=table["begin_s"] + 0.01,
        run="r",
        subject=subject,
        workload="pool/strong-scaling",
        method=method,
        params=params,
    )


def only(table, cpus=2):
    """Return the one figure of a table."""
    (found,) = usages("pool", table, subject="here", cpus=cpus)
    return found


def test_there_is_a_panel_for_each_number_of_workers():
    """With a title that says what is shown, units, and a dashed line at the usable CPUs."""
    found = only(rows((1, 2, 4)))
    texts = [one.text for one in ET.fromstring(found.svg).iter() if one.tag.endswith("text")]  # noqa: S314

    assert {"1 worker", "2 workers", "4 workers"} <= set(texts)
    assert {"CPUs in use", "time since the first look (ms)", "2 usable CPUs"} <= set(texts)
    assert "CPU use of each worker over time, pool/strong-scaling" == found.title
    assert "3 numbers of workers" in found.alt


def test_the_caption_is_a_conclusion():
    """What one worker used, and what each of many did."""
    assert only(rows((1, 2, 4))).caption == (
        "The only worker used 100 % of a CPU; each of 4 workers used 50 % of a CPU, together "
        "2.00 CPUs of 2 usable (medians of up to 2 agents). Measured with fork, call map."
    )


def test_unequal_workers_are_told_apart():
    """The least and the most busy one make the range."""
    table = rows((2,), share=lambda number: number / 4, agents=1)

    assert "each of 2 workers used 25 % to 50 % of a CPU" in only(table).caption.lower().replace(
        "cpu", "CPU"
    )
    assert ["25 %"] == list(only(table).table["least busy worker"])


@pytest.mark.parametrize("counts", [(1,), tuple(range(1, 17))])
def test_many_counts_are_thinned_and_keep_the_first_and_the_last(counts):
    """Eight panels are enough."""
    shown = list(only(rows(counts, agents=1)).table["workers"])

    assert len(shown) <= 8
    assert [counts[0], counts[-1]] == [shown[0], shown[-1]]


def test_only_what_scales_in_the_family_and_interpreter_is_drawn():
    """And only where somebody looked."""
    table = rows((1, 2))

    assert () == usages("lock", table, subject="here", cpus=2)
    assert () == usages("pool", table, subject="there", cpus=2)
    assert () == usages("pool", None, subject="here", cpus=2)
    assert () == usages("pool", table.iloc[:0], subject="here", cpus=None)


def test_the_method_with_the_most_counts_is_shown():
    """One figure for a workload, of one start method and one set of parameters."""
    table = pd.concat([rows((1,), method="spawn"), rows((1, 2)), rows((1,), params="call=imap")])

    assert "fork, call map" in only(table).caption
