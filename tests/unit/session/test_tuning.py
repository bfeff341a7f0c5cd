"""Tuning with a fake program: choice of settings, what is said, what is kept when stopped."""

from __future__ import annotations

import json

import pytest
from fakes import comparison

from mpbench.analysis.outcome import outcome_of
from mpbench.analysis.whatif.prediction import Change, Prediction, WhatIf
from mpbench.errors import InvalidSessionError
from mpbench.session.progress import NullProgress
from mpbench.session.tuning.call_sites import Edit, edit_of, find_source
from mpbench.session.tuning.candidates import candidates_of, overrides_of
from mpbench.session.tuning.program_tuner import arms_of
from mpbench.session.tuning.record import ProfiledProgram, TunePlan
from mpbench.session.tuning.text import advice, rows, says, to_markdown, to_record, trust
from mpbench.session.tuning.tune import tune

LOSSES = [{"share": 0.5, "text": "waiting for tasks", "advice": None}]


def prediction(setting, seconds, high=None, *, change=Change.WORKERS, **given):
    """Return a prediction whose interval ends at *high*."""
    return Prediction(
        change=change,
        setting=setting,
        words=f"with {setting}",
        seconds=seconds,
        low_s=None if seconds is None else seconds * 0.9,
        high_s=high or (seconds and seconds * 1.05),
        place="job.py:3",
        **given,
    )


class FakeTuner:
    """Predicts what it is given, and measures with the first pair of a stored comparison."""

    def __init__(self, *predictions, ratio=0.5, withheld=None, stop=None, broken=False):
        self.what_if = WhatIf(
            measured_s=0.1, simulated_s=0.1, predictions=predictions, withheld=withheld
        )
        self.ratio, self.stop, self.broken = ratio, stop, broken
        self.asked, self.budget_s = (), None

    def profile(self):
        """Return the predictions, or be stopped."""
        if self.stop == "profile":
            raise KeyboardInterrupt
        return ProfiledProgram({"losses": LOSSES}, self.what_if)

    def compare(self, candidates, budget_s):
        """Measure, or be stopped, or find that nothing can be measured."""
        self.asked, self.budget_s = candidates, budget_s
        if self.stop == "compare":
            raise KeyboardInterrupt
        if self.broken:
            raise InvalidSessionError("arm 'x' fails")
        return outcome_of(comparison(self.ratio))

    def edits(self, candidate):
        """Return an edit of each setting."""
        return tuple(Edit("job.py:3", "Pool(1)", setting) for setting in candidate.settings)


def tuned(tuner, **given):
    """Tune with a fake."""
    return tune(TunePlan(words=("job.py",), **given), tuner, NullProgress())


def test_only_what_surely_gains_is_chosen():
    """The whole interval lies 3 % below the present; the best of a kind; withheld ones never."""
    what_if = WhatIf(
        measured_s=1.0,
        simulated_s=1.0,
        predictions=(
            prediction("workers=2", 0.6),
            prediction("workers=4", 0.5),
            prediction("chunk_size=8", 0.8, 0.98),
            prediction("method=fork", 0.9, change=Change.METHOD),
            prediction("max_tasks=none", None, withheld="unknown", change=Change.MAX_TASKS),
            prediction(None, 0.1, change=Change.SHORTER_LOCK),
        ),
    )

    chosen = candidates_of(what_if)
    assert ["workers=4", "method=fork", "workers=4,method=fork"] == [one.name for one in chosen]
    assert (None, None) == (chosen[-1].predicted_s, chosen[-1].low_s)
    assert 1 == len(candidates_of(what_if, most=1))


def test_a_forced_method_cannot_be_combined_with_another():
    """`method` and `method!` are one key; an arm has them as its overrides."""
    what_if = WhatIf(
        measured_s=1.0,
        simulated_s=1.0,
        predictions=(prediction("method!=fork", 0.5), prediction("method=forkserver", 0.6)),
    )

    (chosen,) = candidates_of(what_if)
    assert {"method!": "fork"} == overrides_of(chosen.settings)
    plain, changed = arms_of("job.py 4", None, [chosen])
    assert ({}, {"method!": "fork"}) == (plain.overrides, changed.overrides)
    assert "program=job.py 4,method!=fork" == changed.text


def test_a_setting_that_helps_is_advised():
    """The prediction stands beside the measured time, and the advice names the call."""
    told = tuned(FakeTuner(prediction("workers=4", 0.05), ratio=0.4))

    assert told.best is not None
    assert "with workers=4: 2.49x faster, as measured." == says(told)
    assert ("job.py:3: Pool(1) -> workers=4",) == advice(told)
    assert ["as it is", "workers=4"] == [row.setting for row in rows(told)]
    assert "2.49x faster" == rows(told)[1].verdict
    record = json.loads(json.dumps(to_record(told), allow_nan=False))
    assert ["faster", 0.05] == [record["results"][0][key] for key in ("verdict", "predicted_s")]
    assert "- change job.py:3: Pool(1) -\\> workers=4" in to_markdown(told)


def test_a_setting_that_does_not_help_is_not_advised():
    """What was predicted is shown all the same."""
    told = tuned(FakeTuner(prediction("workers=4", 0.05), ratio=1.0))

    assert () == advice(told)
    assert says(told).startswith("no setting was measured to make this program faster; the largest")
    assert "unchanged" == rows(told)[1].verdict


def test_nothing_to_gain_is_said():
    """With the sentence of the docs, and the largest losses."""
    told = tuned(FakeTuner(prediction("workers=4", 0.0995)))

    assert (
        "nothing that can be set from outside makes this program faster by more than 3%; "
        "the largest losses are: 50% waiting for tasks."
    ) == says(told)
    withheld = tuned(FakeTuner(withheld="it hides threads"))
    assert says(withheld).startswith("nothing is predicted of this program, because it hides")


@pytest.mark.parametrize("when", ["profile", "compare"])
def test_what_is_known_is_kept_when_the_user_stops(when):
    """Predictions stand without what was to be measured."""
    told = tuned(FakeTuner(prediction("workers=4", 0.05), stop=when))

    assert told.interrupted
    assert "interrupted" in trust(told)
    assert (0 if when == "profile" else 1) == len(told.results)
    assert ("stopped before" if when == "profile" else "none was measured") in says(told)
    assert to_markdown(told)
    assert to_record(told)["interrupted"]


def test_a_budget_leaves_out_what_it_has_no_time_for():
    """The combination goes first; with no time at all only predictions are left."""
    both = (prediction("workers=4", 0.05), prediction("method=fork", 0.06, change=Change.METHOD))
    some = FakeTuner(*both)
    few = tuned(some, budget_s=9.0)
    none = tuned(FakeTuner(*both), budget_s=1.0)

    assert 0 < len(some.asked) < 3 == len(few.results)
    assert some.budget_s < 9.0
    assert "not measured" == rows(few)[-1].verdict
    assert "(--budget)" in trust(few)
    assert "none was measured" in says(none)


def test_a_comparison_that_is_impossible_is_a_note():
    """The predictions are not lost with it."""
    told = tuned(FakeTuner(prediction("workers=4", 0.05), broken=True))

    assert "nothing could be measured: arm 'x' fails" in trust(told)
    assert 2 == len(rows(told))


SOURCE = """import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor
pool = mp.Pool(2)
pool.map(work, range(9), 3)
ex = ProcessPoolExecutor()
ex.map(work, a, b)
p = mp.Pool(initializer=start_of_workers, maxtasksperchild=1, processes=a_long_name + another_name)
mp.get_context("spawn").Process(target=work)
list(pool.imap(
    work, range(9)))
"""


@pytest.mark.parametrize(
    ("setting", "line", "old", "new"),
    [
        ("workers=4", 3, "mp.Pool(2)", "mp.Pool(4)"),
        ("method=fork", 3, "mp.Pool(2)", "multiprocessing.get_context('fork').Pool(2)"),
        ("chunk_size=8", 4, "pool.map(work, range(9), 3)", "pool.map(work, range(9), 8)"),
        ("workers=4", 5, "ProcessPoolExecutor()", "ProcessPoolExecutor(max_workers=4)"),
        ("chunk_size=8", 6, "ex.map(work, a, b)", "ex.map(work, a, b, chunksize=8)"),
        ("max_tasks=none", 7, "maxtasksperchild=1 of Pool(...)",
         "maxtasksperchild=None of Pool(...)"),
        ("method!=fork", 8, "mp.get_context('spawn')", "mp.get_context('fork')"),
        ("chunk_size=8", 10, "pool.imap(work, range(9))",
         "pool.imap(work, range(9), chunksize=8)"),
        ("chunk_size=8", 1, "", "chunksize=8 of map(...), starmap(...) or imap(...)"),
    ],
)  # fmt: skip
def test_the_call_to_change_is_found_in_the_source(tmp_path, setting, line, old, new):
    """Arguments by place and by name, executors, long calls, calls over several lines."""
    script = tmp_path / "job.py"
    script.write_text(SOURCE)

    edit = edit_of(setting, f"job.py:{line}", [find_source("job.py", script)])
    assert (old, new) == (edit.old, edit.new)


def test_a_file_that_is_not_sure_is_not_read(tmp_path):
    """Two files of one name, none, or one that is no Python."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part.py").write_text("x = (")
    script = tmp_path / "job.py"

    assert find_source("part.py", script) is None
    assert tmp_path / "a" / "part.py" == find_source("part.py", tmp_path / "a" / "x.py")
    assert "" == edit_of("workers=4", "part.py:1", [tmp_path / "a" / "part.py"]).old
    assert "" == edit_of("workers=4", "", [None]).old
