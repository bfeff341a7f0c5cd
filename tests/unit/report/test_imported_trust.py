"""What the trust panel says of other tools' results."""

from __future__ import annotations

from collections.abc import Sequence

import fakes

from mpbench.integrations.exchange.imported import ImportedBenchmark, Origin, imported_run
from mpbench.model import Run
from mpbench.report.build import build, load_report_data
from mpbench.report.document import Check, CheckState
from mpbench.report.trust import caution

VALUES = tuple(1e-3 + number * 1e-6 for number in range(20))
PLAIN = ImportedBenchmark("a/plain", None, {}, VALUES)
OURS = ImportedBenchmark("a/ours", None, {}, VALUES[:8], is_agents=True)


def imported(*benchmarks: ImportedBenchmark, source: str = "pytest-benchmark") -> Run:
    """Return a run of another tool's figures."""
    return imported_run(
        f"{source}.json",
        benchmarks,
        Origin(source, "box", "3.11", "2026-01-01T00:00:00+00:00"),
    )


def panel(*runs: Run) -> dict[str, Check]:
    """Return the checks of a report by their names."""
    return {one.name: one for one in build(load_report_data(runs), with_figures=False).checks}


def named(found: dict[str, Check], names: Sequence[str]) -> list[str]:
    """Return which of some checks are there."""
    return [name for name in names if name in found]


BOTH = ("Agents per case", "Agents of imported cases")


def test_values_of_one_process_are_no_agents() -> None:
    """A report of another tool's results says that there is no interval, and warns."""
    found = panel(imported(PLAIN))

    line = found["Agents of imported cases"]
    assert ["Agents of imported cases"] == named(found, BOTH)
    assert (CheckState.BAD, "not known") == (line.state, line.value)
    assert "1 of 1 cases" in line.text
    assert "pytest-benchmark" in line.text
    assert "no interval" in line.text
    assert "Precision" not in found
    assert "agents of imported cases" in caution(tuple(found.values()))


def test_agents_that_were_imported_are_agents() -> None:
    """What our own front ends measured was measured in fresh interpreters."""
    found = panel(imported(OURS, source="asv"))

    assert ["Agents per case"] == named(found, BOTH)
    assert (CheckState.GOOD, "8") == (
        found["Agents per case"].state,
        found["Agents per case"].value,
    )


def test_both_kinds_are_told_apart() -> None:
    """One file may hold tests of both kinds, and one report runs of both."""
    found = panel(imported(PLAIN, OURS), imported(PLAIN, source="asv"), fakes.run(agents=9))

    line = found["Agents of imported cases"]
    assert list(BOTH) == named(found, BOTH)
    assert "2 of " in line.text
    assert "asv and pytest-benchmark" in line.text
    assert "8 to 9" == found["Agents per case"].value
    assert CheckState.GOOD is found["Agents per case"].state


def test_nobody_looked_at_what_others_left_behind() -> None:
    """Only our own runs know that nothing was left behind."""
    assert "Left behind" not in panel(imported(OURS))
    assert "Left behind" in panel(imported(OURS), fakes.run())
