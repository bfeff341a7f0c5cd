"""A workload that claims a call which it never makes fails its verification."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, list[str]]:
    """Verify an honest and a false workload; return exit code, stderr and the claims noted."""
    folder = tmp_path_factory.mktemp("claims")
    arguments = ["run", "--verify", "--start-method", "fork", "-o", str(folder)]
    files = ["--workload-file", str(HERE / "claiming.py")]
    command = [sys.executable, "-m", "mpbench", *arguments, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (folder / "results.jsonl").read_text().splitlines()
    events = [record for record in map(json.loads, lines) if record.get("kind") == "claim"]
    return done.returncode, done.stderr, [event["text"] for event in events]


def test_a_false_claim_fails_the_run(verified: tuple[int, str, list[str]]) -> None:
    """The exit code says so, although every body did what it was asked."""
    code, stderr, _ = verified

    assert 1 == code
    assert "test/claiming claims to cover Barrier.wait, Pool.map but never calls it" in stderr


def test_only_the_false_claims_are_named(verified: tuple[int, str, list[str]]) -> None:
    """A call that only a forked child makes is seen, so an honest workload is not accused."""
    _, _, claims = verified

    assert ["test/claiming claims to cover Barrier.wait, Pool.map but never calls it"] == claims
