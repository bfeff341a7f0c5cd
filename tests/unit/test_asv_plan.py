"""What asv says before it measures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("asv")

from mpbench.integrations import asv_plan

CORE: dict[str, asv_plan.Params] = {
    "lock/contended": {"method": ["fork", "spawn"], "workers": [2, 4]},
    "floor/empty-call": {},
}


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return what asv would print for a command line."""

    def run(*arguments: str) -> list[str]:
        lines: list[str] = []
        monkeypatch.setattr(asv_plan.log, "info", lines.append)
        asv_plan.announce(CORE, arguments, full=False)
        return lines

    return run


def test_it_says_how_many_and_how_long(printed: Callable[..., list[str]]) -> None:
    """The cases of the selection, the agents, and a whole number of minutes."""
    (line,) = printed("run", "HEAD^!")

    assert "5 cases of 2 workloads (core selection; all with MPBENCH_ASV=full)" in line
    assert "2 x 4 fresh agents each: about 1 min" in line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--bench", "LockContended"), "4 cases of 1 workload "),
        (("-b", r"mp_seconds\('fork'"), "2 cases of 1 workload "),
        (("--quick",), "1 x 1 fresh agent each"),
        (("-a", "rounds=5", "-a", "repeat=2"), "5 x 2 fresh agents"),
    ],
)
def test_options_of_asv_count(
    printed: Callable[..., list[str]], options: tuple[str, ...], words: str
) -> None:
    """What is selected and how often it is measured are those of asv's own options."""
    (line,) = printed("run", *options)

    assert words in line


def test_other_commands_are_left_alone(printed: Callable[..., list[str]]) -> None:
    """`asv publish` measures nothing."""
    assert [] == printed("publish")
