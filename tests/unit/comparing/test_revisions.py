"""Commits of a repository: names in tables, and what a shallow clone lacks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mpbench.cli.arms import arms_of
from mpbench.errors import UsageError
from mpbench.session.comparing.arms import with_names
from mpbench.session.comparing.revisions import commit_of


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository of two commits."""
    place = tmp_path / "repository"

    def git(*words: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        command = ["git", *identity, "-C", str(place), *words]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    place.mkdir()
    git("init", "-b", "main")
    for name in ("one", "two"):
        (place / name).write_text(name)
        git("add", name)
        git("commit", "-m", name)
    return place


def test_a_branch_gets_its_commit_and_a_hash_stays(repository: Path) -> None:
    """Tables name what was measured, which a branch no longer tells tomorrow."""
    commit = commit_of(repository, "main")
    arms = with_names(arms_of(("rev=main~1", f"rev={commit[:12]}"), None), repository)

    assert [f"main~1@{commit_of(repository, 'main~1')[:10]}", commit[:12]] == [
        arm.name for arm in arms
    ]


def test_a_shallow_clone_is_told_how_to_fetch(repository: Path, tmp_path: Path) -> None:
    """The commit may exist elsewhere; the advice is about depth."""
    clone = tmp_path / "clone"
    command = ["git", "clone", "--depth", "1", f"file://{repository}", str(clone)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    with pytest.raises(UsageError, match="git fetch --unshallow"):
        commit_of(clone, "main~1")
    with pytest.raises(UsageError, match="another repository with --repo"):
        commit_of(repository, "nowhere")
