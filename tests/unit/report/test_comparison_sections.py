"""What a report says first when its runs are comparisons."""

import fakes

from mpbench.model import Status
from mpbench.report.build import build, load_report_data
from mpbench.report.comparison_sections import compared
from mpbench.report.html import html
from mpbench.report.markdown import markdown


def column(one, key):
    """Return the cells of one column of the table of verdicts."""
    place = [each.key for each in one.table.columns].index(key)
    return [row[place] for row in one.table.rows]


def test_both_arms_stand_in_the_table_and_in_the_title():
    """The page of a comparison names both, shows what each took, and draws none alone."""
    run = fakes.comparison(1.2)
    (one,) = compared([run])

    found = build(load_report_data([run]))

    assert found.title == "spawn against fork: pool/map, pipe/round-trip"
    assert ["100 us", "121 us"] == [column(one, key)[0].text for key in ("baseline", "candidate")]
    assert not any(family.figures for family in found.families)
    assert found.matrix is None
    # What all rows share takes no column.
    assert "arms" not in {each.key for each in one.table.columns}


def _document(run):
    return build(load_report_data([run]), with_figures=False)


def test_the_verdict_names_the_change_and_its_interval():
    """A change is said in words, with its size, its interval and what else was compared."""
    found = _document(fakes.comparison(1.2))

    assert found.verdict.startswith("spawn against fork: pool/map slower, +")
    assert "95 % interval 1.1" in found.verdict
    assert "1 unchanged, of 2 comparisons" in found.verdict


def test_no_change_is_said_as_such():
    """Without a change the sentence does not name one."""
    found = _document(fakes.comparison(1.0))

    assert "no difference was found" in found.verdict


def test_a_small_difference_is_no_change_and_not_nothing():
    """The sentence counts it, and says only that nothing larger was found."""
    run = fakes.comparison(1.2)
    rules = {**run.header.plan["rules"], "min_effect": 0.5}
    found = _document(
        run._replace(header=run.header._replace(plan={**run.header.plan, "rules": rules}))
    )

    assert "no difference of 50.0% or more was found" in found.verdict
    assert "1 small difference" in found.verdict


def test_changes_stand_before_what_did_not_change():
    """Rows are ranked: what must be acted on comes first."""
    (one,) = compared([fakes.comparison(0.8)])

    assert ["pool/map", "pipe/round-trip"] == [row[0].text for row in one.table.rows]
    verdict = column(one, "verdict")[0]
    assert verdict.text.startswith("faster")
    assert verdict.tone < 0


def test_ratios_are_drawn_against_one():
    """Every ratio stands on one scale around 1, a slower one right of it."""
    (one,) = compared([fakes.comparison(1.5)])

    strips = [cell.strip for cell in column(one, "drawn")]

    assert [0.5, 0.5] == [strip.mark for strip in strips]
    assert strips[0].low > 0.5
    assert abs(strips[1].median - 0.5) < 0.1


def test_a_session_that_cannot_be_believed_says_nothing():
    """Where every comparison is invalid, the first sentence is not a verdict."""
    run = fakes.comparison()
    failed = tuple(
        one._replace(status=Status.FAILED, reason="lost", samples=()) for one in run.repetitions
    )

    found = _document(run._replace(repetitions=failed))

    assert "says nothing" in found.verdict


def test_a_plain_run_has_no_verdicts():
    """Measuring alone gives no verdict about differences."""
    assert () == compared([fakes.run(agents=1)])


def test_the_table_of_verdicts_is_in_every_format():
    """Page and Markdown hold the verdicts and what the session says about itself."""
    found = _document(fakes.comparison())

    assert 'id="verdicts-1"' in html(found)
    assert "## Verdicts" in markdown(found)
    assert "the verdicts are advisory" in markdown(found)
