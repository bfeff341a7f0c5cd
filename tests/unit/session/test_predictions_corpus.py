"""The proof of the predictions: which are taken, how they are judged, what the table counts."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path

import pytest

from mpbench.analysis.whatif.prediction import Change, Prediction, WhatIf

TESTS = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def proof():
    """Return the script as a module."""
    path = TESTS / "agreement" / "predictions.py"
    spec = importlib.util.spec_from_file_location("predictions", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def line(name, *rows, withheld=None, not_predicted=()):
    """Return a line of the results: settings with predicted and measured seconds, from 1 s."""
    return {
        "program": name,
        "present_s": 1.0,
        "withheld": withheld,
        "not_predicted": [{"setting": "workers=9", "withheld": one} for one in not_predicted],
        "rows": [
            {
                "setting": setting,
                "predicted_s": predicted,
                "low_s": predicted * 0.9,
                "high_s": predicted * 1.1,
                "baseline_s": 2.0,
                "episodes": 9,
                "measured_s": measured and 2 * measured,
                "ratio_low": measured and measured * 0.98,
                "ratio_high": measured and measured * 1.02,
            }
            for setting, predicted, measured in rows
        ],
    }


LINES = (
    line("good", ("workers=2", 0.5, 0.55), ("workers=4", 1.02, 0.99)),
    line("bad", ("method=spawn", 0.8, 1.3), ("chunk_size=2", 0.5, None)),
    line("none", withheld="threads | hidden", not_predicted=()),
    line("some", ("workers=2", 0.5, 0.7), not_predicted=("no evidence", "no evidence")),
)


def test_the_summary_counts_what_was_asked(proof):
    """Small changes have no direction; withheld ones count nowhere; failures have names."""
    text = "\n".join(proof.summary(LINES))

    assert "4 programs, 4 predictions measured" in text
    assert "beyond 10%: 2 of 3 (67%)." in text
    assert "Within 15% of the measured factor: 2 of 4 (50%)." in text
    assert "2 single predictions, and all of 1 programs: none." in text
    assert "not measured: bad chunk_size=2." in text
    assert "Wrong direction: bad method=spawn." in text
    assert "Further off than 15%: bad method=spawn, some workers=2." in text


def test_the_table_has_a_row_for_each(proof):
    """Also for a program of which nothing is predicted; reasons cannot break the table."""
    rows = list(proof.table(LINES))

    assert len(rows) == 2 + 4 + 1
    assert {9} == {row.count("|") - 1 for row in rows}
    assert ["* 2 times: no evidence"] == list(proof.reasons(LINES))[-1:]


def test_the_outermost_values_of_each_kind_are_taken(proof):
    """Whatever they predict; nothing withheld, nothing that cannot be set."""

    def one(setting, seconds=1.0, withheld=None):
        return Prediction(
            change=Change.WORKERS, setting=setting, words="", seconds=seconds, withheld=withheld
        )

    what_if = WhatIf(
        measured_s=1.0,
        simulated_s=1.0,
        predictions=(
            one("workers=1", 9.0), one("workers=3", 0.1), one("workers=4"),
            one("workers=5", None, "unknown"), one(None, 0.1),
        ),
    )  # fmt: skip
    assert ["workers=1", "workers=4"] == [each.setting for each in proof.chosen(what_if)]


def test_the_table_replaces_the_one_before(proof, tmp_path):
    """What stands around the marks stays."""
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n<!-- predictions -->\nold\n<!-- end of predictions -->\nend\n")
    proof.splice(page, "new\n")
    proof.splice(tmp_path / "other.md", "new\n")

    assert page.read_text() == (
        "# Title\n\n<!-- predictions -->\nnew\n<!-- end of predictions -->\nend\n"
    )
    assert "new" in (tmp_path / "other.md").read_text()


def test_results_go_on_where_they_were_cut_off(proof, tmp_path, monkeypatch):
    """Complete lines are kept, and their programs are not measured again."""
    results = tmp_path / "r.jsonl"
    results.write_text(json.dumps(line("cpu_one")) + '\n{"program": "cpu')
    measured = []
    monkeypatch.setattr(
        proof, "measure", lambda program, *_: measured.append(program.name) or line(program.name)
    )
    monkeypatch.setattr(proof.os, "chdir", lambda _: None)
    proof.measure_all(results, ["cpu_one", "cpu_two", "starts"], seed=1, minutes=1.0)

    assert ["cpu_two", "starts fork 60", "starts spawn 6", "starts forkserver 12"] == measured
    assert 5 == len(proof.read(results))


def test_the_corpus_has_the_kinds_that_were_promised(proof):
    """At least 16 programs, each documented and with a guard for spawned children."""
    files = sorted((TESTS / "corpus").glob("*.py"))

    assert len(files) >= 16
    assert len(proof.programs()) >= 24
    for path in files:
        text = path.read_text()
        assert ast.get_docstring(ast.parse(text)), path
        assert 'if __name__ == "__main__":' in text, path
