"""Measuring through the Python API, in a running event loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import mpbench


@pytest.mark.usefixtures("nothing_left")
def test_a_run_a_profile_and_a_comparison_in_a_running_loop(tmp_path: Path) -> None:
    """Each blocks, and gives frames."""
    script = tmp_path / "job.py"
    script.write_text("import multiprocessing\nprint(len(multiprocessing.active_children()))\n")

    async def main() -> tuple[mpbench.Results, mpbench.Profile, mpbench.Comparison]:
        results = mpbench.run(
            "pipe/round-trip",
            methods="fork",
            params={"payload_bytes": [64]},
            repetitions=2,
            budget="20s",
            folder=tmp_path / "run",
        )
        profile = mpbench.profile(script)
        compared = mpbench.compare(
            mpbench.code("sum(x)", setup="x = range(100)"),
            mpbench.code("sum(x)", setup="x = range(10_000)"),
            budget="40s",
            control=False,
            folder=tmp_path / "compared",
        )
        return results, profile, compared

    results, profile, compared = asyncio.run(main())

    assert {"pipe/round-trip"} < set(results.samples()["workload"])
    assert tmp_path / "run" == results.folder
    assert not results.is_interrupted
    assert (0, 1) == (profile.exit_code, len(profile.processes()))
    assert {"pid", "kind", "begin_s", "duration_s"} < set(profile.events().columns)
    assert ["share", "text", "advice"] == list(profile.losses().columns)
    (row,) = compared.frame().to_dict("records")
    assert row["candidate_value"] > row["baseline_value"] > 0
    assert compared.verdict == row["verdict"]
    again = mpbench.compare(tmp_path / "compared")
    assert again.verdict == compared.verdict
    assert "<table>" in compared._repr_html_()
