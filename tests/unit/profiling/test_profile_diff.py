"""The difference of two profiles: figures, causes, and what is no profile."""

import json

import pytest
from click.testing import CliRunner
from profiled import lane, moment, pool_of_two, profile, ran, traced

from mpbench.cli.profile import command
from mpbench.errors import RecordError
from mpbench.profiling.diff_page import diff_page
from mpbench.profiling.hook import kinds
from mpbench.profiling.profile_diff import difference_of, read_profile
from mpbench.profiling.summary import summary_of

HOSTILE = "</title><script>alert(1)</script>"


@pytest.fixture
def two(tmp_path):
    """Two folders as `mpbench profile` writes them: a pool, and a program without workers."""
    alone = profile(ran(), traced(1, lane(moment(0, 3, kinds.START, argument=2))))
    alone = alone._replace(command=("python", HOSTILE))
    for name, made in (("a", pool_of_two()), ("b", alone)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "profile.json").write_text(json.dumps(summary_of(made, cpus=2)))
    return tmp_path / "a", tmp_path / "b"


def test_figures_have_both_sides_and_a_ratio(two):
    """What one program has not is null, not zero."""
    record = read_profile(two[0])
    found = difference_of(record, {**record, "wall_ns": 2 * record["wall_ns"], "tasks": None})
    figures = {one["name"]: one for one in found["figures"]}

    assert 2.0 == figures["wall-clock time"]["ratio"]
    assert (40, None, None) == tuple(figures["tasks"][key] for key in ("before", "after", "ratio"))
    assert "the second run was 2 times slower" == found["sentence"]


def test_causes_that_went_have_no_share_after(two):
    """Those of both stand once."""
    before = read_profile(two[0])
    kept, gone = before["losses"][0], before["losses"][1:]
    found = difference_of(before, {**before, "losses": [kept]})
    after = [one["after"] for one in found["losses"]]

    assert len(before["losses"]) == len(found["losses"])
    assert len(gone) == after.count(None) > 0
    assert kept["share"] in after


def test_the_command_writes_a_page_and_json(two, tmp_path):
    """The page takes a program's words as text."""
    result = CliRunner().invoke(command, ["--diff", *map(str, two), "-o", str(tmp_path / "d")])
    written = json.loads((tmp_path / "d" / "profile-diff.json").read_text())

    assert 0 == result.exit_code
    assert "wall-clock time" in result.output
    assert HOSTILE in written["after"]
    assert "<script>" not in diff_page(written)
    assert (tmp_path / "d" / "profile-diff.html").read_text() == diff_page(written)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"losses": []}', '{"losses": [], "schema": 9}'])
def test_what_is_no_profile_is_refused(tmp_path, text):
    """With the file, and what was expected."""
    if text is not None:
        (tmp_path / "profile.json").write_text(text)
    with pytest.raises(RecordError, match=r"profile\.json: expected"):
        read_profile(tmp_path)


def test_a_program_beside_diff_is_refused(two):
    """Nothing is run."""
    result = CliRunner().invoke(command, ["--diff", *map(str, two), "script.py"])

    assert 2 == result.exit_code
    assert "runs no program" in result.output
