"""The values of the five comparisons stand in columns, one for each thing that is compared."""

from __future__ import annotations

import pytest
from made import catalogue, run

from mpbench.analysis.summarize import agent_medians, summarize
from mpbench.report import figures
from mpbench.store.frame import frame

COLUMNS = {
    "start-methods": {"fork", "spawn", "forkserver"},
    "locks": {"fork", "spawn", "forkserver"},
    "sharing": {"Value", "Array", "RawValue", "Manager().Value"},
    "channels": {"Pipe", "Queue", "SimpleQueue"},
    "calls": {"map", "imap", "starmap"},
    "overhead": {"map", "imap", "starmap"},
}


@pytest.fixture(scope="module")
def tables():
    """Return the table of each comparison of a made-up run."""
    runs = [run(catalogue())]
    material = figures.prepare(summarize(runs), agent_medians(frame(runs)))
    return {figure.key: figure.table for figure in figures.comparisons(material)}


@pytest.mark.parametrize("key", COLUMNS)
def test_what_is_compared_has_a_column(tables, key):
    """A reader finds the alternatives in one row."""
    table = tables[key]

    assert set() == COLUMNS[key] - set(table.columns)
    assert len(table) == len(set(table.iloc[:, 0]))
    row = table.iloc[0][list(COLUMNS[key] & set(table.columns))]
    assert all(" (" in text for text in row), list(row)


def test_rows_come_in_the_order_of_what_is_swept(tables):
    """Sizes ascend from row to row."""
    first = tables["channels"].iloc[:, 0].tolist()

    assert len(first) > 2
    assert "payload 64 B" == first[0]
    assert first[-1].endswith("MiB")
