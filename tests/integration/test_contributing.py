"""The examples of CONTRIBUTING.md work as they are printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpbench.model import StartMethod
from mpbench.plan import Plan
from mpbench.session.progress import NullProgress
from mpbench.session.run import run

ROOT = Path(__file__).parent.parent.parent


EXAMPLES = {
    "worked example": {"example/is-alive", "floor/empty-call"},
    "example with a requirement": {"example/array-round-trip", "floor/os-pipe-round-trip"},
}


def example(marker: str) -> str:
    """Return the code block after a marker."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    block = re.search(rf"<!-- {marker} -->\n```python\n(.*?)```", text, re.DOTALL)
    assert block
    return block.group(1)


@pytest.mark.parametrize("marker", EXAMPLES)
@pytest.mark.usefixtures("nothing_left")
def test_the_examples_are_measured(tmp_path: Path, marker: str) -> None:
    """A user's own file is measured under every start method, beside its floor."""
    path = tmp_path / f"own_{marker.replace(' ', '_')}.py"
    path.write_text(example(marker))
    plan = Plan(files=(path,), repetitions=1, sample_ns=1_000_000)
    measured = run(plan, folder=tmp_path / "out", progress=NullProgress())
    ok = {repetition.case for repetition in measured.run.repetitions if repetition.is_ok}

    assert EXAMPLES[marker] == {case.workload for case in ok}
    assert {None, *StartMethod} == {case.method for case in ok}
