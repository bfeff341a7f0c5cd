"""Tables in terminals of every width."""

from __future__ import annotations

import fakes
import pytest

from mpbench.cli import tables
from mpbench.report.build import load_report_data


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 160])
def test_case_names_are_readable_at_any_width(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other columns go before a name does, and no line is longer than the terminal."""
    monkeypatch.setattr(tables, "_width", lambda: width)
    evidence = load_report_data((fakes.run(),))
    tables.print_run(evidence)
    said = capsys.readouterr().out
    folded = "".join(line[:12].strip() for line in said.splitlines())

    assert [] == [line for line in said.splitlines() if len(line.rstrip()) > width]
    assert "…" not in said
    for name in set(evidence.summaries["workload"]):
        assert name in said or name in folded or name[:12] in said


def test_a_parameter_that_is_the_same_everywhere_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who fixed a value finds it below the table."""
    monkeypatch.setattr(tables, "_width", lambda: 160)
    run = fakes.run()
    one = next(record.case for record in run.cases if record.case.params)
    kept = run._replace(
        cases=tuple(record for record in run.cases if record.case.params == one.params),
        repetitions=tuple(rep for rep in run.repetitions if rep.case.params == one.params),
    )
    tables.print_run(load_report_data((kept,)))

    assert f"In every case: {one.workload}" in capsys.readouterr().out
