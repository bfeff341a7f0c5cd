"""The workflows of docs/CI.md, run against a repository whose second commit is slower."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

yaml: Any = pytest.importorskip("yaml", reason="reads the workflows; PyYAML is not installed")
PAGE = (Path(__file__).parents[3] / "docs" / "CI.md").read_text()
WORKFLOWS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
FAST = "def total():\n    return sum(range(2_000))\n"
SLOW = "def total():\n    return sum([one for one in range(100_000)])\n"


def git(folder: Path, *words: str) -> str:
    """Run git as somebody, and return what it wrote."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, text: str) -> str:
    """Commit a module, and return the commit."""
    (folder / "mymodule.py").write_text(text)
    git(folder, "add", "mymodule.py")
    git(folder, "commit", "-qm", "change")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Return a repository, a fast commit and a slow one after it."""
    folder = tmp_path_factory.mktemp("project")
    git(folder, "init", "-q", "-b", "main")
    return folder, commit(folder, FAST), commit(folder, SLOW)


@pytest.fixture
def environment(tmp_path: Path, repository: tuple[Path, str, str]) -> dict[str, str]:
    """Return variables with mpbench and a `gh` that writes down how it was called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "mpbench").write_text(f'#!/bin/sh\nexec {sys.executable} -m mpbench "$@"\n')
    (programs / "gh").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/gh.log\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(repository[0].parent / "cache"),
    }


def execute(script: str, folder: Path, environment: dict[str, str]) -> int:
    """Run a script as GitHub does, and return its exit code."""
    command = ["bash", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, timeout=300, check=False).returncode


def test_the_workflows_can_be_read() -> None:
    """Both are YAML with the steps that the page speaks of."""
    github, gitlab = WORKFLOWS
    names = [step.get("name") for step in github["jobs"]["compare"]["steps"] if "run" in step]

    assert names == ["Install", "Compare", "Draw", "Comment"]
    assert len(gitlab["performance"]["script"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "expected"), [((1, 2), 1), ((2, 1), 0)], ids=["slower", "faster"]
)
def test_the_workflow_of_github_fails_on_a_slower_head(
    order: tuple[int, int],
    expected: int,
    repository: tuple[Path, str, str],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    """The comment has the verdict, the page is drawn, and only a slower head fails."""
    folder = repository[0]
    ends = {"BASE": str(repository[order[0]]), "HEAD": str(repository[order[1]])}
    given = {**environment, **ends, "NUMBER": "7", "RUN": f"{expected}-1"}
    steps = {step.get("name"): step for step in WORKFLOWS[0]["jobs"]["compare"]["steps"]}

    assert execute(steps["Compare"]["run"], folder, given) == expected
    verdict = "slower" if expected else "faster"
    assert f"- 1 {verdict}; " in (folder / "comment.md").read_text()
    assert execute(steps["Draw"]["run"], folder, given) == 0
    assert (folder / "page" / "report.html").is_file()
    assert execute(steps["Comment"]["run"], folder, given) == 0
    assert (tmp_path / "gh.log").read_text() == "pr comment 7 --edit-last --body-file comment.md\n"


@pytest.mark.slow
def test_the_job_of_gitlab_fails_on_a_slower_head(
    repository: tuple[Path, str, str], environment: dict[str, str]
) -> None:
    """Its script ends with 1, and what comes after draws the page."""
    folder, base, head = repository
    ends = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_COMMIT_SHA": head, "CI_JOB_ID": "11"}
    job = WORKFLOWS[1]["performance"]

    assert execute("\n".join(job["script"]), folder, {**environment, **ends}) == 1
    assert execute("\n".join(job["after_script"]), folder, environment) == 0


@pytest.mark.slow
def test_the_hook_stops_a_merge_that_makes_it_slower(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The merge commit is not made, and is made without the hook."""
    folder = tmp_path / "hooked"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, FAST)
    git(folder, "checkout", "-qb", "topic")
    commit(folder, SLOW)
    git(folder, "checkout", "-q", "main")
    before = git(folder, "rev-parse", "HEAD")
    hook = folder / ".git" / "hooks" / "pre-merge-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)[0])
    hook.chmod(0o755)
    merge = "git -c user.name=a -c user.email=a@example.org merge -q --no-ff --no-edit topic"

    assert execute(f"{merge} > merge.log 2>&1", folder, environment) != 0
    assert "1 slower" in (folder / "merge.log").read_text()
    assert git(folder, "rev-parse", "HEAD") == before
    git(folder, "reset", "-q", "--hard")
    assert execute(f"{merge} --no-verify", folder, environment) == 0
