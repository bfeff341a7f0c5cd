"""What a page leaves out, folds and colours so that what it says is true."""

from __future__ import annotations

import re

import fakes

from mpbench.report.build import build, load_report_data
from mpbench.report.document import CheckState
from mpbench.report.figures.cells import ratio_cell
from mpbench.report.html import html


def test_a_single_value_has_no_spread() -> None:
    """One agent is one value; its spread is not 0 %."""
    document = build(load_report_data([fakes.run(agents=1)]), with_figures=False)
    tables = [part.table for family in document.families for part in family.parts]

    cells = [
        row[[column.key for column in table.columns].index("spread")]
        for table in tables
        for row in table.rows
    ]

    assert cells
    assert all(cell.text == "" and cell.value is None for cell in cells)


def test_a_title_says_what_was_measured() -> None:
    """It has the number of workloads and the machine, or the names of a few."""
    run = fakes.run()
    first = run.cases[0].case.workload
    few = run._replace(
        cases=tuple(one for one in run.cases if one.case.workload == first),
        repetitions=tuple(one for one in run.repetitions if one.case.workload == first),
    )

    assert " workloads on testbox" in build(load_report_data([run]), with_figures=False).title
    title = build(load_report_data([few]), with_figures=False).title
    assert title == f"Cost of multiprocessing: {first} on testbox"


def test_checks_that_are_fine_stand_in_one_line() -> None:
    """They are named, and open on request; the others are shown."""
    document = build(load_report_data([fakes.run()]), with_figures=False)
    fine = [one for one in document.checks if one.state is CheckState.GOOD]
    page = html(document)

    (line,) = re.findall(r'<details class="fine"><summary>(.*?)</summary>', page)
    assert line.startswith(f"{len(fine)} check")
    shown = page.partition('<details class="fine">')[0]
    assert 'class="good"' not in shown


def test_a_ratio_that_shows_nothing_has_no_colour() -> None:
    """The page shines through, light or dark; far from 1 the colour is strong."""
    assert ratio_cell(1.0, "1.00x", is_unsure=False).alpha == 0
    assert ratio_cell(9.0, "~9x", is_unsure=True).alpha == 0
    cheap, dear = (ratio_cell(ratio, "", is_unsure=False) for ratio in (0.2, 5.0))
    assert cheap.colour != dear.colour
    assert cheap.alpha == dear.alpha > 0.5
