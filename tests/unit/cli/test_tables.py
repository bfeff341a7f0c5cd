"""Tables in terminals of every width."""

from __future__ import annotations

import fakes
import pytest

from mpbench.cli import tables
from mpbench.report.build import load_report_data
from mpbench.report.formatting import TIMES


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 160])
def test_case_names_are_readable_at_any_width(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No column and no part of a name is lost, and no line is longer than the terminal."""
    monkeypatch.setenv("COLUMNS", str(width))
    evidence = load_report_data((fakes.run(),))
    tables.print_run(evidence)
    said = capsys.readouterr().out
    joined = " ".join(said.split())

    assert [] == [line for line in said.splitlines() if len(line.rstrip()) > width]
    assert "…" not in said
    for title in ("Start method", "Median", "95 % interval", f"{TIMES} floor", f"{TIMES} base"):
        assert title in joined
    for name in set(evidence.summaries["workload"]):
        assert name in joined.replace("- ", "-")
    assert f"{TIMES} base: the cost against fork" in joined


def test_a_parameter_that_is_the_same_everywhere_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who fixed a value finds it below the table."""
    monkeypatch.setenv("COLUMNS", "160")
    run = fakes.run()
    one = next(record.case for record in run.cases if record.case.params)
    kept = run._replace(
        cases=tuple(record for record in run.cases if record.case.params == one.params),
        repetitions=tuple(rep for rep in run.repetitions if rep.case.params == one.params),
    )
    tables.print_run(load_report_data((kept,)))

    assert f"In every case: {one.workload}" in capsys.readouterr().out
