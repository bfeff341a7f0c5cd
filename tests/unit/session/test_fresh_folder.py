"""The folder that a session gets when the user names none, and what nothing to measure says."""

from __future__ import annotations

from pathlib import Path

import fakes
import pytest

from mpbench.model import Status
from mpbench.session import run as module
from mpbench.session.run import fresh_folder
from mpbench.session.selection import SelectedCases


def test_a_second_one_of_the_same_second_gets_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of them is in the other's way, and empty ones are removed."""
    base = tmp_path / "reports"
    monkeypatch.setattr(module, "default_folder", lambda *_, **__: base / "now")
    with fresh_folder(base) as first, fresh_folder(base) as second:
        (first / "results.jsonl").write_text("")

        assert ["now", "now-2"] == [first.name, second.name]

    assert [first] == list(base.iterdir())


def test_of_many_needs_the_largest_is_said() -> None:
    """Reasons that differ by their numbers only are one reason."""
    reasons = [f"needs {count} open files, the limit is 10" for count in (48, 16, 128, 32)]
    reasons += ["needs 512 MiB of memory", "needs 2 GiB of memory"]
    records = tuple(fakes.case_record(status=Status.SKIPPED, reason=reason) for reason in reasons)

    assert (
        "there is nothing to measure: needs 128 open files, the limit is 10; needs 2 GiB of memory"
    ) == module._nothing(SelectedCases({}, records))
