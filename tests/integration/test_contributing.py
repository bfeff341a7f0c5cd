"""The worked example of CONTRIBUTING.md works as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpbench.model import StartMethod
from mpbench.plan import Plan
from mpbench.session.progress import NullProgress
from mpbench.session.run import run

ROOT = Path(__file__).parent.parent.parent


def example() -> str:
    """Return the code block after the marker."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    found = re.search(r"<!-- worked example -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found
    return found.group(1)


@pytest.mark.usefixtures("nothing_left")
def test_the_worked_example_is_measured(tmp_path: Path) -> None:
    """A user's own file is measured under every start method, beside its floor."""
    path = tmp_path / "own_example.py"
    path.write_text(example())
    plan = Plan(files=(path,), repetitions=1, sample_ns=1_000_000)
    measured = run(plan, folder=tmp_path / "out", progress=NullProgress())
    ok = {one.case for one in measured.run.repetitions if one.is_ok}

    assert {"example/is-alive", "floor/empty-call"} == {case.workload for case in ok}
    assert {None, *StartMethod} == {case.method for case in ok}
