"""The section What if: predictions as words, the shortest first, and why there are none."""

from mpbench.analysis.whatif.prediction import Change, Prediction, WhatIf, to_record
from mpbench.profiling.what_if_table import what_if_table


def predicted(seconds: float, **given: object) -> Prediction:
    """Return a prediction for other workers."""
    values = {"setting": "workers=4", "words": f"{seconds} s", "assumption": "as it was"}
    return Prediction(
        change=Change.WORKERS, seconds=seconds, low_s=seconds - 0.1, high_s=seconds + 0.1,
        **{**values, **given},
    )  # fmt: skip


def table_of(*predictions: Prediction, withheld: str | None = None):
    """Return the table of predictions for a program of two seconds."""
    what_if = WhatIf(
        measured_s=2.2, simulated_s=2.1, unchanged_s=2.0, predictions=predictions, withheld=withheld
    )
    return what_if_table({"what_if": to_record(what_if)})


def test_the_shortest_time_stands_first() -> None:
    """Each row compares with the unchanged program without the profiler."""
    table = table_of(predicted(3.0), predicted(1.0))

    assert [("1.0 s", "-50%"), ("3.0 s", "+50%")] == [row[:2] for row in table.rows]
    assert "workers=4" in table.rows[0]
    assert "900 ms to 1.10 s" in table.rows[0]


def test_a_prediction_that_is_withheld_says_why_and_stands_last() -> None:
    """It has no figures."""
    unknown = Prediction(
        change=Change.THREADS, setting=None, words="threads", withheld="its tasks compute"
    )
    table = table_of(unknown, predicted(3.0))

    assert ["3.0 s", "threads"] == [row[0] for row in table.rows]
    assert table.rows[1][-1] == "not predictable because its tasks compute"
    assert table.rows[1][1] == "-"


def test_a_program_whose_replay_does_not_fit_has_the_reason_alone() -> None:
    """The section is there, without rows."""
    table = table_of(withheld="its replay takes 1 s")

    assert table.rows == ()
    assert table.caption == "Not predictable: its replay takes 1 s."


def test_without_predictions_there_is_no_section() -> None:
    """As with --no-what-if."""
    assert what_if_table({"what_if": None}) is None
    assert what_if_table({}) is None
