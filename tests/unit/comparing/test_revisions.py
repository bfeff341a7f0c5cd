"""Commits of a repository: names in tables, and what a shallow clone lacks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mpbench.cli.arms import arms_of
from mpbench.errors import UsageError
from mpbench.session.comparing.arms import with_names
from mpbench.session.comparing.revisions import _export, commit_of


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


def _repository(folder: Path) -> Callable[..., str]:
    folder.mkdir()

    def git(*words: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        return subprocess.run(
            ["git", "-C", str(folder), *identity, *words],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    git("init", "-q")
    return git


def test_a_filter_of_the_repository_never_runs(tmp_path: Path) -> None:
    """Its configuration may name any program; the files come as they were committed."""
    place, marker = tmp_path / "repository", tmp_path / "ran"
    git = _repository(place)
    (place / ".gitattributes").write_text("*.txt filter=evil\n")
    (place / "a.txt").write_text("as it is\n")
    git("add", ".")
    git("commit", "-qm", "one")
    git("config", "filter.evil.smudge", f"touch {marker}; cat")
    git("config", "filter.evil.required", "true")
    target = tmp_path / "target"
    target.mkdir()
    _export(place, git("rev-parse", "HEAD"), target)

    assert (target / "a.txt").read_text() == "as it is\n"
    assert not marker.exists()


def test_a_link_out_of_the_tree_is_refused(tmp_path: Path) -> None:
    """One line, and nothing is written elsewhere."""
    place = tmp_path / "repository"
    git = _repository(place)
    (place / "out").symlink_to("../../../etc")
    git("add", ".")
    git("commit", "-qm", "one")
    target = tmp_path / "target"
    target.mkdir()

    with pytest.raises(UsageError, match="outside of its tree"):
        _export(place, git("rev-parse", "HEAD"), target)


def test_another_owner_gets_the_remedy_of_git(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that there is no such commit."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    with pytest.raises(UsageError, match=r"safe\.directory"):
        commit_of(repository, "HEAD")
